"""What of the orders page is in its link beside span and filters: which orders, how they are sorted, which page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecommerce.order_search.ids import ids_of
from ecommerce.order_search.query import STATES
from ecommerce.order_search.sorting import SORTS, Position, Sort, position_of, time_position_of

TEXT_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class OrdersView:
    """The orders page of one viewer."""

    order: int | None = None
    """The one order that is shown; None: the list."""
    text: str = ""
    """What is searched for."""
    state: str | None = None
    product: int | None = None
    customer: int | None = None
    sort: Sort = Sort()  # noqa: RUF009 - frozen
    after: Position | None = None
    before: Position | None = None
    archive: Position | None = None
    """Behind it the archive is looked through; None: from its latest order on."""

    def first_page(self) -> "OrdersView":
        """The list from its beginning."""
        return replace(self, order=None, after=None, before=None, archive=None)

    def of_a_span(self) -> "OrdersView":
        """The list of a span that was chosen. A search looks at all days, so it is over: the span was lit, and not
        obeyed."""
        return replace(self.first_page(), text="")

    def with_text(self, text: str) -> "OrdersView":
        return replace(self.first_page(), text=text.strip()[:TEXT_LENGTH_MAX])

    def sorted_by(self, by: str) -> "OrdersView":
        """Sorted by a column; by the same one the other way round."""
        sort = self.sort.reversed() if self.sort.by == by else Sort(by, descending=by in ("time", "id", "total"))
        return replace(self.first_page(), sort=sort)

    def pairs(self) -> list[tuple[str, str]]:
        """What of it is in the query of a link."""
        sort = self.sort.by if not self.sort.descending else f"-{self.sort.by}"
        named = {
            "order": self.order, "search": self.text or None, "state": self.state, "product": self.product,
            "customer": self.customer, "sort": None if self.sort == Sort() else sort, "after": self.after,
            "before": self.before, "archive": self.archive,
        }  # fmt: skip
        return [(name, str(value)) for name, value in named.items() if value is not None]


def orders_view_of(values: Mapping[str, Sequence[str]]) -> OrdersView:
    """The orders page that a link's query asks for. What is no id, state, column or position is left out."""
    texts = {name: found[0] for name, found in values.items() if found}

    def number(name: str) -> int | None:
        return next(iter(ids_of(texts.get(name, ""))), None)

    sort = texts.get("sort", "")
    by = sort.removeprefix("-")
    known: dict[str, Any] = {"sort": Sort(by, sort.startswith("-"))} if by in SORTS else {}
    return OrdersView(
        order=number("order"),
        text=texts.get("search", "").strip()[:TEXT_LENGTH_MAX],
        state=texts["state"] if texts.get("state") in STATES else None,
        product=number("product"),
        customer=number("customer"),
        after=position_of(texts.get("after", "")),
        before=position_of(texts.get("before", "")),
        archive=time_position_of(texts.get("archive", "")),
        **known,
    )
