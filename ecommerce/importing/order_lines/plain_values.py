"""Values of plain lines as documents store them, a column at a time: what a cell means is worked out once.

The values are those that `column_values` makes, taken through JSON as those of any row. What raises here is read the
thorough way.
"""

import re
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Mapping as Places
from contextlib import suppress
from operator import itemgetter
from typing import Any, NamedTuple, get_type_hints

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.json import encode

from ecommerce.documents.bson_types import TYPE_BYTES
from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.fixed_elements import OF_INTEGERS, Bytes, IntArray, cut, fixed_elements
from ecommerce.documents.kinds import INT64_MAX, MONEY_SCALE, TEXT_LENGTH_MAX
from ecommerce.importing.formats.csv_columns import CellColumns
from ecommerce.importing.order_lines.column_texts import Cells
from ecommerce.importing.order_lines.column_values import Make, field_makers
from ecommerce.importing.order_lines.many_values import Many, many_of
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.rows.field_bytes import element_bytes, element_of, scaled_of
from ecommerce.importing.rows.inputs import millis
from ecommerce.importing.shape import Reading


class NotPlain(Exception):
    """Lines that want the thorough way."""


Distinct = dict[tuple[str, ...], set[Any]]


class Lines:
    """Some lines by their columns: cells have no blanks around them, and are empty where they mean nothing."""

    def __init__(self, count: int, column_of: Callable[[str], Sequence[str]], distinct: Distinct | None = None) -> None:
        """`column_of` may add the different texts of a column to `distinct`."""
        self.count = count
        self._column_of = column_of
        self._columns: dict[str, Sequence[str]] = {}
        self._texts: dict[tuple[str, ...], Sequence[Any]] = {}
        self._distinct = {} if distinct is None else distinct

    @classmethod
    def of_columns(
        cls, names: Places[str, int], nothings_among: Callable[[set[str]], set[str]], columns: CellColumns
    ) -> "Lines":
        """The lines of a file that has columns at these places; it may lack some that its mapping names."""
        distinct: Distinct = {}

        def column_of(name: str) -> Sequence[str]:
            if name not in names:
                return [""] * columns.lines
            texts = [*map(str.strip, columns.different(names[name]))]
            if nothings := nothings_among(set(texts)):
                texts = ["" if text in nothings else text for text in texts]
            distinct[(name,)] = set(texts)
            return columns.columns[names[name]].cells(texts)

        return cls(columns.lines, column_of, distinct)

    @classmethod
    def of_cells(cls, lines: Sequence[Cells]) -> "Lines":
        """Lines that have all columns by their names."""
        return cls(len(lines), lambda name: [cells[name] for cells in lines])

    def column(self, name: str) -> Sequence[str]:
        """The cells of a column."""
        if name not in self._columns:
            self._columns[name] = self._column_of(name)
        return self._columns[name]

    def texts(self, names: tuple[str, ...]) -> Sequence[Any]:
        """The cells of some columns, by line: a text of one, a tuple of several."""
        if len(names) == 1:
            return self.column(names[0])
        if names not in self._texts:
            self._texts[names] = list(zip(*map(self.column, names), strict=True)) if names else [()] * self.count
        return self._texts[names]

    def distinct(self, names: tuple[str, ...]) -> set[Any]:
        """The different ones of `texts`."""
        if names not in self._distinct:
            self._distinct[names] = set(self.texts(names))
        return self._distinct[names]

    def cells(self, names: Iterable[str], at: int) -> Cells:
        """The cells of one line, by their columns."""
        return {name: self.column(name)[at] for name in names}

    def some(self, places: Sequence[int]) -> "Lines":
        """The lines at these places, in their order."""
        if len(places) == self.count:
            return self
        if len(places) < 2:
            return Lines(len(places), lambda name: [self.column(name)[at] for at in places])
        take = itemgetter(*places)
        return Lines(len(places), lambda name: take(self.column(name)))


Stored = tuple[Any, bytes]
"""A value as a document stores it (amounts scaled, times in milliseconds; None: there is none) and its element."""


class Several(NamedTuple):
    """What some orders have more than the line that tells of them."""

    items: Lines
    spans: dict[int, range]
    """By the place of an order: which of these are its items."""


