"""What archived orders are looked for by: their customers and external ids, which go into filters as values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecommerce.mongo import MongoDatabase
from ecommerce.order_search.ids import ids_of, spellings_of
from ecommerce.order_search.query import OrderQuery, users_called

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.expressions import BooleanExpression

USER, EXTERNAL = "order.user_id", "order.external_id"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Orders that have one of these."""

    user_ids: frozenset[int] = frozenset()
    external_ids: frozenset[str] = frozenset()

    def expression(self) -> "BooleanExpression":
        """The same for PyIceberg."""
        from pyiceberg.expressions import AlwaysFalse, In, Or

        found: BooleanExpression = In(term=USER, literals=self.user_ids) if self.user_ids else AlwaysFalse()
        return Or(found, In(term=EXTERNAL, literals=self.external_ids)) if self.external_ids else found

    def conditions(self) -> "dict[str, pa.Array]":
        """The values that are looked for, by the column that has them."""
        import pyarrow as pa

        found = {}
        if self.user_ids:
            found[USER] = pa.array(sorted(self.user_ids), pa.int64())
        if self.external_ids:
            found[EXTERNAL] = pa.array(sorted(self.external_ids), pa.string())
        return found


def wanted_of(database: MongoDatabase, query: OrderQuery) -> Wanted | None:
    """What a query is looked for by in the archive; None where it names no text and no customer."""
    if not query.text:
        return None if query.user_id is None else Wanted(frozenset([query.user_id]))
    text = query.text.strip()
    users = {*ids_of(text), *(users_called(database, text) if query.customer_texts else ())}
    return Wanted(frozenset(users), frozenset(spellings_of(text)))
