"""Flow runs of commands, noted while they work: one whose process was killed is called crashed by the next command.

A worker sees its runs end. Nobody watches the process of a command; its run would stay Running for ever.
"""

from pathlib import Path
from typing import Any

from ecommerce.prefect_api import PrefectError, call
from ecommerce.services.records import identity, process_of, read_json, write_json

ANSWER_SECONDS = 2.0
"""For the server to answer: commands ask it on their way to something else."""

FINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
GONE = 404


def note_run(home: Path, run_id: str, api: str | None) -> None:
    """Note that this process works at a run; `api` is that of the server, None where it is the home's own."""
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{run_id}.json", {"process": identity(), "api": api})


def forget_run(home: Path, run_id: str) -> None:
    """The run of this process has ended, and its state says how."""
    (_folder(home) / f"{run_id}.json").unlink(missing_ok=True)


def killed_runs(home: Path) -> dict[str, dict[str, Any]]:
    """The notes of runs whose process is gone, by the run's id."""
    notes = {path.stem: read_json(path) for path in _folder(home).glob("*.json")}
    return {run_id: note for run_id, note in notes.items() if process_of(str(note.get("process", ""))) is None}


def close_killed_runs(home: Path, own_api: str) -> list[str]:
    """Call the runs crashed whose process is gone, and return their names. What its server cannot be asked about stays.

    `own_api` is the API of the home's own server.
    """
    closed = []
    silent: set[str] = set()
    for run_id, note in killed_runs(home).items():
        api = note.get("api") or own_api
        if api in silent:
            continue
        try:
            run = call(api, f"/flow_runs/{run_id}", timeout_seconds=ANSWER_SECONDS)
            if run["state_type"] not in FINAL:
                crashed = {"type": "CRASHED", "message": "The process of the command that ran it was killed."}
                its_state = f"/flow_runs/{run_id}/set_state"
                call(api, its_state, {"state": crashed, "force": True}, timeout_seconds=ANSWER_SECONDS)
                closed.append(str(run["name"]))
        except PrefectError as error:
            if error.status is None:
                silent.add(api)
            if error.status != GONE:
                continue
        forget_run(home, run_id)
    return closed


def _folder(home: Path) -> Path:
    return home / "run" / "command-runs"
