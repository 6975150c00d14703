"""The secondary indexes of the order and catalog collections, with what each one is for."""

from pymongo import IndexModel

ORDER_INDEXES: tuple[IndexModel, ...] = (
    # Archive plans, rebuilds and checks read orders by day. Ascending with arrival, so that inserts touch few pages.
    IndexModel([("order.order_time", 1)], name="order_time"),
)
