"""The buttons and fields of the span show which days are looked at."""

from zoneinfo import ZoneInfo

from dashboard.orders_view import OrdersView
from dashboard.state import View
from dashboard.views.span_picker import SpanPicker


def test_while_an_order_is_searched_for_all_days_are_chosen() -> None:
    asked: list[View] = []
    picker = SpanPicker(View(), lambda change: asked.append(change(View())), ZoneInfo("UTC"), "USD")
    presets, first, last = picker._presets, picker._first, picker._last  # noqa: SLF001
    plain = View().with_orders(OrdersView())
    picker.show(plain)
    assert (presets.value, first.value is None) == ("30d", False)
    picker.show(plain.with_orders(OrdersView(text="9756")))
    assert (presets.value, first.value, last.value) == ("all", None, None)
    picker.show(plain)
    assert (presets.value, first.value is None) == ("30d", False)
    assert asked == [], "nobody chose anything"
    presets.value = "7d"
    assert [view.preset for view in asked] == ["7d"]
