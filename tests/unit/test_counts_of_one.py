"""One order is no "1 orders": what commands, runs and pages say of counts, said of one and of many."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest

from ecommerce.archive.days import Damage, named_days
from ecommerce.archive.expire import Expired
from ecommerce.archive.maintain import Maintenance
from ecommerce.archive.report import plan_markdown, run_markdown
from ecommerce.archive.run import ARCHIVE, CHANGES, PURGED, REFUSED, Run
from ecommerce.archive.selection import Plan, PlannedDay
from ecommerce.check.report import CheckReport, report_markdown
from ecommerce.importing.loading.report import FileReport, ImportReport
from ecommerce.mongo import MongoDatabase
from ecommerce.readable import counted
from ecommerce.summaries.checked import FEWER, LOOKED_AT, check_problems
from ecommerce.summaries.state import CHECKS

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def run(count: int, kind: str = ARCHIVE, state: str = PURGED) -> Run:
    return Run("r1", kind, state, NOW, None, "file:/a", orders=count, days=count)


def file(count: int) -> FileReport:
    return FileReport(Path("a.csv"), "orders", read=count, accepted=count, rejected_earlier=count)


def damaged(count: int) -> list[Damage]:
    return [Damage(date(2026, 1, 1) + timedelta(days=day), "it is gone", "r1") for day in range(count + 3)]


def checked(count: int) -> CheckReport:
    return CheckReport(NOW, count, count, False, count, (), (), (), False, 1.0)


def recorded(count: int) -> str:
    """What the last check found wrong, of each thing that one looks for."""
    records: Any = [{"_id": what, "as_of": NOW, "found": count, "first": []} for what in (*LOOKED_AT, FEWER)]
    collection = Mock(find=lambda _: Mock(sort=lambda *_: records))
    return "; ".join(problem.says for problem in check_problems(cast("MongoDatabase", {CHECKS: collection})))


SENTENCES: dict[str, Callable[[int], str]] = {
    "archived": lambda count: str(run(count)),
    "changed": lambda count: str(run(count, CHANGES)),
    "refused": lambda count: str(run(count, state=REFUSED)),
    "page of a run": lambda count: run_markdown(run(count)),
    "page of changes": lambda count: run_markdown(run(count, CHANGES)),
    "page of a plan": lambda count: plan_markdown(
        Plan(NOW, tuple(PlannedDay(NOW.date(), 1, 9, 1) for _ in range(count)), (), 3 * count + count, aside=count)
    ),
    "merged": lambda count: str(Maintenance((NOW.date(),) * count, count, 1, count)),
    "expired": lambda count: str(Expired(NOW.date(), count)),
    "damaged": lambda count: named_days(damaged(count)),
    "page of a check": lambda count: report_markdown(checked(count)),
    "the last check": recorded,
    "a file": lambda count: str(file(count)),
    "notes of a file": lambda count: "; ".join(file(count).notes),
    "a file that was stopped": lambda count: file(count).when_stopped(),
    "files": lambda count: str(ImportReport([file(1)] * count)),
}


@pytest.mark.parametrize("what", SENTENCES)
def test_a_count_of_one_is_said_as_one(what: str) -> None:
    one, many = SENTENCES[what](1), SENTENCES[what](2000)
    assert not re.search(r"\b1\*{0,2} (\w+ )?(\w+s|of these are|are|were)\b(?<!is)(?<!was)(?<!stays)", one), one
    assert re.search(r"\b2,000 (\w+ )?\w+s\b", many), many


def test_a_noun_has_its_own_plural() -> None:
    assert (counted(1, "day"), counted(0, "day"), counted(1000, "day")) == ("1 day", "0 days", "1,000 days")
    assert counted(2, "entry", "entries") == "2 entries"
