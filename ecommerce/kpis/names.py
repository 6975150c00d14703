"""What ids and amounts of the figures are called: kept for a while, and read anew as soon as something new has no name.

Without news nothing is read for a minute.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ecommerce.kpis.catalog import Catalog, load_catalog, product_names
from ecommerce.mongo import MongoDatabase
from ecommerce.shop import read_shop
from ecommerce.summaries.cells.table import CellTable

CATALOG_SECONDS = 60
"""How long names are believed, where nothing new asks for them."""

DIMENSIONS: Mapping[str, tuple[str, str]] = {
    "payment_type": ("orders", "payment_type"),
    "status": ("orders", "status"),
    "courier_id": ("orders", "courier_id"),
    "location": ("orders", "location"),
    "product_id": ("items", "product"),
    "warehouse_id": ("items", "product"),
    "currency": ("sales", "sales"),
}
"""Dimension → the frame of cells and the table of a rollup that have its values."""


class Names:
    """The catalog and the shop's currency as they were read last. Not for several threads."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._catalog: Catalog | None = None
        self._read_at = float("-inf")
        self._products: dict[int, str] = {}
        self._shop_changed_at: datetime | None = None
        self._seen: dict[str, set[Any]] = {}
        self.currency = ""
        """The shop's."""
        self.version = 0
        """Grows whenever something is called otherwise."""
        self.choices_version = 0
        """Grows then, and whenever a value was seen for the first time."""
        self.forget()

    @property
    def catalog(self) -> Catalog:
        """As of the last refresh: all figures between two say the same."""
        if self._catalog is None:
            self.refresh()
        assert self._catalog is not None  # noqa: S101 - just read
        return self._catalog

    def refresh(self) -> None:
        """Read what is old, or lacks the name of something new."""
        if self._catalog is not None and time.monotonic() - self._read_at <= CATALOG_SECONDS:
            return
        catalog, currency = load_catalog(self._database), read_shop(self._database).currency
        if self._catalog is None or not catalog.same_as(self._catalog) or currency != self.currency:
            self._catalog, self.currency = catalog, currency
            self.version += 1
            self.choices_version += 1
        self._read_at = time.monotonic()
        self._products.clear()

    def forget(self) -> None:
        """The figures were made anew: what they hold was not seen yet."""
        self._seen = {name: set() for name in DIMENSIONS}
        self._read_at = float("-inf")
        self.choices_version += 1

    def shop_changed(self, at: datetime | None) -> None:
        """Somebody gave the shop another currency at this moment; None: nobody did."""
        if at != self._shop_changed_at:
            self._shop_changed_at, self._read_at = at, float("-inf")

    def see(self, tables: Mapping[str, Any]) -> None:
        """Take in the values of a rollup of all orders, which are choices now."""
        for name, (_, table) in DIMENSIONS.items():
            self._seen[name].update(tables[table][name].unique())

    def look_for_new(self, news: Iterable[CellTable]) -> None:
        """Have the next refresh read anew where the catalog lacks an id of the news: once for each, as it may never be
        there."""
        for cells in news:
            found = {name: set(getattr(cells, frame)[name].unique()) for name, (frame, _) in DIMENSIONS.items()}
            new = {name: values - self._seen[name] for name, values in found.items()}
            if not any(new.values()):
                continue
            self.choices_version += 1
            for name, values in new.items():
                self._seen[name] |= values
            if self._catalog is not None and not self._catalog.has(new):
                self._read_at = float("-inf")

    def of_products(self, product_ids: list[int]) -> dict[int, str]:
        """The names of products."""
        missing = [product_id for product_id in product_ids if product_id not in self._products]
        if missing:
            self._products |= product_names(self._database, missing)
        return {product_id: self._products[product_id] for product_id in product_ids}
