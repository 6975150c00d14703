"""Containers of one compose file have equal host names, and process ids of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ecommerce.archive.lease import ARCHIVE_LEASE
from ecommerce.mongo import MongoDatabase
from ecommerce.services.environment import settings_environment
from ecommerce.settings import Settings

pytestmark = pytest.mark.slow

NAMESPACES = [
    "unshare",
    *([] if os.geteuid() == 0 else ["--map-root-user"]),
    "--pid",
    "--uts",
    "--fork",
    "--mount-proc",
]
"""Of a container's kind, with process ids that begin at 1."""

HOLD = """
import os, socket, sys
socket.sethostname("worker")
from ecommerce.archive.errors import ArchiveBusyError
from ecommerce.archive.lease import archive_lease
from ecommerce.mongo import get_database
from ecommerce.settings import get_settings
try:
    with archive_lease(get_database(get_settings())) as lease:
        print(f"holds as process {os.getpid()}", flush=True)
        sys.stdin.readline()
        lease.check()
        print("held", flush=True)
except ArchiveBusyError as error:
    print(error)
"""


@contextmanager
def container(settings: Settings) -> "Iterator[subprocess.Popen[str]]":
    """An archiver in a container that holds the lease until a line comes."""
    environment = os.environ | settings_environment(settings)
    command = [*NAMESPACES, "--kill-child", sys.executable, "-c", HOLD]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.kill()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_lease_of_a_living_archiver_is_not_taken_by_another_container(
    settings: Settings, database: MongoDatabase
) -> None:
    with container(settings) as first:
        assert line(first) == "holds as process 1"
        with container(settings) as second:
            assert line(second).startswith("another archiver is at work: process 1 on worker, ")
        assert first.communicate("\n")[0].strip() == "held"
        with container(settings) as third:
            assert line(third) == "holds as process 1"
            third.kill()
            third.wait()
        # Of a container that died nothing is known elsewhere but that its lease ends.
        with container(settings) as fourth:
            assert line(fourth).startswith("another archiver is at work")
        database[ARCHIVE_LEASE].update_one({"_id": "archiver"}, [{"$set": {"expires_at": "$$NOW"}}])
        time.sleep(0.01)
        with container(settings) as fifth:
            assert line(fifth) == "holds as process 1"
