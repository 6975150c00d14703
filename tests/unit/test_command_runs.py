"""Runs of commands that were killed: a server that is silent keeps the next command for one question, not for each."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from ecommerce.services import command_runs
from ecommerce.services.command_runs import close_killed_runs, killed_runs, note_run
from ecommerce.services.records import read_json, write_json


def test_a_server_that_does_not_answer_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_runs, "ANSWER_SECONDS", 0.2)
    for run in "abc":
        note_run(tmp_path, run, None)
        note = tmp_path / "run" / "command-runs" / f"{run}.json"
        write_json(note, {**read_json(note), "process": "999999999:1"})
    asked = 0
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes connections, nobody answers them
        assert close_killed_runs(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}/api") == []
        silent.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                asked += 1
    assert asked == 1
    assert set(killed_runs(tmp_path)) == {"a", "b", "c"}, "a later command asks again"
