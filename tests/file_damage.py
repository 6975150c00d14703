"""Ways to damage a day's file of the archive, and what is said of each."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from tests.archiving import OLD_DAY

DAMAGED = OLD_DAY + timedelta(days=1)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])


def lose_file(file: Path) -> None:
    file.unlink()


def lose_directory(file: Path) -> None:
    shutil.rmtree(file.parent)


def swap_with_another_day(file: Path) -> None:
    file.write_bytes(file_of(file.parents[1], OLD_DAY).read_bytes())


def flip_a_bit(file: Path) -> None:
    """In a page of statuses: without its checksum it is read as another status, without a word."""
    content = bytearray(file.read_bytes())
    content[content.index(b"Deliver")] ^= 1
    file.write_bytes(bytes(content))


def file_of(data: Path, day: date) -> Path:
    """The file of a day."""
    (file,) = data.glob(f"order.order_time_day={day}/*.parquet")
    return file


SAYS: dict[Callable[[Path], None], str] = {
    empty: "has 0 bytes of",
    cut: " bytes of ",
    lose_file: " is gone",
    lose_directory: " is gone",
    swap_with_another_day: "its 20 orders",
    flip_a_bit: "cannot be read: ",
}
