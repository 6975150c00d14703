"""The order document: collection `orders`, archive rows, and what an import turns its rows into."""

from msgspec import Struct

from ecommerce.documents.kinds import Attributes, Count, Fraction, Id, Money, Text, Time

ITEMS_MAX = 5_000
"""Most items of one order."""


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """Who ordered, when, and for how much. `total_amount` is after discount."""

    order_id: Id
    user_id: Id
    order_time: Time
    total_amount: Money
    discount: Fraction
    quantity: Count
    """Number of order items, the length of `order_items`."""
    payment_type: Text
    external_id: Text | None = None
    """The id as the source wrote it, where that was not an integer. Absent, not null, in MongoDB."""


class OrderItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of an order; `warehouse_id` is where it ships from, `price` that of one unit before discount."""

    order_item_id: Id
    order_id: Id
    product_id: Id
    warehouse_id: Id
    quantity: Count
    price: Money
    event_time: Time


class Delivery(Struct, frozen=True, forbid_unknown_fields=True):
    """How the order gets to its customer. `actual_time` is null until delivered; `location` is the city it goes to.

    `status` is the source's own text; `documents.statuses` says what it means.
    """

    delivery_id: Id
    order_id: Id
    status: Text
    expected_time: Time
    actual_time: Time | None
    courier_id: Id
    location: Text


class OrderDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """A document of `orders`; its `_id` is `order.order_id`."""

    order: Order
    order_items: tuple[OrderItem, ...]
    delivery: Delivery
    updated_at: Time
    """When this version was written. Every writer moves it forward: the archiver deletes a version, not an id."""
    attributes: Attributes | None = None
    """What a shop knows beside (coupon, tags, notes): kept wherever the order goes; no figure depends on it."""
