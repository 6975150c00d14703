"""Commands work the same whatever another Spark, Hadoop or Java, a locale, a proxy or a network left in the shell."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.services.marks import marked_processes
from ecommerce.settings import Settings
from tests.foreign_shell import foreign_shell
from tests.http_service import Handler, http_service
from tests.ports import free_port
from tests.programs import PROGRAM, clean_environment, ecommerce, new_settings
from tests.runbook import row_of

pytestmark = pytest.mark.slow

ALONE = """
import fcntl, os, socket, struct, sys
socket.sethostname("no-such-host_1")
with socket.socket() as any_socket:
    flags = struct.pack("16sh", b"lo", 0x41)  # up and running
    fcntl.ioctl(any_socket, 0x8914, flags)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a command on a machine whose name has no address, with no network but loopback."""


@pytest.fixture
def own_home(tmp_path: Path) -> Settings:
    (tmp_path / "jürgen").mkdir()
    return new_settings(tmp_path / "jürgen")


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    return foreign_shell(tmp_path)


def alone(settings: Settings, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    namespaces = ["--uts", "--net"] if os.geteuid() == 0 else ["--map-current-user", "--keep-caps", "--uts", "--net"]
    return subprocess.run(
        ["unshare", *namespaces, sys.executable, "-c", ALONE, PROGRAM, *arguments],
        env={**clean_environment(settings), **environment},
        umask=0o077,
        capture_output=True,
        text=True,
        timeout=240,
    )


class Refusal(Handler):
    """Every request gets 401, as from a Prefect server with a login."""

    def do_GET(self) -> None:
        self.answer(401)

    def do_POST(self) -> None:
        self.answer(401)


class Failure(Refusal):
    """It is there, and fails as soon as its database is needed."""

    def do_GET(self) -> None:
        if "csrf-token" in self.path:
            self.answer(422, b'{"detail":"CSRF protection is disabled."}')
        else:
            self.answer(200, json.dumps(version("prefect")).encode())

    def do_POST(self) -> None:
        self.answer(500, b'{"exception_message":"Internal Server Error"}')


@pytest.fixture
def refusing_server(request: pytest.FixtureRequest) -> Iterator[str]:
    with http_service(getattr(request, "param", Refusal)) as port:
        yield f"http://127.0.0.1:{port}/api"


def one_line_about_prefect(settings: Settings, database: MongoDatabase, server: str) -> str:
    foreign = {"PREFECT_API_URL": server, "PREFECT_API_KEY": "pnu_not_a_key"}
    done = ecommerce(settings, "generate", "--orders", "5", shell=foreign)
    assert (done.returncode, done.stdout) == (1, "")
    assert database[ORDERS].count_documents({}) == 0
    (line,) = done.stderr.splitlines()
    assert row_of(line.removeprefix("error: ")).startswith("the Prefect server")
    assert "it is the one of PREFECT_API_URL in the environment: correct that" in line
    return line


def test_a_prefect_server_that_is_not_there_is_said_in_one_line(settings: Settings, database: MongoDatabase) -> None:
    server = f"http://127.0.0.1:{free_port()}/api"
    line = one_line_about_prefect(settings, database, server)
    assert line.startswith(f"error: the Prefect server {server} does not answer: ")


def test_a_prefect_server_that_refuses_us_is_said_in_one_line(
    settings: Settings, database: MongoDatabase, refusing_server: str
) -> None:
    line = one_line_about_prefect(settings, database, refusing_server)
    assert line.startswith(f"error: the Prefect server {refusing_server} refuses us (401): ")


class Missing(Refusal):
    """Some service that knows none of Prefect's paths."""

    def answer(self, code: int, body: bytes = b"", kind: str = "application/json") -> None:
        super().answer(404, b'{"detail":"Not Found"}')


class Page(Refusal):
    """Prefect's own pages, at the address without /api: they answer every path with the page that loads the others."""

    def answer(self, code: int, body: bytes = b"", kind: str = "application/json") -> None:
        super().answer(200, b"<!doctype html><title>Prefect Server</title>", "text/html; charset=utf-8")


class OtherJson(Refusal):
    """A service of JSON that answers everything."""

    def answer(self, code: int, body: bytes = b"", kind: str = "application/json") -> None:
        super().answer(200, b'{"status":"ok"}')


@pytest.mark.parametrize(
    ("refusing_server", "answers", "commands"),
    [
        (Missing, "404 with application/json", ["check"]),
        (Page, "200 with a page (text/html)", ["generate --orders 5", "check", "summarize", "archive --dry-run"]),
        (OtherJson, "200 with application/json", ["check"]),
    ],
    indirect=["refusing_server"],
)
def test_what_is_no_prefect_server_is_named_with_its_answer(
    settings: Settings, database: MongoDatabase, refusing_server: str, answers: str, commands: list[str]
) -> None:
    server = refusing_server.removesuffix("/api")
    foreign = {"PREFECT_API_URL": server}
    found = f"{server} is not the API of a Prefect server: {server}/admin/version answers {answers}"
    for command in commands:
        done = ecommerce(settings, *command.split(), shell=foreign)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 1
        assert line.startswith(f"error: {found}. The address ends in /api")
        assert row_of(line.removeprefix("error: ")).startswith("… is not the API of a Prefect server")
    assert database[ORDERS].count_documents({}) == 0
    said = " ".join(ecommerce(settings, "doctor", shell=foreign).stdout.split())
    assert f"{found} → The address ends in /api" in said


