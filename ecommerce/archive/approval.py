"""A person's word before orders are deleted: what is asked, who answers, and what an answer does to the run.

A run that was begun with `approve` stops when it is verified. It goes on when a person approves it. When a person
refuses it, or nobody answers in time, its export is dropped and nothing is deleted. Question and answer are in the
run's record: whoever finishes the run later, after a kill too, finds them there. The first answer counts.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ecommerce.archive.run import ARCHIVE_RUNS, VERIFIED, Run
from ecommerce.archive.runs import get_run
from ecommerce.archive.selection import order_match
from ecommerce.documents.kinds import from_scaled
from ecommerce.documents.statuses import FINISHED
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.readable import counted
from ecommerce.sizes import size_text

APPROVED, REFUSED = "approved", "refused"
"""The answers."""

ANSWER_TIME = timedelta(hours=24)
"""Without an answer for so long a run is refused."""

NOBODY = "nobody answered in time"

DAYS_SHOWN = 31


@dataclass(frozen=True, slots=True)
class Requested:
    """How a run was asked for."""

    approve: bool = False
    """Whether a person must approve before anything is deleted."""
    flow_run: str | None = None
    """Prefect's id of the flow run that asks for it."""


def needs_word(run: Run) -> bool:
    """Whether a run is verified and a person has not answered yet, asked or not, in time or not."""
    return run.state == VERIFIED and run.approve and run.answer is None


def waits(run: Run) -> bool:
    """Whether a run can go on only when a person answers."""
    return needs_word(run) and not _expired(run)


def is_refused(run: Run) -> bool:
    """Whether a verified run is to be dropped: a person refused, or nobody answered in time."""
    return run.state == VERIFIED and (run.answer == REFUSED or (needs_word(run) and _expired(run)))


def _expired(run: Run) -> bool:
    return run.answer_until is not None and run.answer_until <= datetime.now(UTC)


def note_question(database: MongoDatabase, run: Run, asked_by: str | None, answer_time: timedelta = ANSWER_TIME) -> Run:
    """Record that a person is asked by a flow run, and until when; returns the run as it is now."""
    now = datetime.now(UTC)
    return _note(database, run, {}, asked_by=asked_by, asked_at=now, answer_until=now + answer_time)


def note_answer(database: MongoDatabase, run: Run, answer: str, comment: str = "") -> Run:
    """Record a person's answer, if it is the first and in time; returns the run as it is now."""
    in_time = {"answer_until": {"$not": {"$lte": datetime.now(UTC)}}}
    return _note(database, run, in_time, answer=answer, comment=comment)


def _note(database: MongoDatabase, run: Run, condition: dict[str, Any], **changes: Any) -> Run:
    unanswered = {"_id": run.run_id, "state": VERIFIED, "answer": None}
    database[ARCHIVE_RUNS].update_one(unanswered | condition, {"$set": changes})
    return get_run(database, run.run_id)


def asked_run(database: MongoDatabase, flow_run: str | None) -> Run | None:
    """The run about which a flow run asked a person, whatever became of it."""
    found = database[ARCHIVE_RUNS].find_one({"asked_by": flow_run}, {"_id": 1}) if flow_run else None
    return get_run(database, found["_id"]) if found else None


NOTHING_NEW: Mapping[str, Any] = {
    "older_than_days": 36_500, "max_hot_orders": None, "max_hot_bytes": None, "compact_from": 0
}  # fmt: skip
"""Parameters of an archive run that only finishes what was left: no order is a hundred years old."""

HOW_TO_ANSWER = (
    "answer in Prefect (Resume on the page of the run that asks) or by `ecommerce archive --approve`, which asks here, "
    "--yes or --refuse"
)


def waiting_text(run: Run) -> str:
    """What waits, for whom and until when, in a line."""
    until = f" until {run.answer_until:%Y-%m-%d %H:%M} UTC" if run.answer_until else ""
    which = f"{counted(run.orders, 'order')} before {run.cutoff:%Y-%m-%d}"
    return f"run {run.run_id} ({which}) waits for a person's word{until}; no other archive run begins before it ends"


def question_markdown(database: MongoDatabase, run: Run) -> str:
    """What a person decides about: orders, bytes and days that would be deleted, and what stays."""
    finished, unfinished = (
        database[ORDERS].count_documents(order_match(statuses, None, run.cutoff)) for statuses in (FINISHED, None)
    )
    unfinished -= finished
    young = max(0, database[ORDERS].count_documents({}) - finished - unfinished)
    days = [day for day in run.per_day if day.orders]
    span = f" ({days[0].order_date} to {days[-1].order_date})" if days else ""
    open_too = run.statuses is None
    too_late = f", or without an answer until {run.answer_until:%Y-%m-%d %H:%M} UTC" if run.answer_until else ""
    lines = [
        f"## Delete {counted(run.orders, 'order')} from MongoDB?",
        "",
        f"Run {run.run_id} exported them to {run.archive_uri}, read them back and found them equal.",
        "",
        f"- **{counted(run.orders, 'order')}** of {counted(len(days), 'day')}{span}, "
        f"{size_text(run.bytes_before)} in MongoDB",
        *(
            [f"- **{counted(unfinished, 'of them is', 'of them are')} not finished** and may still change"]
            if open_too and unfinished
            else []
        ),
        *([] if open_too else [f"- {counted(unfinished, 'older order stays', 'older orders stay')}: not finished"]),
        f"- {counted(young, 'order stays', 'orders stay')}: not old enough",
        f"- refused{too_late}, nothing is deleted and the export is dropped",
        "",
        "| day | orders | total amount |",
        "| --- | ---: | ---: |",
        *(f"| {day.order_date} | {day.orders:,} | {from_scaled(day.total_amount):,} |" for day in days[:DAYS_SHOWN]),
    ]
    if len(days) > DAYS_SHOWN:
        lines += ["", f"… and {counted(len(days) - DAYS_SHOWN, 'day')} more"]
    return "\n".join(lines)


Answerer = Callable[[str], tuple[str, str] | None]
"""Shows a question (Markdown) to a person, and returns the answer and a comment; None where there was no answer."""

_answerer: ContextVar[Answerer | None] = ContextVar("answerer", default=None)


@contextmanager
def answered_by(answer: Answerer | None) -> Iterator[None]:
    """Within it a flow that needs a word asks `answer`: how a terminal answers a flow that it runs."""
    token = _answerer.set(answer)
    try:
        yield
    finally:
        _answerer.reset(token)


def yes(_question: str) -> tuple[str, str]:
    """An Answerer: the person said yes beforehand, so that nobody is asked."""
    return APPROVED, "said beforehand"


def no(_question: str) -> tuple[str, str]:
    """An Answerer: the person refuses without being asked."""
    return REFUSED, "on the command line"


def answerer() -> Answerer | None:
    """Who answers in this process; None where nobody does."""
    return _answerer.get()
