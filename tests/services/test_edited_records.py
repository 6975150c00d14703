"""Somebody with a shell edits what the pipeline keeps about itself: the figures are right again, by themselves or after
`ecommerce check --repair`, and no command ends in a traceback.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Int64, Timestamp
from bson.datetime_ms import DatetimeMS

from dashboard.pipeline import read_failures, read_pipeline
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.lease import ARCHIVE_LEASE, archive_lease
from ecommerce.archive.run import ARCHIVE_RUNS, COMMITTED, Run
from ecommerce.archive.runs import new_run, runs_of_the_table
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.doctor.checkup import CHECKS
from ecommerce.doctor.findings import PROBLEM, examine
from ecommerce.errors import EcommerceError
from ecommerce.gate import GATE
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import KpiStore
from ecommerce.metrics import metrics_text
from ecommerce.mongo import IMPORTS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import SHOP
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import BUCKETS, DELTAS, STATE, load_state
from tests.runbook import row_of
from tests.summaries_data import accept, random_orders
from tests.vandalism import assert_figures_of

pytestmark = pytest.mark.slow

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
    "another number of orders": add(orders=7),
    "a text for a format": set_fields(format="five"),
    **{
        f"no {field}": without(field)
        for field in (
            "format",
            "epoch",
            "seq",
            "compacted_seq",
            "cluster_time",
            "token",
            "as_of",
            "time_zone",
            "orders",
        )
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


SOMETHING_ELSE: tuple[Any, ...] = ("x", 5, None, [], {"a": 1}, datetime(1960, 1, 1, tzinfo=UTC), DatetimeMS(10**17))


def look(database: MongoDatabase, settings: Settings) -> list[str]:
    """What those say that read the records; nothing but an error that people can read may come out of them."""
    said: list[str] = []
    readers: list[Callable[[], object]] = [
        lambda: archive_orders(settings, Selection(older_than_days=36_000)),
        lambda: runs_of_the_table(database),
        lambda: advance(database),
        lambda: check_orders(database, settings, archive=False),
        lambda: metrics_text(database),
        lambda: read_pipeline(database, settings),
        lambda: read_failures(database, settings),
    ]
    for read in readers:
        try:
            read()
        except EcommerceError as error:
            said.append(str(error))
    said += [f"{one.says}: {one.remedy}" for one in examine(settings, LOOKED_AT) if one.state == PROBLEM]
    assert not any("could not be looked at" in line for line in said), said
    return said


LOOKED_AT = [check for check in CHECKS if check.name in ("shop", "upgrade", "summaries", "documents", "archive runs")]


def edited(database: MongoDatabase, collection: str) -> Iterator[str]:
    """Leave out and change each field of a record, one after the other; it is put back each time."""
    record = database[collection].find_one({})
    assert record is not None
    same = {"_id": record["_id"]}
    for field in record.keys() - {"_id"}:
        for edit in ({"$unset": {field: ""}}, *({"$set": {field: value}} for value in SOMETHING_ELSE)):
            database[collection].update_one(same, edit)
            yield f"{collection}: {edit}"
            database[collection].replace_one(same, record)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("collection", "named", "kind"),
    [
        pytest.param(ARCHIVE_RUNS, "state", "record", marks=pytest.mark.drill),
        (GATE, "format", "mark"),
        pytest.param(SHOP, "time_zone", "shop", marks=pytest.mark.drill),
        pytest.param(IMPORTS, "", "-", marks=pytest.mark.drill),
        (ARCHIVE_LEASE, "", "-"),
    ],
)
def test_a_record_that_was_edited_is_named(
    shop: MongoDatabase, archive: Settings, tmp_path: Path, collection: str, named: str, kind: str
) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    if collection == ARCHIVE_RUNS:
        run = Run("20260101T000000-aaaaaa", "archive", COMMITTED, old, None, "file:/a", started_at=old, finished_at=old)
        new_run(shop, run)
        shop[ARCHIVE_RUNS].update_one({}, {"$unset": {"unfinished": ""}})
    elif collection == IMPORTS:
        file = tmp_path / "orders.jsonl"
        file.write_text("{}\n")
        import_paths(shop, [file])
    elif collection == ARCHIVE_LEASE:
        with archive_lease(shop):
            pass
    assert look(shop, archive) == []
    for edit in edited(shop, collection):
        said = [row_of(line) for line in look(shop, archive) if "somebody edited" in line]
        assert all(row.startswith(f"the {kind}") for row in said), (edit, said)
        # A number may be another count or format; what it comes to is said then.
        assert said or not named or f"'{named}'" not in edit or f"'{named}': 5" in edit, edit
    assert look(shop, archive) == []
