"""A file that is written whole or not at all, and what is written directly: devices, pipes and files that are open."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecommerce.whole_file import whole_file


@pytest.fixture(params=["a folder", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder; one under /dev that is in memory, too."""
    if request.param == "a folder":
        yield tmp_path
        return
    if not Path("/dev/shm").is_dir():
        pytest.skip("no /dev/shm here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as found:
        yield Path(found)


@pytest.mark.parametrize("is_link", [False, True], ids=["itself", "by a link"])
def test_the_file_before_stays_until_all_is_written(folder: Path, tmp_path: Path, is_link: bool) -> None:
    path = folder / "rows.csv"
    path.write_text("before")
    named = tmp_path / "link" if is_link else path
    if is_link:
        named.symlink_to(path)
    with pytest.raises(RuntimeError), whole_file(named) as file:
        file.write(b"half")
        file.flush()
        assert path.read_text() == "before"
        raise RuntimeError
    assert path.read_text() == "before"
    with whole_file(named) as file:
        file.write(b"after")
    assert path.read_text() == "after"
    assert not list(folder.glob("*.part"))
    assert named.is_symlink() is is_link


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize("is_link", [False, True], ids=["itself", "by a link"])
def test_a_file_that_is_open_is_written_directly(tmp_path: Path, is_link: bool) -> None:
    """Who redirected standard output to a file reads that file, not one that takes its place."""
    with (tmp_path / "redirected").open("w+b") as opened:
        path = Path(f"/dev/fd/{opened.fileno()}")
        if is_link:
            (tmp_path / "link").symlink_to(path)
            path = tmp_path / "link"
        with whole_file(path) as file:
            file.write(b"rows")
        assert opened.read() == b"rows"
    assert not list(tmp_path.glob("*.part"))


def test_a_device_and_a_pipe_are_written_directly(tmp_path: Path) -> None:
    with whole_file(Path(os.devnull)) as file:
        file.write(b"rows")
    assert Path(os.devnull).is_char_device()
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with whole_file(pipe) as file:
        file.write(b"rows")
    reader.join(10)
    assert read == [b"rows"] and pipe.is_fifo()