@pytest.mark.parametrize("refusing_server", [Failure], indirect=True)
def test_a_prefect_server_that_fails_is_said_in_one_line(
    settings: Settings, database: MongoDatabase, refusing_server: str
) -> None:
    line = one_line_about_prefect(settings, database, refusing_server)
    assert line.startswith(f"error: the Prefect server {refusing_server} fails, as where its database is away")


@pytest.mark.timeout(600)
def test_neither_the_shell_nor_the_network_keeps_orders_from_the_archive(
    own_home: Settings, foreign: dict[str, str]
) -> None:
    for arguments in (
        ("generate", "--orders", "2000", "--start", "2025-01-01", "--end", "2025-01-21"),
        ("archive", "--older-than-days", "30"),
        ("check",),
    ):
        done = alone(own_home, foreign, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "rofile" not in done.stderr
    assert "equal" in done.stdout
    assert (own_home.home / "hdfs" / "data" / "current").exists()
    assert marked_processes(own_home.home) == []


def test_no_command_asks_a_proxy_for_loopback(
    settings: Settings, database: MongoDatabase, refusing_server: str, foreign: dict[str, str]
) -> None:
    proxies = {name: value for name, value in foreign.items() if name.lower().endswith("_proxy")}
    done = ecommerce(settings, "doctor", shell=proxies | {"PREFECT_API_URL": refusing_server})
    assert f"the Prefect server {refusing_server} refuses us" in " ".join(done.stdout.split()), done.stdout


START_SPARK = """
from ecommerce.archive.spark import spark_session
from ecommerce.errors import ServiceError
from ecommerce.settings import get_settings
try:
    with spark_session(get_settings()):
        print("started")
except ServiceError as error:
    print(error)
"""


def starting_spark(own_home: Settings, master: str, **environment: str) -> str:
    """What a process says that starts Spark, on both of its streams."""
    environment = {**clean_environment(own_home), "ECOMMERCE_SPARK_MASTER": master, **environment}
    return subprocess.run(
        [sys.executable, "-c", START_SPARK],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    ).stdout


def test_a_master_that_spark_does_not_know_is_said_in_one_line(own_home: Settings) -> None:
    (line,) = starting_spark(own_home, "nonsense").splitlines()
    assert line.startswith("Spark did not start with ECOMMERCE_SPARK_MASTER='nonsense': ")
    assert "start with spark, k8s, or local" in line
    assert row_of(line).startswith("Spark did not start")
    assert line.endswith(f"; see {own_home.home}/logs/spark.log")


def test_what_a_cluster_is_given_is_used_and_named_where_it_fails(own_home: Settings, foreign: dict[str, str]) -> None:
    given = {name: foreign[name] for name in ("SPARK_CONF_DIR", "HADOOP_CONF_DIR")}
    (line,) = starting_spark(own_home, "spark://127.0.0.1:9", **given).splitlines()
    assert (
        "ECOMMERCE_SPARK_MASTER='spark://127.0.0.1:9' and HADOOP_CONF_DIR, SPARK_CONF_DIR of the environment: " in line
    )
    assert "\n" not in line
    assert "no master answers at 127.0.0.1:9 (" in line
    (line,) = starting_spark(own_home, "spark://127.0.0.1:9,no-such-host:7077").splitlines()
    assert "ECOMMERCE_SPARK_MASTER='spark://127.0.0.1:9,no-such-host:7077': no master answers at 127.0.0.1:9 (" in line
    assert "no-such-host:7077 (" in line
    assert row_of(line).startswith("Spark did not start")


READ_ONLY = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
home = sys.argv[1].encode()
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_PRIVATE = 1, 32, 4096, 1 << 18
assert libc.mount(b"none", b"/", None, MS_PRIVATE | 16384, None) == 0
assert libc.mount(home, home, None, MS_BIND, None) == 0
assert libc.mount(b"none", home, None, MS_REMOUNT | MS_BIND | MS_RDONLY, None) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a command while its home, and nothing else, cannot be written."""


@pytest.mark.parametrize("command", [["kpis"], ["up"], ["up", "--detach"], ["generate", "--orders", "5"], ["archive"]])
@pytest.mark.parametrize("used", [False, True])
def test_a_home_that_cannot_be_written_is_said_in_one_line(own_home: Settings, command: list[str], used: bool) -> None:
    if used:
        for folder in ("prefect", "run", "logs"):
            (own_home.home / folder).mkdir()
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--map-current-user", "--keep-caps", "--mount"]
    done = subprocess.run(
        ["unshare", *namespaces, sys.executable, "-c", READ_ONLY, str(own_home.home), PROGRAM, *command],
        env=clean_environment(own_home),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert str(own_home.home) in line
    assert "Read-only file system" in line
    if used and command != ["archive"]:
        assert row_of(line.removeprefix("error: ")) == "…: Read-only file system: …"
    assert "set ECOMMERCE_HOME" in line or "set it to another folder" in line
    assert not [path for path in own_home.home.rglob("*") if path.is_file()]
