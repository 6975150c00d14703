"""A value that is made behind those who want it: at once where it is recent, waited for, not long, where it is old."""

import threading
import time
from collections.abc import Callable

import pytest

from dashboard.shared import Behind

LONG = 60.0
"""Seconds that no test may wait."""


class Clock:
    """The clock of `Behind`, which a test sets ahead."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        self._real = time.monotonic
        monkeypatch.setattr("dashboard.shared.time.monotonic", lambda: self._real() + self._ahead)

    def pass_by(self, seconds: float) -> None:
        self._ahead += seconds


class Work:
    """Makes 1, 2, 3 and so on."""

    def __init__(self, pause: Callable[[], object] = lambda: time.sleep(0.05)) -> None:
        self.pause = pause
        self._made = 0

    def __call__(self) -> int:
        self._made += 1
        number = self._made
        self.pause()
        return number


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_first_value_is_waited_for() -> None:
    assert Behind(Work(), 30, 0, LONG).get() == 1


def test_a_value_that_is_long_out_of_date_is_waited_for(clock: Clock) -> None:
    behind = Behind(Work(), 30, 0, LONG)
    behind.now()
    clock.pass_by(61)
    assert behind.get() == 2


def test_a_value_that_is_due_comes_as_it_was(clock: Clock) -> None:
    work, may_end = Work(), threading.Event()
    behind = Behind(work, 30, 0, LONG)
    behind.now()
    work.pause = lambda: may_end.wait(LONG)
    clock.pass_by(31)
    assert behind.get() == 1
    may_end.set()
    wait_for(lambda: behind.get() == 2)


def test_a_value_of_before_it_was_forgotten_is_not_shown() -> None:
    behind = Behind(Work(), 30, 0, LONG)
    behind.now()
    behind.forget()
    assert behind.get() == 2


def test_a_value_of_before_it_was_forgotten_is_not_shown_while_another_is_made() -> None:
    work, may_end, began = Work(), threading.Event(), threading.Event()
    behind = Behind(work, 30, 0, 0.05)

    def hang() -> None:
        began.set()
        may_end.wait(LONG)

    work.pause = hang
    behind.begin()
    began.wait(LONG)
    behind.forget()  # also where it is about to be made
    work.pause = lambda: None
    wait_for(lambda: behind.get() == 2)
    may_end.set()
    time.sleep(0.1)
    assert behind.get() == 2
    work.pause = lambda: time.sleep(LONG)
    behind.forget()
    assert behind.get() == 0
    work.pause = lambda: None
    behind.forget()
    wait_for(lambda: behind.get() == 4)
    behind.renew()
    work.pause = lambda: time.sleep(LONG)
    assert behind.get() == 4, "it is only made anew"


def test_what_takes_long_is_shown_later() -> None:
    may_end = threading.Event()
    behind = Behind(Work(lambda: may_end.wait(LONG)), 30, 0, 0.05)
    assert behind.get() == 0
    may_end.set()
    wait_for(lambda: behind.get() == 1)


def test_what_hangs_is_waited_for_no_more_once_it_was(clock: Clock) -> None:
    may_end = threading.Event()
    behind = Behind(Work(lambda: may_end.wait(2 * LONG)), 1_000, 0, LONG)
    behind.begin()
    clock.pass_by(LONG + 1)
    started = time.monotonic()
    assert behind.get() == 0
    assert time.monotonic() - started < LONG / 2
    may_end.set()


def test_what_fails_is_not_raised_and_the_value_before_stays(clock: Clock) -> None:
    def fail() -> None:
        raise ValueError("the database is away")

    work = Work()
    behind = Behind(work, 30, 0, LONG)
    behind.now()
    work.pause = fail
    clock.pass_by(61)
    started = time.monotonic()
    assert behind.get() == 1
    assert time.monotonic() - started < LONG / 2
    behind.now()
    assert behind.get() == 1


def test_all_who_come_while_it_is_made_wait_for_the_same() -> None:
    behind = Behind(Work(lambda: time.sleep(0.2)), 30, 0, LONG)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(behind.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
