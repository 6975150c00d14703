"""What happens becomes an event, and what follows from it happens by itself and without a storm: on a real server."""

import json
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.importing.loading.report import FileReport, ImportReport
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.summaries.state import CHECKS
from flows.events import orders_imported
from tests.archiving import an_order, emptied_afterwards, hot_ids, insert, shop_beside_a_worker
from tests.compose.compose_file import REPOSITORY
from tests.prefect_stack import PrefectStack, prefect_stack

pytestmark = pytest.mark.slow

MADE = runpy.run_path(str(REPOSITORY / "deployments" / "automations.py"))
WITHIN = timedelta(seconds=5)
NOW = datetime.now(UTC).replace(microsecond=0)
SUMMARIZE, CHECK, ARCHIVE = "summarize-orders/hourly", "check-orders/daily", "archive-orders/daily"


@pytest.fixture(scope="module")
def stack(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectStack]:
    """A server with what `deployments/automations.py` makes, in less time, and a worker."""
    home = tmp_path_factory.mktemp("events")
    with prefect_stack(shop_beside_a_worker(mongo_uri, home), home / "prefect") as stack:
        with stack.in_this_process():
            MADE["run_after"]("orders.imported", "ecommerce.database.*", SUMMARIZE, WITHIN).create()
            MADE["run_after"]("orders.archived", "ecommerce.archive-run.*", CHECK, WITHIN).create()
            MADE["close_unanswered_archives"](timedelta(seconds=20)).create()
        stack.pause("generate-orders/hourly")
        with stack.worker():
            yield stack


@pytest.fixture
def database(stack: PrefectStack) -> Iterator[MongoDatabase]:
    with emptied_afterwards(stack.settings) as database:
        yield database


def events(stack: PrefectStack, name: str) -> list[dict[str, Any]]:
    """Events of a name, newest first."""
    body = {"filter": {"event": {"name": [name]}}, "limit": 50}
    found: list[dict[str, Any]] = stack.client._client.post("/events/filter", json=body).json()["events"]  # noqa: SLF001
    return found


def runs_of(stack: PrefectStack, deployment: str) -> list[Any]:
    """Runs that an automation made, oldest first; the schedule's are none of them."""
    wanted = stack.client.read_deployment_by_name(deployment).id
    made = [run for run in stack.client.read_flow_runs() if run.deployment_id == wanted and not run.auto_scheduled]
    return sorted(made, key=lambda run: run.created)


