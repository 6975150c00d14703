"""Orders as columns: the orders of a stretch of a window, all at once, in the state they have at a moment."""

from dataclasses import dataclass

import numpy as np

from ecommerce.documents.kinds import DAY_MS
from ecommerce.generate.model.catalog import (
    CatalogSpec,
    buyers,
    popular_products,
    product_prices,
    product_warehouses,
    user_cities,
)
from ecommerce.generate.model.charges import Paid, refunds_of, shipping_of, tax_of
from ecommerce.generate.model.draws import Flags, Ints, at_quantile, pick, uniform
from ecommerce.generate.model.life import DELIVERED, lives
from ecommerce.generate.model.rhythm import sale_factors, weekday_of
from ecommerce.generate.model.windows import ITEM_FACTOR, Window
from ecommerce.generate.presets import get_preset
from ecommerce.generate.presets.shape import Counts, Preset

BLOCK_ORDERS = 8_192
"""Orders made at once: the columns of this many stay in the processor's cache; twice or half as many cost the same."""


@dataclass(frozen=True, slots=True)
class GeneratedOrders:
    """Orders column by column. Times are ms since 1970, money and fractions scaled by 10^4."""

    order_id: Ints
    user_id: Ints
    order_time: Ints
    total_amount: Ints
    discount: Ints
    items: Ints
    """Number of items of each order; their columns follow one another in the order of the orders."""
    payment: Ints
    """Index into `payments`."""
    status: Ints
    """Index into `life.STATUSES`."""
    expected_time: Ints
    actual_time: Ints
    """0 where the order is not delivered."""
    courier_id: Ints
    city: Ints
    updated_at: Ints
    item_id: Ints
    item_order: Ints
    """Row of each item's order."""
    product_id: Ints
    warehouse_id: Ints
    quantity: Ints
    price: Ints
    tax_amount: Ints
    shipping_amount: Ints
    currency: Ints
    """Index into `charges.currencies`."""
    channel: Ints
    """Index into `charges.channels`."""
    refund_amount: Ints
    """What the order got back when it ended, at `updated_at`; 0: nothing."""
    refund_tax: Ints
    refund_shipping: Ints
    refund_item: Ints
    """Id of the item of which one unit came back; 0: all of the order did."""

    def __len__(self) -> int:
        return len(self.order_id)


