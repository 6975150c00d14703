"""What a viewer looks at: links, spans, figures as people read them, downloads."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.browser import SCREEN, SYSTEM_THEME, THEME, Browser, browser_of
from dashboard.content import Content
from dashboard.figures import question_of
from dashboard.first_paint import first_paint
from dashboard.headlines import title_of
from dashboard.orders_view import OrdersView
from dashboard.shared import Shared
from dashboard.spans import PRESET_KEYS, bucket_of, comparison, days_of, next_bucket, preset_span, running_hour, step_of
from dashboard.state import DIMENSIONS, ID_DIMENSIONS, PAGES, View, allowed, view_of_query
from dashboard.trends_view import GRAINS, MEASURES, TrendsView
from ecommerce.kpis.question import Span
from ecommerce.order_search.query import STATES
from ecommerce.order_search.sorting import SORTS, Position, Sort

NOW = datetime(2026, 11, 22, 11, 35, 7, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
WIDE = Browser(narrow=False, dark=False)


def to_milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


texts = st.text(min_size=1, max_size=30)
ids = st.integers(0, 2**63 - 1)


positions = st.builds(
    Position,
    st.one_of(st.integers(0, 2**63 - 1), texts, st.datetimes(timezones=st.just(UTC)).map(to_milliseconds)),
    ids,
)
orders_views = st.builds(
    OrdersView,
    order=st.none() | ids,
    text=texts.map(str.strip),
    state=st.sampled_from([None, *STATES]),
    product=st.none() | ids,
    customer=st.none() | ids,
    sort=st.builds(Sort, st.sampled_from(sorted(SORTS)), st.booleans()),
    after=st.none() | positions,
    before=st.none() | positions,
)


@st.composite
def views(draw: st.DrawFn) -> View:
    view = View(
        page=draw(st.sampled_from(PAGES)), dark=draw(st.sampled_from([None, True, False])), tv=draw(st.booleans())
    )
    if view.page == "trends":
        measure, grain = draw(st.sampled_from(sorted(MEASURES))), draw(st.sampled_from([None, *GRAINS]))
        view = replace(view, trends=TrendsView(measure, grain))
    view = view.with_against(draw(st.sampled_from(["before", "week", "year"])))
    view = view.with_currency(draw(st.sampled_from([None, "EUR", "JPY"])))
    if draw(st.booleans()):
        view = view.with_preset(draw(st.sampled_from(PRESET_KEYS)))
    else:
        days = st.dates(date(1970, 1, 1), date(2199, 12, 31))
        view = view.with_dates(draw(days), draw(days))
    for dimension in DIMENSIONS:
        view = view.with_filter(dimension, draw(st.frozensets(ids if dimension in ID_DIMENSIONS else texts)))
    return view.with_orders(draw(orders_views)) if view.page == "orders" else view


@given(views())
def test_a_link_shows_the_same_view(view: View) -> None:
    assert view_of_query(view.query()) == view


@given(st.one_of(st.text(), st.lists(st.tuples(st.text(), st.text())).map(urlencode)))
def test_any_link_gives_some_view(query: str) -> None:
    assert view_of_query(query).page in ("overview", "pipeline")


@pytest.mark.parametrize(
    "query",
    [
        "?page=admin&span=1000y",
        "?from=2026-99-01&to=x",
        "?from=0001-01-01&to=9999-12-31",
        "?courier=1e5&courier=-1&courier=²&courier=" + "9" * 400,
        "?" + "&".join("a=1" for _ in range(2_000)),
    ],
)
def test_what_a_link_must_not_say_is_left_out(query: str) -> None:
    view = allowed(view_of_query(query), {})
    assert view == View()


def test_filters_are_only_of_values_that_exist() -> None:
    view = view_of_query("?payment=card&payment=%3Cscript%3E&courier=3&courier=4")
    assert allowed(view, {"payment": {"card": "card"}, "courier": {3: "Ann"}}) == (
        View().with_filter("payment", {"card"}).with_filter("courier", {3})
    )


def test_spans_end_with_the_running_hour_and_start_at_the_displays_midnight() -> None:
    end = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert preset_span("24h", NOW, UTC_ZONE) == Span(end - timedelta(hours=24), end)
    assert preset_span("all", NOW, UTC_ZONE) == Span(None, None)
    tokyo = preset_span("today", NOW, ZoneInfo("Asia/Tokyo"))
    assert tokyo.start == datetime(2026, 11, 21, 15, tzinfo=UTC)
    dates = View().with_dates(date(2026, 3, 29), date(2026, 3, 29)).span(NOW, ZoneInfo("Europe/Berlin"))
    assert dates.start and dates.end and dates.end - dates.start == timedelta(hours=23)  # the clocks went forward


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham"])
@pytest.mark.parametrize("hour", range(24))
def test_today_is_a_span_in_every_zone_at_every_hour(zone: str, hour: int) -> None:
    span = preset_span("today", NOW.replace(hour=hour), ZoneInfo(zone))
    assert span.start and span.end and span.start < span.end


def test_charts_are_drawn_by_the_hour_the_day_or_the_month() -> None:
    lengths = (timedelta(days=2), timedelta(days=90), timedelta(days=1500))
    assert [step_of(NOW - length, NOW) for length in lengths] == ["hour", "day", "month"]
    assert next_bucket(datetime(2026, 12, 1, tzinfo=UTC), "month", UTC_ZONE) == datetime(2027, 1, 1, tzinfo=UTC)


def hours(first: str, last: str, zone: ZoneInfo = UTC_ZONE) -> Span:
    return Span(*(datetime.fromisoformat(text).replace(tzinfo=zone) for text in (first, last)))


@pytest.mark.parametrize(
    ("preset", "span", "done", "before"),
    [
        # NOW is 11:35: the hour from 11 to 12 is shown and not compared.
        ("today", ("11-22", "11-22T12"), ("11-22", "11-22T11"), ("11-21", "11-21T11")),
        ("24h", ("11-21T12", "11-22T12"), ("11-21T12", "11-22T11"), ("11-20T12", "11-21T11")),
        ("7d", ("11-16", "11-22T12"), ("11-16", "11-22T11"), ("11-09", "11-15T11")),
        ("30d", ("10-24", "11-22T12"), ("10-24", "11-22T11"), ("09-24", "10-23T11")),
    ],
)
def test_presets_are_whole_days_and_compared_with_the_same_hours_before(
    preset: str, span: tuple[str, str], done: tuple[str, str], before: tuple[str, str]
) -> None:
    asked = preset_span(preset, NOW, UTC_ZONE)
    expected = [hours(f"2026-{pair[0]}", f"2026-{pair[1]}") for pair in (span, done, before)]
    compared = comparison(asked, NOW, UTC_ZONE)
    assert compared
    assert [asked, compared.done, compared.before] == expected
    assert running_hour(asked, NOW, UTC_ZONE) == datetime(2026, 11, 22, 11, tzinfo=UTC)


def test_days_that_are_over_are_compared_whole_and_days_to_come_not_at_all() -> None:
    days = View().with_dates(date(2026, 11, 1), date(2026, 11, 21)).span(NOW, UTC_ZONE)
    compared = comparison(days, NOW, UTC_ZONE)
    assert compared
    assert (compared.done, compared.before) == (days, hours("2026-10-11", "2026-11-01"))
    assert running_hour(days, NOW, UTC_ZONE) is None
    to_come = View().with_dates(date(2026, 12, 1), date(2026, 12, 2)).span(NOW, UTC_ZONE)
    assert comparison(to_come, NOW, UTC_ZONE) is None
    ahead = question_of(View().with_dates(date(2026, 12, 1), date(2026, 12, 2)), NOW, UTC_ZONE)
    assert title_of(ahead, UTC_ZONE) == "1–2 Dec 2026, not begun yet"
    assert title_of(question_of(View().with_preset("today"), NOW, UTC_ZONE), UTC_ZONE).endswith(", so far")
    midnight = NOW.replace(hour=0)
    assert comparison(preset_span("today", midnight, UTC_ZONE), midnight, UTC_ZONE) is None  # no full hour yet


def test_24_hours_are_compared_with_24_hours_also_from_midnight_on() -> None:
    """At 23:20 the 24 hours begin at midnight; the day before had 25."""
    berlin, now = ZoneInfo("Europe/Berlin"), datetime(2026, 10, 26, 22, 20, tzinfo=UTC)
    compared = question_of(View().with_preset("24h"), now, berlin).compared
    assert compared
    assert compared.done == hours("2026-10-26T00:00", "2026-10-26T23:00", berlin)
    assert compared.before == hours("2026-10-25T01:00", "2026-10-25T23:00", berlin)


def test_a_day_with_a_changed_clock_is_compared_by_its_clock() -> None:
    berlin, now = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 29, 14, 20, tzinfo=UTC)  # 16:20, an hour was skipped
    compared = comparison(preset_span("today", now, berlin), now, berlin)
    assert compared
    assert compared.before == hours("2026-03-28T00:00", "2026-03-28T16:00", berlin)
    assert compared.done == hours("2026-03-29T00:00", "2026-03-29T16:00", berlin)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Asia/Kolkata", "America/St_Johns"])
def test_the_first_bucket_of_a_preset_begins_with_it(zone: str) -> None:
    where = ZoneInfo(zone)
    for key in ("today", "7d", "30d", "90d"):
        span = preset_span(key, NOW, where)
        assert span.start and span.end
        first = bucket_of(span.start, step_of(span.start, span.end), where)
        assert first == span.start
        days = days_of(span, where)
        assert days
        assert days[1] == NOW.astimezone(where).date()


def test_a_failed_value_is_made_again_and_a_made_one_is_not() -> None:
    made: list[int] = []

    def make(key: int) -> int:
        made.append(key)
        if len(made) == 1:
            raise ValueError("not yet")
        return key

    shared = Shared(make)
    with pytest.raises(ValueError, match="not yet"):
        shared.get(3)
    assert (shared.ready(3), shared.get(3), shared.get(3), shared.ready(3), made) == (None, 3, 3, 3, [3, 3])
    shared.keep([])
    assert shared.ready(3) is None


def test_pressing_a_bar_twice_changes_nothing() -> None:
    view = replace(View(), page="overview")
    assert view.toggled("courier", frozenset({1, 2})).toggled("courier", frozenset({1, 2})) == view


def test_a_viewer_is_told_only_what_differs_and_all_viewers_the_same_text() -> None:
    content = Content({"orders": '{"n":1}', "revenue": '{"n":2}'})
    assert json.loads(content.news({})) == {"orders": {"n": 1}, "revenue": {"n": 2}}
    one, other = (content.news({"orders": '{"n":0}', "revenue": '{"n":2}'}) for _ in range(2))
    assert json.loads(one) == {"orders": {"n": 1}}
    assert one is other
    assert content.news(dict(content)) == ""


def test_a_browser_is_as_it_was_on_its_last_visit_and_a_link_counts_more() -> None:
    assert browser_of({}, "Mozilla/5.0 (X11) Chrome") == WIDE
    assert browser_of({}, "Mozilla/5.0 (Linux; Android 14) Mobile Safari").narrow
    assert browser_of({SYSTEM_THEME: "dark", SCREEN: "narrow"}, "") == Browser(narrow=True, dark=True)
    chosen = browser_of({SYSTEM_THEME: "dark", THEME: "light"}, "")
    assert (chosen.dark, chosen.shows_dark(View(dark=True)), chosen.shows_dark(View())) == (False, True, False)


def test_the_first_paint_shows_headlines_as_text() -> None:
    rows = [{"key": "orders", "label": "Orders", "value": "12.3 k", "change": "<img src=x>", "note": "vs. before"}]
    cards = {"headlines": json.dumps({"rows": rows})}
    page = first_paint(View(), WIDE, cards, NOW, ZoneInfo("Asia/Tokyo"), now=NOW + timedelta(seconds=5))
    assert "12.3 k" in page
    assert "As of 20:35:07" in page
    assert "<img" not in page
    assert "Loading" in first_paint(View(page="pipeline"), WIDE, {}, None, UTC_ZONE)
    assert "12.3 k" not in first_paint(View(), WIDE, cards, NOW, UTC_ZONE, now=NOW + timedelta(hours=1))


def test_naming_the_page_that_is_shown_changes_nothing() -> None:
    """The buttons are set to the page of a link that was followed, and tell of it."""
    view = view_of_query("?page=orders&span=all&product=3&search=x&sort=total")
    assert view.with_page("orders") == view
    assert view.with_page("overview").with_page("orders") == View(page="orders", preset="all")


def test_a_currency_that_no_order_has_is_left_out_and_clearing_filters_keeps_the_others() -> None:
    view = view_of_query("?currency=JPY&payment=card")
    choices: dict[str, dict[str | int, str]] = {"currency": {"EUR": "EUR", "JPY": "JPY"}, "payment": {"card": "Card"}}
    assert allowed(view, choices).filters.currency == "JPY"
    assert view.without_filters() == View().with_currency("JPY")
    assert not View().with_currency("JPY").is_filtered
    assert allowed(view, {**choices, "currency": {"EUR": "EUR"}}).filters.currency is None
    assert view_of_query("?currency=yen").filters.currency is None
