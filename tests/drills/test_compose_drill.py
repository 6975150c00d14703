"""docker-compose.yml on a real engine: the image built as it is, every service, killed and started again.

The engine is the one that answers, else one that the drill starts and takes away (Debian: docker.io debootstrap).
"""

import json
import re
import shlex
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from playwright.sync_api import sync_playwright

from ecommerce.settings import Settings
from tests.compose.compose_file import REPOSITORY
from tests.compose.engine import an_engine
from tests.compose.stack import Stack
from tests.compose.stand_ins import make_images, wanted_images
from tests.dashboard_app import launch
from tests.unit.test_docs import commands

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]

EXEC = "docker compose exec "
ELSEWHERE = ("ecommerce check", "ecommerce doctor", "ecommerce kpis", "prefect deployment run", "mongodump")
"""Run by the other tests here, but for mongodump, which is in MongoDB's image only."""

FIGURES = ("orders", "revenue", "quantity", "by_status", "by_payment_type", "by_category", "late_share")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every service without a profile, healthy."""
    directory = tmp_path_factory.mktemp("compose")
    cache = Settings().cache / "compose"
    with an_engine(directory / "engine", cache) as engine:
        made = make_images(engine.environment, wanted_images(set()), directory)
        print("images that could not be pulled and were made:", ", ".join(made) or "none")
        stack = Stack(engine, directory)
        ended = threading.Event()
        watching = threading.Thread(target=watch_command_lines, args=(ended,))
        watching.start()
        try:
            stack.compose("build", timeout=1500)
            stack.up()
            yield stack
        finally:
            ended.set()
            watching.join()
            stack.close()


COMMAND_LINES: set[str] = set()
"""What the process list has shown since the first service started, runs and Spark's executors included."""


