"""An archive run that waits for a person is killed with its worker at each moment of that, and no order is lost.

Until a person approves nothing is deleted. After a kill the next archive run asks again where nobody had answered, and
finishes what was approved.
"""

from pathlib import Path
from uuid import UUID

import pytest
from prefect.flow_runs import resume_flow_run

from ecommerce.archive.fault_points import VARIABLE
from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import an_order, hot_ids, insert, with_archive
from tests.prefect_stack import PrefectStack, prefect_stack

ARCHIVE = "archive-orders/daily"
ORDERS = set(range(20))

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]


def state_of(stack: PrefectStack, run: UUID) -> str | None:
    return stack.client.read_flow_run(run).state_name


def answer(stack: PrefectStack, run: UUID, word: str) -> None:
    stack.until_suspended(run)
    with stack.in_this_process():
        resume_flow_run(run, run_input={"answer": word})


UNANSWERED = ("verify:recorded", "approval:before", "approval:asked", "approval:told")
RESUMED = ("approval:resumed", "approval:answered")
CASES = [(moment, word) for moment in UNANSWERED + RESUMED for word in ("approve", "refuse")]


@pytest.mark.parametrize(("moment", "word"), [*CASES, ("purge:before", "approve")])
def test_a_run_that_waits_is_killed(
    settings: Settings, database: MongoDatabase, tmp_path: Path, moment: str, word: str
) -> None:
    insert(database, [an_order(i, day=i % 2) for i in ORDERS])
    with prefect_stack(with_archive(settings, tmp_path / "archive"), tmp_path / "prefect") as stack:
        without = stack.environment
        stack.environment = {**without, VARIABLE: moment}
        with stack.worker() as worker:
            run = stack.ask(ARCHIVE, approve=True)
            if moment not in UNANSWERED:
                answer(stack, run, word)
            stack.until(lambda: not worker.running() or state_of(stack, run) in ("Crashed", "Failed"))
        assert hot_ids(database) == ORDERS, "nothing was deleted"
        stack.environment = without
        with stack.worker():
            stack.wait(run)
            # One that has nothing of its own to archive.
            again = stack.ask(ARCHIVE, older_than_days=36_500, compact_from=0)
            if moment not in ("approval:answered", "purge:before"):
                answer(stack, again, word)
            (ended,) = stack.wait(again)
        assert ended.state_name == "Completed", stack.log(again)
    (record,) = database[ARCHIVE_RUNS].find()
    assert record["state"] == ("committed" if word == "approve" else "refused")
    assert hot_ids(database) == (set() if word == "approve" else ORDERS)
