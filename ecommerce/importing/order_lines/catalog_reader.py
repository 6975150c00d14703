"""What lines of orders tell of the catalog: records of customers, products and so on, as a mapping says."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.importing.order_lines.column_values import field_makers, made
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.order_lines.plain_values import Columns, Line, values_of
from ecommerce.importing.reasons import Rejected
from ecommerce.importing.rows.catalog_records import read_record, record_of_values
from ecommerce.importing.shape import Reading

SEEN_MAX = 100_000
"""Catalog records of a table that are not made again: about 25 MB."""


class _TableReader:
    """What makes the records of one catalog table, and those that it made."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading], columns: Columns, table: CatalogTable) -> None:
        values = mapping.catalog[table.name]
        self.table, self._columns = table, columns
        self._makers = field_makers(mapping, readings, table.document, values, table.name)
        self._values = values_of(columns, table.document, values, self._makers)
        self.identity = self._texts_of(values[name] for name in table.key if name in values)
        self.texts = self._texts_of(values.values())
        self.complete: set[Any] = set()
        """Identities of records that are known in full: no line can add to them."""
        self.seen: set[Any] = set()
        """Texts of which a record was made, or none could be."""

    def _texts_of(self, values: Iterable[Value]) -> Callable[[Line], Any]:
        """What takes the texts of which the values are made from a line."""
        return self._columns.texts(sorted({column for value in values for column in value.used()}))

    def plain(self, texts: Any) -> Any:
        """Texts as they were taken from a line, without blanks and what means nothing."""
        plain = self._columns.plain
        return plain(texts) if isinstance(texts, str) else tuple(map(plain, texts))

    def record(self, line: Line) -> tuple[bytes, bool]:
        """The record of a line, and whether it has all that lines tell. Raises Rejected where it is not valid."""
        try:
            values = self._values.of(line)
            record = record_of_values(self.table, values)
        except Exception:  # noqa: BLE001 - whatever the fast way does not like, the thorough way judges
            values = made(self._makers, self._columns.cells(line))
            record = read_record(self.table, values)
        return record, len(values) == len(self._makers)


class CatalogReader:
    """Reads from lines what they tell of users, products, warehouses and couriers, each thing once."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading], columns: Columns) -> None:
        self._tables = [
            _TableReader(mapping, readings, columns, table) for table in CATALOG if mapping.catalog.get(table.name)
        ]

    def read(self, lines: Sequence[Line]) -> list[tuple[str, bytes]]:
        """The records of these lines that did not come before. What is not valid or has no name is left out."""
        records: list[tuple[str, bytes]] = []
        for reader in self._tables:
            identity_of, complete = reader.identity, reader.complete
            for line in lines:
                if (identity := identity_of(line)) in complete:
                    continue
                if (texts := reader.texts(line)) in reader.seen:
                    continue
                if len(reader.seen) + len(reader.complete) > SEEN_MAX:
                    reader.seen.clear()
                    reader.complete.clear()
                reader.seen.add(texts)
                if (plain_identity := reader.plain(identity)) in complete:
                    continue
                if (plain := reader.plain(texts)) != texts:
                    if plain in reader.seen:
                        continue
                    reader.seen.add(plain)
                try:
                    record, complete_now = reader.record(line)
                except Rejected:
                    continue
                if complete_now:
                    complete |= {identity, plain_identity}
                records.append((reader.table.name, record))
        return records
