"""The span: widgets on one side, a `View` on the other."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import panel_material_ui as pmui
import param

from dashboard.spans import COMPARISONS, FIRST_DAY, LAST_DAY, PRESETS, days_of
from dashboard.state import View
from dashboard.views.field_values import FieldValues
from dashboard.views.part import Part
from dashboard.views.shell import SEGMENTS_SX

Change = Callable[[Callable[[View], View]], None]
"""Takes what makes the next view out of the present one."""

DAYS = "days"
"""Value of the buttons while days are chosen. A group of buttons must have a value that is one of its options: where it
has none, Panel puts the first option in while it draws, as if the viewer had pressed it."""


NARROW = "@media (max-width: 900px) { :host { flex: 1 0 100% !important; } }"
"""On a small screen the span has a row of its own."""
NARROW_DAY = "@media (max-width: 600px) { :host { width: calc(50% - 6px) !important; min-width: 140px; } }"


class SpanPicker(Part):
    """Presets side by side, and the first and the last day of what is shown."""

    def __init__(self, view: View, change: Change, zone: ZoneInfo, currency: str) -> None:
        """`currency` is the shop's."""
        super().__init__()
        self._change = change
        self.zone = zone
        self._values = FieldValues()
        self.shop_currency = currency
        self._presets = pmui.RadioButtonGroup(
            options={preset.label: preset.key for preset in PRESETS} | {"Days": DAYS}, value=view.preset or DAYS,
            size="small", color="primary", label="", margin=0, width=None, sx=SEGMENTS_SX,
        )  # fmt: skip
        first, last = self._days(view) or (None, None)
        self._first, self._last = _day_field("From", first), _day_field("To", last)
        self._against = pmui.Select(
            label="Compared with", options={label: key for key, label in COMPARISONS.items()}, value=view.against,
            size="small", width=176, margin=0, disabled=first is None, stylesheets=[NARROW_DAY],
        )  # fmt: skip
        self._currency = pmui.Select(
            label="Amounts in", options=[view.filters.currency or currency], value=view.filters.currency or currency,
            size="small", width=96, margin=0, visible=False, stylesheets=[NARROW_DAY],
        )  # fmt: skip
        self._currency.param.watch(self._picked_currency, "value")
        self._against.param.watch(self._picked_against, "value")
        self._presets.param.watch(self._picked_preset, "value")
        self._first.param.watch(self._picked_first, "value")
        self._last.param.watch(self._picked_last, "value")
        self._layout = pmui.FlexBox(
            self._presets,
            self._first,
            self._last,
            self._against,
            self._currency,
            gap="12px",
            align_items="center",
            margin=0,
            stylesheets=[NARROW],
        )

    def show(self, view: View, currencies: Iterable[str | int] = ()) -> None:
        """Set the widgets to a view that came from elsewhere, or to the days that a preset has moved to.

        The switch of `currencies` is there only where orders have several.
        """
        if view.page == "orders" and view.orders.text:  # a search looks at all days
            view = view.with_preset("all")
        currency = view.filters.currency or self.shop_currency
        codes = sorted({*map(str, currencies), currency})
        first, last = self._days(view) or (None, None)
        self._against.disabled = first is None
        self._against.visible = view.page != "orders"  # nothing is compared there
        pressed = (self._presets, view.preset or DAYS), (self._against, view.against), (self._currency, currency)
        with self._values.setting():
            if self._currency.options != codes:
                self._currency.options = codes
            if self._currency.visible != (len(codes) > 1):
                self._currency.visible = len(codes) > 1
            for field, value in pressed:
                if field.value != value:
                    field.value = value
        self._values.put(self._first, first)
        self._values.put(self._last, last)

    def _days(self, view: View) -> tuple[date, date] | None:
        return days_of(view.span(datetime.now(UTC), self.zone), self.zone)

    def _picked_preset(self, event: param.parameterized.Event) -> None:
        if not self._values.is_chosen(event):
            return
        if event.new == DAYS:  # the days that are shown, which no longer move with the clock
            today = datetime.now(self.zone).date()
            self._pick(self._first.value or today, self._last.value or today)
        else:
            self._change(lambda view: view.with_preset(event.new))

    def _picked_against(self, event: param.parameterized.Event) -> None:
        if self._values.is_chosen(event):
            self._change(lambda view: view.with_against(event.new))

    def _picked_currency(self, event: param.parameterized.Event) -> None:
        if event.new and self._values.is_chosen(event):
            code = None if event.new == self.shop_currency else event.new
            self._change(lambda view: view.with_currency(code))

    def _picked_first(self, event: param.parameterized.Event) -> None:
        if event.new and self._values.is_chosen(event):
            self._pick(event.new, max(event.new, self._last.value or event.new))

    def _picked_last(self, event: param.parameterized.Event) -> None:
        if event.new and self._values.is_chosen(event):
            self._pick(min(event.new, self._first.value or event.new), event.new)

    def _pick(self, first: date, last: date) -> None:
        # A year that is still being typed is no day that anybody asks for.
        if first >= FIRST_DAY and last <= LAST_DAY:
            self._change(lambda view: view.with_dates(first, last))


def _day_field(label: str, value: date | None) -> pmui.DatePicker:
    """A day, typed or picked. Its calendar opens at the value or the present; its heading leads to the years."""
    return pmui.DatePicker(
        label=label, value=value, size="small", width=146, margin=0, start=FIRST_DAY, end=LAST_DAY,
        views=["year", "month", "day"], open_to="day", stylesheets=[NARROW_DAY],
    )  # fmt: skip