class _OfLines(NamedTuple):
    """The cells of a value that is made of all items of an order."""

    head: Any
    lines: tuple[Any, ...]


_PLAIN_AMOUNT = re.compile(rf"\d+(?:\.\d{{1,{MONEY_SCALE}}})?", re.ASCII)
"""Most amounts: those that are scaled by their digits."""

VALUES_KEPT = 1 << 13
"""Of one field: about 2 MB."""

NOT_PLAIN: Stored = (0, b"")
"""In the place of a value that could not be made."""


class Column(NamedTuple):
    """The values of a field and their elements, by line."""

    values: list[Any]
    elements: "list[bytes] | IntArray"
    """Of values that are all there and of a fixed size: the integers of which they are encoded."""


def column_of(field: Field) -> Callable[[list[Any]], Column]:
    """What makes the column of a field of values. Raises an exception where one has no place in it, or is None."""
    assert field.kind is not None  # noqa: S101 - mapped parts are flat
    if field.kind.bson_type in OF_INTEGERS:
        return lambda values: Column(values, np.frombuffer(array("q", values), np.int64))
    element = element_of(field)
    return lambda values: Column(values, [*map(element, values)])


class PlainField:
    """A field of a part of an order, or of a catalog record, by what makes its value of a line."""

    def __init__(self, field: Field, value: Value, make: Make, many: Many | None, hint: Any, *, of_order: bool) -> None:
        self.name = field.name
        self._names = tuple(dict.fromkeys(value.used()))
        self._make, self._many, self._of_order = make, many, of_order
        self._of_lines = of_order and bool(value.sum or value.earliest)
        self._stored, self._element = stored_of(field, hint), element_of(field)
        self._absent = absent_of(field)
        self._many_ids = many if field.kind is not None and field.kind.name == "id" else None
        self._of_integers = column_of(field) if field.kind and field.kind.bson_type in OF_INTEGERS else None
        self._results: dict[Any, Stored] = {}

    def _made(self, texts: Any) -> Stored:
        if isinstance(texts, _OfLines):
            value = self._make(self._cells(texts.head), [*map(self._cells, texts.lines)])
        else:
            cells = self._cells(texts)
            value = self._make(cells, (cells,) if self._of_order else ())
        return self._as_stored(value)

    def _as_stored(self, value: Any) -> Stored:
        if value is None:
            return self._absent
        stored = self._stored(value)
        return stored, self._element(stored)

    def _cells(self, texts: Any) -> Cells:
        names = self._names
        return {names[0]: texts} if len(names) == 1 else dict(zip(names, texts, strict=True))

    def of(self, lines: Lines, several: Several | None, not_plain: set[int]) -> Column:
        """The values of lines. To `not_plain` are added the places of those that have none that is plain."""
        texts, distinct = lines.texts(self._names), lines.distinct(self._names)
        if self._many_ids and 2 * len(distinct) > len(texts):
            with suppress(Exception):  # one by one it shows which is none
                return self._ids([*self._many_ids(texts)])
        if several and self._of_lines:
            texts, of_items = list(texts), several.items.texts(self._names)
            for at, span in several.spans.items():
                texts[at] = _OfLines(texts[at], tuple(of_items[span.start : span.stop]))
            distinct = set(texts)
        results, failed = self._results, self._make_new(distinct)
        if failed:
            not_plain.update(at for at, one in enumerate(texts) if one in failed)
            results = results | dict.fromkeys(failed, NOT_PLAIN)
        stored = [*map(results.__getitem__, texts)]
        values = [value for value, _ in stored]
        if self._of_integers and None not in values:
            return self._of_integers(values)
        return Column(values, [element for _, element in stored])

    def _ids(self, values: list[Any]) -> Column:
        """Identities of which most come once: without looking whether they came before."""
        if not self._of_integers or None in values or min(values) < 0:
            raise NotPlain
        return self._of_integers(values)

    def _make_new(self, texts: set[Any]) -> set[Any]:
        """Make the values of texts that are not made yet. Returns those of which none can be made."""
        results = self._results
        new = [*texts.difference(results)]
        if len(results) + len(new) > VALUES_KEPT:
            results.clear()
            new = [*texts]
        with suppress(Exception):  # whatever is wrong, the thorough way says it
            made = map(self._as_stored, self._many(new)) if self._many else map(self._made, new)
            results.update(zip(new, made, strict=True))
            return set()
        for one in new:
            with suppress(Exception):
                results[one] = self._made(one)
        return {one for one in new if one not in results}


