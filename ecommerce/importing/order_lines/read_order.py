"""The text of an order's lines to the text of an order, as a mapping says. Runs where rows are decoded.

Of a flat file it is the lines themselves. Of joined files it is JSON, `{"lines": […], "items": […]}`, each an object of
columns with what the other files had for it: so the text is all that the order needs, also when it is rejected and
tried again later.
"""

import csv
from collections.abc import Sequence
from itertools import accumulate, pairwise

import msgspec

from ecommerce.importing.formats.csv import cells_of_text
from ecommerce.importing.formats.csv_columns import CellColumns, columns_of_text
from ecommerce.importing.order_lines.assemble import assemble
from ecommerce.importing.order_lines.catalog_reader import CatalogReader, CatalogRecord
from ecommerce.importing.order_lines.column_texts import Cells
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.order_lines.plain_batch import PlainBatch
from ecommerce.importing.order_lines.plain_orders import PlainOrders
from ecommerce.importing.order_lines.plain_values import Lines
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.rows.orders import AskCatalog, Known
from ecommerce.importing.shape import Shape
from ecommerce.ingest.encoded_order import EncodedOrder


class _Joined(msgspec.Struct):
    lines: list[dict[str, str]]
    items: list[dict[str, str]]


_decode_joined = msgspec.json.Decoder(_Joined).decode


def joined_text(lines: Sequence[Cells], items: Sequence[Cells]) -> bytes:
    """The text of an order whose lines, and those of its items, come out of several files."""
    return msgspec.json.encode({"lines": lines, "items": items})


class LinesReader:
    """Makes orders of one file's lines, and collects the catalog records in them."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._mapping = load_mapping(shape.mapping or "")
        self._nothing = self._mapping.means_nothing
        beside = {name for name in (self._mapping.lines_by, self._mapping.items_have) if name}
        used = self._mapping.all_columns | beside
        self._places = {name: at for at, name in enumerate(shape.columns) if name in used}
        self._columns = dict.fromkeys((*self._places, *sorted(used)), "")
        self._catalog = CatalogReader(self._mapping, shape.readings)
        self._plain = None if self._mapping.tables else PlainOrders(self._mapping, shape.readings)
        self._batch: PlainBatch | None = None
        self._taken: list[int] = []
        self._assembled: list[Cells] = []
        """Items of the batch, and lines of orders that were assembled after those, whose catalog records are not read
        yet: many at once are read faster."""
        self._catalog_records: list[CatalogRecord] = []

    def read(self, raws: Sequence[bytes], known: Known) -> None:
        """Read the orders whose lines are plain and need no other file, for `plain_order` to give."""
        if self._plain is not None:
            self._read_catalog()
            columns, spans = self._columns_of(raws)
            lines = Lines.of_columns(self._places, self._mapping.nothings_among, columns)
            self._batch = self._plain.of(lines, spans, known)

    def plain_order(self, place: int, known: Known) -> EncodedOrder | None:
        """The order of one of the texts that were read; None where only `order` can tell what it is.

        Raises AskCatalog where `known` lacked an answer.
        """
        plain = self._batch and self._batch.orders.get(place)
        if not plain:
            return None
        if self._assembled:
            self._read_catalog()
        self._taken += plain.items
        if isinstance(plain.order, AskCatalog):
            raise AskCatalog(
                plain.order.product_ids, plain.order.user_ids
            )  # that one would keep itself by its traceback
        for note in plain.notes:
            note(known)
        return plain.order

    def catalog_records(self) -> list[CatalogRecord]:
        """What the orders since the last call told of the catalog."""
        self._read_catalog()
        records, self._catalog_records = self._catalog_records, []
        return records

    def _read_catalog(self) -> None:
        if self._batch and self._taken:
            self._catalog_records += self._catalog.read(self._batch.items.some(self._taken))
        self._catalog_records += self._catalog.read(Lines.of_cells(self._assembled))
        self._taken, self._assembled = [], []

    def _columns_of(self, raws: Sequence[bytes]) -> tuple[CellColumns, list[range]]:
        """The cells of all texts by column, and the lines of each text; none where it cannot be read."""
        counts, places = [raw.count(b"\n") + 1 for raw in raws], [*self._places.values()]
        columns = None
        try:
            text = b"\n".join(raws).decode()
            columns = None if "\r" in text else columns_of_text(text, self._shape, places)
        except (csv.Error, ValueError):
            pass
        if columns is None or columns.lines != sum(counts):  # one is not CSV, or has line ends in its cells
            of_texts = [*map(self._rows_of, raws)]
            counts = [*map(len, of_texts)]
            columns = CellColumns.of_rows([row for of_text in of_texts for row in of_text], places)
        return columns, [range(start, end) for start, end in pairwise(accumulate(counts, initial=0))]

    def _rows_of(self, raw: bytes) -> list[list[str]]:
        try:
            return cells_of_text(raw.decode(), self._shape)
        except (csv.Error, ValueError):
            return []

    def order(self, raw: bytes) -> bytes:
        """The order as JSON. Raises Rejected where the lines do not make one."""
        lines, items = self.cells(raw)
        if not lines:
            raise Rejected("missing_field", "there is no line of the order")
        if self._mapping.items_have:
            items = [cells for cells in items if cells[self._mapping.items_have]]
        document = assemble(self._mapping, self._shape.readings, lines, items)
        self._assembled += items or lines
        return msgspec.json.encode(document)

    def cells(self, raw: bytes) -> tuple[Sequence[Cells], Sequence[Cells]]:
        if self._mapping.tables:
            try:
                joined = _decode_joined(raw)
            except msgspec.MsgspecError as error:
                raise Rejected(
                    "json_syntax", f"not an order of joined files as JSON ({error}): import the files again"
                ) from None
            return [self._used(cells) for cells in joined.lines], [self._used(cells) for cells in joined.items]
        try:
            rows = cells_of_text(raw.decode(), self._shape)
        except (csv.Error, ValueError) as error:
            raise Rejected("csv_syntax", f"not CSV: {error}") from None
        empty, nothing, there = self._columns, self._nothing, self._places.items()
        lines: list[Cells] = [
            empty | {name: "" if nothing(text := row[at].strip()) else text for name, at in there} for row in rows
        ]
        lines = self._of_one_order(lines)
        return lines, lines

    def _used(self, cells: Cells) -> Cells:
        """What the mapping uses of a joined line."""
        texts = {name: cells.get(name, "").strip() for name in self._columns}
        return {name: "" if self._nothing(text) else text for name, text in texts.items()}

    def _of_one_order(self, lines: list[Cells]) -> list[Cells]:
        """The lines of the first one's order: a text that is tried again may hold lines beside it, now corrected."""
        if len(lines) < 2:
            return lines
        key = self._mapping.lines_by or self._mapping.order["order_id"].column or ""
        names = [cells.get(key, "") for cells in lines]
        if len(set(names)) < 2:
            return lines
        if not all(names):
            raise Rejected("no_mapping_value", f"the column {shown(key)} is empty in a line beside the order's")
        return [cells for cells, name in zip(lines, names, strict=True) if name == names[0]]
