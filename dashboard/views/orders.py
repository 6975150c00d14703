"""The orders page: a search, pages of orders, and one order. Read when it is asked for, outside of the tick."""

from collections.abc import Callable, Mapping

import panel as pn
import panel_material_ui as pmui
import param

from dashboard.content import Content
from dashboard.state import View
from dashboard.views.board import Board, card, stack
from dashboard.views.field_values import FieldValues
from dashboard.views.part import Part
from dashboard.views.shell import NOT_PRINTED
from dashboard.views.span_picker import Change

LIST = [
    stack("full", card("list", "links")),
    stack("full", card("orders", "table")),
    stack("full", card("pager", "links")),
    stack("full", card("archived", "table")),
    stack("full", card("archived_pager", "links")),
]
ORDER = [
    stack("full", card("list", "links")),
    stack("third", card("facts", "table")),
    stack("wide", card("items", "table"), card("amounts", "table"), card("life", "table"), card("place", "table")),
]


class OrdersPage(Part):
    """Built when it is first opened; `show` feeds it."""

    def __init__(self, change: Change, on_link: Callable[[str], None]) -> None:
        """`change` goes to another view, `on_link` to that of a query."""
        super().__init__()
        self._change = change
        self._values = FieldValues()
        self._search = pmui.TextInput(
            label="Find an order", placeholder="Order id, external id or customer id", size="small",
            sizing_mode="stretch_width", max_width=320, margin=0, stylesheets=[NOT_PRINTED],
        )  # fmt: skip
        self._search.param.watch(self._searched, "value")
        self._list: Board = Board(stacks=LIST, on_link=on_link, csv=_no_csv)
        self._order: Board = Board(stacks=ORDER, on_link=on_link, csv=_no_csv, visible=False)
        self._layout = pn.Column(
            self._search, pn.Spacer(height=12), self._list, self._order, sizing_mode="stretch_width", margin=0
        )

    def wait(self, waiting: bool = True) -> None:
        """Show that others are on their way, or that none are."""
        self._list.wait(waiting)
        self._order.wait(waiting)

    def show(self, view: View, cards: Mapping[str, str]) -> None:
        """Draw a list or an order."""
        self._values.put(self._search, view.orders.text)
        is_list = view.orders.order is None
        (self._list if is_list else self._order).show(Content(cards))
        self._list.visible, self._order.visible = is_list, not is_list
        self.wait(False)

    def _searched(self, event: param.parameterized.Event) -> None:
        if self._values.is_chosen(event):
            self._change(lambda view: view.with_orders(view.orders.with_text(str(event.new or ""))))


def _no_csv(name: str) -> tuple[str, str]:
    raise ValueError(f"card {name!r} has no download: the link above the list has all orders")
