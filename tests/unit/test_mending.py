"""What an `up` does again and again goes on, whatever happens once: MongoDB may be started again at that moment."""

import threading
from pathlib import Path

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from ecommerce.services import mending
from ecommerce.services.supervisor import MENDING
from ecommerce.settings import Settings


def test_mending_outlives_an_error_that_nobody_thought_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    failures: list[str] = []
    enough, ended = threading.Event(), threading.Event()
    attempts = 0

    def mend(*_: object) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ServerSelectionTimeoutError("127.0.0.1:1: connection refused, Timeout: 5s, Topology: <…>\nand more")
        enough.set()

    def note_failure(name: str, error: str) -> None:
        assert name == MENDING
        failures.append(error)

    monkeypatch.setattr(mending, "mend", mend)
    monkeypatch.setattr(mending, "MEND_SECONDS", 0.01)
    of_up = (Settings(home=tmp_path), said.append, lambda: None, note_failure, ended)
    thread = threading.Thread(target=mending.mend_again_and_again, args=of_up, daemon=True)
    thread.start()
    assert enough.wait(20)
    ended.set()
    thread.join(20)
    assert not thread.is_alive()
    failure = "ServerSelectionTimeoutError: 127.0.0.1:1: connection refused"
    assert failures[:2] == [failure, ""], "the next attempt went well, and that is noted, too"
    assert said == [f"mending in Prefect: {failure}"]
