"""The whole of docker-compose.yml running without Docker: every service, its real program, wired as in the file.

Needs root on Linux for namespaces, and Postgres and Redis installed (Debian: postgresql redis-server).
"""

import json
import re
import secrets
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.compose.compose_file import REPOSITORY, dotenv, load
from tests.compose.engine import POSTGRES, Engine
from tests.unit.test_docs import commands

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1500)]

VARIABLES = {name: secrets.token_hex(12) for name in dotenv((REPOSITORY / ".env.example").read_text())}
VARIABLES["PREFECT_AUTH"] = f"admin:{secrets.token_hex(12)}"
EXEC = "docker compose exec "
ELSEWHERE = ("ecommerce check", "ecommerce doctor", "ecommerce kpis", "prefect deployment run", "mongodump")
"""Run by the other tests here, but for mongodump, which is in MongoDB's image only."""

FIGURES = ("orders", "revenue", "quantity", "by_status", "by_payment_type", "by_category", "late_share")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Every service without a profile, healthy."""
    if not may_make_namespaces():
        pytest.skip("the kernel lets only root on Linux, outside of an unprivileged container, make namespaces")
    lacking = [name for name in ("nsenter", "setpriv", "ip", "redis-server") if shutil.which(name) is None]
    lacking += ["postgres"] * (POSTGRES is None)
    assert not lacking, f"install {', '.join(lacking)} (Debian: postgresql redis-server iproute2 util-linux)"
    _, services = load(VARIABLES)
    engine = Engine(services, tmp_path_factory.mktemp("compose"))
    ended = threading.Event()
    watching = threading.Thread(target=watch_command_lines, args=(ended,))
    watching.start()
    try:
        engine.up(timeout_seconds=600)
        yield engine
    finally:
        ended.set()
        watching.join()
        engine.close()


COMMAND_LINES: set[str] = set()
"""What the process list has shown since the first service started, runs and Spark's executors included."""


def watch_command_lines(ended: threading.Event) -> None:
    while not ended.wait(1):
        COMMAND_LINES.update(" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))


def may_make_namespaces() -> bool:
    probe = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    return shutil.which(probe[0]) is not None and subprocess.run(probe, capture_output=True).returncode == 0


def run_deployment(stack: Engine, name: str, **parameters: object) -> None:
    """Start a deployment as an operator would, and wait for the worker to have done it."""
    given = [part for key, value in parameters.items() for part in ("-p", f"{key}={value}")]
    output = stack.execute("worker", "prefect", "--no-prompt", "deployment", "run", name, *given, "--watch")
    assert re.search(r"finished successfully|Completed", output), output


def figures(stack: Engine) -> dict[str, Any]:
    """Of days to which the hourly schedule adds nothing."""
    days = ("--start", "2026-01-01", "--end", "2026-01-03")
    found: dict[str, Any] = json.loads(stack.execute("worker", "ecommerce", "kpis", "--json", *days))
    return found


def findings(stack: Engine, service: str) -> dict[str, Any]:
    """What the doctor says there, by check."""
    script = "ecommerce doctor --json || true"
    return {found["check"]: found for found in json.loads(stack.execute(service, "bash", "-c", script))}


def test_every_service_is_healthy_and_the_doctor_finds_nothing(stack: Engine) -> None:
    for service in ("worker", "archiver"):
        problems = {name: found for name, found in findings(stack, service).items() if found["state"] == "problem"}
        # The disk is this machine's, not the stack's.
        assert set(problems) <= {"space"}, problems


def test_the_upgrade_ended_well_before_what_uses_the_data_started(stack: Engine) -> None:
    assert stack.processes["upgrade"].poll() == 0
    needing = {name for name, service in stack.services.items() if "upgrade" in service.depends_on}
    assert {"worker", "archiver", "dashboard"} <= needing
    assert findings(stack, "worker")["upgrade"]["state"] == "ok"
    stack.start("upgrade")  # as with the next `docker compose up`: nothing is due, while all others are connected
    assert stack.processes["upgrade"].wait(120) == 0, stack.last_words("upgrade")


def test_the_code_that_runs_is_what_the_image_holds(stack: Engine) -> None:
    where = stack.execute(
        "worker", "python", "-c", "import cli, ecommerce, os; print(cli.__file__, ecommerce.__file__, os.getuid())"
    )
    assert where.split() == ["/app/cli/__init__.py", "/app/ecommerce/__init__.py", "10001"]


def test_the_root_is_read_only(stack: Engine) -> None:
    with pytest.raises(RuntimeError, match="Read-only file system"):
        stack.execute("dashboard", "touch", "/app/x")


def test_parts_reach_only_what_they_need(stack: Engine) -> None:
    connect = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)"
    stack.execute("archiver", "python", "-c", connect, "namenode", "9800")
    for service, host, port in (
        ("dashboard", "namenode", "9800"),
        ("worker", "namenode", "9800"),
        ("metrics", "postgres", "5432"),
    ):
        with pytest.raises(RuntimeError, match=r"gaierror|unreachable|timed out"):
            stack.execute(service, "python", "-c", connect, host, port)