def watch_command_lines(ended: threading.Event) -> None:
    while not ended.wait(1):
        COMMAND_LINES.update(" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))


def run_deployment(stack: Stack, name: str, **parameters: object) -> None:
    """Start a deployment as an operator would, and wait for the worker to have done it."""
    given = [part for key, value in parameters.items() for part in ("-p", f"{key}={value}")]
    output = stack.execute("worker", "prefect", "--no-prompt", "deployment", "run", name, *given, "--watch")
    assert re.search(r"finished successfully|Completed", output), output


def figures(stack: Stack) -> dict[str, Any]:
    """Of days to which the hourly schedule adds nothing."""
    days = ("--start", "2026-01-01", "--end", "2026-01-03")
    found: dict[str, Any] = json.loads(stack.execute("worker", "ecommerce", "kpis", "--json", *days))
    return found


def findings(stack: Stack, service: str) -> dict[str, Any]:
    """What the doctor says there, by check."""
    script = "ecommerce doctor --json || true"
    return {found["check"]: found for found in json.loads(stack.execute(service, "bash", "-c", script))}


def test_every_service_is_healthy_and_the_doctor_finds_nothing(stack: Stack) -> None:
    for service in ("worker", "archiver"):
        problems = {name: found for name, found in findings(stack, service).items() if found["state"] == "problem"}
        # The disk is this machine's, not the stack's.
        assert set(problems) <= {"space"}, problems


def test_the_upgrade_ended_well_before_what_uses_the_data_started(stack: Stack) -> None:
    assert stack.inspect("upgrade")["State"]["ExitCode"] == 0
    needing = {name for name, service in stack.services.items() if "upgrade" in service.get("depends_on", {})}
    assert {"worker", "archiver", "dashboard"} <= needing
    assert findings(stack, "archiver")["upgrade"]["state"] == "ok"
    stack.compose(
        "up", "upgrade"
    )  # as with the next `docker compose up`: nothing is due, while all others are connected
    assert stack.inspect("upgrade")["State"]["ExitCode"] == 0, stack.log("upgrade")


def test_the_code_that_runs_is_the_wheel_s_and_no_test_package_is_there(stack: Stack) -> None:
    where = stack.execute("worker", "python", "-c", "import cli, ecommerce; print(cli.__file__, ecommerce.__file__)")
    packages = "/opt/venv/lib/python3.11/site-packages"
    assert where.split() == [f"{packages}/cli/__init__.py", f"{packages}/ecommerce/__init__.py"]
    listed = set(stack.execute("worker", "ls", packages).split())
    assert not listed & {"pytest", "hypothesis", "playwright", "mypy", "pip", "tests"}
    compilers = stack.execute("worker", "bash", "-c", "command -v gcc cc make javac || true")
    assert compilers == ""


def test_every_service_runs_as_nobody_on_a_root_that_it_cannot_write(stack: Stack) -> None:
    for name in running(stack):
        assert stack.execute(name, "id", "-u").strip() != "0", name
        with pytest.raises(RuntimeError, match="Read-only file system"):
            stack.execute(name, "sh", "-c", "echo x > /x")
        container = stack.inspect(name)
        assert container["HostConfig"]["Memory"] > 0, name
        assert container["HostConfig"]["CapDrop"] == ["ALL"], name
        assert stack.execute(name, "sh", "-c", "grep NoNewPrivs /proc/self/status").split()[1] == "1", name


def running(stack: Stack) -> list[str]:
    return sorted(name for name, state in stack.states().items() if state.startswith("Up"))


DOORS = {
    "mongo": 27017, "namenode": 9800, "datanode-1": 9866, "spark-master": 7077, "postgres": 5432, "redis": 6379,
    "prefect-server": 4200, "dashboard": 5006, "metrics": 9108,
}  # fmt: skip


def test_each_service_reaches_what_it_shares_a_network_with_and_nothing_else(stack: Stack) -> None:
    script = (
        "import json, socket, sys\n"
        "def open_(host, port):\n"
        "    try: socket.create_connection((host, port), timeout=3).close(); return True\n"
        "    except OSError: return False\n"
        "print(json.dumps([host for host, port in json.loads(sys.argv[1]).items() if open_(host, port)]))"
    )
    outside = {"1.1.1.1": 443}
    for name in ("worker", "archiver", "dashboard", "metrics", "prefect-services", "spark-worker-1", "datanode-2"):
        networks = set(stack.services[name]["networks"])
        allowed = {host for host in DOORS if networks & set(stack.services[host]["networks"])}
        reached = set(json.loads(stack.execute(name, "python", "-c", script, json.dumps(DOORS | outside))))
        assert reached - {"1.1.1.1"} == allowed, name
        assert "edge" in networks or "1.1.1.1" not in reached, name


def test_no_service_holds_a_secret_that_it_does_not_need(stack: Stack) -> None:
    for name in running(stack):
        given = dict(line.partition("=")[::2] for line in stack.inspect(name)["Config"]["Env"])
        held = {secret for secret, value in stack.variables.items() if any(value in text for text in given.values())}
        named = set(re.findall(r"\$\{(\w+)", json.dumps(stack.services[name]["environment"])))
        assert held <= named, name
        assert "MONGO_ROOT_PASSWORD" not in held, name


def test_nobody_gets_in_without_a_password(stack: Stack) -> None:
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


def test_the_worker_takes_runs_and_the_archiver_archives_on_the_spark_cluster(stack: Stack) -> None:
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


def test_the_metrics_tell_what_was_archived(stack: Stack) -> None:
    text = stack.execute(
        "metrics",
        "python",
        "-c",
        "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9108/metrics').read().decode())",
    )
    archived = re.search(r'ecommerce_orders\{place="archived"\} (\S+)', text)
    assert archived and float(archived[1]) == figures(stack)["archived_orders"]


def test_the_dashboard_tells_how_its_tick_is(stack: Stack) -> None:
    text = stack.execute(
        "metrics",
        "python",
        "-c",
        "import urllib.request; print(urllib.request.urlopen('http://dashboard:5006/metrics').read().decode())",
    )
    assert "ecommerce_tick_seconds" in text


def test_the_dashboard_shows_the_figures_to_who_logs_in(stack: Stack) -> None:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{stack.ports['DASHBOARD_PORT']}/app?from=2026-01-01&to=2026-01-02")
        page.locator("input[name=username]").fill("operator")
        page.locator("input[name=password]").fill(stack.variables["DASHBOARD_PASSWORD"])
        page.locator("button, input[type=submit]").first.click()
        page.locator('#headline-orders .value[data-exact="2,000"]').wait_for(timeout=60_000)
        browser.close()


def test_a_schedule_that_sleeps_is_found(stack: Stack) -> None:
    stack.execute("worker", "prefect", "--no-prompt", "deployment", "schedule", "pause", "--all")
    found = findings(stack, "worker")["schedules"]
    assert found["state"] == "problem"
    assert "summarize-orders/hourly" in found["says"]
    stack.execute("worker", "prefect", "--no-prompt", "deployment", "schedule", "resume", "--all")
    assert findings(stack, "worker")["schedules"]["state"] == "ok"


def test_the_commands_of_the_pages_work_where_the_pages_run_them(stack: Stack) -> None:
    orders = stack.volume("inbox") / "orders.csv"
    shutil.copy(REPOSITORY / "tests" / "data" / "superstore" / "orders_export.csv", orders)
    orders.chmod(0o644)
    lines = {text.removeprefix(EXEC) for _, text in commands() if text.startswith(EXEC)}
    lines = {line for line in lines if not any(part in line for part in ELSEWHERE)}
    assert {line.split()[0] for line in lines} == {"archiver", "worker"}
    for line in sorted(lines):
        stack.execute(*shlex.split(line))


def test_no_secret_is_in_a_process_list_a_log_or_an_artifact(stack: Stack) -> None:
    values = set(stack.variables.values()) | {stack.variables["PREFECT_AUTH"].partition(":")[2]}
    assert any("CoarseGrainedExecutorBackend" in line for line in COMMAND_LINES)
    assert not [line for line in COMMAND_LINES for value in values if value in line]
    # Postgres has the logs and artifacts of all runs.
    places = [stack.volume("postgres-data"), stack.volume("worker-home"), stack.volume("archiver-home")]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert files
    logs = {name: stack.log(name).encode() for name in stack.services if not stack.services[name].get("profiles")}
    contents = {str(path): path.read_bytes() for path in files if path.name != "spark-defaults.conf"} | logs
    assert not [(name, secret) for name, content in contents.items() for secret in values if secret.encode() in content]


@pytest.mark.parametrize("service", ["mongo", "postgres", "redis", "spark-worker-1", "archiver", "namenode"])
def test_a_service_is_killed_and_the_next_archive_run_goes_through(stack: Stack, service: str) -> None:
    before = figures(stack)
    stack.kill(service)
    stack.up()
    run_deployment(stack, "archive-orders/daily")
    after = figures(stack)
    assert {name: after[name] for name in FIGURES} == {name: before[name] for name in FIGURES}


def test_everything_is_killed_at_once_and_comes_back_with_every_order(stack: Stack) -> None:
    before = figures(stack)
    stack.kill(*running(stack))
    stack.up()
    after = figures(stack)
    assert {name: after[name] for name in FIGURES} == {name: before[name] for name in FIGURES}


def test_one_datanode_dies_and_every_archived_order_is_still_read(stack: Stack) -> None:
    """After the kill of everything: the check finds that nothing was lost in it, either."""
    stack.compose("stop", "--timeout", "0", "datanode-1")
    report = json.loads(stack.execute("archiver", "ecommerce", "check", "--json"))
    assert report["archive_checked"] and report["archived_orders"] > 1900 and report["good"], report
    stack.up()


def test_archived_orders_come_back(stack: Stack) -> None:
    before = figures(stack)
    restored = json.loads(
        stack.execute("archiver", "ecommerce", "restore", "--start", "2026-01-01", "--end", "2026-01-02", "--json")
    )
    assert restored["orders"] == before["archived_orders"]
    after = figures(stack)
    assert {name: after[name] for name in (*FIGURES, "archived_orders")} == {
        name: before[name] for name in (*FIGURES, "archived_orders")
    }
