"""Generated orders look like those of a real shop, and their references hold."""

from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.olist import comparison, table
from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.order import OrderDocument, RefundItem
from ecommerce.generate.model import people
from ecommerce.generate.model.draws import uniform
from ecommerce.generate.model.orders import make_orders
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.presets import get_preset
from tests.generator_samples import MARCH, MONTH_LATER, PRESET_NAMES, encoded, march, small_catalog


def test_a_marketplace_month_has_every_figure_of_olist_and_the_page_shows_them() -> None:
    rows = comparison()
    print(table(rows))
    assert [row for row in rows if not row.holds] == []
    assert len(rows) >= 34
    assert table(rows) in (Path(__file__).parents[2] / "docs" / "generator.md").read_text()


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_the_bytes_are_the_canonical_bson_of_the_orders(preset: str) -> None:
    # Two weeks into the month there are orders of every status and of up to 70 items.
    for order in encoded(march(2_000, preset=preset), MARCH.replace(day=14)):
        document = decode_order(order.bson)
        assert order.order_id == document.order.order_id
        assert encode_order(document) == order.bson


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_amounts_add_up_and_references_hold(preset: str) -> None:
    spec = small_catalog(preset)
    prices = {product.product_id: product.price for product in people.products(spec, 1, spec.products)}
    homes = {product.product_id: product.warehouse_id for product in people.products(spec, 1, spec.products)}
    cities = {user.user_id: user.location for user in people.users(spec, 1, spec.users)}
    item_ids: set[int] = set()
    orders = documents(preset, 1_500)
    for order in orders:
        items = order.order_items
        gross = sum(item.price * item.quantity for item in items)
        goods = gross * (1 - order.order.discount)
        on_top = 0 if order.order.tax_included else order.order.tax_amount or 0
        assert order.order.total_amount == goods + on_top + (order.order.shipping_amount or 0)
        assert order.order.quantity == len(items) == len({item.product_id for item in items})
        assert all(item.price == prices[item.product_id] for item in items)
        assert all(item.warehouse_id == homes[item.product_id] for item in items)
        assert all(item.order_id == order.order.order_id for item in items)
        assert order.delivery.location == cities[order.order.user_id]
        assert 1 <= order.delivery.courier_id <= spec.couriers
        assert (order.delivery.actual_time is not None) == (order.delivery.status == "Delivered")
        assert order.updated_at >= order.order.order_time
        item_ids.update(item.order_item_id for item in items)
    assert len(item_ids) == sum(order.order.quantity for order in orders)


@cache
def documents(preset: str, orders: int = 6_000) -> list[OrderDocument]:
    return [decode_order(order.bson) for order in encoded(march(orders, preset=preset), MONTH_LATER)]


def test_refunds_tax_shipping_and_currency_are_those_of_their_kind_of_shop() -> None:
    shops = {preset: documents(preset) for preset in PRESET_NAMES}
    by_name = {
        name: {preset: {getattr(one.order, name) for one in orders} for preset, orders in shops.items()}
        for name in ("currency", "channel", "tax_included")
    }
    assert by_name["currency"] == {"marketplace": {None}, "grocery": {None}, "b2b": {None, "EUR", "GBP"}}
    assert by_name["tax_included"] == {"marketplace": {None}, "grocery": {True}, "b2b": {None}}
    assert by_name["channel"]["grocery"] == {"app", "web"}
    assert {one.order.tax_amount for one in shops["marketplace"]} == {None}
    for preset, part in (("marketplace", 0.012), ("grocery", 0.045), ("b2b", 0.022)):
        delivered = [one for one in shops[preset] if one.delivery.status == "Delivered"]
        assert abs(sum(bool(one.refunds) for one in delivered) / len(delivered) - part) < 0.005
    for order in shops["grocery"]:
        goods = order.order.total_amount - (order.order.shipping_amount or 0)
        assert (order.order.shipping_amount == 0) == (goods >= 60)
        assert abs((order.order.tax_amount or 0) - goods * 7 / 107) <= Decimal("0.005")
    for order in shops["b2b"]:
        goods = order.order.total_amount - (order.order.shipping_amount or 0) - (order.order.tax_amount or 0)
        assert abs((order.order.tax_amount or 0) - goods / 5) <= Decimal("0.005")


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_a_refund_is_of_the_whole_returned_order_or_of_one_unit_at_delivery(preset: str) -> None:
    refunded = 0
    for document in documents(preset):
        order, status = document.order, document.delivery.status
        if not document.refunds:
            assert status != "Returned"
            continue
        (refund,), first = document.refunds, document.order_items[0]
        assert refund.refund_time == document.updated_at
        assert refund.amount <= order.total_amount
        if status == "Returned":
            assert (refund.amount, refund.items) == (order.total_amount, ())
            assert (refund.tax_amount or 0) == (order.tax_amount or 0)
            assert (refund.shipping_amount or 0) == (order.shipping_amount or 0)
        else:
            on_top = 0 if order.tax_included else refund.tax_amount or 0
            assert (status, refund.items) == ("Delivered", (RefundItem(first.order_item_id, 1),))
            assert refund.amount == first.price * (1 - order.discount) + on_top
            assert refund.refund_time == document.delivery.actual_time
        refunded += 1
    assert refunded > 100


def test_presets_differ_as_shops_do() -> None:
    columns = {
        name: make_orders(small_catalog(name), march(20_000, preset=name), 0, 20_000, to_ms(MONTH_LATER))
        for name in PRESET_NAMES
    }
    items = {name: float(np.mean(of.items)) for name, of in columns.items()}
    assert items["marketplace"] < 1.2 < 9 < items["grocery"] < 11
    value = {name: float(np.median(of.total_amount)) for name, of in columns.items()}
    assert value["b2b"] > 10 * value["marketplace"]
    weekend = {name: float(np.mean((of.order_time // 86_400_000 + 3) % 7 >= 5)) for name, of in columns.items()}
    assert weekend["b2b"] < 0.03 < 0.2 < weekend["marketplace"] < weekend["grocery"]
    habit = columns["grocery"]
    own_day = (habit.user_id - 1) % 7 == (habit.order_time // 86_400_000 + 3) % 7
    assert float(np.mean(own_day)) > 0.9


def test_drawn_numbers_are_even_and_independent() -> None:
    ids = np.arange(200_000)
    first, second = uniform(ids, "one"), uniform(ids, "another")
    counts, _ = np.histogram(first, 100)
    assert counts.min() > 1_800
    assert counts.max() < 2_200
    assert abs(float(np.corrcoef(first, second)[0, 1])) < 0.01
    assert abs(float(np.corrcoef(first[1:], first[:-1])[0, 1])) < 0.01


@pytest.mark.parametrize("locale", ["en_US", "pt_BR", "ja_JP", "ar_AA", "el_GR"])
def test_the_catalog_speaks_its_locale(locale: str) -> None:
    spec = small_catalog()
    users = list(people.users(type(spec)(spec.seed, locale, spec.preset, users=200), 1, 200))
    assert len({user.name for user in users}) > 150
    assert all((user.email or "").isascii() and "@" in (user.email or "") for user in users)
    assert len({user.location for user in users}) > 5


def test_categories_cover_the_preset_and_costs_are_below_prices() -> None:
    products = list(people.products(small_catalog(), 1, 150))
    assert {product.category for product in products} == {name for name, _ in get_preset("marketplace").categories}
    assert all(product.cost < product.price for product in products if product.cost and product.price)
