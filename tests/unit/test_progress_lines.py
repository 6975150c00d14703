"""Where standard error is a log, long work says how far it is."""

import sys
import threading
import time

import pytest

from cli import terminal
from cli.terminal import progress_lines, terminal_progress


def said_until(capsys: pytest.CaptureFixture[str], line: str) -> str:
    """What is new on standard error once a line is there. On a busy machine a time says nothing of another thread."""
    said, deadline = "", time.monotonic() + 60
    while line not in said:
        assert time.monotonic() < deadline, said
        time.sleep(0.01)
        said += capsys.readouterr().err
    return said


def writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "progress"]


@pytest.fixture(autouse=True)
def no_writer_of_a_test_before() -> None:
    for writer in writers():
        writer.join(60)


def test_a_line_says_how_far_the_work_is_also_while_it_reports_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_lines("check orders", 0.2) as report:
        (writer,) = writers()
        assert said_until(capsys, "\n").startswith("check orders: at work\n")
        report(1200, 3000, "archived orders")
        said_until(capsys, "check orders: 1,200 of 3,000 archived orders\n")
    writer.join(60)
    assert not writer.is_alive(), "nothing is said afterwards"


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
        said_until(capsys, "live orders: 12 orders\n" if kind == "dumb" else "live orders")
        assert len(writers()) == (kind == "dumb")
