"""What an `up` does again and again goes on, whatever happens once: MongoDB may be started again at that moment."""

import threading
from pathlib import Path

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from ecommerce.services import stack
from ecommerce.services.stack import Stack
from ecommerce.services.supervisor import MENDING
from ecommerce.settings import Settings


class Notes:
    """What would be written down for `status` and `doctor`."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def note_failure(self, name: str, error: str) -> None:
        assert name == MENDING
        self.failures.append(error)


def test_mending_outlives_an_error_that_nobody_thought_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    mending = Stack(Settings(home=tmp_path), said.append, demo=False)
    enough = threading.Event()
    attempts = 0

    def mend(*_: object) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ServerSelectionTimeoutError("127.0.0.1:1: connection refused, Timeout: 5s, Topology: <…>\nand more")
        enough.set()

    monkeypatch.setattr(stack, "mend", mend)
    monkeypatch.setattr(stack, "MEND_SECONDS", 0.01)
    notes = Notes()
    thread = threading.Thread(target=mending._mend_again_and_again, args=(notes,), daemon=True)  # noqa: SLF001
    thread.start()
    assert enough.wait(20)
    mending.stop()
    thread.join(20)
    assert not thread.is_alive()
    failure = "ServerSelectionTimeoutError: 127.0.0.1:1: connection refused"
    assert notes.failures[:2] == [failure, ""], "the next attempt went well, and that is noted, too"
    assert said == [f"mending in Prefect: {failure}"]
