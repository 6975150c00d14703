"""The flow makes exactly the hour before its scheduled time, whenever it runs, and the same once more adds nothing."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import Scheduled

from ecommerce.errors import InputError
from ecommerce.generate.first import ORDERS_AN_HOUR, first_start
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.request import Request
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from flows.generate_on_demand import generate_files
from flows.generate_orders import generate_orders
from tests.generator_samples import APRIL, MARCH

SCHEDULED = datetime(2026, 3, 2, 15, tzinfo=UTC)


def run_scheduled(at: datetime, **parameters: Any) -> dict[str, Any]:
    """A run of the flow now that was scheduled for another time."""
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(generate_orders, parameters=parameters, state=Scheduled(scheduled_time=at))
    return run_flow(generate_orders, flow_run=run, parameters=parameters)  # type: ignore[return-value]


def test_the_flow_makes_the_hour_it_was_scheduled_for(database: MongoDatabase, flow_settings: Settings) -> None:
    made = run_scheduled(SCHEDULED, orders=100, users=200, products=100)
    assert made["accepted"] > 20
    times = [order["order"]["order_time"] for order in database[ORDERS].find()]
    assert min(times) >= SCHEDULED - timedelta(hours=1)
    assert max(times) < SCHEDULED
    again = run_scheduled(SCHEDULED, orders=100, users=200, products=100)
    assert (again["accepted"], again["unchanged"]) == (0, made["accepted"])


def test_the_flow_makes_live_orders_until_there_are_enough(database: MongoDatabase, flow_settings: Settings) -> None:
    done = generate_orders(rate=20, orders=5)
    assert done["accepted"] == database[ORDERS].count_documents({}) >= 5


def test_the_flow_writes_files(flow_settings: Settings, tmp_path: Path) -> None:
    written = generate_orders(orders=500, start=MARCH, end=APRIL, to=str(tmp_path / "out"), format="csv", dirt=0.1)
    assert written["orders"] == 500
    assert written["malformed"] > 0
    assert sorted(Path(file).name for file in written["files"]) == sorted(
        path.name for path in (tmp_path / "out").iterdir()
    )


@pytest.mark.parametrize("name", ["bad_rows", "dirt"])
def test_bad_rows_are_asked_for_by_their_old_name_too(tmp_path: Path, name: str) -> None:
    share: dict[str, Any] = {name: 0.1}
    written = generate_files(str(tmp_path), orders=500, start=MARCH, end=APRIL, **share)
    assert written["malformed"] > 0


def test_the_flow_refuses_what_cannot_be_before_it_begins(database: MongoDatabase, flow_settings: Settings) -> None:
    with pytest.raises(InputError, match=r"--end .* must be after --start"):
        generate_orders(start=APRIL, end=MARCH)
    assert database["users"].find_one() is None


def test_the_window_is_that_of_the_schedule_in_any_time_zone() -> None:
    late = SCHEDULED + timedelta(minutes=47)
    half_hour_zone = timezone(timedelta(hours=5, minutes=30))
    window = Request().window(SCHEDULED)
    assert window == Request().window(late) == Request().window(late.astimezone(half_hour_zone))
    assert window != Request().window(SCHEDULED + timedelta(hours=1))


def test_files_of_one_day_are_the_same_and_begun_ones_are_continued_on_the_next(tmp_path: Path) -> None:
    request = Request(start=MARCH, end=APRIL, orders=30_000, to=str(tmp_path))
    morning = datetime(2026, 4, 2, 8, tzinfo=UTC)
    path, job = request.file(morning, morning)
    assert request.file(morning, morning + timedelta(hours=9)) == (path, job)
    assert request.file(morning, morning + timedelta(days=1))[1] != job
    with pytest.raises(KeyboardInterrupt):
        write_orders(path, job, progress=interrupt)
    assert request.file(morning, morning + timedelta(days=1)) == (path, job)


def interrupt(_done: int, _total: int | None, _what: str) -> None:
    raise KeyboardInterrupt


def test_the_schedule_goes_on_where_the_first_start_ends(database: MongoDatabase, flow_settings: Settings) -> None:
    first_start(database, days=5)
    last_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    window = Request().window(last_hour)
    ids = window.ids(0, window.times(0, window.orders)).tolist()
    assert database[ORDERS].count_documents({"_id": {"$in": ids}}) == window.orders
    # Of an ordinary Monday: on a Black Friday the preset makes 7.2 times as many.
    assert abs(Request().window(SCHEDULED).orders - ORDERS_AN_HOUR) < 3 * ORDERS_AN_HOUR
