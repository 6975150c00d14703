"""Files of order lines to chunks with a text for each order: its lines brought together, wherever they stand.

They are sorted by a temporary SQLite database on disk, so that memory stays flat and any number of joined files works.
A line that cannot be read may have belonged to an order beside it: those are rejected too, never imported in part.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path

from ecommerce.errors import InputError
from ecommerce.importing.formats.chunks import Chunk, Row
from ecommerce.importing.formats.registry import format_of
from ecommerce.importing.order_lines.column_values import Cells
from ecommerce.importing.order_lines.mapping import Joined, Mapping
from ecommerce.importing.order_lines.read_order import cells_of_line, joined_text
from ecommerce.importing.reasons import Rejected, Rejection, shown
from ecommerce.importing.shape import Shape
from ecommerce.importing.sources.streams import open_source

ORDERS_A_CHUNK = 1_000


class OrderLines:
    """The lines of one file, and of the files joined to it, by order. `lines` counts those that were read."""

    def __init__(self, mapping: Mapping, connection: sqlite3.Connection) -> None:
        self._mapping, self._db = mapping, connection
        self._columns: dict[str, tuple[tuple[str, ...], str]] = {}
        self._rejections: list[Rejection] = []
        self._beside = ""
        self._broken = False
        self.lines = 0

    def load(self, path: Path, shape: Shape, table: str = "") -> None:
        """Read a file: the lines, or the rows of a joined table."""
        joined = self._mapping.tables.get(table)
        key = joined.key if joined else self._key_column
        prefix = f"{table}." if table else ""
        self._columns[table] = (tuple(prefix + column for column in shape.columns), shape.delimiter)
        self._beside, self._broken = "", False
        self._db.execute(f'CREATE TABLE "t_{table}" (key TEXT, rank REAL, line INTEGER, raw BLOB)')
        statement = f'INSERT INTO "t_{table}" VALUES (?, ?, ?, ?)'  # noqa: S608 - a name of the mapping, checked
        entry = format_of(shape.layout)
        with open_source(path) as stream:
            # In one transaction: one for each line would be most of the time.
            self._db.execute("BEGIN")
            for chunk in entry.chunks(stream, shape):
                self._db.executemany(statement, self._stored(chunk, shape, key, joined))
            self._db.execute("COMMIT")
        self._db.execute(f'CREATE INDEX "i_{table}" ON "t_{table}" (key, rank, line)')

    @property
    def _key_column(self) -> str:
        value = self._mapping.order["order_id"]
        if value.column is None:
            raise InputError(f"mapping {self._mapping.name}: order.order_id must be one column")
        return value.column

    def _stored(
        self, chunk: Chunk, shape: Shape, key: str, joined: Joined | None
    ) -> Iterator[tuple[str, float, int, bytes]]:
        position = shape.columns.index(key)
        rank = shape.columns.index(joined.lowest) if joined and joined.lowest else None
        for row in format_of(shape.layout).rows(chunk, shape):
            problem = _problem(row)
            order = "" if problem or row.cells is None else row.cells[position].strip()
            if joined is None:
                self.lines += 1
            if not problem and not order and joined is None:
                problem = Rejected("no_mapping_value", f"the column {shown(key)} is empty")
            raw = row.text.rstrip("\r\n").encode("utf-8", "surrogateescape")
            if problem:
                if joined is None:
                    # Not complete: the other lines of its order are missing, so it may not be tried again by itself.
                    rejection = Rejection(row.line, problem.code, problem.reason, raw, raw_complete=False)
                    self._rejections.append(rejection)
                self._db.execute("INSERT OR IGNORE INTO broken VALUES (?)", (self._beside,))
                self._broken = True
                continue
            if self._broken:
                self._db.execute("INSERT OR IGNORE INTO broken VALUES (?)", (order,))
            self._broken, self._beside = False, order
            yield order, _rank(row.cells or [], rank), row.line, raw
        self._rejections += chunk.rejections

    def chunks(self) -> Iterator[Chunk]:
        """The texts of the orders, by their ids. What is known to be bad comes as a chunk too."""
        yield Chunk(0, rejections=self._rejections)
        chunk = Chunk(0)
        broken = {key for (key,) in self._db.execute("SELECT key FROM broken")}
        select = 'SELECT key, line, raw FROM "t_" ORDER BY key, rank, line'
        for order, rows in groupby(self._db.execute(select), key=lambda row: str(row[0])):
            stored = [(line, raw) for _, line, raw in rows]
            line = min(stored)[0]
            if order in broken:
                reason = f"a line beside those of {shown(order)} cannot be read"
                raw = _together(stored)
                chunk.rejections.append(Rejection(line, "inconsistent_lines", reason, raw, raw_complete=False))
            elif self._mapping.tables:
                chunk.values.append((line, joined_text(*self._joined([self._cells(raw) for _, raw in stored]))))
            else:
                chunk.values.append((line, _together(stored)))
            if len(chunk.values) + len(chunk.rejections) >= ORDERS_A_CHUNK:
                yield chunk
                chunk = Chunk(0)
        yield chunk

    def _cells(self, raw: bytes, table: str = "") -> dict[str, str]:
        columns, delimiter = self._columns[table]
        return cells_of_line(raw.decode(), columns, delimiter)

    def _joined(self, lines: list[dict[str, str]]) -> tuple[Sequence[Cells], Sequence[Cells]]:
        """The order's lines and those of its items, with what the joined tables add to them."""
        for cells in lines:
            self._look_up(cells)
        if self._mapping.items is None:
            return lines, lines
        joined = self._mapping.tables[self._mapping.items]
        found = self._db.execute(
            f'SELECT raw FROM "t_{self._mapping.items}" WHERE key = ? ORDER BY line',  # noqa: S608
            (lines[0].get(joined.by, "").strip(),),
        ).fetchall()
        items = [lines[0] | self._cells(raw, self._mapping.items) for (raw,) in found]
        for cells in items:
            self._look_up(cells)
        return lines, items

    def _look_up(self, cells: dict[str, str]) -> None:
        for name, joined in self._mapping.tables.items():
            if name == self._mapping.items or joined.by not in cells or name not in self._columns:
                continue
            row = self._db.execute(
                f'SELECT raw FROM "t_{name}" WHERE key = ? ORDER BY rank, line LIMIT 1',  # noqa: S608
                (cells[joined.by].strip(),),
            ).fetchone()
            if row:
                cells.update(self._cells(row[0], name))


def _together(stored: Sequence[tuple[int, bytes]]) -> bytes:
    return b"\n".join(raw for _, raw in stored)


def _problem(row: Row) -> Rejected | None:
    if row.problem is not None:
        return Rejected("csv_syntax", row.problem)
    try:
        row.text.encode()
    except UnicodeError:
        return Rejected("encoding", "not UTF-8 text: save the file as UTF-8")
    return None


def _rank(cells: Sequence[str], position: int | None) -> float:
    if position is None:
        return 0.0
    try:
        return float(cells[position])
    except ValueError:
        return float("inf")


@contextmanager
def order_lines(mapping: Mapping) -> Iterator[OrderLines]:
    """An empty OrderLines on a temporary database that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="ecommerce-import-") as folder,
        closing(sqlite3.connect(Path(folder) / "lines.sqlite", isolation_level=None, check_same_thread=False)) as db,
    ):
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "temp_store = FILE"):
            db.execute(f"PRAGMA {setting}")
        db.execute("CREATE TABLE broken (key TEXT PRIMARY KEY)")
        yield OrderLines(mapping, db)