class Part:
    """Makes the columns of one part of an order, or of catalog records."""

    def __init__(  # noqa: PLR0913 - what a mapping has for a part
        self,
        mapping: Mapping,
        readings: Sequence[Reading],
        document: type[Struct],
        values: dict[str, Value],
        where: str,
        *,
        of_order: bool = False,
        worked_out: Collection[str] = (),
    ) -> None:
        """With `of_order`, values may be made of all lines of the order; lines need not have what is `worked_out`."""
        hints = get_type_hints(document, include_extras=True)
        fields = {field.name: field for field in fields_of(document)}
        self.makers = field_makers(mapping, readings, document, values, where)
        self._fields = [
            PlainField(
                fields[name],
                values[name],
                make,
                many_of(mapping, readings, fields[name], values[name], f"{where}.{name}"),
                hints[name],
                of_order=of_order,
            )
            for name, make in self.makers
        ]
        self._required = {name for name, one in fields.items() if not one.nullable and name not in worked_out}
        self.is_whole = self._required <= values.keys()
        """Whether there is a value for each field that a document must have."""
        self._nulls = {name: null for name, one in fields.items() if name not in values and (null := absent_of(one))[1]}

    def of(self, lines: Lines, several: Several | None, not_plain: set[int]) -> dict[str, Column]:
        """The columns of lines, by field, as `PlainField.of` makes them."""
        count = lines.count
        columns = {name: Column([value] * count, [element] * count) for name, (value, element) in self._nulls.items()}
        for field in self._fields:
            values, elements = field.of(lines, several, not_plain)
            if field.name in self._required and None in values:
                not_plain.update(at for at, value in enumerate(values) if value is None)
                values = [NOT_PLAIN[0] if value is None else value for value in values]
            columns[field.name] = Column(values, elements)
        return columns


def absent_of(field: Field) -> Stored:
    """What stands for no value: null, where the field is not absent then."""
    is_null = field.nullable and not field.optional
    return None, element_bytes(TYPE_BYTES["null"], field.name) if is_null else b""


def elements_of(document: type[Struct], columns: dict[str, Column]) -> list[bytes]:
    """The elements of documents, by the columns of their fields."""
    pieces: list[list[bytes]] = []
    fixed: list[Bytes] = []
    for field in fields_of(document):
        if field.name in columns:
            elements = columns[field.name].elements
            if isinstance(elements, list):
                pieces += [*cut(fixed), elements]
                fixed = []
            else:
                fixed.append(fixed_elements(field, elements))
    pieces += cut(fixed)
    return pieces[0] if len(pieces) == 1 else [*map(b"".join, zip(*pieces, strict=True))]


def stored_of(field: Field, hint: Any) -> Callable[[Any], Any]:
    """What makes a stored value of one that JSON would hold. Raises where it is none of the field's type."""
    decode = msgspec.json.Decoder(hint).decode
    assert field.kind is not None  # noqa: S101 - mapped parts are flat
    if field.kind.bson_type == "decimal":
        scaled, highest = scaled_of(field.kind), field.kind.limits[1]

        def scaled_amount(value: Any) -> int:
            if type(value) is str and _PLAIN_AMOUNT.fullmatch(value):
                whole, _, decimals = value.partition(".")
                if (amount := int(whole + decimals.ljust(MONEY_SCALE, "0"))) <= highest:
                    return amount
            return scaled[decode(encode(value))]

        return scaled_amount
    match field.kind.name:
        case "time":
            return lambda value: millis(decode(encode(value)))
        case "id":  # most columns with another text in each line are identities
            return lambda value: value if type(value) is int and 0 <= value <= INT64_MAX else decode(encode(value))
        case "text":
            return lambda value: (
                value if type(value) is str and 0 < len(value) <= TEXT_LENGTH_MAX else decode(encode(value))
            )
    return lambda value: decode(encode(value))
