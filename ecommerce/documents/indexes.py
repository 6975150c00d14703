"""The secondary indexes of the order and catalog collections, with what each one is for."""

from pymongo import IndexModel

from ecommerce.documents.statuses import UNFINISHED

ORDER_INDEXES: tuple[IndexModel, ...] = (
    # Archive plans, rebuilds and checks read orders by day. Ascending with arrival, so that inserts touch few pages.
    IndexModel([("order.order_time", 1)], name="order_time"),
    # The generator moves open orders on; it finds them, and when they were placed, in this index alone. Finished orders
    # are not in it, so that it stays as small as what is under way. It writes the table's own names and no aliases.
    IndexModel(
        [("delivery.status", 1), ("order.order_time", 1), ("_id", 1)],
        name="open_orders",
        partialFilterExpression={"delivery.status": {"$in": list(UNFINISHED)}},
    ),
)
