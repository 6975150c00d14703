"""Where standard error is a log, long work says how far it is."""

import sys
import time

import pytest

from cli import terminal
from cli.terminal import progress_lines, terminal_progress


def test_a_line_says_how_far_the_work_is_also_while_it_reports_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_lines("check orders", 0.2) as report:
        time.sleep(0.3)
        report(1200, 3000, "archived orders")
        time.sleep(0.4)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "check orders: at work"
    assert "check orders: 1,200 of 3,000 archived orders" in lines[1:]
    time.sleep(0.4)
    assert capsys.readouterr().err == ""


def test_work_that_is_soon_done_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_lines("check orders", 60) as report:
        report(3000, 3000, "orders")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", ["dumb", "xterm-256color"])
def test_a_terminal_that_draws_no_bar_gets_lines(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(terminal, "PLAIN_TERMINAL_SECONDS", 0.1)
    monkeypatch.setenv("TERM", kind)
    with terminal_progress("live orders") as report:
        report(12, None, "orders")
        time.sleep(0.3)
    said = capsys.readouterr().err
    assert ("live orders: 12 orders\n" in said) == (kind == "dumb")
    assert said
