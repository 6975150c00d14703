"""The orders behind a figure: pages equal a recount, texts are only texts."""

from collections.abc import Callable
from typing import Any

import pytest
from bson import Int64
from pymongo import MongoClient

from ecommerce.documents.catalog import User
from ecommerce.documents.order import OrderDocument
from ecommerce.kpis.question import Filters
from ecommerce.mongo import MongoDatabase
from ecommerce.order_search import paging
from ecommerce.order_search.one_order import find_order, life_of
from ecommerce.order_search.paging import Page, TooManyToSort, count_of, every_order, page_of, prepare_search
from ecommerce.order_search.query import OrderQuery
from ecommerce.order_search.sorting import SORTS, Position, Sort, position_of
from ecommerce.settings import Settings
from tests.archiving import an_order, insert
from tests.order_queries import HOSTILE, NOW, QUERIES, SPAN, orders
from tests.summaries_data import START, put_catalog

pytestmark = pytest.mark.slow

__all__ = ["orders"]


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
    monkeypatch.setattr(paging, "COUNT_SECONDS", 60)
    for name, (query, wanted) in QUERIES.items():
        passing = [order for order in orders if wanted(order)]
        assert 0 < len(passing) <= len(orders), name
        by_time = sorted(passing, key=lambda o: (o.order.order_time, o.order.order_id), reverse=True)
        ids = [order.order.order_id for order in by_time]
        assert all_pages(database, query, Sort(), rows=61) == ids, name
        assert all_pages(database, query, Sort("time", descending=False), rows=61) == ids[::-1], name
        assert count_of(database, query, NOW) == len(passing), name
        assert sorted(row["_id"] for row in every_order(database, query, NOW, (), Sort())) == sorted(ids), name


def test_pages_are_sorted_by_anything(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    for by in SORTS:
        for descending in (True, False):
            expected = sorted(orders, key=lambda o: (KEYS[by](o), o.order.order_id), reverse=descending)
            found = all_pages(database, OrderQuery(), Sort(by, descending), rows=77)
            assert found == [order.order.order_id for order in expected], by
            streamed = [KEYS[by](order) for order in expected]
            known = {order.order.order_id: order for order in orders}
            rows = every_order(database, OrderQuery(), NOW, ["order.order_id"], Sort(by, descending))
            assert [KEYS[by](known[row["_id"]]) for row in rows] == streamed, by


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


@pytest.mark.parametrize("sort", [Sort(by, descending) for by in SORTS for descending in (True, False)], ids=str)
def test_orders_without_what_they_are_sorted_by_are_listed(database: MongoDatabase, sort: Sort) -> None:
    insert(database, [an_order(number) for number in range(1, 6)])
    database.command({"collMod": "orders", "validationLevel": "off"})
    time = an_order(1).order.order_time
    database["orders"].insert_many([{"_id": Int64(number), "order": {"order_time": time}} for number in range(10, 15)])
    found = all_pages(database, OrderQuery(), sort, rows=2)
    assert sorted(found) == [1, 2, 3, 4, 5, 10, 11, 12, 13, 14]


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
    put_catalog(database, {"users": [User(7, "Zoë <b>", "zoe@example.com"), User(8, "Zoë <b>")]})
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
