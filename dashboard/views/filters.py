"""The span and the filters: widgets on one side, a `View` on the other."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import panel_material_ui as pmui
import param
from panel.viewable import Viewable

from dashboard.spans import FIRST_DAY, LAST_DAY, PRESETS, days_of
from dashboard.state import DIMENSIONS, ITEM_DIMENSIONS, Choices, View
from dashboard.views.part import Part
from dashboard.views.shell import SEGMENTS_SX

Change = Callable[[Callable[[View], View]], None]
"""Takes what makes the next view out of the present one."""

LABELS = {
    "payment": "Payment type",
    "status": "Status",
    "courier": "Courier",
    "location": "Customer location",
    "category": "Category",
    "warehouse": "Warehouse",
}
OPTIONS_SHOWN = 200
"""A catalog may have thousands of cities: the list shows these and finds the others by typing."""


DAYS = "days"
"""Value of the buttons while days are chosen. A group of buttons must have a value that is one of its options: where it
has none, Panel puts the first option in while it draws, as if the viewer had pressed it."""


NARROW = "@media (max-width: 900px) { :host { flex: 1 0 100% !important; } }"
"""On a small screen the span has a row of its own."""
NARROW_DAY = "@media (max-width: 600px) { :host { width: calc(50% - 6px) !important; min-width: 140px; } }"


class SpanPicker(Part):
    """Presets side by side, and the first and the last day of what is shown."""

    def __init__(self, view: View, change: Change, zone: ZoneInfo, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._change = change
        self._zone = zone
        self._quiet = False
        self._presets = pmui.RadioButtonGroup(
            options={preset.label: preset.key for preset in PRESETS} | {"Days": DAYS}, value=view.preset or DAYS,
            size="small", color="primary", label="", margin=0, width=None, sx=SEGMENTS_SX,
        )  # fmt: skip
        first, last = self._days(view) or (None, None)
        self._first, self._last = _day_field("From", first), _day_field("To", last)
        self._presets.param.watch(self._picked_preset, "value")
        self._first.param.watch(self._picked_first, "value")
        self._last.param.watch(self._picked_last, "value")
        self._layout = pmui.FlexBox(
            self._presets, self._first, self._last, gap="12px", align_items="center", margin=0, stylesheets=[NARROW]
        )

    def show(self, view: View) -> None:
        """Set the widgets to a view that came from elsewhere, or to the days that a preset has moved to."""
        first, last = self._days(view) or (None, None)
        self._quiet = True
        try:
            for widget, value in ((self._presets, view.preset or DAYS), (self._first, first), (self._last, last)):
                if widget.value != value:
                    widget.value = value
        finally:
            self._quiet = False

    def _days(self, view: View) -> tuple[date, date] | None:
        return days_of(view.span(datetime.now(UTC), self._zone), self._zone)

    def _picked_preset(self, event: param.parameterized.Event) -> None:
        if self._quiet:
            return
        if event.new == DAYS:  # the days that are shown, which no longer move with the clock
            today = datetime.now(self._zone).date()
            self._pick(self._first.value or today, self._last.value or today)
        else:
            self._change(lambda view: view.with_preset(event.new))

    def _picked_first(self, event: param.parameterized.Event) -> None:
        if not self._quiet and event.new:
            self._pick(event.new, max(event.new, self._last.value or event.new))

    def _picked_last(self, event: param.parameterized.Event) -> None:
        if not self._quiet and event.new:
            self._pick(min(event.new, self._first.value or event.new), event.new)

    def _pick(self, first: date, last: date) -> None:
        # A year that is still being typed is no day that anybody asks for.
        if first >= FIRST_DAY and last <= LAST_DAY:
            self._change(lambda view: view.with_dates(first, last))


def _day_field(label: str, value: date | None) -> pmui.DatePicker:
    """A day, typed or picked. Its calendar opens at the value or the present; its heading leads to the years."""
    return pmui.DatePicker(
        label=label, value=value, size="small", width=160, margin=0, start=FIRST_DAY, end=LAST_DAY,
        views=["year", "month", "day"], open_to="day", stylesheets=[NARROW_DAY],
    )  # fmt: skip


class FilterPanel(Part):
    """A choice of values per filter, and a button that clears them."""

    def __init__(self, change: Change, save: Callable[[], None], **parameters: Any) -> None:
        super().__init__(**parameters)
        self._change = change
        self._quiet = False
        self._widgets = {name: self._widget(name) for name in DIMENSIONS}
        self._clear = pmui.Button(
            label="Clear filters", variant="text", size="small", on_click=lambda _: change(View.without_filters),
            visible=False, margin=(0, 10),
        )  # fmt: skip
        self._save = pmui.Button(
            label="Figures as CSV", icon="download", variant="text", size="small", on_click=lambda _: save(),
            margin=(12, 10),
        )  # fmt: skip
        self._layout = self._laid_out()

    def _widget(self, dimension: str) -> pmui.MultiChoice:
        widget = pmui.MultiChoice(
            label=LABELS[dimension], options={}, searchable=True, option_limit=OPTIONS_SHOWN,
            search_option_limit=OPTIONS_SHOWN, sizing_mode="stretch_width", margin=(6, 10), disabled=True,
        )  # fmt: skip
        widget.param.watch(lambda event: self._picked(dimension, event.new), "value")
        return widget

    def _picked(self, dimension: str, values: Iterable[str | int]) -> None:
        if not self._quiet:
            self._change(lambda view: view.with_filter(dimension, values))

    def show(self, view: View, choices: Choices) -> None:
        """Set the widgets to a view, and their options to the values there are."""
        self._quiet = True
        try:
            for dimension, widget in self._widgets.items():
                allowed = choices.get(dimension, {})
                options = _options(allowed)
                value = [key for key in allowed if key in view.chosen(dimension)]
                if options != widget.options or value != widget.value:
                    widget.param.update(options=options, value=value, disabled=not options)
            self._clear.visible = view.is_filtered
        finally:
            self._quiet = False

    def _laid_out(self) -> Viewable:
        orders = [widget for name, widget in self._widgets.items() if name not in ITEM_DIMENSIONS]
        items = [widget for name, widget in self._widgets.items() if name in ITEM_DIMENSIONS]
        return pmui.Column(
            _heading("Orders"), *orders, _heading("Order items"), *items, self._clear, self._save,
            sizing_mode="stretch_width",
        )  # fmt: skip


def _heading(text: str) -> pmui.Typography:
    return pmui.Typography(text, variant="overline", margin=(10, 12, 0, 12))


def _options(allowed: Any) -> dict[str, Any]:
    """Label → value; two couriers of one name are told apart by their ids."""
    uses = Counter(allowed.values())
    return {f"{label} (#{value})" if uses[label] > 1 else label: value for value, label in allowed.items()}
