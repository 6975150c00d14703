"""The span and the filters: widgets on one side, a `View` on the other."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from io import BytesIO
from typing import Any

import panel_material_ui as pmui
import param
from panel.viewable import Viewable

from dashboard.spans import PRESETS
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


class SpanPicker(Part):
    """Presets side by side, and a range of days."""

    def __init__(self, view: View, change: Change, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._change = change
        self._quiet = False
        self._presets = pmui.RadioButtonGroup(
            options={preset.label: preset.key for preset in PRESETS}, value=view.preset, size="small",
            color="primary", label="", margin=0, width=None, sx=SEGMENTS_SX,
        )  # fmt: skip
        self._dates = pmui.DateRangePicker(
            label="Days", value=_days(view), size="small", width=240, margin=0, start=date(1970, 1, 1),
            end=date(2199, 12, 31),
        )  # fmt: skip
        self._presets.param.watch(self._picked_preset, "value")
        self._dates.param.watch(self._picked_dates, "value")
        self._layout = pmui.FlexBox(self._presets, self._dates, gap="12px", align_items="center", margin=0)

    def show(self, view: View) -> None:
        """Set the widgets to a view that came from elsewhere."""
        self._quiet = True
        try:
            self._presets.value = view.preset
            self._dates.value = _days(view)
        finally:
            self._quiet = False

    def _picked_preset(self, event: param.parameterized.Event) -> None:
        if not self._quiet and event.new:
            self._change(lambda view: view.with_preset(event.new))

    def _picked_dates(self, event: param.parameterized.Event) -> None:
        if not self._quiet and event.new and all(event.new):
            self._change(lambda view: view.with_dates(*event.new))


def _days(view: View) -> tuple[date, date] | None:
    return (view.first, view.last) if view.first and view.last else None


class FilterPanel(Part):
    """A choice of values per filter, and a button that clears them."""

    def __init__(self, change: Change, download: Callable[[], BytesIO], **parameters: Any) -> None:
        super().__init__(**parameters)
        self._change = change
        self._quiet = False
        self._widgets = {name: self._widget(name) for name in DIMENSIONS}
        self._clear = pmui.Button(
            label="Clear filters", variant="text", size="small", on_click=lambda _: change(View.without_filters),
            visible=False, margin=(0, 10),
        )  # fmt: skip
        self._download = pmui.FileDownload(
            callback=download, filename="figures.csv", label="Figures as CSV", variant="text", size="small",
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
            _heading("Orders"), *orders, _heading("Order items"), *items, self._clear, self._download,
            sizing_mode="stretch_width",
        )  # fmt: skip


def _heading(text: str) -> pmui.Typography:
    return pmui.Typography(text, variant="overline", margin=(10, 12, 0, 12))


def _options(allowed: Any) -> dict[str, Any]:
    """Label → value; two couriers of one name are told apart by their ids."""
    uses = Counter(allowed.values())
    return {f"{label} (#{value})" if uses[label] > 1 else label: value for value, label in allowed.items()}
