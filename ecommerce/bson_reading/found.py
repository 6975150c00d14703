"""What was found in order documents so far, field by field, and the columns that it makes.

Elements of arrays are read all first ones, then all second ones, and so on, so theirs come in parts.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from msgspec import Struct

from ecommerce.bson_reading.agreement import agreeing
from ecommerce.bson_reading.order_columns import ITEM, BoolArray, Elements, IntArray, OrderColumns, no_texts
from ecommerce.documents.fields import fields_of
from ecommerce.documents.order import OrderDocument

_SAME_IDS = ("order.order_id", "delivery.order_id")
"""Fields that hold the document's `_id`, as each item's `order_id` does."""


def _identities(document: type[Struct], prefix: str) -> Iterator[tuple[str, str]]:
    for part in fields_of(document):
        if part.document is not None and part.is_array:
            yield prefix + part.name, fields_of(part.document)[0].name
            yield from _identities(part.document, f"{prefix}{part.name}.")


_IDENTITY = dict(_identities(OrderDocument, ""))
"""Path of an array → the field that its elements are sorted by."""


class Found:
    """Columns of a batch of documents while they are read."""

    def __init__(self, count: int) -> None:
        self.columns = OrderColumns(np.ones(count, np.bool_))
        self.item_parts: dict[str, list[IntArray]] = {}
        self.item_text_parts: dict[str, list[pl.Series]] = {}
        self.item_has_parts: dict[str, list[BoolArray]] = {}
        self.owners: dict[str, list[IntArray]] = {}
        self.rows: dict[str, list[IntArray]] = {}

    def require(self, rows: IntArray, holds: BoolArray) -> None:
        """Documents for which this does not hold are irregular."""
        if not holds.all():
            self.columns.regular[rows[~holds]] = False

    def keep_absent(self, prefix: str, name: str, kind: str, count: int) -> None:
        """Note that no document has a field, which a look at one byte tells: most fields are in few files."""
        has = np.zeros(count, np.bool_)
        if kind == "object":
            self.columns.has[name], self.columns.maps[name] = has, [None] * count
        elif kind == "string":
            self.keep_text(prefix, name, has, no_texts(count))
        else:
            self.keep_number(prefix, name, has, np.zeros(count, np.int64))

    def keep_number(self, prefix: str, name: str, has: BoolArray, values: IntArray) -> None:
        """Note the values of a field that may be absent."""
        path = prefix + name
        if prefix:
            self.item_parts.setdefault(path, []).append(values)
            self.item_has_parts.setdefault(path, []).append(has)
        else:
            self.columns.numbers[path], self.columns.has[path] = values, has

    def keep_text(self, prefix: str, name: str, has: BoolArray, texts: pl.Series) -> None:
        """Note the texts of a field that may be absent."""
        path = prefix + name
        if prefix:
            self.item_text_parts.setdefault(path, []).append(texts)
            self.item_has_parts.setdefault(path, []).append(has)
        else:
            self.columns.texts[path], self.columns.has[path] = texts, has

    def finish(self) -> OrderColumns:
        """The columns, those of items put together."""
        columns = self.columns
        of_items = self.elements(ITEM)
        columns.items = {ITEM + name: values for name, values in of_items.numbers.items()}
        columns.item_texts = {ITEM + name: texts for name, texts in of_items.texts.items()}
        columns.item_has = {ITEM + name: has for name, has in of_items.has.items()}
        columns.arrays = {prefix[:-1]: self.elements(prefix) for prefix in self.owners if prefix != ITEM}
        for path, elements in columns.arrays.items():
            together = np.argsort(elements.owner, kind="stable")
            identity, owner = elements.numbers[_IDENTITY[path]][together], elements.owner[together]
            later = (np.diff(owner) != 0) | (np.diff(identity) > 0)
            self.require(elements.row[together[1:]], later)  # canonical is by their ids, each once
        if len(of_items.owner):
            columns.item_of = of_items.owner
            own = columns.items[f"{ITEM}order_id"] == columns.numbers["_id"][columns.item_of]
            self.require(columns.item_of, own)
        rows = np.arange(len(columns.regular))
        for path in _SAME_IDS:
            self.require(rows, columns.numbers[path] == columns.numbers["_id"])
        self.require(rows, agreeing(columns))
        return columns

    def elements(self, prefix: str) -> Elements:
        """The elements with this prefix, put together."""
        if prefix not in self.owners:
            return Elements(np.empty(0, np.int64), np.empty(0, np.int64))
        own = [path for path in (*self.item_parts, *self.item_text_parts) if path.rpartition(".")[0] + "." == prefix]
        names = {path: path.removeprefix(prefix) for path in own}
        return Elements(
            np.concatenate(self.owners[prefix]),
            np.concatenate(self.rows[prefix]),
            {names[path]: np.concatenate(self.item_parts[path]) for path in own if path in self.item_parts},
            {names[path]: pl.concat(self.item_text_parts[path]) for path in own if path in self.item_text_parts},
            {names[path]: np.concatenate(self.item_has_parts[path]) for path in own if path in self.item_has_parts},
        )
