"""What the Prefect server does by itself: made once, kept as somebody left it. On a real Prefect server."""

import runpy
from typing import Any

import pytest
from prefect.automations import Automation

from tests.compose.compose_file import REPOSITORY

SCRIPT = str(REPOSITORY / "deployments" / "automations.py")
CRASH, TELL = "Crash runs whose process is gone", "Tell of a failed archive or check"


def run_script(monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
    monkeypatch.setattr("sys.argv", [SCRIPT, *options])
    runpy.run_path(SCRIPT, run_name="__main__")


def test_they_are_made_once_and_stay_off_where_somebody_switched_them_off(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch
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


def test_on_one_machine_no_run_is_crashed_for_its_silence(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERT_WEBHOOK_URL", raising=False)
    run_script(monkeypatch)
    run_script(monkeypatch, "--one-machine")
    run_script(monkeypatch, "--one-machine")
    with pytest.raises(ValueError, match=CRASH):
        Automation.read(name=CRASH)
