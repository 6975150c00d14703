"""What runs under a home: who started what, and who is alone at something. Small files in `home`/run.

A process is known by its id and its birth, so that a reused id is never taken for it, let alone ended.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from ecommerce.errors import ServiceError
from ecommerce.processes import birth, is_born


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """One service process of a home."""

    name: str
    address: str
    pid: int
    born: str
    """Of the process; what `ecommerce.processes.birth` gives."""
    supervisor: str
    """Identity of the process that started it and will stop it."""
    log: str

    def process(self) -> psutil.Process | None:
        """The living process, None where it has ended."""
        return living(self.pid, self.born)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2].partition("/")[0])


def living(pid: int, born: str) -> psutil.Process | None:
    """The process with this id and birth, if it still lives."""
    try:
        process = psutil.Process(pid)
        return process if is_born(pid, born) and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def identity(pid: int | None = None) -> str:
    """A process (this one by default) as text: `<id>:<birth>`."""
    pid = pid or os.getpid()
    return f"{pid}:{birth(pid)}"


def process_of(identity_text: str) -> psutil.Process | None:
    """The living process of an identity."""
    pid, _, born = identity_text.partition(":")
    try:
        return living(int(pid), born)
    except ValueError:
        return None


def run_directory(home: Path) -> Path:
    """`home`/run, made where it is missing."""
    directory = home / "run"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(f"{directory} cannot be made ({error.strerror}): set ECOMMERCE_HOME") from None
    return directory


def write_record(home: Path, record: ServiceRecord) -> None:
    write_json(run_directory(home) / f"{record.name}.service.json", asdict(record))


def remove_record(home: Path, name: str) -> None:
    (home / "run" / f"{name}.service.json").unlink(missing_ok=True)


def read_record(home: Path, name: str) -> ServiceRecord | None:
    """The record of a service, None where there is none (or of another version of this program)."""
    try:
        return ServiceRecord(**json.loads((home / "run" / f"{name}.service.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def living_record(home: Path, name: str) -> ServiceRecord | None:
    """The record of a service whose process lives; else None."""
    record = read_record(home, name)
    return record if record and record.process() else None


def read_records(home: Path) -> list[ServiceRecord]:
    """The records of all services of a home."""
    names = sorted(path.name.removesuffix(".service.json") for path in (home / "run").glob("*.service.json"))
    return [record for name in names if (record := read_record(home, name))]


def write_json(path: Path, content: object) -> None:
    """Write a small file, whole or not at all."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        scratch.write_text(json.dumps(content))
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise ServiceError(
            f"{path} cannot be written ({error.strerror}): free some space or set ECOMMERCE_HOME"
        ) from None


def read_json(path: Path) -> dict[str, Any]:
    """The content of a small file that `write_json` wrote; empty where there is none."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def locked(home: Path, name: str, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock `name` of a home; waits for it. The kernel lets it go when the process ends, however it ends."""
    with (run_directory(home) / f"{name}.lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


@contextmanager
def locked_at_once(home: Path, name: str, *, shared: bool = False) -> Iterator[bool]:
    """Like `locked` without waiting; yields whether the lock was to be had."""
    with (run_directory(home) / f"{name}.lock").open("a+") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
