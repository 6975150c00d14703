"""The text of an order's lines to the text of an order, as a mapping says. Runs where rows are decoded.

Of a flat file it is the lines themselves. Of joined files it is JSON, `{"lines": […], "items": […]}`, each an object of
columns with what the other files had for it: so the text is all that the order needs, also when it is rejected and
tried again later.
"""

import csv
from collections.abc import Sequence

import msgspec

from ecommerce.importing.order_lines.assemble import CatalogReader, assemble
from ecommerce.importing.order_lines.column_values import Cells
from ecommerce.importing.order_lines.mapping import load_mapping
from ecommerce.importing.reasons import Rejected
from ecommerce.importing.shape import Shape


class _Joined(msgspec.Struct):
    lines: list[dict[str, str]]
    items: list[dict[str, str]]


_decode_joined = msgspec.json.Decoder(_Joined).decode


def joined_text(lines: Sequence[Cells], items: Sequence[Cells]) -> bytes:
    """The text of an order whose lines, and those of its items, come out of several files."""
    return msgspec.json.encode({"lines": lines, "items": items})


def cells_of_line(text: str, columns: Sequence[str], delimiter: str) -> dict[str, str]:
    """A line of CSV by its columns. Raises csv.Error or ValueError where it is none."""
    if '"' not in text and "\r" not in text:
        return dict(zip(columns, text.split(delimiter), strict=True))
    return _cells_of_lines(text, columns, delimiter)[0]


def _cells_of_lines(text: str, columns: Sequence[str], delimiter: str) -> list[dict[str, str]]:
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    return [dict(zip(columns, cells, strict=True)) for cells in reader]


class LinesReader:
    """Makes orders of one file's lines. `told` collects what they tell of the catalog: (table, record)."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._mapping = load_mapping(shape.mapping or "")
        self._catalog = CatalogReader(self._mapping)
        self.told: list[tuple[str, bytes]] = []

    def order(self, raw: bytes) -> bytes:
        """The order as JSON. Raises Rejected where the lines do not make one."""
        lines, items = self._cells(raw)
        if not lines:
            raise Rejected("missing_field", "there is no line of the order")
        document = assemble(self._mapping, lines, items)
        self.told += ((table.name, record) for table, record in self._catalog.read(items or lines))
        return msgspec.json.encode(document)

    def _cells(self, raw: bytes) -> tuple[Sequence[Cells], Sequence[Cells]]:
        if self._mapping.tables:
            try:
                joined = _decode_joined(raw)
            except msgspec.MsgspecError as error:
                raise Rejected(
                    "json_syntax", f"not an order of joined files as JSON ({error}): import the files again"
                ) from None
            return joined.lines, joined.items
        columns, delimiter = self._shape.columns, self._shape.delimiter
        try:
            text = raw.decode()
            if '"' in text or "\r" in text:
                lines = _cells_of_lines(text, columns, delimiter)
            else:
                lines = [cells_of_line(line, columns, delimiter) for line in text.split("\n")]
        except (csv.Error, ValueError) as error:
            raise Rejected("csv_syntax", f"not CSV: {error}") from None
        return lines, lines
