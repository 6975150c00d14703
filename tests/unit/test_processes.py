"""A process is known again whatever is done to the clock, and no other one is taken for it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ecommerce.processes import birth, is_born, process_space
from ecommerce.services.marks import marked_processes, marks
from ecommerce.services.records import identity, process_of


def test_a_clock_that_is_set_makes_no_process_another(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity()
    # psutil counts from the moment of the boot, which moves with the clock.
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: 0.0)
    assert process_of(before) == psutil.Process()
    assert birth(os.getpid()) == before.partition(":")[2]


def test_another_process_of_that_id_is_not_taken_for_it() -> None:
    me, parent = os.getpid(), os.getppid()
    assert not is_born(me, birth(parent)) or birth(me) == birth(parent)
    assert process_of(f"{me}:1@{birth(me).partition('@')[2]}") is None
    assert process_of(f"{me}:{birth(me).partition('@')[0]}@another-boot") is None
    assert process_of(f"{2**22 + 1}:{birth(me)}") is None
    assert process_of("") is None


def test_what_version_0_1_0_wrote_is_understood() -> None:
    created = psutil.Process().create_time()
    assert process_of(f"{os.getpid()}:{created:.2f}") == psutil.Process()
    assert process_of(f"{os.getpid()}:{created + 5:.2f}") is None


def test_processes_of_one_container_share_their_space() -> None:
    code = "from ecommerce.processes import process_space; print(process_space())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert process_space() == other != "None"


def test_a_home_is_one_whether_it_is_named_over_a_link_or_not(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    environment = os.environ | marks(tmp_path / "link", "something")
    with subprocess.Popen(["sleep", "60"], env=environment) as process:
        try:
            for name in ("home", "link"):
                assert [found.pid for found in marked_processes(tmp_path / name)] == [process.pid]
        finally:
            process.kill()
