"""What the rows of a file are: what `recognise` finds out, and what decoding needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ecommerce.documents.catalog import CATALOG, CatalogTable

ORDERS = "orders"
LINES = "order lines"
JOINED = "joined"
NOT_NEEDED = "not needed"
ORDER_COLUMNS = ("order", "order_items", "delivery")


IN_RECORDS, IN_CELLS, AS_TEXT = "records", "cells", "text"
"""What quotes do in a file with columns: they may hold line ends; each line is a row, and a cell in quotes is without
them; or they are text like any other."""


class Reading(NamedTuple):
    """How texts of a file are read that have more than one meaning by themselves, as the whole file says."""

    kind: str
    """`decimal`, `dates`, `whole`, `currency` or `currencies`."""
    of: str
    """The column, or the formats of the mapping."""
    read_as: str

    @property
    def sentence(self) -> str:
        """For a person."""
        match self.kind:
            case "decimal":
                return f"amounts have a decimal {self.read_as}, as the file shows: {self.of}"
            case "dates":
                return f"dates are read as {self.read_as}, as the file shows"
            case "whole":
                return f"{self.of}: {self.read_as}, as pandas writes whole numbers"
            case "currency":
                return f"amounts are in {self.read_as}"
            case _:
                return f"amounts are in several currencies, which may not be added up: {self.read_as}"


def sentences_of(readings: Sequence[Reading]) -> list[str]:
    """For a person: all columns with the same decimal sign in one."""
    columns: dict[str, list[str]] = {}
    for reading in readings:
        if reading.kind == "decimal":
            columns.setdefault(reading.read_as, []).append(reading.of)
    together = [Reading("decimal", ", ".join(names), sign) for sign, names in columns.items()]
    return [reading.sentence for reading in (*together, *(one for one in readings if one.kind != "decimal"))]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows of a file are."""

    rows: str
    """`orders`, a catalog table's name, `order lines` (for a mapping) or `joined` (a further file of a mapping)."""
    layout: str
    """The format, as `formats/registry.py` lists them: `lines` (JSON Lines), `values` (other JSON) or `csv`."""
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    mapping: str | None = None
    """Name or path of the mapping."""
    keep_unknown: bool = False
    """Scalars that are no field of the document become attributes."""
    table: str | None = None
    """Of a joined file: the mapping's name for it."""
    quotes: str = IN_RECORDS
    first_line: int = 2
    """Of a file with columns: the line on which the rows begin."""
    encoding: str = ""
    """Of another text than UTF-8."""
    carriage_returns: bool = False
    """Whether lines end in CR alone, as Excel for Mac wrote them."""
    readings: tuple[Reading, ...] = ()


def catalog_table(name: str) -> CatalogTable | None:
    """The catalog table of that name."""
    return next((table for table in CATALOG if table.name == name), None)
