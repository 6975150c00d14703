"""The pipeline page draws records whatever somebody wrote into them, and no other page fails by it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Decimal128

from dashboard.feed import Feed, Sources
from dashboard.pipeline import Pipeline, Stock
from dashboard.pipeline_cards import pipeline_cards
from dashboard.session import Session
from dashboard.state import View
from ecommerce.hours import hours_of
from ecommerce.kpis.store import Refresh

UTC_ZONE = ZoneInfo("UTC")
NO_NUMBERS = [float("nan"), float("inf"), Decimal128("NaN"), Decimal128("sNaN"), Decimal128("1E+6144"), "many", [3], {}]


def pipeline_of(run: dict[str, Any], record: dict[str, Any]) -> Pipeline:
    return Pipeline(1, 2, 3, 4, ({"_id": "r", **run},), ({"_id": "i", **record},), 0, (), None)


def cells(card: str, pipeline: Pipeline) -> list[Any]:
    (row,) = json.loads(pipeline_cards(pipeline, 0, 0, UTC_ZONE)[card])["rows"]
    return list(row["cells"])


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_drawn_as_none(value: object) -> None:
    counts = dict.fromkeys(("read", "accepted", "changed", "unchanged", "rejected"), value)
    pipeline = pipeline_of(
        {"seconds": {"export": value, "verify": 2.5}, "orders": value, "days": value, "bytes_after": value},
        {**counts, "reasons": {"bad_time": value}},
    )
    assert cells("archive_runs", pipeline)[3:] == ["0", "0", "0 B", "2.5 s"]
    assert cells("imports", pipeline)[3:] == ["0", "0", "0", "0", "0", "bad_time 0"]
    shapeless = pipeline_of({"seconds": value}, {"reasons": value, "started_at": value})
    assert cells("archive_runs", shapeless)[6] == "–"
    assert cells("imports", shapeless)[8] == ""


def test_a_number_of_any_type_is_drawn() -> None:
    pipeline = pipeline_of({"orders": 7.0}, {"read": Decimal128("1200"), "rejected": Decimal128(Decimal(3))})
    assert cells("archive_runs", pipeline)[3] == "7"
    assert cells("imports", pipeline)[3] == "1,200"
    assert cells("imports", pipeline)[7] == {"text": "3", "tone": "bad"}


class Store:
    """A KPI store of a shop without choices."""

    hours, currency = hours_of("UTC"), "USD"

    def refresh(self) -> Refresh:
        return Refresh(1, 0, datetime.now(UTC), 0.0, 0)

    def choices(self) -> dict[str, Any]:
        texts = ("payment_types", "statuses", "locations", "categories", "currencies")
        return {**dict.fromkeys(texts, ()), "couriers": {}, "warehouses": {}}


def feed_with(read_pipeline: Callable[[], Pipeline]) -> Feed:
    store: Any = Store()
    return Feed(Sources(lambda: store, read_pipeline, lambda _: Stock((), 0, 10, 7.0, {}, {})), UTC_ZONE, "USD")


def test_a_pipeline_that_cannot_be_read_fails_no_figure_and_says_so_on_its_page(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> Pipeline:
        raise TypeError("int() argument must not be 'Decimal128'")

    monkeypatch.setattr("dashboard.feed.PIPELINE_SECONDS", 0)
    feed = feed_with(unreadable)
    viewer = Session(View(page="pipeline"), UTC_ZONE, lambda: datetime.now(UTC))
    feed.join(viewer)
    ticks = [feed.tick(), feed.tick()]
    assert [tick.freshness.problem for tick in ticks] == [None, None]
    for cards in (ticks[1].cards["pipeline"], feed.cards("pipeline")):
        head = json.loads(cards["pipeline"])
        assert head["subtitle"] == (
            "The pipeline could not be read (TypeError: int() argument must not be 'Decimal128'): the dashboard's log "
            "has its traceback."
        )
        assert {json.loads(text).get("empty", "Not known now") for text in cards.values()} == {"Not known now"}
    assert caplog.text.count("the pipeline page could not be drawn") == 1  # not at every tick
    assert caplog.text.count("Traceback") == 1