def test_nobody_gets_in_without_a_password(stack: Engine) -> None:
    fetch = (
        "import sys, urllib.request, urllib.error\n"
        "try: answer = urllib.request.urlopen(sys.argv[1]); print(answer.status, answer.url)\n"
        "except urllib.error.HTTPError as error: print(error.code)"
    )
    answer = stack.execute("prefect-services", "python", "-c", fetch, "http://prefect-server:4200/api/admin/version")
    assert answer.split() == ["401"]
    assert "/login" in stack.execute("dashboard", "python", "-c", fetch, "http://127.0.0.1:5006/app")
    with pytest.raises(RuntimeError, match=r"refuses|[Aa]uthentication|requires"):
        anonymous = {"ECOMMERCE_MONGO_URI": "mongodb://mongo:27017/?replicaSet=ecommerce"}
        stack.execute("worker", "ecommerce", "kpis", environment=anonymous)


def test_the_worker_takes_runs_and_the_archiver_archives_on_the_spark_cluster(stack: Engine) -> None:
    span = {"start": "2026-01-01T00:00:00", "end": "2026-01-03T00:00:00"}
    run_deployment(stack, "generate-orders/backfill", orders=2000, **span)
    before = figures(stack)
    assert (before["orders"], before["archived_orders"]) == (2000, 0)
    run_deployment(stack, "archive-orders/daily")
    after = figures(stack)
    assert after["archived_orders"] > 1900
    assert {name: after[name] for name in FIGURES} == {name: before[name] for name in FIGURES}
    master = (
        "import json, urllib.request; print(urllib.request.urlopen('http://spark-master:8080/json/').read().decode())"
    )
    spark = json.loads(stack.execute("archiver", "python", "-c", master))
    assert spark["aliveworkers"] == 2
    assert len(spark["completedapps"]) + len(spark["activeapps"]) >= 1


def test_the_metrics_tell_what_was_archived(stack: Engine) -> None:
    text = stack.execute(
        "metrics",
        "python",
        "-c",
        "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9108/metrics').read().decode())",
    )
    archived = re.search(r'ecommerce_orders\{place="archived"\} (\S+)', text)
    assert archived and float(archived[1]) == figures(stack)["archived_orders"]


def test_the_dashboard_tells_how_its_tick_is(stack: Engine) -> None:
    text = stack.execute(
        "metrics",
        "python",
        "-c",
        "import urllib.request; print(urllib.request.urlopen('http://dashboard:5006/metrics').read().decode())",
    )
    assert "ecommerce_tick_seconds" in text


def test_a_schedule_that_sleeps_is_found(stack: Engine) -> None:
    stack.execute("worker", "prefect", "--no-prompt", "deployment", "schedule", "pause", "--all")
    found = findings(stack, "worker")["schedules"]
    assert found["state"] == "problem"
    assert "summarize-orders/hourly" in found["says"]
    stack.execute("worker", "prefect", "--no-prompt", "deployment", "schedule", "resume", "--all")
    assert findings(stack, "worker")["schedules"]["state"] == "ok"


def test_the_commands_of_the_pages_work_where_the_pages_run_them(stack: Engine) -> None:
    orders = stack.directory / "volumes" / "inbox" / "orders.csv"
    shutil.copy(REPOSITORY / "tests" / "data" / "superstore" / "orders_export.csv", orders)
    orders.chmod(0o644)
    lines = {text.removeprefix(EXEC) for _, text in commands() if text.startswith(EXEC)}
    lines = {line for line in lines if not any(part in line for part in ELSEWHERE)}
    assert {line.split()[0] for line in lines} == {"archiver", "worker"}
    for line in sorted(lines):
        stack.execute(*shlex.split(line))


def test_no_secret_is_in_a_process_list_a_log_or_an_artifact(stack: Engine) -> None:
    values = set(VARIABLES.values()) | {VARIABLES["PREFECT_AUTH"].partition(":")[2]}
    assert any("CoarseGrainedExecutorBackend" in line for line in COMMAND_LINES)
    assert not [line for line in COMMAND_LINES for value in values if value in line]
    volumes = stack.directory / "volumes"
    # Postgres has the logs and artifacts of all runs.
    database = [path for path in (volumes / "postgres-data").rglob("*") if path.is_file()]
    assert database
    for path in [*stack.directory.glob("*.log"), *volumes.rglob("*.log"), *database]:
        content = path.read_bytes()
        assert not [value for value in values if value.encode() in content], path


def test_everything_is_killed_at_once_and_comes_back_with_every_order(stack: Engine) -> None:
    before = figures(stack)
    for name in list(stack.processes):
        stack.kill(name)
    stack.up(timeout_seconds=600)
    after = figures(stack)
    assert {name: after[name] for name in FIGURES} == {name: before[name] for name in FIGURES}


def test_one_datanode_dies_and_every_archived_order_is_still_read(stack: Engine) -> None:
    """After the kill of everything: the check finds that nothing was lost in it, either."""
    stack.kill("datanode-1")
    report = json.loads(stack.execute("archiver", "ecommerce", "check", "--json"))
    assert report["archive_checked"] and report["archived_orders"] > 1900 and report["good"], report
    stack.start("datanode-1")


def test_what_runs_is_the_file_as_it_is(stack: Engine) -> None:
    _, services = load(VARIABLES)
    assert set(stack.processes) == {name for name, service in services.items() if not service.profiles}
    assert Path(stack.log("mongo-init")).read_text().count("MongoDB is ready") == 2
