"""Embedded services for one command: started if need be, shared by commands that run at once, stopped by the last.

Each command holds a shared lock on `<service>.users` while it uses a service, which the kernel lets go of however the
command ends. A keeper process (`keeper.py`) owns the service and stops it when nobody holds that lock any more.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from ecommerce.errors import ServiceError
from ecommerce.services.archive_choice import choose_archive
from ecommerce.services.catalog_choice import catalog_in_postgres, record_catalog
from ecommerce.services.environment import settings_environment
from ecommerce.services.marks import end_processes, orphans
from ecommerce.services.records import ServiceRecord, living_record, locked, locked_at_once, process_of
from ecommerce.services.silent import await_process
from ecommerce.services.supervisor import up_state
from ecommerce.settings import Settings

MONGOD = "mongod"
HDFS = "hdfs"
POSTGRES = "postgres"
PREFECT = "prefect-server"
PROCESSES = {MONGOD: ("mongod",), HDFS: ("namenode", "datanode"), POSTGRES: ("postgres",), PREFECT: ("prefect-server",)}
"""The service processes of each service that a keeper can run."""

PORT_SETTINGS = {MONGOD: "ECOMMERCE_MONGO_PORT", HDFS: "ECOMMERCE_NAMENODE_PORT"}

LEAVE_TIMEOUT_SECONDS = 60


@contextmanager
def embedded_services(
    settings: Settings, *, mongo: bool = True, hdfs: bool = False, prefect: bool = False
) -> Iterator[Settings]:
    """The settings, with MongoDB answering, with `hdfs` what the archive needs, too, with `prefect` a Prefect server.

    Uses what `ecommerce up` or another command runs, else starts it, all at once, for as long as somebody uses it.
    Services that the settings name elsewhere (ECOMMERCE_MONGO_URI, ECOMMERCE_ARCHIVE_URI) are left alone.
    """
    with ExitStack() as used:
        wanted: list[tuple[str, int | None]] = []
        if mongo and settings.mongo_uri is None:
            wanted.append((MONGOD, settings.mongo_port))
        if prefect:
            wanted.append((PREFECT, None))
        if hdfs:
            choice = choose_archive(settings)
            if choice.remark:
                print(choice.remark, file=sys.stderr)
            # PySpark looks for Java there.
            os.environ["JAVA_HOME"] = str(choice.java)
            if choice.embedded_hdfs:
                wanted.append((HDFS, settings.namenode_port))
            if catalog_in_postgres(settings):
                wanted.append((POSTGRES, None))
        with ThreadPoolExecutor(max_workers=len(PROCESSES)) as pool:
            starts = [pool.submit(used.enter_context, _in_use(settings, *service)) for service in wanted]
        for start in starts:
            start.result()
        if (POSTGRES, None) in wanted:
            record_catalog(settings)
        yield settings


def embedded_postgres(settings: Settings) -> AbstractContextManager[None]:
    """The embedded Postgres answering meanwhile."""
    return _in_use(settings, POSTGRES, None)


def prefect_address(settings: Settings) -> str | None:
    """Address of the API of the Prefect server that this home runs now, for `up` or commands; None without one."""
    record = living_record(settings.home_directory, PREFECT)
    return f"{record.address}/api" if record else None


@contextmanager
def _in_use(settings: Settings, service: str, port: int | None) -> Iterator[None]:
    """The service answering meanwhile; with `port` it has to be on that one."""
    home = settings.home_directory
    for name in PROCESSES[service]:
        await_process(settings, name)
    with ExitStack() as use:
        # Whoever holds this lock is the only one to start or stop the service.
        with locked(home, f"{service}.start"):
            records = _running(home, service)
            if not records:
                _start_keeper(settings, service)
                records = _running(home, service)
            elif port is not None and records[0].port != port:
                raise ServiceError(
                    f"{service} of {home} runs on port {records[0].port}, not on {port}: "
                    f"set {PORT_SETTINGS[service]}={records[0].port}"
                )
            if records:
                use.callback(_leave, home, service, records[0].supervisor)
            use.enter_context(locked(home, f"{service}.users", shared=True))
        yield


def _running(home: Path, service: str) -> list[ServiceRecord]:
    """The records of a service that runs. One whose supervisor was killed is ended first, unless somebody uses it."""
    records = [record for name in PROCESSES[service] if (record := living_record(home, name))]
    if len(records) == len(PROCESSES[service]) and all(process_of(record.supervisor) for record in records):
        return records
    with locked_at_once(home, f"{service}.users") as unused:
        if not unused:
            return records
        for name, processes in orphans(home).items():
            if name in PROCESSES[service]:
                end_processes(processes, timeout_seconds=30)
    return []


def _start_keeper(settings: Settings, service: str) -> None:
    """Start a keeper and wait until its service answers. Raises ServiceError with what it says where it does not."""
    log = settings.home_directory / "logs" / f"{service}-keeper.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "ecommerce.services.keeper", service],
            env={**os.environ, **settings_environment(settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert keeper.stdout is not None  # noqa: S101 - it is a pipe
    with keeper.stdout as answer:
        line = answer.readline().strip()
    if line == "ready":
        return
    keeper.wait()
    raise ServiceError(line or f"{service} did not start; see {log}")


def _leave(home: Path, service: str, supervisor: str) -> None:
    """Wait for the keeper to end its service where this was the last user, so that no process outlives the command."""
    if supervisor == up_state(home).get("supervisor"):
        return
    deadline = time.monotonic() + LEAVE_TIMEOUT_SECONDS
    while process_of(supervisor) is not None and time.monotonic() < deadline:
        with locked_at_once(home, f"{service}.users") as unused:
            pass
        if not unused:
            # The keeper holds the lock alone while it stops the service; users share it.
            with locked_at_once(home, f"{service}.users", shared=True) as used_by_others:
                pass
            if used_by_others:
                return
        time.sleep(0.05)
