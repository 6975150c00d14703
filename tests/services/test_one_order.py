"""One order: its life, where it lies, and the command that shows it."""

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import bson
import pytest

from dashboard.order_cards import order_cards
from dashboard.orders import read_order
from dashboard.orders_view import OrdersView
from dashboard.state import View
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.documents.bson_codec import CODEC_OPTIONS, encode_order
from ecommerce.errors import InputError
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.order_search.named import names_in
from ecommerce.order_search.one_order import find_order, life_of
from ecommerce.order_search.paging import prepare_search
from ecommerce.order_search.query import OrderQuery, match
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from tests.archiving import an_order, insert, with_archive
from tests.order_queries import NOW
from tests.programs import ecommerce, printed

ORDER_5 = View(page="orders", orders=OrdersView(order=5))

NARROW = {"COLUMNS": "80"}
"""The shell of a terminal of eighty columns."""


def test_the_life_of_an_order(database: MongoDatabase, settings: Settings) -> None:
    (order,) = orders = [an_order(8)]  # delivered three days late
    insert(database, orders)
    refund = {"refund_time": order.updated_at + timedelta(days=1), "amount": Decimal("3.50"), "reason": "<b>broken</b>"}
    found = find_order(database, settings, "8")
    assert found and found.document
    life = [(event.what, event.detail) for event in life_of(found.document | {"refunds": [refund]}, NOW)]
    assert life == [
        ("Ordered", ""), ("Promised", ""), ("Delivered", "late"), ("Last written", "Delivered"),
        ("Refunded", "3.50, <b>broken</b>"),
    ]  # fmt: skip
    shipped = an_order(9, status="Shipped")
    insert(database, [shipped])
    found = find_order(database, settings, "9")
    assert found and found.document
    assert ("Promised", "overdue") in [(event.what, event.detail) for event in life_of(found.document, NOW)]


