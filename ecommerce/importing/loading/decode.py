"""A chunk of rows to orders or catalog records, every other row to a rejection. Runs in workers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ecommerce.importing.formats.chunks import RAW_KEPT_BYTES, ROW_BYTES_MAX, Chunk, Row
from ecommerce.importing.formats.nothing import is_nothing
from ecommerce.importing.formats.registry import format_of
from ecommerce.importing.reasons import Rejected, Rejection
from ecommerce.importing.rows.catalog_records import read_record
from ecommerce.importing.rows.dotted_columns import nested
from ecommerce.importing.rows.extended_json import from_shell, unwrap
from ecommerce.importing.rows.json_text import parse_json
from ecommerce.importing.rows.orders import AskCatalog, Known, encode_cells, encode_json, encode_value
from ecommerce.importing.rows.plausible import Doubts
from ecommerce.importing.shape import LINES, ORDER_COLUMNS, ORDERS, Shape, catalog_table
from ecommerce.ingest.encoded_order import EncodedOrder

if TYPE_CHECKING:
    from ecommerce.importing.order_lines.read_order import LinesReader

CatalogRecords = list[tuple[str, bytes]]
"""Records of the catalog found in order lines: (table, BSON)."""

Ask = Callable[[set[int], set[int], CatalogRecords], Known]
"""(product ids, user ids, records that belong into the catalog before) → what it knows about them."""

_EXTENDED = "$"
"""No key of plain JSON has it but one that is refused. Looking for the sign alone takes a tenth of the time that it
takes with the quote before it."""

_EXTENDED_SIGN = _EXTENDED.encode()

KNOWN_MAX = 500_000
"""Answers of the catalog that are kept between chunks: about 50 MB."""


class Place(Struct, array_like=True, gc=False):
    """Where an order or record came from, as `Row` has it."""

    line: int
    span: int


class Decoded(Struct, array_like=True):
    """What became of a chunk's rows; every row is an order, a catalog record (BSON) or a rejection."""

    rows: int = 0
    orders: list[EncodedOrder] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    catalog_records: CatalogRecords = field(default_factory=list)
    """What belongs into the catalog before the orders, where it was not sent with a question."""
    unknown_statuses: dict[str, int] = field(default_factory=dict)
    """Texts that the table of statuses does not have, and how many rows had each."""
    currencies: dict[str, int] = field(default_factory=dict)
    """Currencies that orders name, and how many orders name each."""
    doubts: Doubts = field(default_factory=dict)
    """Orders whose amounts hardly belong together."""