def make_orders(spec: CatalogSpec, window: Window, first: int, count: int, moment_ms: int) -> GeneratedOrders:
    """The orders `first` … `first + count - 1` of a window in their state at `moment_ms`.

    Each order depends on nothing but the catalog, the window, its position and the moment.
    """
    preset = get_preset(window.preset)
    order_time = window.times(first, count)
    order_id = window.ids(first, order_time)
    items = _choose(preset.items, order_id, "items")
    item_order = np.repeat(np.arange(count), items)
    line = np.arange(len(item_order)) - np.repeat(np.cumsum(items) - items, items)
    item_id = order_id[item_order] * ITEM_FACTOR + line
    product_id = _distinct(popular_products(spec, preset.name, uniform(item_id, "product")), item_order, items, spec)
    quantity = _choose(preset.quantities, item_id, "quantity")
    price = product_prices(spec, product_id)
    on_sale = sale_factors(preset.rhythm, order_time // DAY_MS) > 1.0
    tenths = np.where(
        on_sale, _choose(preset.sale_discounts, order_id, "discount"), _choose(preset.discounts, order_id, "discount")
    )
    first_of_order = np.cumsum(items) - items
    gross = np.add.reduceat(price * quantity, first_of_order) if count else price
    # Exact: prices are multiples of a tenth, so that nine tenths of them have two decimals.
    goods = gross // 10 * (10 - tenths)
    shipping, tax = shipping_of(preset, order_id, item_id, first_of_order, goods), tax_of(preset, goods)
    total = goods + shipping + (0 if preset.charges.tax_included else tax)
    user_id = _users(spec, window, preset, first, order_id, order_time)
    life = lives(order_id, order_time, preset, window.speed)
    status, updated_at = life.at(moment_ms)
    paid = Paid(total, tax, shipping, tenths, item_id[first_of_order], price[first_of_order])
    refunds = refunds_of(preset, order_id, status, paid)
    return GeneratedOrders(
        order_id=order_id,
        user_id=user_id,
        order_time=order_time,
        total_amount=total,
        discount=tenths * 1_000,
        items=items,
        payment=pick(uniform(order_id, "payment"), [share for _, share in preset.payments]),
        status=status,
        expected_time=_promised(preset, order_id, order_time, window.speed),
        actual_time=np.where(status == DELIVERED, life.ended_at, 0),
        courier_id=pick(uniform(order_id, "courier"), np.linspace(4.0, 1.0, spec.couriers).tolist()) + 1,
        city=user_cities(spec, user_id),
        updated_at=updated_at,
        item_id=item_id,
        item_order=item_order,
        product_id=product_id,
        warehouse_id=product_warehouses(spec, product_id),
        quantity=quantity,
        price=price,
        tax_amount=tax,
        shipping_amount=shipping,
        currency=pick(uniform(order_id, "currency"), [share for _, share in preset.charges.currencies]),
        channel=pick(uniform(order_id, "channel"), [share for _, share in preset.charges.channels]),
        refund_amount=refunds.amount,
        refund_tax=refunds.tax,
        refund_shipping=refunds.shipping,
        refund_item=refunds.item_id,
    )


def _choose(counts: Counts, ids: Ints, salt: str) -> Ints:
    numbers = np.array([number for number, _ in counts])
    return numbers[pick(uniform(ids, salt), [share for _, share in counts])]


def _promised(preset: Preset, order_id: Ints, order_time: Ints, speed: float) -> Ints:
    foreseen = preset.delivery.promise_foresees
    known = foreseen * uniform(order_id, "delivery days") + (1.0 - foreseen) * uniform(order_id, "promise")
    days = at_quantile(known, preset.delivery.promise_days)
    promised = order_time + (days * DAY_MS / speed).astype(np.int64)
    if speed == 1.0 and preset.delivery.daytime is not None:
        return -(-promised // DAY_MS) * DAY_MS
    return promised - promised % 1000


def _users(spec: CatalogSpec, window: Window, preset: Preset, first: int, order_id: Ints, order_time: Ints) -> Ints:
    """New buyers take the next step of the walk through all users; the others are who bought earlier."""
    # Each window of a series starts elsewhere in the walk.
    start = window.start_ms // 1000 * 7_919 if window.mode != "span" else 0
    positions = np.arange(first, first + len(order_id), dtype=np.int64)
    is_repeat: Flags = uniform(order_id, "repeat") < preset.repeat_share
    drawn = uniform(order_id, "repeated")
    users = buyers(spec, window.key, positions + start)
    if preset.weekly_habit:
        # A seventh of the users has each weekday as its habit.
        regular = (drawn * (spec.users // 7)).astype(np.int64) * 7 + weekday_of(order_time)
        return np.where(is_repeat & (spec.users >= 7), regular % spec.users + 1, users)
    earlier = buyers(spec, window.key, (drawn * positions).astype(np.int64) + start)
    return np.where(is_repeat, earlier, users)


def _distinct(product_id: Ints, item_order: Ints, items: Ints, spec: CatalogSpec) -> Ints:
    """No product twice in an order: a repeated one gives way to the next product."""
    several = items[item_order] > 1
    if not several.any():
        return product_id
    result = product_id.copy()
    orders, products = item_order[several], product_id[several]
    while True:
        by_product = np.lexsort((products, orders))
        repeated = (orders[by_product][1:] == orders[by_product][:-1]) & (
            products[by_product][1:] == products[by_product][:-1]
        )
        if not repeated.any():
            break
        rows = by_product[1:][repeated]
        products[rows] = products[rows] % spec.products + 1
    result[several] = products
    return result
