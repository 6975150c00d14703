"""The inbox: which files a run takes, which wait, which are left and named, and where they go afterwards."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecommerce.doctor import machine
from ecommerce.doctor.findings import Problem
from ecommerce.errors import InputError, ServiceError
from ecommerce.importing.files import find_files, left_beside
from ecommerce.importing.left_out import FOLDER, LINK, OTHER_NAME, left_out_text
from ecommerce.importing.loading.inbox import left_in_inbox, look_into, put_away
from ecommerce.importing.loading.report import FileReport
from ecommerce.importing.sources.streams import FileIdentity, SourceError, open_source
from ecommerce.settings import Settings
from tests.runbook import row_of


def test_a_file_that_is_still_written_to_waits(tmp_path: Path) -> None:
    settled, fresh = tmp_path / "settled.csv", tmp_path / "fresh.csv"
    for path in (settled, fresh, tmp_path / ".hidden.csv", tmp_path / "other.txt"):
        path.write_text("order\n")
        os.utime(path, (time.time() - 60, time.time() - 60))
    os.utime(fresh)
    now = look_into(tmp_path, settle_seconds=10)
    assert (now.waiting, now.unsettled, [one.name for one in now.left]) == ([settled], ["fresh.csv"], ["other.txt"])
    assert look_into(tmp_path, settle_seconds=0).waiting == [fresh, settled]


@pytest.fixture
def other_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_done_may_be_on_another_disk(tmp_path: Path, other_disk: Path) -> None:
    assert other_disk.stat().st_dev != tmp_path.stat().st_dev
    (tmp_path / "done").symlink_to(other_disk)
    for content in ("first", "second"):
        path = tmp_path / "orders.csv"
        path.write_text(content)
        report = FileReport(path, identity=FileIdentity.of(path))
        kept = put_away(path, report)
        assert (kept.parent, kept.read_text(), report.replaced) == (tmp_path / "done", content, False)
        assert not path.exists()
    assert sorted(file.read_text() for file in other_disk.iterdir()) == ["first", "second"]


def test_a_file_that_is_replaced_while_it_goes_to_another_disk_stays(
    tmp_path: Path, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "done").symlink_to(other_disk)
    path = tmp_path / "orders.csv"
    path.write_text("first")
    report = FileReport(path, identity=FileIdentity.of(path))
    copy = shutil.copy2

    def replaced(source: Path, target: Path) -> None:
        copy(source, target)
        path.unlink()
        path.write_text("second")

    monkeypatch.setattr(shutil, "copy2", replaced)
    assert put_away(path, report) == path
    assert (path.read_text(), report.replaced, list(other_disk.iterdir())) == ("second", True, [])


def test_no_file_that_is_put_away_is_overwritten(tmp_path: Path) -> None:
    for text in ("first", "second"):
        path = tmp_path / "orders.csv"
        path.write_text(text)
        put_away(path, FileReport(path))
    assert sorted(path.read_text() for path in (tmp_path / "done").iterdir()) == ["first", "second"]
    assert put_away(tmp_path / "orders.csv", FileReport(tmp_path / "orders.csv")).parent == tmp_path / "done"


@pytest.mark.parametrize(
    ("name", "content", "waits"),
    [
        ("a.csv", b"a,b\n1,2\n", False), ("a.csv", b"a,b\n1,2\r\n", False), ("a.csv", b"a,b\r1,2\r", False),
        ("a.csv", b"a,b\n1,2", True), ("a.jsonl", b'{"order": 1', True), ("a.jsonl", b"{}\n", False),
        ("a.json", b"[{}]", False), ("a.tsv", "a\tb\n".encode("utf-16"), False),
        ("a.tsv", "a\tb".encode("utf-16"), True),
        ("a.csv.gz", b"\x1f\x8b", False),
        # An upload that has begun may be empty for a moment.
        ("a.csv", b"", True), ("a.json", b"", True), ("a.csv.gz", b"", True), ("a.xlsx", b"", True),
    ],
)  # fmt: skip
def test_a_file_that_ends_in_the_middle_of_a_line_waits_longer(
    tmp_path: Path, name: str, content: bytes, waits: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    os.utime(tmp_path / name, (time.time() - 60, time.time() - 60))
    assert look_into(tmp_path, settle_seconds=5).waiting == ([] if waits else [tmp_path / name])
    os.utime(tmp_path / name, (time.time() - 400, time.time() - 400))
    assert look_into(tmp_path, settle_seconds=5).waiting == [tmp_path / name]


def test_a_report_in_a_txt_is_taken_and_notes_are_named_as_left(tmp_path: Path) -> None:
    (tmp_path / "orders.txt").write_text("order-id\tsku\tquantity\tprice\n")
    (tmp_path / "notes.txt").write_text("call Ada\n")
    (tmp_path / "orders.pdf").write_text("")
    assert look_into(tmp_path, settle_seconds=0).waiting == [tmp_path / "orders.txt"]
    assert [left.name for left in left_in_inbox(tmp_path)] == ["notes.txt", "orders.pdf"]


def test_a_link_out_of_the_inbox_is_left_and_named(tmp_path: Path) -> None:
    secret = tmp_path / "environ"
    secret.write_text("PASSWORD=4711\n")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "orders.csv").symlink_to(secret)
    (inbox / "more.csv").write_text("order\n")
    assert look_into(inbox, settle_seconds=0).waiting == [inbox / "more.csv"]
    assert left_in_inbox(inbox) == [("orders.csv", LINK)]


@pytest.fixture
def odd_things(tmp_path: Path) -> Iterator[Path]:
    """A folder of a file and of what has a file's name and is none, among them a FIFO: whoever opens it waits."""
    folder = tmp_path / "odd"
    (folder / "2026-11").mkdir(parents=True)
    (folder / "2026-11" / "deep.csv").write_text("order\n")
    os.mkfifo(folder / "pipe.csv")
    os.mkfifo(folder / "pipe.txt")
    (folder / "gone.csv").symlink_to(tmp_path / "nothing")
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "good.csv").write_text("order\n")
    (folder / ".part").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "sock.csv"))
        yield folder


