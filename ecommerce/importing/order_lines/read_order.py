"""The text of an order's lines to the text of an order, as a mapping says. Runs where rows are decoded.

Of a flat file it is the lines themselves. Of joined files it is JSON, `{"lines": […], "items": […]}`, each an object of
columns with what the other files had for it: so the text is all that the order needs, also when it is rejected and
tried again later.
"""

import csv
from collections.abc import Sequence

import msgspec

from ecommerce.importing.formats.csv import cells_of_text
from ecommerce.importing.order_lines.assemble import assemble
from ecommerce.importing.order_lines.catalog_reader import CatalogReader
from ecommerce.importing.order_lines.column_texts import Cells
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.order_lines.plain_orders import PlainOrders
from ecommerce.importing.order_lines.plain_values import Columns
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.rows.orders import AskCatalog, Known, encode_parts
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
    """Makes orders of one file's lines, and collects the catalog records in them: (table, record)."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._mapping = load_mapping(shape.mapping or "")
        self._nothing = self._mapping.means_nothing
        beside = {name for name in (self._mapping.lines_by, self._mapping.items_have) if name}
        used = self._mapping.all_columns | beside
        self._there = [(name, at) for at, name in enumerate(shape.columns) if name in used]
        self._columns = dict.fromkeys((*(name for name, _ in self._there), *sorted(used)), "")
        self._absent = [""] * len(absent := sorted(used.difference(shape.columns)))
        columns = Columns((*shape.columns, *absent), self._nothing)
        self._line_of = columns.line
        self._catalog = CatalogReader(self._mapping, shape.readings, columns)
        self._plain = None if self._mapping.tables else PlainOrders(self._mapping, shape.readings, columns)
        self.catalog_records: list[tuple[str, bytes]] = []

    def plain_order(self, raw: bytes, known: Known) -> EncodedOrder | None:
        """The order, where its lines are plain and need no other file.

        Raises AskCatalog where `known` lacks an answer, and another exception where only `order` can tell what it is.
        """
        if self._plain is None:
            return None
        lines = cells_of_text(raw.decode(), self._shape)
        if self._absent:
            lines = [line + self._absent for line in lines]
        items = self._plain.items(lines)
        parts = self._plain.parts(lines, items)
        try:
            order = encode_parts(*parts, known)
        except AskCatalog:
            self.catalog_records += self._catalog.read(items)
            raise
        self.catalog_records += self._catalog.read(items)  # last: of an order that goes the other way, that reads them
        return order

    def order(self, raw: bytes) -> bytes:
        """The order as JSON. Raises Rejected where the lines do not make one."""
        lines, items = self.cells(raw)
        if not lines:
            raise Rejected("missing_field", "there is no line of the order")
        if self._mapping.items_have:
            items = [cells for cells in items if cells[self._mapping.items_have]]
        document = assemble(self._mapping, self._shape.readings, lines, items)
        self.catalog_records += self._catalog.read([self._line_of(cells) for cells in items or lines])
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
        empty, nothing, there = self._columns, self._nothing, self._there
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
