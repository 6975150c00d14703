"""Files of order lines to chunks with a text for each order: its lines brought together, wherever they stand.

Where they do not stand together already, a temporary SQLite database on disk sorts them, so that memory stays flat and
any number of joined files works.
A line that cannot be read may have belonged to an order beside it: those are rejected too, never imported in part.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from ecommerce.importing.formats.chunks import Chunk, Row
from ecommerce.importing.formats.csv import CSV, cells_of_text
from ecommerce.importing.formats.csv_columns import CellColumns
from ecommerce.importing.formats.registry import format_of
from ecommerce.importing.order_lines.column_texts import Cells
from ecommerce.importing.order_lines.file_readings import ReadingPass
from ecommerce.importing.order_lines.line_look import Look, look_here
from ecommerce.importing.order_lines.mapping import Joined, Mapping
from ecommerce.importing.order_lines.plain_lines import BYTES_A_CHUNK, ORDERS_A_CHUNK, Runs, counted_runs
from ecommerce.importing.order_lines.read_order import joined_text
from ecommerce.importing.reasons import Rejected, Rejection, shown
from ecommerce.importing.shape import Reading, Shape
from ecommerce.importing.sources.streams import SourceError, open_source

BROKEN_KEPT = 20
"""Lines that cannot be read and are kept with an order beside them: with more, the order needs its file."""


class OrderLines:
    """The lines of one file, and of the files joined to it, by order. `lines` counts those that were read."""

    def __init__(self, mapping: Mapping, connection: sqlite3.Connection) -> None:
        self._mapping, self._db = mapping, connection
        self._shapes: dict[str, Shape] = {}
        """By table, with its name before the columns."""
        self._rejections: list[Rejection] = []
        self._beside = ""
        self._broken: list[tuple[bytes, bool]] = []
        """Lines since the last good one that cannot be read, and whether they may be tried again as they are."""
        self.lines = 0
        self._runs: Runs | None = None
        """Of a file whose orders need no sorting."""
        self.readings: tuple[Reading, ...] = ()
        """How the files say that they are to be read."""

    def load(self, path: Path, shape: Shape, table: str = "", *, look: Look = look_here) -> None:
        """Read a file: the lines, or the rows of a joined table. Raises SourceError where it fits two readings."""
        prefix = f"{table}." if table else ""
        named = replace(shape, columns=tuple(prefix + column for column in shape.columns))
        self._shapes[table] = named
        looking = ReadingPass(self._mapping, named.columns)
        if not self._mapping.tables and shape.layout == CSV.layout and self._mapping.line_key in shape.columns:
            self._runs = counted_runs(path, shape, look, looking)
        if self._runs:
            self.lines = self._runs.lines
        else:  # what was seen until a strange line is seen again, which says nothing else
            self._sort(path, shape, table, looking)
        try:
            self.readings += looking.readings()
        except ValueError as problem:
            raise SourceError(f"{path}: {problem}; nothing of it was imported") from None

    def _sort(self, path: Path, shape: Shape, table: str, looking: ReadingPass) -> None:
        joined = self._mapping.tables.get(table)
        self._beside, self._broken = "", []
        self._db.execute(f'CREATE TABLE "t_{table}" (key TEXT, rank REAL, line INTEGER, raw BLOB)')
        statement = f'INSERT INTO "t_{table}" VALUES (?, ?, ?, ?)'  # noqa: S608 - a name of the mapping, checked
        with open_source(path, shape.encoding, carriage_returns=shape.carriage_returns) as stream:
            # In one transaction: one for each line would be most of the time.
            self._db.execute("BEGIN")
            for chunk in format_of(shape.layout).chunks(stream, shape):
                rows = (
                    self._joined_rows(chunk, shape, joined, looking) if joined else self._lines(chunk, shape, looking)
                )
                self._db.executemany(statement, rows)
                self._rejections += chunk.rejections
            self._db.execute("COMMIT")
        self._db.execute(f'CREATE INDEX "i_{table}" ON "t_{table}" (key, rank, line)')

    def _joined_rows(
        self, chunk: Chunk, shape: Shape, joined: Joined, looking: ReadingPass
    ) -> Iterator[tuple[str, float, int, bytes]]:
        position = shape.columns.index(joined.key)
        rank = shape.columns.index(joined.lowest) if joined.lowest else None
        seen: list[Sequence[str]] = []
        for row in format_of(shape.layout).rows(chunk, shape):
            if row.problem or row.cells is None or _encoding_problem(row):
                self._mark_broken(self._beside, b"", False)
                continue
            seen.append(row.cells)
            self._beside = row.cells[position].strip()
            yield self._beside, _rank(row.cells, rank), row.line, row.text.rstrip("\r\n").encode()
        looking.see(looking.texts_of(CellColumns.of_rows(seen, looking.places)))

    def _lines(self, chunk: Chunk, shape: Shape, looking: ReadingPass) -> Iterator[tuple[str, float, int, bytes]]:
        position = shape.columns.index(self._mapping.line_key)
        needed = [at for at, column in enumerate(shape.columns) if column in self._mapping.line_columns]
        nothing = self._mapping.means_nothing
        seen: list[Sequence[str]] = []
        for row in format_of(shape.layout).rows(chunk, shape):
            self.lines += 1
            order = row.cells[position].strip() if row.cells is not None and position < len(row.cells) else ""
            if nothing(order):
                order = ""
            try:
                raw, is_utf8 = row.text.rstrip("\r\n").encode(), True
            except UnicodeEncodeError:
                raw, is_utf8 = row.text.rstrip("\r\n").encode("utf-8", "surrogateescape"), False
            problem = None if row.problem is None else Rejected("csv_syntax", row.problem)
            if problem is None and row.cells and not any(row.cells[at].strip() for at in needed):
                reason = "nothing in the columns of product, quantity, price and time: a total or a note of the report"
                self._rejections.append(Rejection(row.line, "not_an_order_line", reason, raw))
                continue
            problem = problem or (None if is_utf8 else _encoding_problem(row))
            if problem is None and not order:
                problem = Rejected("no_mapping_value", f"the column {shown(shape.columns[position])} is empty")
            if problem:
                # Not complete: the other lines of its order are missing, so it may not be tried again by itself.
                self._rejections.append(Rejection(row.line, problem.code, problem.reason, raw, raw_complete=False))
                # A line that the file's end cuts off looks whole when it is read alone.
                again = row.problem is None or row.text.endswith("\n")
                if order and problem.code == "encoding" and order.isascii():
                    # Its columns are where they should be, so it is known which order the line belongs to.
                    self._mark_broken(order, raw, again)
                else:
                    self._mark_broken(self._beside, raw, again)
                    self._broken.append((raw, again))
                    del self._broken[BROKEN_KEPT + 1 :]
                continue
            for broken in self._broken:
                self._mark_broken(order, *broken)
            self._beside = order
            self._broken.clear()
            seen.append(row.cells or ())
            yield order, 0.0, row.line, raw
        looking.see(looking.texts_of(CellColumns.of_rows(seen, looking.places)))

    def _mark_broken(self, order: str, raw: bytes, again: bool) -> None:
        self._db.execute("INSERT INTO broken VALUES (?, ?, ?)", (order, raw, again))

    def _beside_broken(self, order: str, stored: Sequence[tuple[int, bytes]]) -> Rejection:
        """An order beside lines that cannot be read, with these behind its own: corrected, they may be tried again."""
        select = "SELECT raw, again FROM broken WHERE key = ? LIMIT ?"
        broken = self._db.execute(select, (order, BROKEN_KEPT + 1)).fetchall()
        complete = not self._mapping.tables and len(broken) <= BROKEN_KEPT and all(again for _, again in broken)
        raw = b"\n".join((_together(stored), *(raw for raw, _ in broken))) if complete else _together(stored)
        reason = f"a line beside those of {shown(order)} cannot be read"
        return Rejection(min(stored)[0], "inconsistent_lines", reason, raw, raw_complete=complete)

    def chunks(self) -> Iterator[Chunk]:
        """The texts of the orders: as they stand where their lines are together, else by their ids. What is known to be
        bad comes as a chunk too."""
        if self._runs:
            yield from self._runs.chunks()
            return
        yield Chunk(0, rejections=self._rejections)
        chunk, size = Chunk(0), 0
        self._db.execute("CREATE INDEX i_broken ON broken (key)")
        broken = {key for (key,) in self._db.execute("SELECT DISTINCT key FROM broken")}
        select = 'SELECT key, line, raw FROM "t_" ORDER BY key, rank, line'
        for order, rows in groupby(self._db.execute(select), key=lambda row: str(row[0])):
            stored = [(line, raw) for _, line, raw in rows]
            line = min(stored)[0]
            if order in broken:
                chunk.rejections.append(self._beside_broken(order, stored))
            elif self._mapping.tables:
                lines = [cells for _, raw in stored for cells in self._cells(raw)]
                chunk.values.append((line, joined_text(*self._joined(lines))))
            else:
                chunk.values.append((line, _together(stored)))
            size += sum(len(raw) for _, raw in stored)
            if len(chunk.values) + len(chunk.rejections) >= ORDERS_A_CHUNK or size > BYTES_A_CHUNK:
                yield chunk
                chunk, size = Chunk(0), 0
        yield chunk

    def _cells(self, raw: bytes, table: str = "") -> list[dict[str, str]]:
        shape = self._shapes[table]
        return [dict(zip(shape.columns, cells, strict=True)) for cells in cells_of_text(raw.decode(), shape)]

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
        items = [lines[0] | self._cells(raw, self._mapping.items)[0] for (raw,) in found]
        for cells in items:
            self._look_up(cells)
        return lines, items

    def _look_up(self, cells: dict[str, str]) -> None:
        for name, joined in self._mapping.tables.items():
            if name == self._mapping.items or joined.by not in cells or name not in self._shapes:
                continue
            row = self._db.execute(
                f'SELECT raw FROM "t_{name}" WHERE key = ? ORDER BY rank, line LIMIT 1',  # noqa: S608
                (cells[joined.by].strip(),),
            ).fetchone()
            if row:
                cells.update(self._cells(row[0], name)[0])


def _together(stored: Sequence[tuple[int, bytes]]) -> bytes:
    return b"\n".join(raw for _, raw in stored)


def _encoding_problem(row: Row) -> Rejected | None:
    try:
        row.text.encode()
    except UnicodeEncodeError as error:
        byte = ord(row.text[error.start]) & 0xFF
        return Rejected(
            "encoding",
            f"not UTF-8 text: the byte 0x{byte:02x} at character {error.start + 1}; save the file as UTF-8, or say what"
            " it is with --encoding, such as windows-1252",
        )
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
        db.execute("CREATE TABLE broken (key TEXT, raw BLOB, again INTEGER)")
        yield OrderLines(mapping, db)
