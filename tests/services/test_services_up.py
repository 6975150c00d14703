"""`ecommerce up` on real services: everything answers, what dies comes back, and nothing is left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import httpx
import psutil
import pytest

from ecommerce.mongo import ORDERS, get_database
from ecommerce.services.first_archive import archive_first_data
from ecommerce.services.marks import marked_processes, wait_for_end
from ecommerce.services.ports import http_answers
from ecommerce.settings import Settings
from ecommerce.summaries.checked import ARCHIVE, note_check
from tests.ports import free_port
from tests.programs import (
    POSTGRES_SERVICES,
    SERVICES,
    START_SECONDS,
    Up,
    ecommerce,
    new_settings,
    pid_of,
    states,
    wait_until,
)

pytestmark = pytest.mark.slow

IN_TOKYO = {"TZ": "Asia/Tokyo"}


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    settings = new_settings(tmp_path)
    yield settings
    ecommerce(settings, "down")
    assert marked_processes(settings.home_directory) == []


@pytest.mark.timeout(3 * START_SECONDS)
def test_up_starts_everything_keeps_it_up_and_leaves_nothing_behind(settings: Settings) -> None:
    up = Up(settings)
    # It can be looked at before the archive run begins, which is what takes longest on a slow machine.
    up.wait_for(f"the shop is on the dashboard now: http://127.0.0.1:{settings.dashboard_port}")
    assert re.search(r"^1\d\d,\d{3} orders of a demo were made up; `ecommerce up --no-demo` in", up.text, re.M), up.text
    page = up.wait_for("archiving the older half of the first orders: http://.*").split()[-1]
    os.kill(pid_of(settings, "dashboard"), signal.SIGKILL)
    up.wait_for("dashboard was ended by signal 9; it was started again")
    assert "Look first" not in up.text, "services are watched before the first archive run has ended"
    up.wait_for("Look first at the dashboard: http://127.0.0.1:[0-9]+")
    table = up.text[up.text.index("service ") :].splitlines()[1 : 1 + len(SERVICES)]
    assert [line.split()[0] for line in table] == SERVICES
    assert http_answers(f"http://127.0.0.1:{settings.dashboard_port}", timeout_seconds=60)
    assert http_answers(f"http://127.0.0.1:{settings.prefect_port}")

    # On a slow machine `up` does not wait for the end of the first archive run.
    run = f"http://127.0.0.1:{settings.prefect_port}/api/flow_runs/{page.split('/')[-1]}"
    wait_until(lambda: httpx.get(run, timeout=60).json()["state_type"] == "COMPLETED", START_SECONDS)
    status = ecommerce(settings, "status", "--json")
    assert status.returncode == 0, status.stdout
    answer = json.loads(status.stdout)
    assert [state["name"] for state in answer["services"] if state["healthy"]] == SERVICES
    # The first start makes half a year of orders and has a flow archive the older half.
    assert answer["hot_orders"] > answer["archived_orders"] > 30_000
    assert answer["newer"] < 1_000, "the first orders are in the figures; those of the hour that began may not be"

    note_check(get_database(settings), datetime.now(UTC), {ARCHIVE: ["2026-01-02 of the archive is damaged"]})
    status = ecommerce(settings, "status")
    assert (status.returncode, status.stdout.splitlines()[-1]) == (
        1,
        "last check: 1 day of the archive is damaged → see `ecommerce check`",
    )
    note_check(get_database(settings), datetime.now(UTC), {ARCHIVE: []})

    ports = ("mongo_port", "namenode_port", "prefect_port", "dashboard_port")
    elsewhere = states(settings.model_copy(update={port: free_port() for port in ports}))
    for port, service in zip(ports, ("mongod", "namenode", "prefect-server", "dashboard"), strict=True):
        right = getattr(settings, port)
        assert f"set it to {right}" in str(elsewhere[service]["reason"]), (
            "whoever has another port is told the right one"
        )

    request = f"http://127.0.0.1:{settings.prefect_port}/api/work_pools/ecommerce"
    with urllib.request.urlopen(request, timeout=60) as answer:
        variables = json.load(answer)["base_job_template"]["variables"]["properties"]
    assert variables["command"]["default"] == f"{sys.executable} -P -m flows.run_process", (
        "one process for a run, not three"
    )

    second = ecommerce(settings, "up")
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert f"process {up.process.pid}" in second.stderr

    processes = marked_processes(settings.home_directory)
    assert len(processes) >= len(SERVICES)
    assert up.end(signal.SIGINT) == 0, up.text
    assert wait_for_end(processes, 0) == []
    assert marked_processes(settings.home_directory) == []
    down = states(settings)
    assert {state["state"] for state in down.values()} == {"down"}
    assert down["mongod"]["reason"] == "not started: `ecommerce up` starts it"


def test_a_taken_port_ends_up_in_one_line_and_nothing_stays_started(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.mongo_port))
        other.listen()
        up = ecommerce(settings, "up")
    assert up.returncode == 1
    (line,) = [line for line in up.stderr.splitlines() if line]
    assert line.startswith(f"error: port {settings.mongo_port} for the embedded MongoDB is taken by ")
    assert "set ECOMMERCE_MONGO_PORT" in line
    assert marked_processes(settings.home_directory) == []


def test_first_orders_that_cannot_be_archived_do_not_end_up(tmp_path: Path) -> None:
    said: list[str] = []
    archive_first_data(new_settings(tmp_path), said.append, Event())
    (line,) = said
    assert line.startswith("the first orders were not archived, as Prefect did not answer: ")


def test_down_where_nothing_runs_says_so(tmp_path: Path) -> None:
    down = ecommerce(new_settings(tmp_path), "down")
    assert (down.returncode, down.stdout) == (0, "nothing is running\n")


@pytest.mark.drill
def test_a_killed_up_is_recovered_by_the_next_up_and_by_down(settings: Settings) -> None:
    up = Up(settings)
    up.wait_for("Look first")
    orders = get_database(settings)[ORDERS].count_documents({})
    left = marked_processes(settings.home_directory)
    up.end(signal.SIGKILL)
    assert len(wait_for_end(left, 1)) >= len(SERVICES)

    up = Up(settings)
    # The first start in a checkout also leaves Spark's classes, for minutes and at the lowest priority.
    up.wait_for("ending what an earlier run left behind: (class-archive, )?prefect-worker, dashboard, prefect-server")
    up.wait_for("Look first")
    assert wait_for_end(left, 0) == []
    assert {state["state"] for state in states(settings).values()} == {"up"}
    assert get_database(settings)[ORDERS].count_documents({}) == orders

    left = marked_processes(settings.home_directory)
    up.end(signal.SIGKILL)
    assert ecommerce(settings, "down").stdout.splitlines()[-1] == "stopped"
    assert wait_for_end(left, 0) == []


@pytest.mark.drill
@pytest.mark.parametrize("seconds", [0.5, 3, 6, 12])
def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing(settings: Settings, seconds: float) -> None:
    up = Up(settings)
    time.sleep(seconds)
    up.end(signal.SIGINT)
    assert marked_processes(settings.home_directory) == []


@pytest.mark.drill
def test_detached_it_returns_when_all_answers_and_down_ends_it(settings: Settings) -> None:
    up = ecommerce(settings, "up", "--detach", "--no-demo", shell=IN_TOKYO)
    assert up.returncode == 0, up.stderr
    assert "`ecommerce down` stops everything" in up.stdout
    logs = settings.home_directory / "logs"
    lines = (logs / "up.log").read_text().splitlines()
    assert "new database" in lines[0]
    for line in (*lines, (logs / "prefect-deploy.log").read_text()):
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line), line
    for name in ("dashboard", "namenode", "datanode"):
        line = (logs / f"{name}.log").read_text().splitlines()[0]
        written = datetime.strptime(line.split()[0], "%Y-%m-%dT%H:%M:%S.%f%z")
        assert abs(datetime.now(UTC) - written) < timedelta(minutes=10), f"in UTC, whatever the shell's TZ: {line}"
    if POSTGRES_SERVICES:
        assert " UTC " in (logs / "postgres.log").read_text().splitlines()[0]
    assert {state["state"] for state in states(settings).values()} == {"up"}
    assert get_database(settings)[ORDERS].count_documents({}) == 0
    os.kill(pid_of(settings, "datanode"), signal.SIGSTOP)
    process = psutil.Process(pid_of(settings, "mongod"))
    process.suspend()
    hanging = states(settings)
    assert hanging["mongod"]["healthy"] is False
    assert hanging["prefect-server"]["healthy"] is True
    process.resume()
    os.kill(pid_of(settings, "datanode"), signal.SIGCONT)
    # `down` from another terminal ends a living `up`.
    assert ecommerce(settings, "down").stdout.splitlines()[-1] == "stopped"
    assert marked_processes(settings.home_directory) == []


@pytest.mark.drill
@pytest.mark.timeout(3 * START_SECONDS)
def test_an_own_shop_gets_no_made_up_orders_until_somebody_wants_them(settings: Settings) -> None:
    says = "the schedule of generate-orders/hourly is paused. To start it: `(.*)`"

    def is_active() -> bool:
        name = f"http://127.0.0.1:{settings.prefect_port}/api/deployments/name/generate-orders/hourly"
        (schedule,) = httpx.get(name, timeout=60).json()["schedules"]
        return bool(schedule["active"])

    up = ecommerce(settings, "up", "--detach", "--no-demo")
    found = re.search(says, up.stdout)
    assert found, up.stdout
    assert not is_active()
    doctor = json.loads(ecommerce(settings, "doctor", "--json").stdout)
    assert [one["state"] for one in doctor if one["check"] == "schedules"] == ["ok"], doctor
    subprocess.run(["bash", "-c", found[1]], check=True)
    assert is_active()
    ecommerce(settings, "down")
    up = ecommerce(settings, "up", "--detach")
    assert "is paused" not in up.stdout
    assert is_active(), "it stays as somebody chose"
    assert "started with --no-demo and is still empty" in up.stdout
    assert "`ecommerce up --demo`" in up.stdout
    assert get_database(settings)[ORDERS].count_documents({}) == 0, "an up without the flag makes nothing up"


@pytest.mark.drill
def test_every_service_that_is_killed_comes_back(settings: Settings) -> None:
    up = Up(settings)
    up.wait_for("Look first")
    for name in SERVICES:
        os.kill(pid_of(settings, name), signal.SIGKILL)
        up.wait_for(f"{name} was ended by signal 9; it was started again")
    everything = dict.fromkeys(SERVICES, "up")
    deadline = time.monotonic() + 60
    while (found := {name: state["state"] for name, state in states(settings).items()}) != everything:
        assert time.monotonic() < deadline, found
        time.sleep(1)
    assert up.end(signal.SIGTERM) == 0
    assert marked_processes(settings.home_directory) == []


@pytest.mark.drill
def test_every_service_that_is_stopped_is_started_again_and_down_ends_what_is(settings: Settings) -> None:
    up = Up(settings)
    up.wait_for("Look first")
    for name in SERVICES:
        os.kill(pid_of(settings, name), signal.SIGSTOP)
    for name in SERVICES:
        up.wait_for(f"{name} did not answer for [0-9]+ s, its process was stopped; it was started again", 400)
    wait_until(
        lambda: all(state["healthy"] for state in states(settings).values()), 120, lambda: (states(settings), up.text)
    )
    os.kill(pid_of(settings, "prefect-server"), signal.SIGSTOP)
    begin = time.monotonic()
    summarized = ecommerce(settings, "summarize")
    assert summarized.returncode == 0, summarized.stderr
    assert "prefect-server does not answer: waiting for 90 s at most" in summarized.stderr
    assert time.monotonic() - begin < 150

    for name in ("prefect-server", "namenode"):
        os.kill(pid_of(settings, name), signal.SIGSTOP)
    begin = time.monotonic()
    down = ecommerce(settings, "down")
    assert down.stdout.splitlines()[-1] == "stopped"
    assert time.monotonic() - begin < 60, down.stdout