def test_the_inbox_names_what_is_no_file_and_opens_no_fifo(odd_things: Path) -> None:
    (odd_things / "notes.md").write_text("")
    assert look_into(odd_things, settle_seconds=0).waiting == [odd_things / "good.csv"]
    left = left_in_inbox(odd_things)
    assert dict(left) == {
        "2026-11": FOLDER, "gone.csv": LINK, "linked": LINK, "notes.md": OTHER_NAME,
        "pipe.csv": "a FIFO, which is not read: write what it gives to a file",
        "pipe.txt": "a FIFO, which is not read: write what it gives to a file",
        "sock.csv": "a socket, which is not read: write what it gives to a file",
    }  # fmt: skip
    assert f"gone.csv, linked ({LINK})" in left_out_text(left)


def test_a_folder_that_is_imported_names_them_too(odd_things: Path) -> None:
    for given in (odd_things, f"{odd_things}/*"):
        assert find_files([given]) == [odd_things / "2026-11" / "deep.csv", odd_things / "good.csv"]
        left = {Path(name).name: why for name, why in left_beside([given])}
        assert left.keys() >= {"gone.csv", "pipe.csv", "pipe.txt", "sock.csv"}
        assert left["gone.csv"].startswith("a link to nothing")
    for name in ("pipe.csv", "sock.csv"):
        with pytest.raises(InputError, match=f"nothing to import: {name} .*which is not read") as refused:
            find_files([odd_things / name])
        assert row_of(str(refused.value)) == "…: nothing to import: …"
        with pytest.raises(SourceError, match=f"{name} cannot be read"), open_source(odd_things / name):
            pass


def test_a_file_that_may_not_be_read_keeps_no_other_from_being_taken(other_disk: Path) -> None:
    other_disk.chmod(0o755)
    for name in ("secret.csv", "good.csv"):
        (other_disk / name).write_text("order\n")
    (other_disk / "secret.csv").chmod(0)
    with as_another_user():
        assert look_into(other_disk, settle_seconds=0).waiting == [other_disk / "good.csv"]
        [left] = left_in_inbox(other_disk)
    assert (left.name, "Permission denied" in left.why) == ("secret.csv", True)
    other_disk.chmod(0o600)
    with as_another_user(), pytest.raises(ServiceError) as unusable:
        look_into(other_disk, settle_seconds=0)
    other_disk.chmod(0o755)
    assert row_of(str(unusable.value)) == "the inbox … cannot be used (…): …"


@pytest.mark.parametrize("name", ["inbox", "inbox/done", "inbox/failed"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    place = home / name
    place.parent.mkdir(parents=True)
    place.write_text("order\n")
    with pytest.raises(ServiceError) as unusable:
        look_into(home / "inbox", settle_seconds=0)
    assert row_of(str(unusable.value)) == "the inbox … cannot be used (…): …"
    assert f"({place} is a file, not a folder): move it away" in str(unusable.value)
    with pytest.raises(Problem) as problem:
        machine.inbox(Settings(home=home))
    assert (str(problem.value), problem.value.remedy) == (f"{place} is a file, not a folder", "move it away")


def test_a_file_that_cannot_be_put_away_says_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order\n")
    (tmp_path / "done").write_text("")
    with pytest.raises(ServiceError, match=f"{tmp_path}/done is a file, not a folder: move it away"):
        put_away(tmp_path / "orders.csv", FileReport(tmp_path / "orders.csv"))


@contextmanager
def as_another_user() -> Iterator[None]:
    """Without root's right to read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_the_tenth_download_comes_after_the_second(tmp_path: Path) -> None:
    given = ["orders.csv", "orders (1).csv", "orders (2).csv", "orders (10).csv", "2024-9.csv", "2024-10.csv"]
    for name in given:
        (tmp_path / name).write_text("order\n")
    for found in (look_into(tmp_path, 0).waiting, find_files([tmp_path]), find_files([f"{tmp_path}/*.csv"])):
        order = [path.name for path in found]
        assert order.index("orders (2).csv") < order.index("orders (10).csv")
        assert order.index("2024-9.csv") < order.index("2024-10.csv")
