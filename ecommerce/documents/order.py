"""The order document: collection `orders`, archive rows, and what an import turns its rows into."""

from msgspec import Struct

from ecommerce.documents.kinds import Attributes, Count, Currency, Flag, Fraction, Id, Money, Text, Time

ITEMS_MAX = 5_000
"""Most items of one order."""


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """Who ordered, when, and for how much.

    `total_amount` is what the customer was asked to pay: items after discount, tax and shipping where they are named.
    """

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
    currency: Currency | None = None
    """Of all amounts of the order; absent: the shop's."""
    tax_amount: Money | None = None
    """Tax in `total_amount`."""
    tax_included: Flag | None = None
    """Whether that tax is in the prices of the items, too; absent: it comes on top of them."""
    shipping_amount: Money | None = None
    """What the customer pays for shipping, in `total_amount`."""
    channel: Text | None = None
    """Where the order was placed: web, app, a marketplace, a shop."""


class OrderItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of an order; `warehouse_id` is where it ships from, `price` that of one unit before discount."""

    order_item_id: Id
    order_id: Id
    product_id: Id
    warehouse_id: Id
    quantity: Count
    price: Money
    event_time: Time
    unit_cost: Money | None = None
    """What one unit cost the shop."""
    gift_card: Flag | None = None
    """Whether it is a gift card: selling one is no sale yet."""


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


MAPPED_REFUND = 0
"""`refund_id` of the refund that a mapping makes of what an export says was paid back of an order in all."""


class RefundItem(Struct, frozen=True, forbid_unknown_fields=True):
    """Units of an order item that came back."""

    order_item_id: Id
    quantity: Count


class Refund(Struct, frozen=True, forbid_unknown_fields=True):
    """Money that went back to the customer. `amount` is all of it; its parts for tax and shipping are in it."""

    refund_id: Id
    """Unique within the order."""
    refund_time: Time
    amount: Money
    tax_amount: Money | None = None
    shipping_amount: Money | None = None
    reason: Text | None = None
    items: tuple[RefundItem, ...] = ()


class OrderDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """A document of `orders`; its `_id` is `order.order_id`."""

    order: Order
    order_items: tuple[OrderItem, ...]
    delivery: Delivery
    updated_at: Time
    """When this version was written. Every writer moves it forward: the archiver deletes a version, not an id."""
    refunds: tuple[Refund, ...] = ()
    """By `refund_id`; an order that names none keeps those that are stored."""
    attributes: Attributes | None = None
    """What a shop knows beside (coupon, tags, notes): kept wherever the order goes; no figure depends on it."""
