"""What the orders page says of any document, and what needs attention when."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from dashboard.customers import may_see_customers
from dashboard.figures import question_of
from dashboard.headlines import title_of
from dashboard.order_cards import order_cards
from dashboard.orders import Listing, OneOrder
from dashboard.orders_cards import listing_cards
from dashboard.orders_csv import FIELDS, _row
from dashboard.orders_view import OrdersView
from dashboard.state import View, view_of_query
from dashboard.text import NO_ARCHIVE, moment
from ecommerce.order_search.archived_search import ArchivedPage
from ecommerce.order_search.looked import Looked
from ecommerce.order_search.one_order import FoundOrder
from ecommerce.order_search.paging import Page
from ecommerce.order_search.sorting import Position, Sort
from ecommerce.settings import Settings
from tests.unit.test_order_amounts import cards_of

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 22, 11, 35, 7, tzinfo=UTC)
TOTAL = {"total_amount": Decimal128("82.47"), "discount": Decimal128("0.10")}

values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([Decimal128("NaN"), Decimal128("1.5"), Decimal128("1E+6000")]), st.just([]), st.just({"$gt": 1}),
)  # fmt: skip
names = st.sampled_from(
    ["user_id", "order_time", "total_amount", "payment_type", "quantity", "external_id", "discount", "status",
     "expected_time", "actual_time", "courier_id", "location", "product_id", "warehouse_id", "price", "tax_amount",
     "shipping_amount", "tax_included", "gift_card", "amount", "refund_time", "reason"]
)  # fmt: skip
parts = st.one_of(values, st.dictionaries(names, values))
documents = st.builds(
    lambda order, delivery, items, refunds: {
        "_id": 7, "order": order, "delivery": delivery, "order_items": items, "refunds": refunds, "updated_at": NOW,
    },
    parts, parts, st.one_of(values, st.lists(parts, max_size=3)), st.one_of(values, st.lists(parts, max_size=2)),
)  # fmt: skip


@given(documents)
def test_a_document_may_hold_anything_and_is_shown(document: dict[str, Any]) -> None:
    names: dict[str, dict[int, str]] = {"product_id": {}, "warehouse_id": {}, "courier_id": {}}
    view = View(page="orders", orders=OrdersView(order=7))
    one = OneOrder(FoundOrder(7, document, None, 2), {}, NOW, names)
    cards = order_cards(one, view, "USD", UTC_ZONE)
    assert {"list", "facts", "items", "amounts", "life", "place"} == cards.keys()
    assert "2 other versions" in json.loads(cards["list"])["subtitle"]
    one = replace(one, found=FoundOrder(7, document, None, 1))
    assert "1 other version came in" in json.loads(order_cards(one, view, "USD", UTC_ZONE)["list"])["subtitle"]
    listing = Listing(Page((document,), None, None), Sort(), "", 1, None, {}, NOW)
    rows = json.loads(listing_cards(listing, View(page="orders"), {}, 4, UTC_ZONE)["orders"])["rows"]
    assert [len(row["cells"]) for row in rows] == [10]


@pytest.mark.parametrize(
    ("time", "zone"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "America/New_York"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Asia/Tokyo"),
    ],
)
def test_a_time_that_the_zone_has_not_is_shown_in_utc(time: datetime, zone: str) -> None:
    document: dict[str, Any] = {
        "_id": 7,
        "order": {"order_time": time},
        "delivery": {"expected_time": time, "actual_time": time, "status": "Delivered"},
        "refunds": [{"refund_time": time}],
        "updated_at": time,
    }
    listing, shown = Listing(Page((document,), None, None), Sort(), "", 1, None, {}, NOW), f"{time:%Y-%m-%d %H:%M}"
    cards = listing_cards(listing, View(page="orders"), {}, 1, ZoneInfo(zone))
    (row,) = json.loads(cards["orders"])["rows"]
    assert [row["cells"][place] for place in (1, 8, 9)] == [shown] * 3
    one = OneOrder(FoundOrder(7, document, None, 0), {}, NOW, {})
    life = json.loads(order_cards(one, View(page="orders", orders=OrdersView(order=7)), "USD", ZoneInfo(zone))["life"])
    assert [row["cells"][0] for row in life["rows"]] == [shown] * 5
    assert moment(time, ZoneInfo(zone)) == shown


@pytest.mark.parametrize(
    ("hot", "counted", "said"),
    [
        (3, 3, "3 hot orders · read"),
        (3, 5, "3 hot orders · the figures count 2 more, which are archived · read"),
        (
            None,
            5_000,
            "hot orders · the figures count 5,000, archived ones too; where there are any, they are not listed · read",
        ),
        (None, None, "hot orders · archived ones, where there are any, are not listed · read"),
    ],
)
def test_a_list_says_that_archived_orders_are_not_in_it(hot: int | None, counted: int | None, said: str) -> None:
    """Also where counting the hot ones took too long: without a word, the list seemed to be all there is."""
    listing = Listing(Page((), None, None), Sort(), "", hot, None, {}, NOW)
    head = json.loads(listing_cards(listing, View(page="orders"), {}, counted, UTC_ZONE)["list"])
    assert said in head["subtitle"]
    assert head["rows"][-1]["text"] == "CSV of all these hot orders"


@pytest.mark.parametrize("query", ["", "span=today", "span=24h", "span=all", "from=2026-11-20&to=2026-11-25"])
def test_a_list_names_its_span_as_the_overview_does(query: str) -> None:
    view = view_of_query(f"?page=orders&{query}")
    listing = Listing(Page((), None, None), Sort(), "", 3, None, {}, NOW)
    said = json.loads(listing_cards(listing, view, {}, 3, UTC_ZONE)["list"])["subtitle"].split(" · ")[0]
    assert said.lower() == title_of(question_of(view, NOW, UTC_ZONE), UTC_ZONE).lower()


@pytest.mark.parametrize(
    ("text", "by_name", "is_said"),
    [("Käthe", False, True), ("Käthe", True, False), ("1001", False, False), ("", False, False)],
)
def test_a_search_that_leaves_names_out_says_so(text: str, by_name: bool, is_said: bool) -> None:
    """A name that is there was said to be nowhere."""
    view = View(page="orders", orders=OrdersView(text=text))
    listing = Listing(Page((), None, None), Sort(), "", 0, None, {}, NOW, by_name=by_name)
    head = json.loads(listing_cards(listing, view, {}, 3, UTC_ZONE)["list"])
    assert ("names and e-mails of customers are looked through only" in head["subtitle"]) is is_said


def test_an_order_is_headed_by_the_shops_own_number() -> None:
    for more, title in (
        ({"external_id": "#1003"}, "Order #1003 (#7)"),
        ({}, "Order #7"),
        ({"external_id": None}, "Order #7"),
    ):
        assert json.loads(cards_of({"order": TOTAL | more})["list"])["title"] == title


def test_where_all_that_was_found_is_archived_no_card_says_that_nothing_was() -> None:
    view = view_of_query("?page=orders&search=7")
    document = {"_id": 7, "order": TOTAL}
    archived = ArchivedPage(rows=(document,), looked=Looked(10, 10, 70, 70))
    listing = Listing(Page((), None, None), Sort(), "", 0, None, {}, NOW, in_archive=archived)
    cards = {name: json.loads(text) for name, text in listing_cards(listing, view, {}, 4, UTC_ZONE).items()}
    assert cards["orders"]["title"] == "" and len(cards["archived"]["rows"]) == 1
    nothing = replace(listing, in_archive=replace(archived, rows=()))
    assert json.loads(listing_cards(nothing, view, {}, 4, UTC_ZONE)["orders"])["empty"] == (
        "No order in MongoDB is like this"
    )


def test_each_condition_of_a_list_can_be_taken_back_and_its_pages_are_links() -> None:
    view = view_of_query("?page=orders&span=all&status=Shipped&state=late&product=3&customer=9")
    after = Position(NOW, 5)
    listing = Listing(Page((), after, Position(NOW, 1), NOW), Sort(), "", 20, None, {}, NOW, "<b>Tea</b>")
    cards = {name: json.loads(text) for name, text in listing_cards(listing, view, {}, 25, UTC_ZONE).items()}
    assert "5 more, which are archived" in cards["list"]["subtitle"]
    links = {link["text"]: link.get("go") for link in cards["list"]["rows"]}
    for text, part in (("× product <b>Tea</b>", "product="), ("× customer #9", "customer="), ("× Shipped", "status=")):
        assert part in view.query() and part not in links[text]
    pages = {link["text"]: view_of_query(link["go"]).orders for link in cards["pager"]["rows"]}
    assert [page.after for page in pages.values()] == [None, None, after]
    assert pages["First page"] == replace(view.orders, after=None, before=None)


def test_the_archived_orders_of_a_customer_are_beside_the_hot_ones_and_the_search_goes_on_by_a_link() -> None:
    view = view_of_query("?page=orders&span=all&customer=9")
    document = {"_id": 5, "order": {"order_id": 5, "order_time": NOW, "total_amount": Decimal128("1.5")}}
    after = Position(NOW, 5)
    found = ArchivedPage((document,), after, Looked(3, 10, 2_000, 70_000))
    listing = Listing(Page((), None, None), Sort(), "", 0, None, {}, NOW, in_archive=found)
    cards = {name: json.loads(text) for name, text in listing_cards(listing, view, {}, 4, UTC_ZONE).items()}
    assert cards["archived"]["title"] == "Archived orders"
    assert "3 days with 2,000 orders of 10 days with 70,000 orders looked through" in cards["archived"]["note"]
    ((first, where, *_),) = (row["cells"] for row in cards["archived"]["rows"])
    assert (first["text"], where["text"]) == ("#5", "archived")
    assert view_of_query(first["go"]).orders.order == 5
    (go_on,) = cards["archived_pager"]["rows"]
    assert "7 days are left" in go_on["text"]
    assert view_of_query(go_on["go"]).orders == replace(view.orders, archive=after)
    there = view_of_query(go_on["go"])
    back = json.loads(listing_cards(listing, there, {}, 4, UTC_ZONE)["archived_pager"])["rows"][0]
    assert view_of_query(back["go"]) == view
    for nowhere in ("5.i7", "-9223372036854775808.t-62135596800000", "x"):
        assert view_of_query(f"?page=orders&archive={nowhere}").orders.archive is None
    whole = replace(listing, in_archive=ArchivedPage(looked=Looked(10, 10, 70_000, 70_000)))
    cards = {name: json.loads(text) for name, text in listing_cards(whole, view, {}, 4, UTC_ZONE).items()}
    assert cards["archived"]["empty"] == "No archived order is like this"
    assert cards["archived_pager"]["rows"] == []
    broken = replace(listing, in_archive=ArchivedPage(problem="no HDFS"))
    assert "no HDFS" in json.loads(listing_cards(broken, view, {}, 4, UTC_ZONE)["archived"])["note"]
    apart = replace(listing, in_archive=ArchivedPage(problem="set ECOMMERCE_CATALOG_URI", elsewhere=True))
    assert json.loads(listing_cards(apart, view, {}, 4, UTC_ZONE)["archived"])["note"] == NO_ARCHIVE


@pytest.mark.parametrize(
    ("setting", "user", "address", "allowed"),
    [
        (False, None, "127.0.0.1", False), (True, None, "127.0.0.1", True), (True, None, "::1", True),
        (True, None, "10.0.0.8", False), (True, None, None, False), (True, None, "localhost.evil.example", False),
        (False, "manager", "10.0.0.8", True), (False, "guest", "127.0.0.1", False), (False, "", "127.0.0.1", False),
    ],
)  # fmt: skip
def test_who_may_see_customers(setting: bool, user: str | None, address: str | None, allowed: bool) -> None:
    assert may_see_customers(Settings(customers_on_loopback=setting), user, address) is allowed


@pytest.mark.parametrize("user", [5, [5], {"id": 5}, None, "5"])
def test_a_download_has_a_row_for_an_order_of_whatever_user(user: object) -> None:
    row = _row({"_id": 7, "order": {"order_id": 7, "user_id": user}}, "hot", {5: ("Ann", "ann@x.org")}, customers=True)
    assert row[-3:] == ["hot", *(("Ann", "ann@x.org") if user == 5 else ("", ""))]
    assert len(row) == len(FIELDS) + 3
