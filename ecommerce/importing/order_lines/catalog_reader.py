"""What lines of orders tell of the catalog: records of customers, products and so on, as a mapping says."""

from collections.abc import Iterable, Sequence
from typing import Any

from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.importing.order_lines.column_values import made
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.order_lines.plain_values import Lines, Part, elements_of
from ecommerce.importing.reasons import Rejected
from ecommerce.importing.rows.catalog_records import read_record, record_of_elements
from ecommerce.importing.shape import Reading

SEEN_MAX = 200_000
"""Catalog records of a table that are not made again: about 25 MB of identities, or 50 of texts."""

CatalogRecord = tuple[str, bytes]
"""Of a table, by its name."""


class _TableReader:
    """What makes the records of one catalog table, and those that it made."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading], table: CatalogTable) -> None:
        values = mapping.catalog[table.name]
        self._table = table
        self._part = Part(mapping, readings, table.document, values, table.name)
        self._identity = _columns(values[name] for name in table.key if name in values)
        self._used = _columns(values.values())
        self._complete: set[Any] = set()
        """Identities of records that are known in full: no line can add to them."""
        self._seen: set[Any] = set()
        """Texts of which a record was made, or none could be."""

    def read(self, lines: Lines) -> list[CatalogRecord]:
        """The records of these lines that did not come before."""
        complete, seen = self._complete, self._seen
        if complete.issuperset(lines.distinct(self._identity)):
            return []
        if len(seen) + len(complete) > SEEN_MAX:
            seen.clear()
            complete.clear()
        lines = lines.some([at for at, one in enumerate(lines.texts(self._identity)) if one not in complete])
        texts = lines.texts(self._used)
        first = dict(zip(reversed(texts), reversed(range(lines.count)), strict=True))
        lines = lines.some(sorted(at for text, at in first.items() if text not in seen))
        found: list[CatalogRecord] = []
        told = zip(lines.texts(self._identity), lines.texts(self._used), self._records(lines), strict=True)
        for identity, text, (record, complete_now) in told:
            if identity in complete:
                continue
            if complete_now:
                complete.add(identity)
            else:
                seen.add(text)
            if record is not None:
                found.append((self._table.name, record))
        return found

    def _records(self, lines: Lines) -> list[tuple[bytes | None, bool]]:
        """The records of lines, None where one is not valid, and whether each has all that lines tell."""
        if len(self._table.key) > 1 or not self._part.is_whole:
            return [self._thorough(lines, at) for at in range(lines.count)]
        not_plain: set[int] = set()
        columns = self._part.of(lines, None, not_plain)
        ids, elements = columns[self._table.key[0]].values, elements_of(self._table.document, columns)
        told = [columns[name].values for name, _ in self._part.makers]
        complete = [None not in values for values in zip(*told, strict=True)]
        return [
            self._thorough(lines, at) if at in not_plain else (record_of_elements(ids[at], elements[at]), complete[at])
            for at in range(lines.count)
        ]

    def _thorough(self, lines: Lines, at: int) -> tuple[bytes | None, bool]:
        """The record of a line that is not plain."""
        try:
            values = made(self._part.makers, lines.cells(self._used, at))
            return read_record(self._table, values), len(values) == len(self._part.makers)
        except Rejected:
            return None, False


def _columns(values: Iterable[Value]) -> tuple[str, ...]:
    """The columns of which the values are made."""
    return tuple(dict.fromkeys(column for value in values for column in value.used()))


class CatalogReader:
    """Reads from lines what they tell of users, products, warehouses and couriers, each thing once."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading]) -> None:
        self._tables = [_TableReader(mapping, readings, table) for table in CATALOG if mapping.catalog.get(table.name)]

    def read(self, lines: Lines) -> list[CatalogRecord]:
        """The records of these lines that did not come before. What is not valid or has no name is left out."""
        return [record for reader in self._tables for record in reader.read(lines)] if lines.count else []