def test_an_archived_order_is_read_without_a_jvm_and_says_where_it_lies(
    spark: Any, database: MongoDatabase, settings: Settings, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    settings = with_archive(settings, archive)
    insert(database, [an_order(number) for number in range(40)])
    archive_orders(settings, Selection(30))
    found = find_order(database, settings, "17")
    assert found and found.place == "archived" and found.archive
    assert found.document == bson.decode(encode_order(an_order(17)), CODEC_OPTIONS)
    assert found.archive.state == "committed"
    assert list(Path(found.archive.directory.removeprefix("file://")).glob("*.parquet"))
    said = json.loads(ecommerce(settings, "order", "17", "--json").stdout)
    assert (said["place"], said["archive"]["directory"]) == ("archived", found.archive.directory)
    assert (said["order"]["order"]["total_amount"], said["life"][0]["what"]) == ("1.1700", "Ordered")
    done = ecommerce(settings, "order", "41")
    assert done.returncode == 2 and "no order '41'" in done.stderr


def test_the_command_shows_a_hot_order(database: MongoDatabase, settings: Settings) -> None:
    hostile = an_order(5, payment_type="[red]\x1b[31m<b>", external_id="SO/5")
    insert(database, [hostile])
    for text in ("5", "SO/5"):
        said = json.loads(ecommerce(settings, "order", text, "--json").stdout)
        assert said["place"] == "hot"
        assert Decimal(said["order"]["order"]["total_amount"]) == hostile.order.total_amount
        assert (
            said["order"]["delivery"]["expected_time"] == f"{hostile.delivery.expected_time:%Y-%m-%dT%H:%M:%S}.005000Z"
        )
        assert [event["what"] for event in said["life"]] == ["Ordered", "Promised", "Delivered", "Last written"]
    assert "[red]�[31m<b>" in ecommerce(settings, "order", "5").stdout


def test_no_id_is_cut_on_a_terminal_of_eighty_columns(database: MongoDatabase, settings: Settings) -> None:
    several = [an_order(4_052_640_064_340_050 + number, user_id=5_365, items=2) for number in range(2)]
    insert(database, several)
    shown = printed(settings, "order", str(several[0].order.order_id), shell=NARROW)
    assert all(str(item.order_item_id) in shown for item in several[0].order_items)
    listed = printed(settings, "order", "--customer", "5365", shell=NARROW)
    assert all(str(each.order.order_id) in listed for each in several)
    assert "…" not in shown + listed


def test_an_external_id_is_found_with_and_without_its_number_sign(
    spark: Any, database: MongoDatabase, archive: Settings
) -> None:
    old = an_order(1, external_id="#900")
    insert(database, [old, *(an_order(number) for number in range(2, 40))])
    archive_orders(archive, Selection(30))
    hot = {51: "#1001", 52: "1002", 53: "#1003", 54: "1003", 55: "#1004", 56: "#1004"}
    insert(database, [an_order(number, external_id=text) for number, text in hot.items()])
    for text, wanted in {"1001": 51, "#1001": 51, "#1002": 52, "#1003": 53, "1003": 54}.items():
        found = find_order(database, archive, text)
        assert found and found.order_id == wanted, text
    with pytest.raises(InputError, match=r"several orders have the external id '#1004'.*: 55, 56$"):
        find_order(database, archive, "1004")
    assert find_order(database, archive, "#") is None

    def listed(text: str) -> set[int]:
        return {each["_id"] for each in database[ORDERS].find(match(database, OrderQuery(text=text), NOW))}

    assert (listed("1001"), listed("#1002"), listed("1003")) == ({51}, {52}, {53, 54})
    done = ecommerce(archive, "order", "900", "--json")
    assert json.loads(done.stdout)["order_id"] == 1, done.stderr


def test_a_database_has_the_indexes_that_somebody_uses(database: MongoDatabase, settings: Settings) -> None:
    def secondary() -> set[str]:
        return set(database[ORDERS].index_information()) - {"_id_"}

    insert(database, [an_order(1)])
    assert find_order(database, settings, "1")
    assert secondary() == {"order_time"}
    assert find_order(database, settings, "US-1") is None
    assert secondary() == {"order_time", "external_id"}
    prepare_search(database)
    assert secondary() == {"order_time", "external_id", "customer"}
    empty = database.client[f"{database.name}_empty"]
    assert find_order(empty, settings, "US-1") is None
    assert empty.list_collection_names() == []


def test_an_order_is_printed_with_names_and_in_the_decimals_of_its_currency(
    database: MongoDatabase, settings: Settings
) -> None:
    user, order_id = 3_373_953_456_064_556_179, 515_808_628_163_139_114
    insert(database, [an_order(order_id, user_id=user, status="Shipped", currency="EUR", external_id="#1001")])
    (stored,) = database[ORDERS].find({"_id": order_id})
    product, warehouse = (stored["order_items"][0][name] for name in ("product_id", "warehouse_id"))
    courier = stored["delivery"]["courier_id"]
    database["users"].insert_one({"_id": user, "user_id": user, "name": "Ada \x1b[31mL", "email": "ada@example.com"})
    database["products"].insert_one({"_id": product, "product_id": product, "name": "Tea pot"})
    database["warehouses"].insert_one({"_id": warehouse, "warehouse_id": warehouse, "location": "Graz"})
    database["couriers"].insert_one({"_id": courier, "courier_id": courier, "name": "Post"})

    amount = f"{stored['order']['total_amount'].to_decimal():.2f}"
    one = printed(settings, "order", "1001", shell=NARROW)
    assert re.search(rf"total_amount +│ {re.escape(amount)} ", one), one
    shop = Shop("EUR", "Asia/Tokyo")
    write_shop(database, shop)
    time = f"{stored['order']['order_time'].astimezone(shop.zone):%Y-%m-%d %H:%M:%S}"
    in_tokyo = printed(settings, "order", "1001", shell=NARROW)
    assert re.search(rf"order +┃ times \(Asia/Tokyo\) (.*\n)+?│ order_time +│ {time} ", in_tokyo)
    assert re.search(rf"event_time \(Asia/Tokyo\) +{time}", in_tokyo), in_tokyo
    assert re.search(rf"time \(Asia/Tokyo\) .*\n.*\n│ {time} +│ Ordered", in_tokyo), in_tokyo
    as_json = json.loads(printed(settings, "order", "1001", "--json"))["order"]["order"]["order_time"]
    assert datetime.fromisoformat(as_json).utcoffset() == timedelta(0), "instants in UTC"
    assert "None" not in one and re.search("actual_time +│ – ", one)
    assert f"{user} Ada �[31mL" in one and f"{product} Tea pot" in one
    assert f"{warehouse} Graz" in one and f"{courier} Post" in one
    listed = printed(settings, "order", "--customer", "ada@example.com", shell=NARROW)
    assert str(order_id) in listed and str(user) in listed, "no id is broken over lines"
    assert f"{amount} EUR" in listed
    assert f"{amount} EUR" in printed(settings, "order", "--customer", "ada@example.com")


@pytest.mark.parametrize("text", [None, ""], ids=["without the field", "with an empty text"])
def test_what_the_catalog_has_no_name_for_is_called_by_its_id(
    text: str | None, database: MongoDatabase, settings: Settings
) -> None:
    """A page of the dashboard had nothing there, where somebody wrote a record past the validator."""
    insert(database, [an_order(5, items=1)])
    (stored,) = database[ORDERS].find({"_id": 5})
    item, courier = stored["order_items"][0], stored["delivery"]["courier_id"]
    for table, number in (
        ("couriers", courier),
        ("warehouses", item["warehouse_id"]),
        ("products", item["product_id"]),
    ):
        database.command({"collMod": table, "validationLevel": "off"})
        record: dict[str, Any] = {"_id": number} if text is None else {"_id": number, "name": text, "location": text}
        database[table].insert_one(record)
    cards = order_cards(read_order(database, settings, 5, customers=False), ORDER_5, "USD", ZoneInfo("UTC"))
    (shown,) = json.loads(cards["items"])["rows"]
    assert (shown["cells"][0]["text"], shown["cells"][1]) == (f"#{item['product_id']}", f"#{item['warehouse_id']}")
    assert ["Courier", f"#{courier}"] in [row["cells"] for row in json.loads(cards["facts"])["rows"]]
    assert not any(names_in(database, stored).values()), "the terminal has ids alone"
