"""An hour of normal work on the embedded server is calm: no lock, no stall, no lost event, no run crashed for nothing.

CALM_MINUTES shortens it. In November 2026 SQLite showed 63 "database is locked" and two stalls of 60 s in such an hour.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ecommerce.settings import Settings
from tests.ports import free_port
from tests.programs import NO_POSTGRES, ecommerce

MINUTES = float(os.environ.get("CALM_MINUTES", "60"))
STALL_SECONDS = 5.0
DRAIN_SECONDS = 600
"""The longest that runs which were asked for may take to end after the last one was."""

ENDED = ("COMPLETED", "CANCELLED", "FAILED", "CRASHED")
CRASHERS = ("Crash runs whose process is gone", "Crash runs that never begin")

CLICKS: tuple[tuple[str, dict[str, Any] | None], ...] = (
    ("/flow_runs/paginate", {"sort": "START_TIME_DESC", "limit": 50}),
    ("/flow_runs/count", {}),
    ("/flow_runs/filter", {"limit": 200, "sort": "EXPECTED_START_TIME_DESC"}),
    ("/ui/flow_runs/history", {"limit": 1000, "sort": "EXPECTED_START_TIME_DESC"}),
    ("/task_runs/paginate", {"limit": 50}),
    ("/flows/paginate", {"limit": 50}),
    ("/deployments/paginate", {"limit": 50}),
    ("/artifacts/latest/filter", {"limit": 50}),
    ("/logs/filter", {"limit": 200}),
    ("/events/filter", {"limit": 50}),
    ("/automations/filter", {}),
    ("/work_pools/filter", {}),
    ("/variables/filter", {}),
)
"""What the pages of Prefect's UI ask for."""


class Clicks(threading.Thread):
    """Somebody who clicks through the UI; knows the slowest answer and what went wrong."""

    def __init__(self, api: str) -> None:
        super().__init__(daemon=True)
        self.api = api
        self.slowest: tuple[float, str] = (0.0, "")
        self.count = 0
        self.errors: list[str] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        with httpx.Client(timeout=120) as client:
            while not self.stopped.is_set():
                for path, body in CLICKS:
                    begun = time.monotonic()
                    answer = client.post(self.api + path, json=body)
                    self.slowest = max(self.slowest, (time.monotonic() - begun, path))
                    self.count += 1
                    if answer.is_error:
                        self.errors.append(f"{path}: {answer.status_code} {answer.text[:200]}")
                self.stopped.wait(1)


class TimedTransport(httpx.HTTPTransport):
    """Knows the slowest answer, as a run's and a person's own requests must not wait either."""

    slowest: tuple[float, str] = (0.0, "")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        begun = time.monotonic()
        answer = super().handle_request(request)
        self.slowest = max(self.slowest, (time.monotonic() - begun, request.url.path))
        return answer


def all_runs(client: httpx.Client, began: datetime) -> list[dict[str, Any]]:
    """The runs that were due since then, all pages of them."""
    due = {"expected_start_time": {"after_": began.isoformat(), "before_": datetime.now(UTC).isoformat()}}
    runs: list[dict[str, Any]] = []
    while True:
        wanted = {"flow_runs": due, "limit": 200, "offset": len(runs), "sort": "EXPECTED_START_TIME_ASC"}
        page = client.post("/flow_runs/filter", json=wanted).raise_for_status().json()
        runs += page
        if len(page) < 200:
            return runs


def all_events(client: httpx.Client, began: datetime, *names: str) -> list[dict[str, Any]]:
    """The stored events of these names since then, all pages of them."""
    span = {"since": began.isoformat(), "until": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
    body = {"filter": {"event": {"name": list(names)}, "occurred": span}, "limit": 50}
    page = client.post("/events/filter", json=body).raise_for_status().json()
    events: list[dict[str, Any]] = page["events"]
    while page["next_page"]:
        page = client.get(page["next_page"]).raise_for_status().json()
        events += page["events"]
    return events


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Settings]:
    """All services under a home of their own."""
    settings = Settings(
        home=tmp_path / "home",
        mongo_port=free_port(),
        namenode_port=free_port(),
        dashboard_port=free_port(),
        prefect_port=free_port(),
    )
    started = ecommerce(settings, "up", "--detach", "--demo")
    assert started.returncode == 0, started.stderr
    yield settings
    ecommerce(settings, "down")


def every(seconds: float, work: Callable[[], None]) -> Callable[[float], None]:
    """Calls `work` whenever so many seconds have passed."""
    due = [0.0]

    def look(now: float) -> None:
        if now >= due[0]:
            due[0] = now + seconds
            work()

    return look


