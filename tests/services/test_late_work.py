"""Work that was due is done: hours that an outage left out, and whatever a person asked for while others ran."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ecommerce.archive.restore import ORDERS_RESTORED
from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.generate.first import first_start
from ecommerce.generate.into_mongodb.schedule_pauses import PAUSES
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from flows.schedules import DEPLOYING, GENERATOR
from tests.prefect_stack import PrefectStack, prefect_stack

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)


@pytest.fixture
def stack(archive: Settings, database: MongoDatabase, tmp_path: Path) -> Iterator[PrefectStack]:
    with prefect_stack(archive, tmp_path / "prefect") as stack:
        yield stack


def orders_by_hour(database: MongoDatabase) -> dict[datetime, int]:
    hour = {"$dateTrunc": {"date": "$order.order_time", "unit": "hour"}}
    return {row["_id"]: row["n"] for row in database[ORDERS].aggregate([{"$group": {"_id": hour, "n": {"$sum": 1}}}])}


@pytest.mark.timeout(600)
def test_each_hour_of_an_outage_has_its_orders_once(stack: PrefectStack, database: MongoDatabase) -> None:
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    late = [this_hour - back * HOUR for back in range(6, 0, -1)]
    with stack.worker():
        stack.wait(stack.ask("generate-orders/hourly", at=late[0]))
    # The worker is away: three runs become late, and for two more hours the server is down too and makes none.
    runs = [stack.ask("generate-orders/hourly", at=at) for at in late[1:4]]
    with stack.worker():
        ended = stack.wait(*runs)
    assert {run.state_name for run in ended} <= {"Completed", "Cancelled"}, "\n".join(
        stack.log(run.id) for run in ended
    )
    counts = orders_by_hour(database)
    # One more where an hour began meanwhile.
    assert sorted(counts)[: len(late) + 1] == [at - HOUR for at in [*late, this_hour]]
    with stack.worker():
        (again,) = stack.wait(stack.ask("generate-orders/hourly", at=this_hour))
    assert again.state_name == "Completed"
    assert counts.items() <= orders_by_hour(database).items()


@pytest.mark.timeout(600)
def test_what_a_person_asks_for_waits_for_its_turn(stack: PrefectStack, database: MongoDatabase) -> None:
    first_start(database, days=5)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=back) for back in (60, 59)]
    with stack.worker():
        made = [
            stack.ask(
                "generate-orders/backfill", orders=200, start=f"{day:%Y-%m-%d}", end=f"{day + 24 * HOUR:%Y-%m-%d}"
            )
            for day in days
        ]
        stack.until(lambda: all(run.state_name == "Completed" for run in stack.wait(*made)))
        archives = [stack.ask("archive-orders/daily", older_than_days=age) for age in (59, 30)]
        stack.wait(*archives)
        restores = [
            stack.ask("restore-orders/on-demand", start=f"{day:%Y-%m-%d}", end=f"{day:%Y-%m-%d}") for day in days
        ]
        runs = stack.wait(*made, *archives, *restores)
    assert [run.state_name for run in runs] == ["Completed"] * 6, "\n".join(stack.log(run.id) for run in runs)
    # Prefect starts either archive first; if it is the one that takes both days, nothing is left for the other.
    assert {run["state"] for run in database[ARCHIVE_RUNS].find()} == {"committed"}
    restored: set[date] = {order["order"]["order_time"].date() for order in database[ORDERS_RESTORED].find()}
    assert restored == {day.date() for day in days}


@pytest.mark.timeout(600)
def test_a_pause_of_the_schedule_is_known_after_deploying_again(stack: PrefectStack, database: MongoDatabase) -> None:
    deployment = stack.client.read_deployment_by_name(GENERATOR)
    (schedule,) = deployment.schedules

    def change(active: bool) -> tuple[datetime, datetime]:
        """When it began, which is more exact than the database's milliseconds, and when it was done."""
        began = datetime.now(UTC) - timedelta(milliseconds=1)
        stack.client.update_deployment_schedule(deployment.id, schedule.id, active=active)
        return began, datetime.now(UTC)

    def look() -> None:
        (run,) = stack.wait(stack.ask("summarize-orders/hourly"))
        assert run.state_name == "Completed", stack.log(run.id)

    # What deploying changes is told from what a person changed by its time.
    time.sleep(DEPLOYING.total_seconds() + 1)
    with stack.worker():
        pausing, paused = change(active=False)
        look()
        stack.deploy()
        look()
        time.sleep(DEPLOYING.total_seconds() + 1)
        resuming, resumed = change(active=True)
        look()
    (pause,) = database[PAUSES].find({"from": {"$exists": True}})
    assert pausing <= pause["from"] <= paused
    assert resuming <= pause["until"] <= resumed
