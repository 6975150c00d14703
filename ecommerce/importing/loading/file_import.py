"""One file into the database: read, decode in workers, accept in threads, in the order of the file.

Chunks that share an order wait for each other, so that its versions arrive in the file's order and an import that was
killed and started again ends like one clean run. At most a handful of chunks are under way, so memory is flat.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic

from ecommerce.documents.canonical_bytes import order_time_of
from ecommerce.errors import InputError
from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.json_values import JSON_VALUES
from ecommerce.importing.formats.registry import format_of
from ecommerce.importing.loading.acceptance import Taken, take_orders
from ecommerce.importing.loading.catalog_tables import CatalogBeside, write_records
from ecommerce.importing.loading.decode import Decoded
from ecommerce.importing.loading.ledger import FileLedger
from ecommerce.importing.loading.made_up import MadeUpIds, made_up_ids
from ecommerce.importing.loading.own_currency import has_none_in
from ecommerce.importing.loading.report import FileReport
from ecommerce.importing.loading.retries import with_patience
from ecommerce.importing.loading.workers import (
    PROCESSES,
    PROCESSES_FROM_BYTES,
    Worker,
    decoding,
    decoding_processes,
    look_at_lines,
)
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.reasons import Rejection
from ecommerce.importing.recognise import joined_files
from ecommerce.importing.rows.plausible import add_doubts
from ecommerce.importing.shape import LINES, Shape, catalog_table
from ecommerce.importing.sources.streams import SourceError, open_source
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress
from ecommerce.readable import counted
from ecommerce.shop import read_shop


@dataclass(frozen=True)
class ImportOptions:
    """How to import."""

    mapping: str | None = None
    """Name of a shipped mapping or path of one; None: found by the columns."""
    encoding: str = ""
    """Of files that are not UTF-8 (nor UTF-16, which is known by its first bytes); empty: the mapping's."""
    keep_unknown: bool = False
    """Scalars that are no field of the document become attributes, where they would else reject their row."""
    max_rejected_share: float = 0.25
    """A file is stopped when more of its rows than this were rejected, once `share_after_rows` were read."""
    share_after_rows: int = 1_000
    processes: int = PROCESSES
    """Decoding processes for a large file; 0 decodes in the calling thread."""
    processes_from_bytes: int = PROCESSES_FROM_BYTES
    writers: int = 2
    """Transactions at once."""
    flow_run: str | None = None
    """Id of the Prefect run that imports, for the books."""


SHARE_AT_END_FROM_ROWS = 10
"""At a file's end the share of rejected rows counts from so many rows on; where nothing came in, always."""

COUNT_SECONDS = 2.0
"""How long the lines that a stopped file still has are counted: about 2 GB."""

_STAYS = ". What was accepted of it stays: when it is imported again those rows are unchanged"


class TooManyRejected(InputError):
    """The share of rejected rows is above the limit."""


