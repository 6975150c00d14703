"""Forms and settings of runs, with a real server and worker: what is wrong is refused, and what operators set lasts."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId, TaskRunFilter
from prefect.exceptions import PrefectHTTPStatusError

from ecommerce.mongo import ORDERS, MongoDatabase, get_database
from ecommerce.services.prefect import parameters_kept, post
from ecommerce.settings import Settings
from tests.archiving import with_archive
from tests.prefect_stack import PrefectStack, prefect_stack

ARCHIVE, BACKFILL, RESTORE = "archive-orders/daily", "generate-orders/backfill", "restore-orders/on-demand"

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


@pytest.fixture(scope="module")
def module_settings(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("parameters")
    return with_archive(Settings(mongo_uri=mongo_uri, database="test_run_parameters", home=home), home / "archive")


@pytest.fixture(scope="module")
def stack(module_settings: Settings) -> Iterator[PrefectStack]:
    with prefect_stack(module_settings, module_settings.home / "prefect") as stack, stack.worker():
        yield stack


def refusal(stack: PrefectStack, deployment: str, **parameters: Any) -> str:
    """What the API says of parameters that it does not take."""
    with pytest.raises(PrefectHTTPStatusError) as refused:
        stack.ask(deployment, **parameters)
    assert refused.value.response.status_code in (409, 422)
    return refused.value.response.text


@pytest.mark.parametrize(
    "day", ["2026-13-45", "2026-02-30", "2026-04-31", "2026-1-1", "yesterday", "2026-11-27T25:00:00"]
)
def test_a_day_that_is_none_is_refused_by_the_form(stack: PrefectStack, day: str) -> None:
    assert "'start'" in refusal(stack, RESTORE, start=day)
    assert "'end'" in refusal(stack, RESTORE, end=day)
    assert "'start'" in refusal(stack, BACKFILL, start=day, end="2026-11-27")
    assert "'start'" in refusal(stack, "generate-orders/files", to="/nowhere", start=day, end="2026-11-27")


def test_a_moment_may_be_written_as_people_and_forms_do(stack: PrefectStack) -> None:
    spans = [("2025-01-01", "2025-01-02T06:30"), ("2025-01-02 06:30:00+00:00", "2025-01-03T00:00:00.000Z")]
    for run in stack.wait(*[stack.ask(BACKFILL, start=start, end=end, orders=20) for start, end in spans]):
        assert run.state_name == "Completed", stack.log(run.id)


def test_numbers_outside_their_bounds_are_refused_by_the_form(stack: PrefectStack) -> None:
    assert "'older_than_days'" in refusal(stack, ARCHIVE, older_than_days=-1)
    assert "'compact_from'" in refusal(stack, ARCHIVE, compact_from=-1)
    assert "'max_rejected_share'" in refusal(stack, "import-files/hourly", max_rejected_share=2)
    assert "'rate'" in refusal(stack, "generate-orders/live", rate=0)


def test_what_no_form_can_know_fails_at_once_in_one_line(stack: PrefectStack) -> None:
    asked = [
        stack.ask(BACKFILL, start="2026-03-02", end="2026-03-01"),
        stack.ask(RESTORE, start="2026-03-02", end="2026-03-01"),
        stack.ask("import-files/hourly", paths=["/no/such/file.csv"]),
    ]
    for run in stack.wait(*asked):
        stack.until_logged(run.id, "Finished in state")
        log = stack.log(run.id)
        assert (run.state_name, run.run_count) == ("Failed", 1), log
        assert "Traceback" not in log
        assert "retr" not in log.lower(), log
        errors = [line for line in log.splitlines() if line.startswith(str(logging.ERROR))]
        assert any("2026-03-01" in line or "/no/such/file.csv" in line for line in errors), log


def test_an_emptied_age_is_as_it_is_set_and_none_archives_nothing_for_its_age(stack: PrefectStack) -> None:
    for parameters, says in (
        ({}, "older_than_days is empty: 30, as archive_older_than_days is set"),
        # What Prefect's form sends where the field was emptied.
        ({"include_open": False, "compact_from": 4, "max_hot_orders": None}, "older_than_days is empty: 30"),
        ({"older_than_days": None}, "no order is archived for its age"),
    ):
        (run,) = stack.wait(stack.ask(ARCHIVE, dry_run=True, **parameters))
        assert run.state_name == "Completed", stack.log(run.id)
        stack.until_logged(run.id, says)
    days = {f"{datetime.now(UTC):%Y-%m-%d}"}
    (run,) = stack.wait(stack.ask(ARCHIVE, dry_run=True, older_than_days=0))
    assert run.name.removeprefix("plan archive before ") in days | {f"{datetime.now(UTC):%Y-%m-%d}"}


def test_what_operators_set_lasts_when_everything_is_deployed_again(stack: PrefectStack) -> None:
    post(stack.settings, "/variables/", {"name": "ecommerce_archive_older_than_days", "value": 90})
    hourly = stack.client.read_deployment_by_name("summarize-orders/hourly")
    post(stack.settings, f"/deployments/{hourly.id}", {"parameters": {"hours": 48}}, "PATCH")
    with parameters_kept(stack.settings, print):
        stack.deploy()
    assert stack.client.read_deployment_by_name("summarize-orders/hourly").parameters == {"hours": 48}
    archive, summarize = stack.wait(stack.ask(ARCHIVE, dry_run=True), stack.ask("summarize-orders/hourly"))
    assert archive.name.startswith("plan archive before")
    stack.until_logged(archive.id, "older_than_days is empty: 90, as archive_older_than_days is set")
    assert summarize.parameters == {"hours": 48}

    (variable,) = post(stack.settings, "/variables/filter", {})
    post(stack.settings, f"/variables/{variable['id']}", {"value": "many"}, "PATCH")
    (refused,) = stack.wait(stack.ask(ARCHIVE, dry_run=True))
    assert refused.state_name == "Failed"
    stack.until_logged(refused.id, "the Prefect Variable ecommerce_archive_older_than_days='many'")
    post(stack.settings, f"/variables/{variable['id']}", None, "DELETE")


def test_what_the_library_says_is_in_the_log_of_its_run(stack: PrefectStack, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text("product_id,name,warehouse_id\n7,Chair,42\n")
    made = stack.ask(BACKFILL, start="2025-01-05", end="2025-01-06", orders=20)
    asked = {
        made: f"{logging.INFO} 20 orders of 1 window: 0 were there",
        stack.ask("import-files/hourly", paths=[str(file)]): f"{logging.INFO} products.csv holds products",
        stack.ask("summarize-orders/hourly"): "deltas put into buckets",
    }
    for run in stack.wait(*asked):
        assert run.state_name == "Completed", stack.log(run.id)
        stack.until_logged(run.id, asked[run.id])


def test_every_task_says_in_a_line_what_it_did(stack: PrefectStack, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text("product_id,name,warehouse_id\n8,Table,42\n")
    asked = [
        stack.ask(BACKFILL, start="2025-01-07", end="2025-01-08", orders=20),
        stack.ask("import-files/hourly", paths=[str(file)]),
        stack.ask("summarize-orders/hourly"),
        stack.ask(ARCHIVE, dry_run=True),
        stack.ask("check-orders/daily", archive=False),
        stack.ask("delete-old-runs/daily"),
    ]
    for run in stack.wait(*asked):
        assert run.state_name == "Completed", stack.log(run.id)
        stack.until_logged(run.id, "Finished in state Completed('" if run.state and run.state.message else "Finished")
        lines = stack.client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])), limit=200)
        tasks = stack.client.read_task_runs(task_run_filter=TaskRunFilter(flow_run_id={"any_": [run.id]}))
        said = {line.task_run_id for line in lines if not line.message.startswith("Finished in state")}
        silent = [task.name for task in tasks if task.id not in said]
        assert tasks and silent == [], f"{run.name}: {stack.log(run.id)}"


def test_parameters_of_earlier_versions_go_on_working_with_a_word(
    stack: PrefectStack, tmp_path: Path, module_settings: Settings
) -> None:
    runs = stack.wait(
        stack.ask("generate-orders/hourly", orders=20, start="2025-02-01", end="2025-02-02", to=str(tmp_path)),
        stack.ask(BACKFILL, rate=50.0, orders=3),
    )
    for run, says in zip(runs, ("generate-orders/files", "generate-orders/live"), strict=True):
        assert run.state_name == "Completed", stack.log(run.id)
        stack.until_logged(run.id, f"{logging.WARNING} {'to' if 'files' in says else 'rate'}: ")
        stack.until_logged(run.id, says)
    assert list(tmp_path.glob("orders*"))


def test_the_catalog_is_a_group_whose_fields_have_their_old_names_too(
    stack: PrefectStack, module_settings: Settings
) -> None:
    assert "'catalog.users'" in refusal(stack, BACKFILL, catalog={"users": 0})
    span: dict[str, Any] = {"start": "2025-03-01", "end": "2025-03-02", "orders": 20}
    group, old = stack.wait(
        stack.ask(BACKFILL, **span, catalog={"users": 20_500}),
        stack.ask(BACKFILL, **span, users=20_700, locale="de_DE"),
    )
    assert (group.state_name, old.state_name) == ("Completed", "Completed"), stack.log(group.id) + stack.log(old.id)
    assert get_database(module_settings)["users"].count_documents({}) == 20_700
    stack.until_logged(old.id, f"{logging.WARNING} locale, users: now in the group `catalog`")
    assert "`catalog`" not in stack.log(group.id)


def test_live_orders_and_files_have_deployments_of_their_own(
    stack: PrefectStack, tmp_path: Path, module_settings: Settings
) -> None:
    database: MongoDatabase = get_database(module_settings)
    before = database[ORDERS].count_documents({})
    live, files = stack.wait(
        stack.ask("generate-orders/live", rate=50, orders=5),
        stack.ask("generate-orders/files", to=str(tmp_path), format="csv", orders=60_000, processes=2),
    )
    assert (live.state_name, files.state_name) == ("Completed", "Completed"), stack.log(live.id) + stack.log(files.id)
    assert live.name == "generate live, 50 a second"
    assert database[ORDERS].count_documents({}) >= before + 5
    assert list(tmp_path.glob("orders*.csv"))
