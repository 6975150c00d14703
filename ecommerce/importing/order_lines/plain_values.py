"""Values of plain lines in the types that documents have: what a text of a column means is worked out once.

The values are those that `column_values` makes, taken through JSON as those of any row. Whatever raises here is read
the thorough way.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.json import encode

from ecommerce.documents.kinds import INT64_MAX, Id
from ecommerce.importing.order_lines.column_texts import Cells, Remembered
from ecommerce.importing.order_lines.column_values import Make, Makers
from ecommerce.importing.order_lines.mapping import Value

Line = Sequence[str]
"""The cells of a line as the file has them, one for each name of `Columns`."""

Type = Callable[[Any], Any]
"""What makes a value of a document of one that JSON would hold."""


_Field = tuple[str, Callable[[Line], Any], dict[Any, Any]]
"""A field's name, what takes the cells that its value is made of, and the values by these."""


class Columns:
    """The columns of lines, and what their cells are without blanks and texts that mean nothing."""

    def __init__(self, names: Iterable[str], means_nothing: Callable[[str], bool]) -> None:
        self.names = tuple(names)
        self.at = self.names.index
        self._means_nothing = means_nothing

    def plain(self, cell: str) -> str:
        """The cell without blanks, empty where it means nothing."""
        text = cell.strip()
        return "" if self._means_nothing(text) else text

    def texts(self, names: Sequence[str]) -> Callable[[Line], Any]:
        """What takes the cells of some columns from a line."""
        return itemgetter(*map(self.at, names)) if names else lambda line: ()

    def named(self, names: Sequence[str], texts: Any) -> Cells:
        """What `texts` has taken, by the columns' names."""
        if len(names) == 1:
            return {names[0]: self.plain(texts)}
        return dict(zip(names, map(self.plain, texts), strict=True))

    def of_value(self, value: Value) -> tuple[Callable[[Line], Any], Callable[[Any], Cells]]:
        """What takes the cells that a value is made of from a line, and what names them."""
        names = tuple(dict.fromkeys(value.used()))
        return self.texts(names), partial(self.named, names)

    def cells(self, line: Line) -> Cells:
        """A whole line by the columns' names."""
        return dict(zip(self.names, map(self.plain, line), strict=True))

    def line(self, cells: Cells) -> Line:
        """The line that has these texts."""
        return [cells.get(name, "") for name in self.names]


class Values:
    """Makes the values of one part of an order, or of a catalog record."""

    def __init__(self, columns: Columns, *, of_order: bool = False) -> None:
        self._columns = columns
        self._of_order = of_order
        """Whether values may be made of all lines of the order."""
        self._fields: list[_Field] = []
        self._alone: list[_Field] = []
        """Fields that are made of all lines of an order, where it has one line."""
        self._of_lines: list[tuple[str, Callable[[Line, Sequence[Line]], Any]]] = []
        """What makes them where it has several."""

    def add(self, name: str, value: Value, make: Make, as_type: Type) -> None:
        """A field by what makes its value of a line, None where that has none."""
        of_order = self._of_order
        texts, named = self._columns.of_value(value)

        def typed(cells: Cells, lines: Sequence[Cells]) -> Any:
            made = make(cells, lines)
            return None if made is None else as_type(made)

        def of_texts(cells_of_value: Any) -> Any:
            cells = named(cells_of_value)
            return typed(cells, (cells,) if of_order else ())

        if of_order and (value.sum or value.earliest):
            self._of_lines.append(
                (name, lambda head, lines: typed(named(texts(head)), [*map(named, map(texts, lines))]))
            )
            self._alone.append((name, texts, Remembered(of_texts)))
        else:
            self._fields.append((name, texts, Remembered(of_texts)))

    def of(self, line: Line) -> dict[str, Any]:
        """The values that a line has, the only one of its order."""
        return _values(line, self._fields) | _values(line, self._alone) if self._alone else _values(line, self._fields)

    def of_several(self, head: Line, lines: Sequence[Line]) -> dict[str, Any]:
        """The values of an order of several lines; `head` has the first text of every column."""
        values = _values(head, self._fields)
        for name, of_lines in self._of_lines:
            if (value := of_lines(head, lines)) is not None:
                values[name] = value
        return values


def _values(line: Line, fields: Sequence[_Field]) -> dict[str, Any]:
    return {name: value for name, texts, values in fields if (value := values[texts(line)]) is not None}


def values_of(
    columns: Columns, document: type[Struct], values: dict[str, Value], makers: Makers, *, of_order: bool = False
) -> Values:
    """The values that a mapping has for the fields of a document, by their makers."""
    hints = get_type_hints(document, include_extras=True)
    made = Values(columns, of_order=of_order)
    for name, make in makers:
        made.add(name, values[name], make, type_of(hints[name]))
    return made


def type_of(hint: Any) -> Type:
    """Raises what decoding the value as JSON raises, where it is none of that type."""
    decode = msgspec.json.Decoder(hint).decode
    if hint is Id:  # most columns with another text in each line are identities
        return lambda value: value if type(value) is int and 0 <= value <= INT64_MAX else decode(encode(value))
    return lambda value: decode(encode(value))
