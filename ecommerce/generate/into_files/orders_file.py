"""Orders into files, streamed block by block: the same bytes each time, also when it was killed between.

A file grows under its name with `.part`; beside it, `.progress` says what it is made of and how many blocks are whole.
A run that finds both goes on after the last whole block. Each block is compressed by itself (gzip members and zstd
frames follow one another), so blocks may come from several processes and the file is still the same.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ecommerce.errors import InputError
from ecommerce.generate.into_files.blocks import file_blocks
from ecommerce.generate.into_files.job import FileJob, Format
from ecommerce.generate.into_files.malformed import BadRowCounts
from ecommerce.generate.model.catalog import check_basket, check_catalog
from ecommerce.generate.model.orders import BLOCK_ORDERS
from ecommerce.generate.model.people import check_locale
from ecommerce.progress import Progress, silent

FILE_NAMES: dict[str, str] = {"json": "orders.json", "csv": "orders_export.csv"}
COMPRESSIONS = (".gz", ".zst")
PROCESSES_MAX = 64


@dataclass(slots=True)
class OrdersFile:
    """A file of orders and what is in it."""

    path: Path
    orders: int
    bad_rows: BadRowCounts
    size_bytes: int

    def counts(self) -> dict[str, int]:
        """What is in the file, by name."""
        return {"orders": self.orders, "size_bytes": self.size_bytes, **asdict(self.bad_rows)}


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


def check_file_options(bad_rows: float, processes: int) -> None:
    """Raise InputError where a file cannot be written like this."""
    if not 0 <= bad_rows <= 1:
        raise InputError(f"--bad-rows {bad_rows:g}: give a share from 0 to 1")
    if not 1 <= processes <= PROCESSES_MAX:
        raise InputError(f"--processes {processes}: give a number from 1 to {PROCESSES_MAX}")


def write_orders(path: Path, job: FileJob, processes: int = 1, progress: Progress = silent) -> OrdersFile:
    """Write a file of orders; a run that was stopped, even killed, is continued by the next with the same options."""
    check_locale(job.spec.locale)
    check_catalog(job.spec)
    check_basket(job.spec, job.window.preset)
    check_file_options(job.bad_rows, processes)
    part, mark = path.with_name(path.name + ".part"), path.with_name(path.name + ".progress")
    make_directory(path.parent)
    done, size, bad_rows = _started(part, mark, job)
    with part.open("r+b" if done else "wb") as file:
        # What was written after the last mark may be half a block.
        file.truncate(size)
        file.seek(size)
        for number, (data, found) in file_blocks(job, done, processes):
            file.write(data)
            file.flush()
            size += len(data)
            bad_rows.add(found)
            _write_mark(mark, job, number + 1, size, bad_rows)
            progress(min((number + 1) * BLOCK_ORDERS, job.window.orders), job.window.orders, "orders")
        os.fsync(file.fileno())
    part.replace(path)
    mark.unlink(missing_ok=True)
    return OrdersFile(path, job.window.orders, bad_rows, size)


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


def _started(part: Path, mark: Path, job: FileJob) -> tuple[int, int, BadRowCounts]:
    """(whole blocks, their size, their bad rows) of a file that was begun; zeros where there is none of this job."""
    try:
        begun = json.loads(mark.read_text())
        if begun["job"] == job.identity and part.stat().st_size >= begun["size_bytes"]:
            return begun["blocks"], begun["size_bytes"], BadRowCounts(**begun["bad_rows"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no mark, or one that was half written: the file is begun anew, which costs time and nothing else
    return 0, 0, BadRowCounts()


def _write_mark(mark: Path, job: FileJob, blocks: int, size: int, bad_rows: BadRowCounts) -> None:
    new = mark.with_name(mark.name + ".new")
    new.write_text(
        json.dumps({"job": job.identity, "blocks": blocks, "size_bytes": size, "bad_rows": asdict(bad_rows)})
    )
    new.replace(mark)
