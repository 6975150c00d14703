"""The secondary indexes of the orders, with what each one is for, and who makes it.

An index costs whoever writes, and most of all the archiver: for each order that is deleted in a transaction MongoDB 6
reads the description of each index twice, of a partial one as well. So there is one that every shop needs, and those
that only some do are made by who needs them.
"""

from pymongo import IndexModel

from ecommerce.documents.statuses import UNFINISHED

ORDER_INDEXES: tuple[IndexModel, ...] = (
    # Archive plans, rebuilds and checks read orders by day. Ascending with arrival, so that inserts touch few pages.
    IndexModel([("order.order_time", 1)], name="order_time"),
)
"""Those of every database."""

OPEN_ORDERS_INDEX = IndexModel(
    [("delivery.status", 1), ("order.order_time", 1), ("_id", 1)],
    name="open_orders",
    partialFilterExpression={"delivery.status": {"$in": list(UNFINISHED)}},
)
"""The open orders, with when they were placed: the generator moves them on, and makes it. Finished orders are not in
it, so that it stays as small as what is under way. It has the table's own names and no aliases."""

EXTERNAL_ID_INDEX = IndexModel(
    [("order.external_id", 1)],
    name="external_id",
    partialFilterExpression={"order.external_id": {"$exists": True}},
)
"""Orders by the id that their source wrote; only those that have one are in it. An import makes it, while there are few
orders; where nothing was imported, the first search for such an id."""

CUSTOMER_INDEX = IndexModel([("order.user_id", 1), ("order.order_time", -1)], name="customer")
"""The orders of a customer. The first search for one makes it, so that nobody pays who does not search: ids come in no
order, and 300 000 inserts took the server 3.7 to 5.0 s of processor time without it, 6.4 to 8.2 s with it."""