@pytest.mark.timeout(600)
def test_summarize_follows_imports_once_each_span(stack: PrefectStack, database: MongoDatabase, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(json.dumps({"order": {"order_id": "no number"}}) + "\n")
    stack.wait(stack.ask("import-files/hourly", paths=[str(file)], max_rejected_share=1))
    (rejected,) = stack.until(lambda: events(stack, "rows.rejected"))
    assert rejected["payload"]["rejected"] == 1
    assert rejected["resource"]["prefect.resource.id"] == f"ecommerce.database.{database.name}"
    roles = {related["prefect.resource.role"] for related in rejected["related"]}
    assert {"flow-run", "flow", "deployment"} <= roles
    assert events(stack, "orders.imported") == [], "nothing came in"

    # Forty imports in some seconds.
    begun = datetime.now(UTC)
    with stack.in_this_process():
        for _ in range(40):
            orders_imported(ImportReport([FileReport(file, "orders", read=1, accepted=1)]))
    seconds = (datetime.now(UTC) - begun).total_seconds()
    stack.until(lambda: len(events(stack, "orders.imported")) == 40)
    stack.until(lambda: runs_of(stack, SUMMARIZE))
    ended = stack.wait(*(run.id for run in runs_of(stack, SUMMARIZE)))
    assert any(run.state_name == "Completed" for run in ended), stack.log(ended[0].id)
    assert len(runs_of(stack, SUMMARIZE)) <= 2 + seconds / WITHIN.total_seconds()
    # Each event is followed by a run that begins after it.
    last = max(datetime.fromisoformat(event["occurred"]) for event in events(stack, "orders.imported"))
    assert max(run.expected_start_time for run in ended if run.expected_start_time) >= last


@pytest.mark.timeout(600)
def test_what_needs_attention_is_sent_once_and_when_it_is_over(stack: PrefectStack, database: MongoDatabase) -> None:
    insert(database, [an_order(i, status="Shipped") for i in range(3)])
    for _ in range(2):
        (run,) = stack.wait(stack.ask(SUMMARIZE))
        assert run.state_name == "Completed", stack.log(run.id)
    (overdue,) = stack.until(lambda: of_key(stack, "attention.needed", "overdue"))
    assert overdue["payload"]["text"] == "3 orders are overdue"
    assert "/app?page=orders" in overdue["payload"]["link"]
    database[ORDERS].update_many({}, {"$set": {"delivery.status": "Delivered", "delivery.actual_time": NOW}})
    stack.wait(stack.ask(SUMMARIZE))
    (over,) = stack.until(lambda: of_key(stack, "attention.over", "overdue"))
    assert over["payload"]["text"] == "3 orders are overdue"
    assert len(of_key(stack, "attention.needed", "overdue")) == 1


def of_key(stack: PrefectStack, name: str, key: str) -> list[dict[str, Any]]:
    found = events(stack, name)
    return [event for event in found if event["resource"]["prefect.resource.id"] == f"ecommerce.attention.{key}"]


@pytest.mark.timeout(600)
def test_check_follows_an_archive_run(stack: PrefectStack, database: MongoDatabase) -> None:
    insert(database, [an_order(i, day=i % 2) for i in range(20)])
    (archived,) = stack.wait(stack.ask(ARCHIVE))
    assert archived.state_name == "Completed", stack.log(archived.id)
    (event,) = stack.until(lambda: events(stack, "orders.archived"))
    (record,) = database[ARCHIVE_RUNS].find()
    assert event["resource"]["prefect.resource.id"] == f"ecommerce.archive-run.{record['_id']}"
    assert (event["payload"]["orders"], event["payload"]["days"]) == (20, 2)
    assert record["flow_run"] == str(archived.id)
    stack.until(lambda: runs_of(stack, CHECK))
    (checked,) = stack.wait(*(run.id for run in runs_of(stack, CHECK)))
    assert checked.state_name == "Completed", stack.log(checked.id)
    assert checked.state and "every figure equals" in str(checked.state.message)

    # A check that began after the next archive run has answered it; a person's is a check of its own.
    database[CHECKS].update_many({}, {"$set": {"as_of": datetime.now(UTC) + timedelta(hours=1)}})
    insert(database, [an_order(i, day=3) for i in range(100, 110)])
    stack.wait(stack.ask(ARCHIVE))
    stack.until(lambda: len(runs_of(stack, CHECK)) == 2)
    *_, answered = sorted(
        stack.wait(*(run.id for run in runs_of(stack, CHECK))), key=lambda run: run.created or datetime.now(UTC)
    )
    assert answered.state_name == "Completed", stack.log(answered.id)
    assert answered.state and "began after this one was asked for" in str(answered.state.message)
    (of_a_person,) = stack.wait(stack.ask(CHECK))
    assert of_a_person.state and "every figure equals" in str(of_a_person.state.message)


@pytest.mark.timeout(600)
def test_an_archive_run_that_nobody_answers_is_closed(stack: PrefectStack, database: MongoDatabase) -> None:
    insert(database, [an_order(i) for i in range(10)])
    run = stack.ask(ARCHIVE, approve=True)
    stack.until(lambda: stack.client.read_flow_run(run).state_name == "Suspended")
    database[ARCHIVE_RUNS].update_one({}, {"$set": {"answer_until": datetime.now(UTC)}})
    stack.until(lambda: [one["state"] for one in database[ARCHIVE_RUNS].find()] == ["refused"])
    assert hot_ids(database) == set(range(10))
