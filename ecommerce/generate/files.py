"""Orders into files, streamed block by block: the same bytes each time, also when it was killed between.

A file grows under its name with `.part`; beside it, `.progress` says what it is made of and how many blocks are whole.
A run that finds both goes on after the last whole block. Each block is compressed by itself (gzip members and zstd
frames follow one another), so blocks may come from several processes and the file is still the same.
"""

import gzip
import json
import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, cast

import zstandard

from ecommerce.errors import InputError
from ecommerce.generate.catalog import CatalogSpec, check_basket, check_catalog
from ecommerce.generate.dirt import Dirt, make_dirty, make_late
from ecommerce.generate.orders import BLOCK_ORDERS, make_orders
from ecommerce.generate.people import catalog_names, check_locale
from ecommerce.generate.presets import get_preset
from ecommerce.generate.text import CSV_HEADER, csv_rows, json_lines
from ecommerce.generate.windows import Window
from ecommerce.progress import Progress, silent

Format = Literal["json", "csv"]
FILE_NAMES: dict[str, str] = {"json": "orders.json", "csv": "orders_export.csv"}
COMPRESSIONS = (".gz", ".zst")
PROCESSES_MAX = 64
ZSTD_LEVEL = 3
GZIP_LEVEL = 4
"""Level 6 makes files 4 % smaller in twice the time."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """All that determines the bytes of a file of orders."""

    spec: CatalogSpec
    window: Window
    moment_ms: int
    format: Format
    compression: str
    dirt: float

    @property
    def identity(self) -> dict[str, object]:
        """What a started file must be of to be continued."""
        return cast(dict[str, object], json.loads(json.dumps(asdict(self))))

    def block(self, number: int) -> tuple[bytes, Dirt]:
        """The bytes of the file's `number`-th block, the first is 0, and its dirt."""
        first = number * BLOCK_ORDERS
        columns = make_orders(
            self.spec, self.window, first, min(BLOCK_ORDERS, self.window.orders - first), self.moment_ms
        )
        if self.dirt:
            columns = make_late(columns, self.dirt)
        payments = [name for name, _ in get_preset(self.window.preset).payments]
        write = json_lines if self.format == "json" else csv_rows
        rows = write(columns, payments, catalog_names(self.spec).cities)
        dirt = Dirt()
        if self.dirt:
            rows, dirt = make_dirty(rows, columns.order_id, self.dirt)
        header = CSV_HEADER if self.format == "csv" and number == 0 else b""
        return _compressed(header + b"".join(rows), self.compression), dirt

    @property
    def blocks(self) -> int:
        """Number of blocks of the file."""
        return -(-self.window.orders // BLOCK_ORDERS)


@dataclass(slots=True)
class Written:
    """A file of orders and what is in it."""

    path: Path
    orders: int
    dirt: Dirt
    size_bytes: int

    def counts(self) -> dict[str, int]:
        """What is in the file, by name."""
        return {"orders": self.orders, "size_bytes": self.size_bytes, **asdict(self.dirt)}


def orders_path(target: Path, format: Format | None) -> tuple[Path, Format, str]:
    """(path, format, compression) that a target names: a directory, or a file like `orders.json.gz`.

    Raises InputError where the name and the format contradict each other.
    """
    compression = target.suffix if target.suffix in COMPRESSIONS else ""
    kind = target.with_suffix("").suffix if compression else target.suffix
    if kind not in (".json", ".jsonl", ".csv"):
        if compression:
            raise InputError(f"--to {target}: name the format too, like orders.json{compression}")
        return target / FILE_NAMES[format or "json"], format or "json", ""
    named: Format = "csv" if kind == ".csv" else "json"
    if format is not None and format != named:
        raise InputError(f"--to {target} is a name for {named}, --format says {format}; leave one out")
    return target, named, compression


def check_file_options(dirt: float, processes: int) -> None:
    """Raise InputError where a file cannot be written like this."""
    if not 0 <= dirt <= 1:
        raise InputError(f"--dirt {dirt:g}: give a share from 0 to 1")
    if not 1 <= processes <= PROCESSES_MAX:
        raise InputError(f"--processes {processes}: give a number from 1 to {PROCESSES_MAX}")


def write_orders(path: Path, job: FileJob, processes: int = 1, progress: Progress = silent) -> Written:
    """Write a file of orders; a run that was stopped, even killed, is continued by the next with the same options."""
    check_locale(job.spec.locale)
    check_catalog(job.spec)
    check_basket(job.spec, job.window.preset)
    check_file_options(job.dirt, processes)
    part, mark = path.with_name(path.name + ".part"), path.with_name(path.name + ".progress")
    make_directory(path.parent)
    done, size, dirt = _started(part, mark, job)
    with part.open("r+b" if done else "wb") as file:
        # What was written after the last mark may be half a block.
        file.truncate(size)
        file.seek(size)
        for number, (data, found) in _blocks(job, done, processes):
            file.write(data)
            file.flush()
            size += len(data)
            dirt.add(found)
            _write_mark(mark, job, number + 1, size, dirt)
            progress(min((number + 1) * BLOCK_ORDERS, job.window.orders), job.window.orders, "orders")
        os.fsync(file.fileno())
    part.replace(path)
    mark.unlink(missing_ok=True)
    return Written(path, job.window.orders, dirt, size)


def started_moment(path: Path, job: FileJob) -> int:
    """The moment of a file that was begun as this job, so that it can be continued on a later day; else the job's."""
    try:
        begun = json.loads(path.with_name(path.name + ".progress").read_text())["job"]
    except (OSError, ValueError, KeyError):
        return job.moment_ms
    same = {**begun, "moment_ms": job.moment_ms} == job.identity
    return int(begun["moment_ms"]) if same else job.moment_ms


def make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--to {directory}: cannot be made a directory ({error.strerror})") from None


def _compressed(data: bytes, compression: str) -> bytes:
    match compression:
        case ".gz":
            return gzip.compress(data, GZIP_LEVEL, mtime=0)
        case ".zst":
            return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(data)
        case _:
            return data


def _started(part: Path, mark: Path, job: FileJob) -> tuple[int, int, Dirt]:
    """(whole blocks, their size, their dirt) of a file that was begun; zeros where there is none of this job."""
    try:
        begun = json.loads(mark.read_text())
        if begun["job"] == job.identity and part.stat().st_size >= begun["size_bytes"]:
            return begun["blocks"], begun["size_bytes"], Dirt(**begun["dirt"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no mark, or one that was half written: the file is begun anew, which costs time and nothing else
    return 0, 0, Dirt()


def _write_mark(mark: Path, job: FileJob, blocks: int, size: int, dirt: Dirt) -> None:
    new = mark.with_name(mark.name + ".new")
    new.write_text(json.dumps({"job": job.identity, "blocks": blocks, "size_bytes": size, "dirt": asdict(dirt)}))
    new.replace(mark)


def _blocks(job: FileJob, first: int, processes: int) -> Iterator[tuple[int, tuple[bytes, Dirt]]]:
    if processes == 1:
        for number in range(first, job.blocks):
            yield number, job.block(number)
        return
    # Spawned, because a fork of a process with threads (Prefect's, MongoDB's) can hang.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_ignore_interrupt)
    running: deque[tuple[int, Future[tuple[bytes, Dirt]]]] = deque()
    try:
        for number in range(first, job.blocks):
            running.append((number, pool.submit(job.block, number)))
            if len(running) > 2 * processes:
                ready, future = running.popleft()
                yield ready, future.result()
        while running:
            ready, future = running.popleft()
            yield ready, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
