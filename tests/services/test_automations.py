"""What the Prefect server does by itself: made once, kept as somebody left it. On a real Prefect server."""

import json
import runpy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.events import emit_event
from prefect.states import Failed, Pending

from ecommerce.settings import Settings
from tests.compose.compose_file import REPOSITORY
from tests.http_service import Handler, http_service
from tests.prefect_stack import prefect_stack

pytestmark = pytest.mark.slow

SCRIPT = str(REPOSITORY / "deployments" / "automations.py")
CRASH, TELL = "Crash runs whose process is gone", "Tell of runs that failed"


@pytest.fixture
def deployed(prefect_server: None) -> None:
    """The deployments that automations run, as deploying makes them before."""
    with get_client(sync_client=True) as client:
        for flow, name in (("summarize-orders", "hourly"), ("check-orders", "daily"), ("archive-orders", "daily")):
            client.create_deployment(client.create_flow_from_name(flow), name)


def run_script(monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
    monkeypatch.setattr("sys.argv", [SCRIPT, *options])
    runpy.run_path(SCRIPT, run_name="__main__")


def test_they_are_made_once_and_stay_off_where_somebody_switched_them_off(
    deployed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERT_WEBHOOK_URL", raising=False)
    run_script(monkeypatch)
    first: Any = Automation.read(name=CRASH)
    with pytest.raises(ValueError, match=TELL):
        Automation.read(name=TELL)
    first.disable()
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "http://127.0.0.1:9/alerts")
    run_script(monkeypatch)
    run_script(monkeypatch)
    again: Any = Automation.read(name=CRASH)
    assert again.id == first.id
    assert not again.enabled
    telling: Any = Automation.read(name=TELL)
    assert telling.enabled


def test_on_one_machine_no_run_is_crashed_for_its_silence(deployed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERT_WEBHOOK_URL", raising=False)
    run_script(monkeypatch)
    run_script(monkeypatch, "--one-machine")
    run_script(monkeypatch, "--one-machine")
    with pytest.raises(ValueError, match=CRASH):
        Automation.read(name=CRASH)


@pytest.fixture
def alerts() -> Iterator[tuple[str, list[str]]]:
    """An address that takes alerts, and the subjects of those that came."""
    subjects: list[str] = []

    class Listener(Handler):
        def do_POST(self) -> None:
            subjects.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["subject"])
            self.answer(204)

    with http_service(Listener) as port:
        yield f"http://127.0.0.1:{port}", subjects


@pytest.mark.timeout(600)
def test_a_run_that_never_begins_is_crashed_and_failures_and_a_missing_archive_are_sent(
    settings: Settings, tmp_path: Path, alerts: tuple[str, list[str]]
) -> None:
    url, subjects = alerts
    made = runpy.run_path(SCRIPT)
    soon = timedelta(seconds=15)
    with prefect_stack(settings, tmp_path / "prefect") as stack:
        with stack.in_this_process():
            block = made["webhook"](url)
            made["crash_stuck_runs"](within=soon).create()
            made["tell_of_failures"](block).create()
            made["tell_of_late_runs"](block).create()
            made["tell_of_waiting_archives"](block).create()
            made["tell_of_a_missing_archive"](block, within=soon).create()
            made["tell_of_attention"](block).create()
        stuck, failed = stack.ask("import-files/hourly"), stack.ask("summarize-orders/hourly")
        stack.client.set_flow_run_state(stuck, Pending(), force=True)
        stack.client.set_flow_run_state(failed, Failed(message="a test"), force=True)
        for name, state in (
            ("TimedOut", StateType.FAILED),
            ("Late", StateType.SCHEDULED),
            ("Late", StateType.SCHEDULED),
        ):
            run = stack.ask("check-orders/daily")
            stack.client.set_flow_run_state(run, State[None](type=state, name=name), force=True)
        with stack.in_this_process():
            emit_event(
                "archive.waiting",
                {"prefect.resource.id": "ecommerce.archive-run.r1"},
                related=[{"prefect.resource.id": f"prefect.flow-run.{failed}", "prefect.resource.role": "flow-run"}],
                payload={"orders": 20, "days": 2, "answer_until": "2026-11-28T02:30:00Z"},
            )
            attention = {"prefect.resource.id": "ecommerce.attention.overdue"}
            hostile = {
                "text": '3 orders are "overdue" {{ flow.name }}',
                "reason": "\\ by courier: <b>",
                "link": "http://x",
            }
            emit_event("attention.needed", attention, payload=hostile)
        stack.until(lambda: stack.client.read_flow_run(stuck).state_name == "Crashed", 120)
        expected = {
            "summarize-orders Failed",
            "check-orders TimedOut",
            "check-orders Late",
            "import-files Crashed",
            "archive-orders waits for a person",
            "archive-orders is missing",
            '3 orders are "overdue" {{ flow.name }}',
        }
        stack.until(lambda: expected <= set(subjects), 120)
        assert subjects.count("check-orders Late") == 1, "once an hour for each deployment"
