"""A record of an archive run, or a lease, that somebody edited by hand is named or read, never a traceback."""

import os
from datetime import UTC, date, datetime
from typing import Any

import bson
import pytest
from bson.datetime_ms import DatetimeMS

from ecommerce.archive import lease
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.run import COMMITTED, Day, Run, Slice, run_document, run_of_record
from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.processes import birth, process_space
from tests.runbook import row_of

OLD = datetime(2020, 1, 1, tzinfo=UTC)
DAY = Day(OLD.date(), 5, 100, -3, 7)
RUN = Run(
    "20200101T000000-aaaaaa", "archive", COMMITTED, OLD, ("Delivered",), "file:/a", slices=(Slice(OLD, OLD, 5),),
    read_days=(DAY,), per_day=(DAY,), merged_days=(date(2020, 1, 1),), seconds={"plan": 1.0}, started_at=OLD,
    finished_at=OLD, answer_until=OLD,
)  # fmt: skip
MISSING = object()
SOMETHING_ELSE: tuple[Any, ...] = (
    MISSING,
    "x",
    5,
    None,
    [],
    {"a": 1},
    datetime(1960, 1, 1, tzinfo=UTC),
    DatetimeMS(10**17),
)
NAMED = ("orders", "state", "cutoff", "slices", "per_day", "started_at", "branch")


def stored(document: dict[str, Any]) -> dict[str, Any]:
    return bson.decode(bson.encode(document), CODEC_OPTIONS)


def test_a_record_is_read_as_it_was_written() -> None:
    assert run_of_record(stored(run_document(RUN) | {"_id": RUN.run_id})) == RUN


@pytest.mark.parametrize("field", [name for name in Run.__slots__ if name != "run_id"])
def test_an_edited_record_of_a_run_is_named_or_read(field: str) -> None:
    record = run_document(RUN) | {"_id": RUN.run_id}
    named = 0
    for value in SOMETHING_ELSE:
        edited = {name: kept for name, kept in record.items() if name != field}
        try:
            run_of_record(stored(edited if value is MISSING else edited | {field: value}))
        except ArchiveError as error:
            named += 1
            assert row_of(str(error)).startswith("the record")
    assert named or field not in NAMED


@pytest.mark.parametrize("field", ["pid", "process_born", "process_space"])
def test_an_edited_lease_is_that_of_nobody_or_of_somebody(field: str) -> None:
    held = {"pid": os.getpid(), "process_born": birth(os.getpid()), "process_space": process_space()}
    assert not lease._is_dead(held)  # noqa: SLF001
    for value in SOMETHING_ELSE[1:]:
        assert lease._is_dead({**held, field: value}) == (field != "process_space")  # noqa: SLF001
