"""Every service runs as the pages say, and does what the pages say."""

import json
import re
import shlex
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.compose.compose_file import REPOSITORY
from tests.compose.shop import doctor, kpis, run_deployment
from tests.compose.stack import Stack
from tests.dashboard_app import launch
from tests.unit.test_docs import commands

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]

EXEC = "docker compose exec "
ELSEWHERE = ("ecommerce check", "ecommerce doctor", "ecommerce kpis", "prefect deployment run", "exec -T")
"""Run by the other tests here."""

FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"


def test_every_service_is_healthy_and_the_doctor_finds_nothing(stack: Stack) -> None:
    for service in ("worker", "archiver"):
        problems = {name: found for name, found in doctor(stack, service).items() if found["state"] == "problem"}
        # The disk is this machine's, not the stack's.
        assert set(problems) <= {"space"}, problems


def test_the_upgrade_ended_well_before_what_uses_the_data_started(stack: Stack) -> None:
    assert stack.inspect("upgrade")["State"]["ExitCode"] == 0
    needing = {name for name, service in stack.services.items() if "upgrade" in service.get("depends_on", {})}
    assert {"worker", "archiver", "dashboard"} <= needing
    assert doctor(stack, "archiver")["upgrade"]["state"] == "ok"
    # As with the next `docker compose up`: nothing is due, while all others are connected.
    stack.compose("up", "upgrade")
    assert stack.inspect("upgrade")["State"]["ExitCode"] == 0, stack.log("upgrade")


def test_the_code_that_runs_is_the_wheel_s_and_no_test_package_is_there(stack: Stack) -> None:
    where = stack.execute("worker", "python", "-c", "import cli, ecommerce; print(cli.__file__, ecommerce.__file__)")
    packages = "/opt/venv/lib/python3.11/site-packages"
    assert where.split() == [f"{packages}/cli/__init__.py", f"{packages}/ecommerce/__init__.py"]
    listed = set(stack.execute("worker", "ls", packages).split())
    assert not listed & {"pytest", "hypothesis", "playwright", "mypy", "pip", "tests"}
    compilers = stack.execute("worker", "bash", "-c", "command -v gcc cc make javac || true")
    assert compilers == ""


def test_the_archiver_archives_on_the_spark_cluster(shop: Stack) -> None:
    spark = json.loads(shop.execute("archiver", "python", "-c", FETCH, "http://spark-master:8080/json/"))
    assert spark["aliveworkers"] == 2
    assert len(spark["completedapps"]) + len(spark["activeapps"]) >= 1


def test_the_metrics_tell_what_was_archived(shop: Stack) -> None:
    text = shop.execute("metrics", "python", "-c", FETCH, "http://127.0.0.1:9108/metrics")
    archived = re.search(r'ecommerce_orders\{place="archived"\} (\S+)', text)
    assert archived and float(archived[1]) == kpis(shop)["archived_orders"]


def test_the_dashboard_tells_how_its_tick_is(stack: Stack) -> None:
    assert "ecommerce_tick_seconds" in stack.execute("metrics", "python", "-c", FETCH, "http://dashboard:5006/metrics")


def test_the_dashboard_shows_the_figures_to_who_logs_in(shop: Stack) -> None:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{shop.ports['DASHBOARD_PORT']}/app?from=2026-01-01&to=2026-01-02")
        page.locator("input[name=username]").fill("operator")
        page.locator("input[name=password]").fill(shop.variables["DASHBOARD_PASSWORD"])
        page.locator("button, input[type=submit]").first.click()
        page.locator('#headline-orders .value[data-exact="2,000"]').wait_for(timeout=60_000)
        browser.close()


def test_a_schedule_that_sleeps_is_found(stack: Stack) -> None:
    stack.execute("worker", "prefect", "--no-prompt", "deployment", "schedule", "pause", "--all")
    found = doctor(stack, "worker")["schedules"]
    assert found["state"] == "problem"
    assert "summarize-orders/hourly" in found["says"]
    stack.execute("worker", "prefect", "--no-prompt", "deployment", "schedule", "resume", "--all")
    assert doctor(stack, "worker")["schedules"]["state"] == "ok"


def test_a_file_in_the_inbox_is_imported_by_the_hourly_run(shop: Stack) -> None:
    file = shop.volume("inbox") / "day.csv"
    shutil.copy(REPOSITORY / "tests" / "data" / "superstore" / "orders_export.csv", file)
    file.chmod(0o644)
    run_deployment(shop, "import-files/hourly", settle_seconds=0)
    assert not file.exists(), "it is in done/"
    told = json.loads(shop.execute("worker", "ecommerce", "kpis", "--json", "--end", "2017-01-01"))
    assert told["orders"] == 40


def test_the_commands_of_the_pages_work_where_the_pages_run_them(shop: Stack) -> None:
    orders = shop.volume("inbox") / "orders.csv"
    shutil.copy(REPOSITORY / "tests" / "data" / "superstore" / "orders_export.csv", orders)
    orders.chmod(0o644)
    lines = {text for _, text in commands() if text.startswith(EXEC)}
    lines = {line.removeprefix(EXEC) for line in lines if not any(part in line for part in ELSEWHERE)}
    assert {line.split()[0] for line in lines} == {"archiver", "worker"}
    found = json.loads(shop.execute("archiver", "ecommerce", "query", "--json", "SELECT order_id FROM orders LIMIT 1"))
    for line in sorted(lines):
        shop.execute(*(str(found[0]["order_id"]) if word == "ID" else word for word in shlex.split(line)))
