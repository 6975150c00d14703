"""A run's rows as the table's Parquet files, a day each, written where the rows are read: in Spark's Python workers.

Spark's own writer takes apart, value by value, what came in columns: 14 s of processor time for a million orders, where
Arrow takes 1.4 s.
"""

import secrets
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from ecommerce.archive.arrow_rows import archived_schema
from ecommerce.archive.files import remove_file, write_file
from ecommerce.archive.rows import DICTIONARY_BYTES
from ecommerce.documents.kinds import DAY_MS, date_of

ROW_GROUP_BYTES = 24 * 1024 * 1024
"""As Arrow columns; some 60 000 orders, so that a reader of one day can skip, and holds little."""

FILE_BYTES = 64 * 1024 * 1024
"""A file that has as many is closed, and another one begun. It is in memory until then."""

WRITTEN_TOGETHER = 8
"""Files on their way at a time. HDFS may say of one that its block is not known yet, and is asked again half a second
later."""

_DAY_US = DAY_MS * 1000

_OPTIONS: Mapping[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "dictionary_pagesize_limit": DICTIONARY_BYTES,
    "write_page_checksum": True,
    "write_page_index": True,
    # As Iceberg's specification has it, and its own writer.
    "store_decimal_as_integer": True,
    "store_schema": False,
}


@dataclass(frozen=True, slots=True)
class FilesOfRun:
    """Where a run's files go, and what is in them."""

    folder: str
    """The table's folder of data files."""
    partition: str
    """The table's only partition field."""
    schema: pa.Schema
    """The table's columns, each with its id."""
    run_id: str
    branch: str
    options: Mapping[str, str]
    """Hadoop's, of a client of this archive."""


@dataclass(frozen=True, slots=True)
class DayFile:
    """A file that is written."""

    location: str
    size: int
    """In bytes."""
    partition: str
    """As Iceberg writes it: `name=2026-01-31`."""


class DayFiles:
    """The files of a stretch of time, whose rows come by day or nearly so; `close` gives those that were written.

    Left by an exception, it removes what it wrote. Of a worker that was killed the table's maintenance removes it.
    """

    def __init__(self, run: FilesOfRun) -> None:
        self._run = run
        self._open: dict[int, _OpenFile] = {}
        self._threads = ThreadPoolExecutor(WRITTEN_TOGETHER, "day-files")
        self._coming: deque[Future[None]] = deque()
        self._files: list[DayFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._threads.shutdown(cancel_futures=True)
        if error is not None:
            for file in self._files:
                with suppress(Exception):  # what it was left by is what is told
                    remove_file(file.location)

    def add(self, rows: pa.RecordBatch) -> None:
        """Add rows with the columns of `row_batches`, of whatever days."""
        for day, of_day in _by_day(rows):
            if day not in self._open:
                self._open[day] = _OpenFile(self._run)
            self._open[day].add(of_day)
            if self._open[day].is_full():
                self._end(day)

    def end_before(self, day: int) -> None:
        """End the files of the days before this one, in days since 1970: no more of their rows come."""
        for earlier in [one for one in self._open if one < day]:
            self._end(earlier)

    def close(self) -> list[DayFile]:
        """End what is open and wait for what is on its way; returns the files."""
        for day in [*self._open]:
            self._end(day)
        self._wait(0)
        return self._files

    def _end(self, day: int) -> None:
        content = self._open.pop(day).end()
        self._wait(WRITTEN_TOGETHER - 1)
        partition = f"{self._run.partition}={date_of(day)}"
        location = f"{self._run.folder}/{partition}/{self._run.branch}-{secrets.token_hex(8)}.parquet"
        self._files.append(DayFile(location, content.size, partition))
        self._coming.append(self._threads.submit(write_file, location, content, self._run.options))

    def _wait(self, left: int) -> None:
        """Until so many files are on their way."""
        while len(self._coming) > left:
            self._coming.popleft().result()


class _OpenFile:
    """A file in memory."""

    def __init__(self, run: FilesOfRun) -> None:
        self._run_id = run.run_id
        self._schema = archived_schema()
        self._sink = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(self._sink, run.schema, **_OPTIONS)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0

    def add(self, rows: pa.RecordBatch) -> None:
        self._waiting.append(rows)
        self._waiting_bytes += rows.nbytes
        if self._waiting_bytes >= ROW_GROUP_BYTES:
            self._write_row_group()

    def is_full(self) -> bool:
        return bool(self._sink.tell() >= FILE_BYTES)

    def end(self) -> pa.Buffer:
        self._write_row_group()
        self._writer.close()
        return self._sink.getvalue()

    def _write_row_group(self) -> None:
        if not self._waiting:
            return
        rows = pa.Table.from_batches(self._waiting)
        run = pa.repeat(pa.scalar(self._run_id, pa.string()), len(rows))
        table = pa.Table.from_arrays([*rows.columns, pa.chunked_array([run])], schema=self._schema)
        self._writer.write_table(table, row_group_size=max(1, len(table)))
        self._waiting, self._waiting_bytes = [], 0


def identified(schema: pa.Schema, told: Mapping[str, Any]) -> pa.Schema:
    """The schema with the ids that an Iceberg schema in JSON gives its fields, by which its readers find columns."""
    return pa.schema(_members(list(schema), told))


def _members(fields: list[pa.Field], told: Mapping[str, Any]) -> list[pa.Field]:
    by_name = {one["name"]: one for one in told["fields"]}
    return [_with_id(field, by_name[field.name]["id"], by_name[field.name]["type"]) for field in fields]


def _with_id(field: pa.Field, number: int, told: Any) -> pa.Field:
    kind = field.type
    if pa.types.is_struct(kind):
        kind = pa.struct(_members(list(kind.fields), told))
    elif pa.types.is_map(kind):
        key = _with_id(kind.key_field, told["key-id"], told["key"])
        kind = pa.map_(key, _with_id(kind.item_field, told["value-id"], told["value"]))
    elif pa.types.is_list(kind):
        kind = pa.list_(_with_id(kind.value_field, told["element-id"], told["element"]))
    return field.with_type(kind).with_metadata({"PARQUET:field_id": str(number)})


def _by_day(rows: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Stretches of rows of one day, given in days since 1970."""
    times = compute.struct_field(rows.column("order"), ["order_time"]).cast(pa.int64()).to_numpy()
    days = times // _DAY_US
    start = 0
    for end in (*(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)):
        if end > start:
            yield int(days[start]), rows.slice(start, end - start)
        start = end