@pytest.mark.drill
@pytest.mark.skipif(bool(NO_POSTGRES), reason=f"the history would be in SQLite: {NO_POSTGRES}")
@pytest.mark.timeout(MINUTES * 60 + 1800)
def test_normal_work_on_the_embedded_server_is_calm(up: Settings) -> None:
    api = f"http://127.0.0.1:{up.prefect_port}/api"
    timed = TimedTransport()
    client = httpx.Client(base_url=api, timeout=120, transport=timed)
    files = iter(range(1_000_000))
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def ask(deployment: str, **parameters: Any) -> None:
        found = client.get(f"/deployments/name/{deployment}").raise_for_status().json()
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        client.post(f"/deployments/{found['id']}/create_flow_run", json=body).raise_for_status()

    def import_some() -> None:
        number = next(files)
        made = ecommerce(
            up, "generate", "--orders", "200", "--seed", str(number), "--to", str(up.home / "made" / str(number))
        )
        assert made.returncode == 0, made.stderr
        ask("import-files/hourly", paths=[str(up.home / "made" / str(number))])

    def archive_some() -> None:
        day = today - timedelta(days=40 + next(files) % 300)
        ask("generate-orders/backfill", orders=500, start=f"{day:%Y-%m-%d}", end=f"{day + timedelta(days=1):%Y-%m-%d}")
        ask("archive-orders/daily", older_than_days=30)

    work = [
        every(30, import_some),
        every(60, lambda: ask("summarize-orders/hourly")),
        every(120, archive_some),
        every(300, lambda: ask("check-orders/daily")),
        every(300, lambda: ask("restore-orders/on-demand")),
        every(120, lambda: ask("generate-orders/hourly", catch_up_hours=0)),
    ]
    began = datetime.now(UTC)
    clicks = Clicks(api)
    clicks.start()
    end = time.monotonic() + MINUTES * 60
    while time.monotonic() < end:
        for look in work:
            look(time.monotonic())
        time.sleep(1)
    clicks.stopped.set()
    clicks.join()

    drained = time.monotonic() + DRAIN_SECONDS
    while waiting := [run for run in all_runs(client, began) if run["state_type"] not in ENDED]:
        if time.monotonic() > drained:
            break
        time.sleep(5)
    time.sleep(15)  # events are stored some seconds after they are sent

    logs = {path.name: path.read_text(errors="replace").lower() for path in (up.home / "logs").glob("prefect-*.log")}
    locks = sum(log.count("database is locked") for log in logs.values())
    dead = [path.name for path in (up.home / "prefect").rglob("*dlq*/*")]
    runs = all_runs(client, began)
    states = Counter(run["state_name"] for run in runs)
    wrong = [f"{run['name']}: {run['state_name']} {run['state'].get('message')}" for run in runs
             if run["state_type"] in ("CRASHED", "FAILED")]  # fmt: skip
    actions = all_events(client, began, "prefect.automation.action.executed", "prefect.automation.action.triggered")
    crashed = [event for event in actions if event["resource"].get("prefect.resource.name") in CRASHERS]
    completed = {f"prefect.flow-run.{run['id']}" for run in runs if run["state_type"] == "COMPLETED"}
    told = {
        event["resource"]["prefect.resource.id"] for event in all_events(client, began, "prefect.flow-run.Completed")
    }
    imports = [run for run in runs if run["name"].startswith("import") and run["state_type"] == "COMPLETED"]
    imported = all_events(client, began, "orders.imported")
    slowest = max(clicks.slowest, timed.slowest)
    print(
        f"{MINUTES:g} minutes: {clicks.count:,} requests, the slowest {slowest[0]:.2f} s ({slowest[1]}); "
        f"{len(runs)} runs ({dict(states)}); {locks} locks, {len(dead)} dead letters; "
        f"{len(imports)} imports, {len(imported)} events of them; load {os.getloadavg()[2]:.1f}"
    )
    assert set(logs) >= {"prefect-server.log", "prefect-worker.log"}
    assert clicks.errors == []
    assert locks == 0
    assert sum(log.count("dead letter") for log in logs.values()) == 0
    assert dead == []
    assert completed - told == set(), "every completed run has its event"
    assert len(imported) >= MINUTES, "an import of new orders every 30 s sends its event"
    assert crashed == []
    assert wrong == []
    assert slowest[0] <= STALL_SECONDS, slowest
    assert [(run["name"], run["state_name"]) for run in waiting] == [], "what was asked for has ended"
