"""The flows: a task per state, a page about the run, retries where they help, and a plan that changes nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import ArtifactSort
from pyspark.sql import SparkSession

from ecommerce.archive import steps
from ecommerce.archive.errors import ArchiveBusyError, ArchiveError, VerificationError
from ecommerce.archive.lease import archive_lease
from ecommerce.archive.restore import ORDERS_RESTORED
from ecommerce.archive.runs import unfinished_run
from ecommerce.archive.table import ArchiveTable
from ecommerce.mongo import MongoDatabase
from ecommerce.services.environment import settings_environment
from ecommerce.settings import Settings, get_settings
from flows import archive_orders as archive_flow
from flows.archive_orders import archive_orders
from flows.archive_steps import STEP_TASKS
from flows.restore_orders import restore_orders
from tests.archiving import OLD_DAY, an_order, hot_ids, insert
from tests.ports import free_port
from tests.programs import ecommerce

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def archive(archive: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of the test, also for whoever asks `get_settings`."""
    for name, value in settings_environment(archive).items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    yield archive
    get_settings.cache_clear()


def pages() -> dict[str, str]:
    """The newest Markdown artifact of each key."""
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(sort=ArtifactSort.CREATED_DESC)
    found: dict[str, str] = {}
    for artifact in artifacts:
        if artifact.type == "markdown" and artifact.key:
            found.setdefault(artifact.key, str(artifact.data))
    return found


def artifact_keys() -> set[str]:
    with get_client(sync_client=True) as client:
        return {str(artifact.key) for artifact in client.read_artifacts()}


def test_a_dry_run_plans_and_an_archive_run_has_a_page(
    archive: Settings, database: MongoDatabase, spark: SparkSession
) -> None:
    insert(database, [an_order(i, day=i % 2) for i in range(20)])
    report = archive_orders(dry_run=True)
    assert (report.plan.orders, report.runs) == (20, ())
    assert hot_ids(database) == set(range(20))
    assert "**20 orders** of 2 days would go" in pages()["archive-plan"]
    (run,) = archive_orders().runs
    assert hot_ids(database) == set()
    page = pages()["archive-run"]
    assert f"{run.run_id}: committed" in page
    assert f"/app?from={OLD_DAY}&to=" in page
    assert f"/runs/flow-run/{run.flow_run})" in page
    assert all(f"| {step} |" in page for step in ("plan", "export", "verify", "publish", "purge", "commit"))
    assert f"| {OLD_DAY} | 10 |" in page
    assert archive_orders().runs == ()
    assert restore_orders(start=OLD_DAY, end=OLD_DAY) == 10
    assert database[ORDERS_RESTORED].count_documents({}) == 10
    keys = artifact_keys()
    next_day = OLD_DAY + timedelta(days=1)
    assert restore_orders(start=next_day, end=next_day) == 10
    assert "restore-orders-restore" in keys and artifact_keys() == keys, "another span has no key of its own"


def test_a_plan_for_an_archive_that_is_not_there_says_so(
    archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(1)])
    nowhere = f"hdfs://127.0.0.1:{free_port()}/archive"
    monkeypatch.setenv("ECOMMERCE_ARCHIVE_URI", nowhere)
    get_settings.cache_clear()
    report = archive_orders(dry_run=True)
    assert report.plan.orders == 1
    assert report.away.startswith(f"the archive {nowhere} cannot be reached: the NameNode 127.0.0.1:")
    assert str(report).endswith(report.away)
    done = ecommerce(get_settings(), "archive", "--dry-run")
    assert done.returncode == 0
    assert f"warning: {report.away}" in done.stderr.splitlines()
    assert "orders before" in done.stdout


def test_a_step_is_tried_again_unless_the_archive_is_wrong(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for state, task in STEP_TASKS.items():
        monkeypatch.setitem(STEP_TASKS, state, task.with_options(retry_delay_seconds=0))
    insert(database, [an_order(i) for i in range(10)])
    tries: list[str] = []
    right = ArchiveTable.append_files

    def fails_once(*arguments: object) -> int:
        tries.append("write")
        snapshot = right(*arguments)  # type: ignore[arg-type]
        if len(tries) == 1:
            raise ArchiveError("the network is gone")
        return snapshot

    monkeypatch.setattr(ArchiveTable, "append_files", fails_once)
    (run,) = archive_orders().runs
    assert len(tries) == 2
    assert unfinished_run(database) is None
    assert run.orders == 10

    insert(database, [an_order(i) for i in range(100, 110)])

    def never_equal(*arguments: object) -> None:
        tries.append("verify")
        raise VerificationError("something differs")

    monkeypatch.setattr(steps, "verify_rows", never_equal)
    with pytest.raises(VerificationError, match=r"something differs\. Nothing was deleted"):
        archive_orders()
    assert tries.count("verify") == 1
    assert hot_ids(database) == set(range(100, 110))


def test_days_are_merged_also_when_there_is_nothing_to_archive(
    archive: Settings, database: MongoDatabase, spark: SparkSession
) -> None:
    for first in (0, 100):
        insert(database, [an_order(i) for i in range(first, first + 10)])
        archive_orders(compact_from=0)
    report = archive_orders(compact_from=2)
    assert report.runs == ()
    assert report.maintenance
    assert (report.maintenance.days, report.maintenance.files_before, report.maintenance.files_after) == (
        (OLD_DAY,),
        2,
        1,
    )
    assert archive_orders(compact_from=2).maintenance is None


def test_a_busy_archiver_is_known_before_spark_is_started(
    archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(i) for i in range(10)])
    started: list[object] = []
    monkeypatch.setattr(archive_flow, "spark_ahead", lambda *arguments: started.append(arguments))
    with archive_lease(database), pytest.raises(ArchiveBusyError, match="another archiver is at work"):
        archive_orders()
    assert started == []
