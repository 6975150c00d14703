"""Somebody with a shell edits what the pipeline keeps about itself: the figures are right again, by themselves or after
`ecommerce check --repair`, and no command ends in a traceback.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Int64, Timestamp

from ecommerce.check import check_orders
from ecommerce.kpis import KpiStore
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import BUCKETS, DELTAS, STATE, load_state
from tests.summaries_data import accept, random_orders
from tests.vandalism import assert_figures_of

Change = Callable[[MongoDatabase], object]


def set_fields(**fields: Any) -> Change:
    """Write fields into the state."""
    return lambda database: database[STATE].update_one({}, {"$set": fields})


def without(field: str) -> Change:
    return lambda database: database[STATE].update_one({}, {"$unset": {field: ""}})


def add(**numbers: int) -> Change:
    return lambda database: database[STATE].update_one({}, {"$inc": numbers})


def last_compacted(database: MongoDatabase) -> Int64:
    return Int64((load_state(database) or pytest.fail()).compacted_seq)


def remove_compacted(database: MongoDatabase) -> None:
    """What compaction does a quarter of an hour later."""
    database[DELTAS].update_many({}, {"$set": {"written_at": datetime(2026, 1, 1, tzinfo=UTC)}})
    compact(database)


EDITS: dict[str, Change] = {
    "the cluster time of an hour ago": set_fields(cluster_time=Timestamp(1, 1)),
    "a cluster time to come": set_fields(cluster_time=Timestamp(4_000_000_000, 1)),
    "no token": set_fields(token=None),
    "a cluster time that is a number": set_fields(cluster_time=5),
    "a number of the last delta that is less": add(seq=-1),
    "a number of the last delta that is more": add(seq=5),
    "a number of the last delta that is a text": set_fields(seq="5"),
    "deltas compacted that are not": add(compacted_seq=1),
    "deltas not compacted that are": add(compacted_seq=-1),
    "an epoch that never was": set_fields(epoch="0" * 24),
    "a zone that is none": set_fields(time_zone="Mars/Olympus"),
    "another zone": set_fields(time_zone="Asia/Tokyo"),
    "no time": set_fields(as_of=None),
    "a text for a format": set_fields(format="five"),
    **{
        f"no {field}": without(field)
        for field in ("format", "epoch", "seq", "compacted_seq", "cluster_time", "token", "as_of", "time_zone")
    },
    "removed": lambda database: database[STATE].delete_many({}),
    "dropped": lambda database: database[STATE].drop(),
}


@pytest.fixture
def shop(database: MongoDatabase) -> MongoDatabase:
    """Orders that came in one after the other, some of them in buckets and some in deltas."""
    orders = random_orders(60)
    for start in range(0, 60, 10):
        accept(database, orders[start : start + 10])
        advance(database)
        if start == 20:
            compact(database)
    return database


@pytest.mark.parametrize("edit", EDITS)
def test_a_state_that_was_edited_is_built_anew(shop: MongoDatabase, settings: Settings, edit: str) -> None:
    store = KpiStore(shop)
    store.refresh()
    EDITS[edit](shop)
    assert_right_after_more(shop, settings, store)


def advance_more(database: MongoDatabase) -> None:
    accept(database, random_orders(65)[60:])
    advance(database)


@pytest.mark.parametrize(
    "meanwhile",
    [
        (advance_more,),
        (advance_more, compact),
        (advance_more, compact, remove_compacted),
        (rebuild,),
        (advance_more, rebuild, advance_more, compact, remove_compacted),
    ],
    ids=lambda steps: ", ".join(step.__name__ for step in steps),
)
def test_an_older_state_that_is_put_back_is_built_anew(
    shop: MongoDatabase, settings: Settings, meanwhile: tuple[Change, ...]
) -> None:
    store = KpiStore(shop)
    store.refresh()
    older = shop[STATE].find_one({})
    assert older is not None
    for step in meanwhile:
        step(shop)
    shop[STATE].replace_one({}, older)
    assert "older" in advance(shop).reason
    assert_right_after_more(shop, settings, store)


LOST: dict[str, Change] = {
    "a delta": lambda database: database[DELTAS].delete_one({"_id": {"$gt": last_compacted(database)}}),
    "all deltas": lambda database: database[DELTAS].delete_many({}),
    "the collection of deltas": lambda database: database[DELTAS].drop(),
    "a part of a bucket": lambda database: database[BUCKETS].delete_one({}),
    "all buckets": lambda database: database[BUCKETS].drop(),
}


@pytest.mark.parametrize("lost", LOST)
def test_cells_that_were_removed_are_named_and_repaired(shop: MongoDatabase, settings: Settings, lost: str) -> None:
    LOST[lost](shop)
    report = check_orders(shop, settings)
    assert report.differences
    assert check_orders(shop, settings, repair=True).repaired
    assert_right_after_more(shop, settings, KpiStore(shop))


def assert_right_after_more(database: MongoDatabase, settings: Settings, store: KpiStore) -> None:
    orders = random_orders(70)
    accept(database, orders[60:])
    assert_figures_of(database, orders, store)
    assert check_orders(database, settings).is_good
    advanced = advance(database)
    assert advanced.mode == "advanced"
