"""The orders behind a figure: pages equal a recount, one order is found wherever it lies, texts are only texts."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.documents.bson_codec import CODEC_OPTIONS, encode_catalog, encode_order
from ecommerce.documents.catalog import CATALOG, Product, User
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import is_counted, is_finished, status_of
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import MongoDatabase
from ecommerce.order_search import paging
from ecommerce.order_search.one_order import find_order, life_of
from ecommerce.order_search.paging import Page, TooManyToSort, count_of, every_order, page_of, prepare_search
from ecommerce.order_search.query import OrderQuery
from ecommerce.order_search.sorting import SORTS, Position, Sort, position_of
from ecommerce.services.environment import settings_environment
from ecommerce.settings import Settings
from ecommerce.summaries.cells.sales import is_credit
from tests.archiving import an_order, insert, spark, with_archive
from tests.summaries_data import START, accept, random_orders

__all__ = ["spark"]

NOW = START + timedelta(days=20)
PROGRAM = str(Path(sys.executable).parent / "ecommerce")

Wanted = Callable[[OrderDocument], bool]

HOSTILE = ('{"$gt": ""}', "$where", "'; return true; //", "<script>alert(1)</script>", "9" * 40, "-1", "１２", "\x00")


def is_overdue(order: OrderDocument) -> bool:
    return not is_finished(order.delivery.status) and order.delivery.expected_time < NOW


def is_late(order: OrderDocument) -> bool:
    status, actual = status_of(order.delivery.status), order.delivery.actual_time
    delivered_late = (
        status is not None and status.name == "Delivered" and actual and actual > order.delivery.expected_time
    )
    return (bool(delivered_late) and order.delivery.expected_time < NOW) or is_overdue(order)


SPAN = Span(START + timedelta(days=3), START + timedelta(days=9))
QUERIES: dict[str, tuple[OrderQuery, Wanted]] = {
    "all": (OrderQuery(), lambda _: True),
    "span": (OrderQuery(SPAN), lambda o: START + timedelta(days=3) <= o.order.order_time < START + timedelta(days=9)),
    "status": (
        OrderQuery(filters=Filters(statuses=frozenset({"Delivered", "in Prüfung"}))),
        lambda o: o.delivery.status in ("Delivered", "completed", "in Prüfung"),
    ),
    "payment and city": (
        OrderQuery(filters=Filters(payment_types=frozenset({"card"}), locations=frozenset({"東京"}))),
        lambda o: o.order.payment_type == "card" and o.delivery.location == "東京",
    ),
    "courier": (
        OrderQuery(filters=Filters(courier_ids=frozenset({1, 2}))), lambda o: o.delivery.courier_id in (1, 2),
    ),
    "category and warehouse of one item": (
        OrderQuery(filters=Filters(categories=frozenset({"Even"}), warehouse_ids=frozenset({1}))),
        lambda o: any(i.product_id in range(0, 20, 2) and i.warehouse_id == 1 for i in o.order_items),
    ),
    "no category": (
        OrderQuery(filters=Filters(categories=frozenset({"Unknown"}))),
        lambda o: any(item.product_id >= 20 for item in o.order_items),
    ),
    "product": (OrderQuery(product_id=7), lambda o: any(item.product_id == 7 for item in o.order_items)),
    "customer": (OrderQuery(user_id=5), lambda o: o.order.user_id == 5),
    "counted": (OrderQuery(state="counted"), lambda o: is_counted(o.delivery.status) and not is_credit(o)),
    "open": (OrderQuery(state="open"), lambda o: not is_finished(o.delivery.status)),
    "overdue": (OrderQuery(state="overdue"), is_overdue),
    "late": (OrderQuery(state="late"), is_late),
}  # fmt: skip


def put(database: MongoDatabase, name: str, *records: Any) -> None:
    table = next(table for table in CATALOG if table.name == name)
    database[name].insert_many([RawBSONDocument(encode_catalog(table, record)) for record in records])


@pytest.fixture
def orders(database: MongoDatabase) -> list[OrderDocument]:
    """600 orders, a status in another spelling among them, and half a catalog."""
    import msgspec

    found = random_orders(600, wild=True)
    for number in range(0, 600, 9):
        delivery = msgspec.structs.replace(found[number].delivery, status="completed")
        found[number] = msgspec.structs.replace(found[number], delivery=delivery)
    accept(database, found)
    put(
        database,
        "products",
        *(Product(number, f"P{number}", "Even" if number % 2 == 0 else "Odd") for number in range(20)),
    )
    return found


def all_pages(database: MongoDatabase, query: OrderQuery, sort: Sort, rows: int = 23) -> list[int]:
    """The ids of all pages, one after the other; each page before is the one that was seen."""
    found: list[int] = []
    pages: list[Page] = []
    after: Position | None = None
    while True:
        page = page_of(database, query, sort, NOW, after=after, rows=rows)
        found += [row["_id"] for row in page.rows]
        if pages and page.before is not None:
            back = page_of(database, query, sort, NOW, before=page.before, rows=rows)
            assert [row["_id"] for row in back.rows] == [row["_id"] for row in pages[-1].rows]
            assert back.after == pages[-1].after
        pages.append(page)
        if page.after is None:
            return found
        after = position_of(str(page.after))
        assert after == page.after, "a link leads to the same page"


KEYS: dict[str, Callable[[OrderDocument], Any]] = {
    "time": lambda o: o.order.order_time,
    "id": lambda o: o.order.order_id,
    "total": lambda o: o.order.total_amount,
    "promised": lambda o: o.delivery.expected_time,
    "customer": lambda o: o.order.user_id,
    "status": lambda o: o.delivery.status.encode(),
}


@pytest.mark.parametrize("pieces", [(1_000, 16_000), (1, 7)], ids=["one piece", "many pieces"])
def test_pages_are_a_recount(
    database: MongoDatabase, orders: list[OrderDocument], pieces: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "FIRST_PIECE", pieces[0])
    monkeypatch.setattr(paging, "LAST_PIECE", pieces[1])
    monkeypatch.setattr(paging, "SECONDS", 60)
    for name, (query, wanted) in QUERIES.items():
        passing = [order for order in orders if wanted(order)]
        assert 0 < len(passing) <= len(orders), name
        by_time = sorted(passing, key=lambda o: (o.order.order_time, o.order.order_id), reverse=True)
        ids = [order.order.order_id for order in by_time]
        assert all_pages(database, query, Sort(), rows=61) == ids, name
        assert all_pages(database, query, Sort("time", descending=False), rows=61) == ids[::-1], name
        assert count_of(database, query, NOW) == len(passing), name
        assert sorted(row["_id"] for row in every_order(database, query, NOW)) == sorted(ids), name


def test_pages_are_sorted_by_anything(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    for by in SORTS:
        for descending in (True, False):
            expected = sorted(orders, key=lambda o: (KEYS[by](o), o.order.order_id), reverse=descending)
            found = all_pages(database, OrderQuery(), Sort(by, descending), rows=77)
            assert found == [order.order.order_id for order in expected], by


def test_orders_of_one_instant_are_all_on_a_page(database: MongoDatabase) -> None:
    insert(database, [an_order(number, order_time=START) for number in range(90)])
    assert all_pages(database, OrderQuery(), Sort(), rows=20) == list(range(89, -1, -1))


def test_a_search_that_finds_little_says_how_far_it_looked(
    database: MongoDatabase, orders: list[OrderDocument], monkeypatch: pytest.MonkeyPatch
) -> None:
    query = OrderQuery(product_id=7)
    expected = all_pages(database, query, Sort())
    monkeypatch.setattr(paging, "SECONDS", 0)
    monkeypatch.setattr(paging, "FIRST_PIECE", 100)
    found: list[int] = []
    after: Position | None = None
    for _ in range(100):
        page = page_of(database, query, Sort(), NOW, after=after)
        found += [row["_id"] for row in page.rows]
        if page.after is None:
            assert page.looked_until is None
            break
        assert page.looked_until is not None and page.after.value == page.looked_until
        after = page.after
    assert found == expected


def test_too_many_orders_are_sorted_by_time_only(
    database: MongoDatabase, orders: list[OrderDocument], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "SORTED_MAX", 100)
    with pytest.raises(TooManyToSort, match="more than 100 hot orders"):
        page_of(database, OrderQuery(), Sort("total"), NOW)
    assert page_of(database, OrderQuery(SPAN), Sort("time"), NOW).rows
    assert page_of(database, OrderQuery(user_id=5), Sort("total"), NOW).rows


def test_a_text_finds_an_order_an_external_id_and_a_customer(
    database: MongoDatabase, orders: list[OrderDocument]
) -> None:
    prepare_search(database)
    put(database, "users", User(7, "Zoë <b>", "zoe@example.com"), User(8, "Zoë <b>"))
    external = next(order for order in orders if order.order.external_id)

    def ids(text: str, **more: Any) -> set[int]:
        return {
            row["_id"] for row in page_of(database, OrderQuery(SPAN, text=text, **more), Sort(), NOW, rows=900).rows
        }

    def of_customer(*users: int) -> set[int]:
        return {order.order.order_id for order in orders if order.order.user_id in users}

    assert ids(external.order.external_id or "") == {external.order.order_id}
    assert ids("42") == ids(" #42 ") == {42} | of_customer(42)
    assert ids("Zoe@example.com", customer_texts=True) == of_customer(7)
    assert ids("Zoë <b>", customer_texts=True) == of_customer(7, 8)
    assert ids("Zoë <b>") == ids("zoe@example.com") == set()


def test_a_hostile_text_finds_nothing(database: MongoDatabase, settings: Settings, orders: list[OrderDocument]) -> None:
    for text in HOSTILE:
        one = frozenset({text})
        filters = Filters(payment_types=one, statuses=one, locations=one, categories=one)
        for query in (OrderQuery(text=text, customer_texts=True), OrderQuery(filters=filters)):
            assert page_of(database, query, Sort(), NOW).rows == ()
        assert find_order(database, settings, text) is None
        assert position_of(text) is None
        for letter in "tdisx":  # a link that somebody wrote
            page_of(database, OrderQuery(), Sort(), NOW, after=position_of(f"1.{letter}{text}"))


def test_documents_that_are_no_orders_are_on_no_page(
    database: MongoDatabase, settings: Settings, orders: list[OrderDocument]
) -> None:
    client: MongoClient[dict[str, Any]] = database.client
    past_validator = client[database.name]["orders"]
    kept = next(iter(past_validator.find()))
    strange = [
        {"_id": "text", "order": kept["order"]}, {"_id": 10**6}, {"_id": 10**6 + 1, "order": {"order_time": "now"}},
        {"_id": 10**6 + 2, "order": 3, "delivery": [], "order_items": "x"},
    ]  # fmt: skip
    database.command("insert", "orders", documents=strange, bypassDocumentValidation=True)
    for by in SORTS:
        assert len(all_pages(database, OrderQuery(), Sort(by), rows=200)) == len(orders)
    for order_id in (10**6, 10**6 + 1, 10**6 + 2):
        found = find_order(database, settings, str(order_id))
        assert found and found.document is not None
        assert life_of(found.document, NOW) == []


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
    environment = {**os.environ, **settings_environment(settings)}
    done = subprocess.run(
        [PROGRAM, "order", "17", "--json"], env=environment, capture_output=True, text=True, timeout=100
    )
    said = json.loads(done.stdout)
    assert (said["place"], said["archive"]["directory"]) == ("archived", found.archive.directory)
    assert (said["order"]["order"]["total_amount"], said["life"][0]["what"]) == ("1.1700", "Ordered")
    done = subprocess.run([PROGRAM, "order", "41"], env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2 and "no order '41'" in done.stderr


def test_the_command_shows_a_hot_order(database: MongoDatabase, settings: Settings) -> None:
    hostile = an_order(5, payment_type="[red]\x1b[31m<b>", external_id="SO/5")
    insert(database, [hostile])
    environment = {**os.environ, **settings_environment(settings)}
    for text in ("5", "SO/5"):
        done = subprocess.run(
            [PROGRAM, "order", text, "--json"], env=environment, capture_output=True, text=True, timeout=100
        )
        said = json.loads(done.stdout)
        assert said["place"] == "hot"
        assert Decimal(said["order"]["order"]["total_amount"]) == hostile.order.total_amount
        assert (
            said["order"]["delivery"]["expected_time"] == f"{hostile.delivery.expected_time:%Y-%m-%dT%H:%M:%S}.005000Z"
        )
        assert [event["what"] for event in said["life"]] == ["Ordered", "Promised", "Delivered", "Last written"]
    done = subprocess.run([PROGRAM, "order", "5"], env=environment, capture_output=True, text=True, timeout=100)
    assert "[red]�[31m<b>" in done.stdout
