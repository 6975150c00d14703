"""Archived orders by customer and external id: all of them, each once, whatever the archive is in the middle of."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import bson
import pytest
from msgspec.structs import replace
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.documents.bson_codec import CODEC_OPTIONS, encode_order
from ecommerce.documents.catalog import User
from ecommerce.documents.order import OrderDocument
from ecommerce.forget.forget import forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.ingest.archived_changes import ArchivedChange, put_changes
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import ARCHIVED_CHANGES, MongoDatabase
from ecommerce.order_search import archived_search
from ecommerce.order_search.archived_search import ArchivedPage, archived_orders_of, archived_page
from ecommerce.order_search.matching import condition_of
from ecommerce.order_search.one_order import order_of
from ecommerce.order_search.query import OrderQuery
from ecommerce.order_search.sorting import Position, position_of
from ecommerce.settings import Settings
from tests.archiving import OLD_DAY, an_order, hot_ids, insert, power_cut_at
from tests.order_queries import HOSTILE, NOW, QUERIES, orders
from tests.programs import ecommerce
from tests.summaries_data import put_catalog

pytestmark = pytest.mark.slow

__all__ = ["orders"]

TEXTS = (*HOSTILE[:-2], "' or true", "x' OR order.user_id > 0 --", '"', "東京/№ 7", "SO-1\\", "%", "a" * 200, "null")
DAYS = 5


def shop_orders(count: int = 300) -> list[OrderDocument]:
    """Orders of DAYS days, the first ones with an external id each."""
    texts: list[str | None] = [*TEXTS, *[None] * count]
    return [an_order(number, day=number % DAYS, external_id=texts[number]) for number in range(count)]


def found(database: MongoDatabase, settings: Settings, **query: Any) -> list[int]:
    """The ids that a search finds, as they come."""
    steps = archived_orders_of(database, settings, OrderQuery(**query), NOW)
    return [row["_id"] for step in steps for row in step.rows]


def latest_first(some: Sequence[OrderDocument]) -> list[int]:
    by_time = sorted(some, key=lambda one: (one.order.order_time, one.order.order_id), reverse=True)
    return [one.order.order_id for one in by_time]


def of_user(some: Sequence[OrderDocument], user_id: int) -> list[OrderDocument]:
    return [one for one in some if one.order.user_id == user_id]


def pages(database: MongoDatabase, settings: Settings, query: OrderQuery, **how: Any) -> Iterator[ArchivedPage]:
    after: Position | None = None
    while True:
        page = archived_page(database, settings, query, NOW, after=after, **how)
        assert page and not page.problem
        yield page
        if page.after is None:
            return
        after = position_of(str(page.after))
        assert after == page.after, "a link leads to the same place"


def test_a_document_is_judged_as_mongodb_does(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    for name, (query, wanted) in QUERIES.items():
        if query.user_id is None and name != "span":
            is_wanted = condition_of(database, query, NOW)
            for order in orders:
                document = bson.decode(encode_order(order), CODEC_OPTIONS)
                assert is_wanted(document) == wanted(order), (name, document)


def test_archived_orders_are_found_by_customer_and_by_any_text(
    spark: SparkSession, database: MongoDatabase, archive: Settings
) -> None:
    everything = shop_orders()
    insert(database, everything)
    assert found(database, archive, user_id=3) == [], "nothing was ever archived"
    archive_orders(archive, Selection(30))
    assert hot_ids(database) == set()
    for user in (0, 3, 49):
        assert found(database, archive, user_id=user) == latest_first(of_user(everything, user))
    assert found(database, archive, user_id=50) == []
    for number, text in enumerate(TEXTS):
        assert found(database, archive, text=text) == [number], text
    for text in ("' or true --", "SO-1", "东京", "8" * 40, "\x00", " "):
        assert found(database, archive, text=text) == [], text
    (page,) = pages(database, archive, OrderQuery(text=TEXTS[-1]))
    row = bson.decode(encode_order(everything[len(TEXTS) - 1]), CODEC_OPTIONS)
    assert {name: page.rows[0][name] for name in ("_id", "order", "delivery")} == {
        name: row[name] for name in ("_id", "order", "delivery")
    }
    assert (page.looked.days, page.looked.all_days, page.looked.orders) == (DAYS, DAYS, 300)


def test_a_search_obeys_the_filters_and_goes_on_where_it_was_left(
    spark: SparkSession, database: MongoDatabase, archive: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = [an_order(number, day=number % DAYS, user_id=number % 2) for number in range(300)]
    insert(database, everything)
    archive_orders(archive, Selection(30))
    monkeypatch.setattr(archived_search, "ROWS_AT_ONCE", 20)
    of_one = of_user(everything, 1)
    start = everything[0].order.order_time.replace(hour=0, minute=0, second=0, microsecond=0)
    span = Span(start + timedelta(days=1, seconds=100), start + timedelta(days=3, seconds=170))
    for query, wanted in (
        (OrderQuery(user_id=1), of_one),
        (OrderQuery(span, user_id=1), [o for o in of_one if span.start <= o.order.order_time < span.end]),  # type: ignore[operator]
        (
            OrderQuery(user_id=1, filters=Filters(payment_types=frozenset({"card"}))),
            [o for o in of_one if o.order.payment_type == "card"],
        ),
        (OrderQuery(user_id=1, product_id=7), [o for o in of_one if o.order_items[0].product_id == 7]),
        (OrderQuery(user_id=1, state="counted"), of_one),
        (OrderQuery(user_id=1, state="open"), []),
    ):
        assert wanted or query.state == "open"
        for how in ({"rows": 41}, {"seconds": 0}):
            looked = list(pages(database, archive, query, **how))
            assert [row["_id"] for page in looked for row in page.rows] == latest_first(wanted)
            days = [page.looked.days for page in looked]
            assert days == sorted(days) and days[-1] == looked[-1].looked.all_days
            assert len(looked) > 1 or not wanted or len(wanted) <= how.get("rows", 0)
    assert archived_page(database, archive, OrderQuery(), NOW) is None


@pytest.mark.parametrize("moment", ["export:done", "verify:recorded", "purge:after-chunk", "publish:done"])
def test_an_order_is_found_once_while_a_run_is_open(
    spark: SparkSession, database: MongoDatabase, archive: Settings, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    everything = shop_orders()
    insert(database, everything[:150])
    archive_orders(archive, Selection(30))
    insert(database, everything[150:])
    power_cut_at(monkeypatch, archive, moment)
    hot = hot_ids(database)
    assert (moment in ("export:done", "verify:recorded")) == (len(hot) == 150)
    for user in range(0, 50, 7):
        expected = [each for each in of_user(everything, user) if each.order.order_id not in hot]
        assert found(database, archive, user_id=user) == latest_first(expected)


def test_a_later_version_that_waits_is_what_is_found(
    spark: SparkSession, database: MongoDatabase, archive: Settings
) -> None:
    everything = shop_orders(60)
    insert(database, everything)
    archive_orders(archive, Selection(30))
    order = everything[3]
    for number, status in enumerate(("Returned", "refunded")):
        later = replace(order, delivery=replace(order.delivery, status=status))
        day = order.order.order_time.replace(hour=0, minute=0, second=0, microsecond=0)
        put_changes(database, [ArchivedChange(3, day, encode_order(order), encode_order(later), number)], None)
    assert database[ARCHIVED_CHANGES].count_documents({}) == 2
    (page,) = pages(database, archive, OrderQuery(text=TEXTS[3]))
    assert [row["delivery"]["status"] for row in page.rows] == ["refunded"]
    returned = Filters(statuses=frozenset({"Returned"}))
    assert found(database, archive, user_id=3, filters=returned) == [3]
    assert found(database, archive, user_id=4, filters=returned) == []


def test_who_was_forgotten_is_not_found(spark: SparkSession, database: MongoDatabase, archive: Settings) -> None:
    insert(database, shop_orders())
    archive_orders(archive, Selection(30))
    number = 3
    assert number in found(database, archive, user_id=number)
    forget(archive, ask_to_forget(archive, user_id=number).run_id)
    assert found(database, archive, user_id=number) == found(database, archive, text=TEXTS[number]) == []
    assert found(database, archive, text=TEXTS[4]) == [4]


def test_a_damaged_file_is_named_and_hides_nothing_else(
    spark: SparkSession, database: MongoDatabase, archive: Settings, tmp_path: Path
) -> None:
    everything = shop_orders()
    insert(database, everything)
    archive_orders(archive, Selection(30))
    gone, cut, flipped = (OLD_DAY + timedelta(days=day) for day in range(3))
    files = {day: next((tmp_path / "archive").rglob(f"*_day={day}/*.parquet")) for day in (gone, cut, flipped)}
    files[gone].unlink()
    files[cut].write_bytes(files[cut].read_bytes()[:-5])
    content = bytearray(files[flipped].read_bytes())
    content[content.index(b"Deliver")] ^= 1
    files[flipped].write_bytes(bytes(content))
    (page,) = pages(database, archive, OrderQuery(user_id=3))
    sound = [each for each in of_user(everything, 3) if each.order.order_id % DAYS > 2]
    assert [row["_id"] for row in page.rows] == latest_first(sound)
    assert not sound or {damage.day for damage in page.damaged} <= {gone, cut, flipped}
    of_others = [next(pages(database, archive, OrderQuery(user_id=user))) for user in range(5)]
    said = {damage.day: str(damage) for page in of_others for damage in page.damaged}
    assert set(said) == {gone, cut, flipped}
    assert "is gone" in said[gone] and " bytes of " in said[cut] and "cannot be read" in said[flipped]


def test_an_archive_that_cannot_be_read_is_a_problem_of_the_page(
    spark: SparkSession, database: MongoDatabase, archive: Settings, tmp_path: Path
) -> None:
    insert(database, shop_orders(20))
    archive_orders(archive, Selection(30))
    elsewhere = archive.model_copy(update={"home": tmp_path / "other", "catalog_uri": None})
    page = archived_page(database, elsewhere, OrderQuery(user_id=3), NOW)
    assert page and page.rows == () and "the catalog" in page.problem and page.elsewhere
    one = order_of(database, elsewhere, 3)
    assert one and one.elsewhere and one.document is None and one.archive
    assert one.archive.directory == "", "this process cannot say where the file is"
    (tmp_path / "not a folder").write_text("")
    broken = archive.model_copy(update={"home": tmp_path / "not a folder", "catalog_uri": None})
    page = archived_page(database, broken, OrderQuery(user_id=3), NOW)
    assert page and page.problem and not page.elsewhere


def test_names_and_e_mails_find_archived_orders_of_those_who_may_see_them(
    spark: SparkSession, database: MongoDatabase, archive: Settings
) -> None:
    everything = shop_orders()
    insert(database, everything)
    archive_orders(archive, Selection(30))
    put_catalog(database, {"users": [User(7, "Zoë <b>", "zoe@example.com"), User(8, "Zoë <b>")]})
    both = [*of_user(everything, 7), *of_user(everything, 8)]
    assert found(database, archive, text="Zoë <b>", customer_texts=True) == latest_first(both)
    assert found(database, archive, text="ZOE@example.com", customer_texts=True) == latest_first(of_user(everything, 7))
    assert found(database, archive, text="Zoë <b>") == []


def test_the_commands_find_archived_orders(spark: SparkSession, database: MongoDatabase, archive: Settings) -> None:
    everything = shop_orders()
    insert(database, everything)
    archive_orders(archive, Selection(30))
    insert(database, [an_order(1_003, user_id=3, status="Shipped")])
    text = TEXTS[4]
    said = json.loads(ecommerce(archive, "order", text, "--json").stdout)
    assert (said["order_id"], said["place"], said["order"]["order"]["external_id"]) == (4, "archived", text)
    done = ecommerce(archive, "order", "' or true --")
    assert done.returncode == 2 and "no hot or archived order has it as its id or external id" in done.stderr
    said = json.loads(ecommerce(archive, "order", "--customer", "3", "--json").stdout)
    of_customer = latest_first(of_user(everything, 3))
    assert [(one["order_id"], one["place"]) for one in said["orders"]] == [
        (1_003, "hot"),
        *((order_id, "archived") for order_id in of_customer),
    ]
    assert said["archive"] == {"orders_looked_through": 300, "orders": 300, "damaged": []} and not said["more"]
    done = ecommerce(archive, "order", "--customer", "3", "--limit", "2")
    assert "2 orders, and there are more" in done.stdout and done.returncode == 0
    done = ecommerce(archive, "order", "--customer", "nobody@example.com")
    assert done.returncode == 2 and "no customer" in done.stderr
    done = ecommerce(archive, "order", "3", "--customer", "3")
    assert done.returncode == 2 and "one of the two" in done.stderr
