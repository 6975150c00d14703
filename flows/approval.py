"""How an archive run waits for a person: a form in Prefect, or the prompt of the command that runs the flow.

A deployed run is suspended: its process ends, and it starts again from the top when it is resumed. It then finds its
archive run verified, and this question answered.
"""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field, ValidationError

from ecommerce.archive.approval import (
    APPROVED,
    NOBODY,
    REFUSED,
    answerer,
    is_refused,
    note_answer,
    note_question,
    question_markdown,
    waits,
)
from ecommerce.archive.fault_points import reached
from ecommerce.archive.run import Run
from ecommerce.errors import InputError
from ecommerce.mongo import MongoDatabase
from flows.events import archive_answered, archive_waiting
from flows.own_run import deployment_id
from flows.sending import everything_sent


class Approval(RunInput):
    """The form of a suspended archive run."""

    answer: Literal["approve", "refuse"] = Field(
        description="approve: the orders are deleted from MongoDB. refuse: nothing is deleted, the export is dropped."
    )
    comment: str = Field(default="", max_length=500, description="Kept in the record of the archive run.")


def require_somebody_to_ask() -> None:
    """Raise InputError where a run that needs a person's word could ask nobody: known before anything is exported."""
    if answerer() is None and deployment_id() is None:
        raise InputError(
            "a person has to approve this run, and nobody can be asked here: --yes answers beforehand, and a run of "
            "archive-orders/daily asks in Prefect"
        )


def with_answer(database: MongoDatabase, run: Run, *, may_answer: bool) -> Run:
    """A run that waits, with a person's answer where this flow run can have one; else as it is.

    Suspends the flow run where it has to wait for the form. Where another flow run asks already, that one goes on
    waiting; where that was cancelled, the archive run is refused; where it is gone, this one asks. With `may_answer` a
    terminal answers also what another flow run asks.
    """
    me = str(flow_run.id)
    asks = _state_of(run.asked_by) if run.asked_by and run.asked_by != me else None
    if asks == "CANCELLED":
        run = note_answer(database, run, REFUSED, "the flow run that asked was cancelled")
        return _told(run)
    if answer := answerer():
        if asks in _LIVING and not may_answer:
            return run
        # A flow run that asks already stays the asker: resumed later, it finds its archive run answered.
        if asks not in _LIVING:
            run = note_question(database, run, me)
            archive_waiting(run)
        said = answer(question_markdown(database, run))
        return _told(note_answer(database, run, *said)) if said else run
    if asks in _LIVING or deployment_id() is None:
        return run
    return _told(_ask_by_form(database, run, me))


_LIVING = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")


def _ask_by_form(database: MongoDatabase, run: Run, me: str) -> Run:
    """Suspend this flow run with the form; after it was resumed, record what the form says."""
    if run.asked_by == me:
        try:
            form = _suspend(database, run)
            reached("approval:resumed")
            run = note_answer(database, run, _ANSWERS[form.answer], form.comment)
            reached("approval:answered")
            return run
        except ValidationError:
            # The flow run was cancelled while it was suspended, and then tried again: there is no answer.
            get_run_logger().info("nobody answered for run %s before: it is asked again", run.run_id)
    reached("approval:before")
    run = note_question(database, run, me)
    reached("approval:asked")
    if not waits(run):
        return run
    archive_waiting(run)
    reached("approval:told")
    form = _suspend(database, run)
    return note_answer(database, run, _ANSWERS[form.answer], form.comment)


_ANSWERS = {"approve": APPROVED, "refuse": REFUSED}


def _suspend(database: MongoDatabase, run: Run) -> Approval:
    """Suspend until the form is filled in; a key stands for one question and is answered at once the second time."""
    now = datetime.now(UTC)
    seconds_left = int(((run.answer_until or now) - now).total_seconds())
    everything_sent()
    form: Approval = suspend_flow_run(
        wait_for_input=Approval.with_initial_data(description=question_markdown(database, run)),
        timeout=max(1, seconds_left),
        key=f"{run.run_id.lower()}-{run.asked_at or now:%H%M%S%f}",
    )
    return form


def _told(run: Run) -> Run:
    """The run; its answer, where there is one, goes to the log and becomes an event."""
    if run.answer or is_refused(run):
        said = run.answer or f"{REFUSED}: {NOBODY}"
        get_run_logger().warning("run %s: %s%s", run.run_id, said, f" ({run.comment})" if run.comment else "")
        archive_answered(run)
    return run


def _state_of(flow_run_id: str) -> str | None:
    """The type of a flow run's state; None where there is no such run."""
    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(UUID(flow_run_id)).state
        except ObjectNotFound:
            return None
    return state.type.value if state else None