@dataclass
class FileImport:
    """The import of one file that was recognised. `report` is right at any time: a row is counted with its outcome."""

    database: MongoDatabase
    shape: Shape
    ledger: FileLedger
    report: FileReport
    options: ImportOptions
    progress: Progress
    _rows: int = 0
    _rejected: int = 0
    _bytes: int = 0
    """Rows that were decoded, and those of them that were rejected: the share that counts while others are written."""
    _writing: "list[tuple[set[int], Future[Taken]]]" = field(default_factory=list)
    _chunks: Iterator[Chunk] = field(default_factory=lambda: iter(()))
    _ahead: "deque[tuple[Chunk, Future[Decoded]]]" = field(default_factory=deque)
    """Chunks that are read and not imported yet."""
    _last: Chunk = field(default_factory=lambda: Chunk(1))
    """The last that was not empty."""
    _made_up: MadeUpIds = field(default_factory=MadeUpIds)
    _unreadable: SourceError | None = None
    """Why the file cannot be read any further."""

    def run(self, path: Path) -> None:
        """Import the file's rows. Raises SourceError where it cannot be read to its end, TooManyRejected."""
        shape, size_bytes = self.shape, path.stat().st_size
        self._made_up = made_up_ids(self.database)
        processes = self.options.processes if size_bytes >= self.options.processes_from_bytes else 0
        with decoding_processes(shape.rows, processes) as workers:
            if shape.rows == LINES:
                self._run_order_lines(path, workers)
                return
            with open_source(path, shape.encoding, carriage_returns=shape.carriage_returns) as stream:
                self._run_chunks(format_of(shape.layout).chunks(stream, shape), size_bytes, workers)

    def _run_order_lines(self, path: Path, workers: Sequence[Worker]) -> None:
        from ecommerce.importing.order_lines.group_lines import order_lines  # here: other files do without Arrow

        mapping = load_mapping(self.shape.mapping or "")
        with order_lines(mapping) as lines:
            options = self.options
            for table, (beside, shape) in joined_files(mapping, path, options.mapping, options.encoding).items():
                lines.load(beside, shape, table)
            lines.load(path, self.shape, look=partial(look_at_lines, workers=workers))
            self.report.lines = lines.lines
            self.shape = self.ledger.shape = replace(self.shape, readings=lines.readings)
            self.report.readings = lines.readings
            self._run_chunks(lines.chunks(), path.stat().st_size, workers)

    def _run_chunks(self, chunks: Iterator[Chunk], size_bytes: int, workers: Sequence[Worker]) -> None:
        """Import chunks of rows in their order, of a file of so many bytes."""
        # A chunk of order lines holds the text of each order.
        shape = replace(self.shape, layout=JSON_VALUES.layout) if self.shape.rows == LINES else self.shape
        shape = replace(shape, keep_unknown=self.options.keep_unknown)
        with (
            decoding(shape, CatalogBeside(self.database).ask, workers) as decode,
            ThreadPoolExecutor(self.options.writers, thread_name_prefix="accept") as writers,
        ):
            self._chunks = self._readable(chunks)
            try:
                for chunk in self._chunks:
                    self._ahead.append((chunk, decode(chunk)))
                    if len(self._ahead) > 2 * len(workers):
                        self._write_next(*self._ahead.popleft(), writers, size_bytes)
                while self._ahead:
                    self._write_next(*self._ahead.popleft(), writers, size_bytes)
            finally:
                # Whatever happens, transactions that were begun are waited for and counted.
                self._collect(until=0)
        if self._unreadable is not None:
            raise SourceError(f"{self._unreadable}{self._not_imported()}{_STAYS}")
        if self.report.signs and not self.report.shop_currency:
            self.report.shop_currency = read_shop(self.database).currency
        if self.report.may_lack_own_currency:
            self.report.no_own_currency = has_none_in(self.database, self.report.shop_currency)
        # Before, the rows of the last transactions were not counted yet.
        self.progress(self.report.read, self.report.read, "rows")
        self._check_share(at_end=True)

    def _readable(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """The chunks up to where the file cannot be read any more: what was read until there is imported first."""
        try:
            yield from chunks
        except SourceError as error:
            self._unreadable = error

    def _not_imported(self) -> str:
        """What of the file was not imported, as far as it can be told soon; empty where nothing was left."""
        begun, left = monotonic(), sum(_lines_of(chunk) for chunk, _ in self._ahead)
        for chunk in self._chunks:
            left += _lines_of(chunk)
            if monotonic() - begun > COUNT_SECONDS:
                break
        next_line = _line_after(self._last)
        is_all = next(self._chunks, None) is None and self._unreadable is None
        if left == 0:
            return "" if is_all else f"; not imported: what it has from line {next_line:,} on"
        at_least = "" if is_all else "at least "
        if self.shape.rows == LINES:
            return f"; not imported: {at_least}{counted(left, 'order')} more of it"
        what = counted(left, "row" if self.shape.layout == JSON_VALUES.layout else "line")
        return f"; not imported: {at_least}{what}, from line {next_line:,} on"

    def _write_next(
        self, chunk: Chunk, future: "Future[Decoded]", writers: ThreadPoolExecutor, size_bytes: int
    ) -> None:
        decoded = future.result()
        self._rows += decoded.rows
        self._rejected += len(decoded.rejections)
        self._reject(decoded.rejections)
        self.report.unknown_statuses.update(decoded.unknown_statuses)
        if decoded.currencies:
            self.report.currencies.update(decoded.currencies)
            self.report.shop_currency = self.report.shop_currency or read_shop(self.database).currency
        add_doubts(self.report.doubts, decoded.doubts)
        table = catalog_table(self.shape.rows)
        if table is not None:
            written = with_patience(lambda: write_records(self.database, table, decoded.records))
            self._count(written.accepted, written.unchanged, written.changed)
            self.report.forgotten += written.forgotten
            self.report.made_up |= self._made_up.met_by_records(table.name, written.changed_keys)
        elif decoded.orders:
            ids = {order.order_id for order in decoded.orders}
            times = [order_time_of(order.bson) for order in decoded.orders]
            self.report.saw_orders(times)
            self.report.made_up |= self._made_up.met_by_orders(decoded.orders)
            while any(not ids.isdisjoint(others) for others, _ in self._writing):
                self._collect(until=len(self._writing) - 1)
            self._writing.append((ids, writers.submit(take_orders, self.database, chunk, decoded)))
            self._collect(until=self.options.writers)
        self._bytes += len(chunk.data) + sum(len(text) for _, text in chunk.values)
        if chunk.data or chunk.values or chunk.rejections:
            self._last = chunk
        # A compressed file, and one of order lines, holds more than its size: how much is not known before the end.
        total = self._rows * size_bytes // self._bytes if 0 < self._bytes <= size_bytes else None
        self.progress(self.report.read, total, "rows")
        self._check_share()

    def _collect(self, until: int) -> None:
        """Count the chunks that are written, waiting until at most `until` are still on their way."""
        while len(self._writing) > until:
            wait([future for _, future in self._writing], return_when=FIRST_COMPLETED)
            for entry in [entry for entry in self._writing if entry[1].done()]:
                self._writing.remove(entry)
                taken = entry[1].result()
                self._count(taken.accepted, taken.unchanged, taken.changed)
                self.report.forgotten += taken.forgotten
                self._rejected += len(taken.rejections)
                self._reject(taken.rejections)

    def _count(self, accepted: int, unchanged: int, changed: int) -> None:
        self.report.read += accepted + unchanged + changed
        self.report.accepted += accepted
        self.report.unchanged += unchanged
        self.report.changed += changed

    def _reject(self, rejections: Sequence[Rejection]) -> None:
        with_patience(lambda: self.ledger.reject(rejections))
        self.report.read += sum(rejection.rows for rejection in rejections)
        self.report.add_rejections(rejections)

    def _check_share(self, *, at_end: bool = False) -> None:
        read, rejected, limit = self._rows, self._rejected, self.options.max_rejected_share
        enough = SHARE_AT_END_FROM_ROWS if at_end else self.options.share_after_rows
        too_many = read >= enough and rejected > limit * read
        nothing = at_end and read == rejected > 0 and limit < 1
        if too_many or nothing:
            most = ", ".join(f"{code} {count:,}" for code, count in self.report.reasons.most_common())
            were = "was" if rejected == 1 else "were"
            rows = "its only row was" if read == 1 else f"{rejected:,} of the first {read:,} rows {were}"
            raise TooManyRejected(
                f"{rows} rejected ({most}), {'so nothing came of it' if nothing else f'more than {limit:.0%}'}"
                f"{'' if at_end else self._not_imported()}; correct the file, or allow more with"
                f" --max-rejected-share{'' if nothing else _STAYS}"
            )


def _lines_of(chunk: Chunk) -> int:
    """How many lines a chunk has, or values where it has those."""
    lines = chunk.data.count(b"\n") + (not chunk.data.endswith(b"\n") if chunk.data else 0)
    return lines + len(chunk.values) + len(chunk.rejections)


def _line_after(chunk: Chunk) -> int:
    """The line after a chunk."""
    if chunk.data:
        return chunk.first_line + chunk.data.count(b"\n")
    if chunk.values:  # the next one may begin where the last one ends
        return max(line + raw.count(b"\n") for line, raw in chunk.values)
    return max((one.line + 1 for one in chunk.rejections), default=chunk.first_line)
