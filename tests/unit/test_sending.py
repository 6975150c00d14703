"""What a run publishes is sent beside its work, in order, and a failure is not lost."""

import threading
import time
from contextvars import ContextVar

import pytest

from flows.sending import everything_sent, send, wait_until_sent


def test_requests_are_sent_one_after_the_other_and_in_the_context_of_their_run() -> None:
    run: ContextVar[str] = ContextVar("run")
    sent: list[tuple[int, str, bool]] = []
    here = threading.get_ident()

    def request(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        sent.append((number, run.get(), threading.get_ident() == here))
        return number * 10

    run.set("first")
    futures = [send(request, number) for number in range(3)]
    run.set("second")
    futures.append(send(request, 3))
    everything_sent()
    assert sent == [(0, "first", False), (1, "first", False), (2, "first", False), (3, "second", False)]
    assert [future.result() for future in futures] == [0, 10, 20, 30]


def test_the_first_failure_is_raised_and_those_behind_it_are_sent() -> None:
    sent: list[str] = []

    def fail() -> None:
        raise ConnectionError("away")

    send(fail)
    send(sent.append, "behind")
    with pytest.raises(ConnectionError, match="away"):
        everything_sent()
    assert sent == ["behind"]


def test_a_run_that_failed_waits_no_longer_than_it_is_told_and_raises_nothing() -> None:
    release = threading.Event()
    send(release.wait)
    begun = time.monotonic()
    wait_until_sent(0.05)
    assert time.monotonic() - begun < 5
    release.set()
    everything_sent()
