"""A batch of order documents in columns, as the measures see it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ecommerce.bson_reading.order_columns import ITEM, BoolArray, IntArray, OrderColumns
from ecommerce.documents.kinds import MONEY_FACTOR
from ecommerce.documents.statuses import FINISHED, UNCOUNTED, canonical


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns of some orders. Arrays have an element for each order, or for each item of all of them."""

    columns: OrderColumns
    status: pl.Series
    """Of each order, by the table's names."""
    _of_status: dict[str, BoolArray] = field(default_factory=dict)
    """What was asked before: several measures ask for the same."""

    @staticmethod
    def of(columns: OrderColumns) -> "Batch":
        """The batch of columns that were read."""
        return Batch(columns, canonical_statuses(columns.texts["delivery.status"]))

    @property
    def count(self) -> int:
        """How many orders there are."""
        return len(self.columns.regular)

    @property
    def item_count(self) -> int:
        """How many items all of them have."""
        return len(self.columns.item_of)

    def number(self, path: str) -> IntArray:
        """A field of each order, money scaled, times in milliseconds; 0 where it is absent."""
        return self.columns.numbers[path]

    def has(self, path: str) -> BoolArray:
        """Which orders have a nullable field."""
        return self.columns.has[path]

    def is_status(self, name: str) -> BoolArray:
        """Which orders have this status."""
        if name not in self._of_status:
            self._of_status[name] = (self.status == name).to_numpy()
        return self._of_status[name]

    def is_counted(self) -> BoolArray:
        """Whose money counts."""
        counted: BoolArray = ~np.logical_or.reduce([self.is_status(name) for name in UNCOUNTED])
        return counted

    def is_finished(self) -> BoolArray:
        """Which orders are finished."""
        finished: BoolArray = np.logical_or.reduce([self.is_status(name) for name in FINISHED])
        return finished

    def refund_counts(self) -> IntArray:
        """How many refunds each order has."""
        refunds = self.columns.arrays.get("refunds")
        return np.bincount([] if refunds is None else refunds.row, minlength=self.count)

    def is_credit(self) -> BoolArray:
        """Which documents are credits that name no order."""
        items = np.bincount(self.columns.item_of, minlength=self.count)
        credit: BoolArray = (items == 0) & (self.refund_counts() == 1)
        return credit

    def item(self, name: str) -> IntArray:
        """A field of each item, money scaled, times in milliseconds; 0 where it is absent."""
        return self.columns.items[ITEM + name] if self.item_count else np.empty(0, np.int64)

    def item_has(self, name: str) -> BoolArray:
        """Which items have a nullable field."""
        return self.columns.item_has[ITEM + name] if self.item_count else np.empty(0, np.bool_)

    def of_order(self, path: str) -> IntArray:
        """For each item: a field of its order."""
        return self.number(path)[self.columns.item_of]

    def of_items(self, values: IntArray) -> IntArray:
        """For each order: the sum over its items."""
        total = np.zeros(self.count, np.int64)
        np.add.at(total, self.columns.item_of, values)
        return total

    def line_amounts(self, fraction: IntArray) -> IntArray:
        """price x quantity x fraction of the items, rounded half to even, scaled."""
        product = self.item("price") * self.item("quantity") * fraction
        whole, rest = np.divmod(product, MONEY_FACTOR)
        half = MONEY_FACTOR // 2
        rounded: IntArray = whole + ((rest > half) | ((rest == half) & (whole & 1 == 1)))
        return rounded


def canonical_statuses(texts: pl.Series) -> pl.Series:
    """Statuses by the table's names for them."""
    meaning: dict[Any, str] = {text: canonical(text) for text in texts.unique().to_list()}
    if all(text == name for text, name in meaning.items()):
        return texts
    return texts.replace_strict(list(meaning), list(meaning.values()), return_dtype=pl.String)
