"""What the rows of a file are: what `recognise` finds out, and what decoding needs to know."""

from dataclasses import dataclass

from ecommerce.documents.catalog import CATALOG, CatalogTable

ORDERS = "orders"
LINES = "order lines"
JOINED = "joined"
ORDER_COLUMNS = ("order", "order_items", "delivery")


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
    table: str | None = None
    """Of a joined file: the mapping's name for it."""


def catalog_table(name: str) -> CatalogTable | None:
    """The catalog table of that name."""
    return next((table for table in CATALOG if table.name == name), None)