class RawRows:
    """The texts of a chunk's rows, found by their places."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self.first_part = chunk.first_part
        self._lines: list[bytes] | None = None

    def at(self, line: int, span: int) -> bytes:
        if span < 0:
            return self._chunk.values[-1 - span][1]
        if self._lines is None:
            self._lines = self._chunk.data.split(b"\n")
        first = line - self._chunk.first_line
        return b"\n".join(self._lines[first : first + span]).rstrip(b"\r")


def part_of(span: int, first_part: int) -> int:
    """What tells apart the rows of one line: of a JSON value, how many came before it; else 0."""
    return first_part - 1 - span if span < 0 else 0


class Decoder:
    """Decodes chunk after chunk of one file, and keeps what the catalog answered."""

    def __init__(self, shape: Shape, ask: Ask) -> None:
        self._shape, self._ask = shape, ask
        self._known = Known()
        self._format = format_of(shape.layout)
        self._table = catalog_table(shape.rows)
        self._order_cells = shape.columns in (ORDER_COLUMNS, (*ORDER_COLUMNS, "refunds"))
        self._dotted = shape.rows == ORDERS and any("." in column for column in shape.columns)
        self._lines = lines_reader()(shape) if shape.rows == LINES else None

    def decode(self, chunk: Chunk) -> Decoded:
        if self._lines is not None:
            self._known = Known()  # the lines add to the catalog, and another process may have decoded those before
        rows = list(self._format.rows(chunk, self._shape))
        results: list[EncodedOrder | bytes | Rejection | None] = [None] * len(rows)
        products, users = self._take_all(chunk, rows, range(len(rows)), results)
        if products or users:
            self._answer(products, users)
            asked = [place for place, result in enumerate(results) if result is None]
            products, users = self._take_all(chunk, rows, asked, results)
            if products or users:
                raise AskCatalog(products, users)  # it has answered
        decoded = Decoded(len(rows) + len(chunk.rejections), rejections=list(chunk.rejections))
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, Rejection):
                decoded.rejections.append(result)
                continue
            decoded.places.append(Place(row.line, row.span))
            if isinstance(result, EncodedOrder):
                decoded.orders.append(result)
            elif result is not None:
                decoded.records.append(result)
        decoded.catalog_records = self._catalog_records()
        decoded.unknown_statuses, self._known.unknown_statuses = self._known.unknown_statuses, {}
        decoded.currencies, self._known.currencies = self._known.currencies, {}
        decoded.doubts, self._known.doubts = self._known.doubts, {}
        return decoded

    def _take_all(
        self,
        chunk: Chunk,
        rows: Sequence[Row],
        places: Sequence[int],
        results: list[EncodedOrder | bytes | Rejection | None],
    ) -> tuple[set[int], set[int]]:
        """Put what becomes of some rows into the results, None where the catalog is asked first. Returns products and
        users to ask for."""
        products: set[int] = set()
        users: set[int] = set()
        if self._lines is not None:
            self._lines.read([rows[place].raw for place in places], self._known)
        for number, place in enumerate(places):
            try:
                results[place] = self._take(rows[place], number)
            except AskCatalog as question:
                products |= question.product_ids
                users |= question.user_ids
            except Rejected as problem:
                results[place] = _rejection(chunk, rows[place], problem)
        return products, users

    def _catalog_records(self) -> CatalogRecords:
        return [] if self._lines is None else self._lines.catalog_records()

    def _answer(self, products: set[int], users: set[int]) -> None:
        if len(self._known.warehouses) + len(self._known.locations) > KNOWN_MAX:
            self._known.warehouses.clear()
            self._known.locations.clear()
        answers = self._ask(products, users, self._catalog_records())
        self._known.warehouses.update(answers.warehouses)
        self._known.locations.update(answers.locations)

    def _take(self, row: Row, number: int) -> EncodedOrder | bytes:
        if row.problem is not None:
            raise Rejected("csv_syntax", row.problem)
        if len(row.raw) > ROW_BYTES_MAX:
            raise Rejected("row_too_large", f"the row has {len(row.raw) >> 20} MB, more than {ROW_BYTES_MAX >> 20} MB")
        if self._table is not None:
            return read_record(self._table, self._value(row))
        if self._lines is not None and (order := self._lines.plain_order(number, self._known)):
            return order
        raw = row.raw if self._lines is None else self._lines.order(row.raw)
        try:
            if row.cells is None:
                return encode_json(unwrap(raw) if _EXTENDED_SIGN in raw else raw, self._known)
            if self._order_cells:
                cells = row.cells
                if _EXTENDED in row.text:
                    cells = [unwrap(cell.encode()).decode() for cell in cells]
                return encode_cells(cells[0], cells[1], cells[2], "".join(cells[3:]), self._known)
        except AskCatalog:
            raise
        except Exception:  # noqa: S110, BLE001 - whatever the fast way does not like, the lenient way judges
            pass
        try:
            value = parse_json(raw) if row.cells is None else self._value(row)
        except Rejected as problem:
            if problem.code != "json_syntax" or row.cells is not None or (shell := from_shell(raw)) == raw:
                raise
            return self._from_shell(shell)
        return encode_value(value, self._known, keep_unknown=self._shape.keep_unknown)

    def _from_shell(self, text: bytes) -> EncodedOrder:
        try:
            return encode_value(parse_json(text), self._known, keep_unknown=self._shape.keep_unknown)
        except Rejected as problem:
            reason = f"not JSON, but the syntax of MongoDB's shell, and as that: {problem.reason}"
            raise Rejected("json_syntax", reason) from None

    def _value(self, row: Row) -> Any:
        if row.cells is None:
            return parse_json(row.raw)
        named = {name: cell for name, cell in zip(self._shape.columns, row.cells, strict=True) if cell.strip()}
        if self._table is not None:
            named.pop("_id", None)
            return {name: cell for name, cell in named.items() if not is_nothing(cell.strip())}
        values = {
            name: parse_json(cell) if name in ORDER_COLUMNS or cell.lstrip().startswith(("{", "[")) else cell
            for name, cell in named.items()
        }
        return nested(values) if self._dotted else values


def lines_reader() -> "type[LinesReader]":
    """What reads order lines: processes for files of other rows start in a third of the time without importing it."""
    from ecommerce.importing.order_lines.read_order import LinesReader

    return LinesReader


def _rejection(chunk: Chunk, row: Row, problem: Rejected) -> Rejection:
    if row.span < 0:
        raw = RawRows(chunk).at(row.line, row.span)
    else:
        raw = row.raw or row.text.rstrip("\r\n").encode("utf-8", "surrogateescape")
    kept = raw if len(raw) <= ROW_BYTES_MAX >> 1 else raw[:RAW_KEPT_BYTES]
    return Rejection(
        row.line, problem.code, problem.reason, kept, len(kept) == len(raw), part_of(row.span, chunk.first_part)
    )
