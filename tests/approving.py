"""A flow run that waits for a person: its question, and the form that answers it."""

from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.flow_runs import resume_flow_run

from tests.prefect_stack import PrefectStack

ARCHIVE = "archive-orders/daily"


def suspended(stack: PrefectStack, **parameters: Any) -> UUID:
    """A run that was asked for and waits for a person."""
    run = stack.ask(ARCHIVE, older_than_days=30, **parameters)
    stack.until_suspended(run)
    return run


def question(stack: PrefectStack, run: UUID) -> str:
    """What stands above the form."""

    def text() -> str:
        found = stack.client._client.post(f"/flow_runs/{run}/input/filter", json={"prefix": "", "limit": 9}).json()  # noqa: SLF001
        return next((entry["value"] for entry in found if entry["key"].endswith("description")), "")

    return str(stack.until(text))


def answer(stack: PrefectStack, run: UUID, **form: str) -> None:
    """Fill in the form, as the page of the run does."""
    with stack.in_this_process():
        resume_flow_run(run, run_input=form)


def message(run: FlowRun) -> str:
    return str(run.state and run.state.message)
