"""The tables that a query sees: `orders`, `order_items`, `refunds` flat, the catalog's, `archived` as it lies there.

Their columns are those of the one definition of an order.
"""

from collections.abc import Collection, Iterator

from ecommerce.documents.catalog import CATALOG
from ecommerce.documents.fields import fields_of
from ecommerce.documents.order import OrderDocument

ROWS_OF = "rows_of_"
"""Before the names of the parts that the views are made of; nobody else names those."""

HOT, ARCHIVED_PART, PURGED = f"{ROWS_OF}hot", f"{ROWS_OF}archived", f"{ROWS_OF}purged"
"""Hot orders, the table's `main`, what an open run has purged."""

ORDERS, ITEMS, REFUNDS, ARCHIVED = "orders", "order_items", "refunds", "archived"
CATALOG_TABLES = tuple(table.name for table in CATALOG)
_WHOLE = tuple(f'"{field.name}"' for field in fields_of(OrderDocument))
TABLES = (ORDERS, ITEMS, REFUNDS, ARCHIVED, *CATALOG_TABLES)


def views(parts: Collection[str], currency: str) -> Iterator[str]:
    """The statements that make the views of these parts. They name each column, so that DuckDB knows them unbound.

    Orders that name no currency are in the shop's, `currency`.
    """
    if ARCHIVED_PART in parts:
        columns = ", ".join((*_WHOLE, "content_hash", "archive_run"))
        both = " UNION ALL ".join(f"SELECT {columns} FROM {part}" for part in (ARCHIVED_PART, PURGED))  # noqa: S608 - ours
        yield f"CREATE VIEW {ARCHIVED} AS {both}"
    if HOT in parts:
        columns = ", ".join(_WHOLE)
        yield (
            f"CREATE VIEW every_order AS SELECT {columns}, false AS archived FROM {HOT} "  # noqa: S608 - as above
            f"UNION ALL SELECT {columns}, true AS archived FROM {ARCHIVED}"
        )
        columns = ", ".join(_columns_of_orders(currency))
        yield f"CREATE VIEW {ORDERS} AS SELECT {columns}, archived FROM every_order"  # noqa: S608 - as above
        for name in (ITEMS, REFUNDS):
            yield _of_array(name, currency)
    for table in CATALOG:
        if f"{ROWS_OF}{table.name}" in parts:
            columns = ", ".join(field.name for field in fields_of(table.document))
            yield f"CREATE VIEW {table.name} AS SELECT {columns} FROM {ROWS_OF}{table.name}"  # noqa: S608 - as above


def _columns_of_orders(currency: str) -> list[str]:
    """Those of an order and its delivery side by side, and what else is no array."""
    columns: dict[str, str] = {}
    for field in fields_of(OrderDocument):
        if field.is_array:
            continue
        if field.document is None:
            columns[field.name] = f'"{field.name}"'
            continue
        for part in fields_of(field.document):
            value = f'"{field.name}"."{part.name}"'
            if part.name == "currency":
                value = f"coalesce({value}, '{currency}')"
            columns.setdefault(part.name, f'{value} AS "{part.name}"')
    return list(columns.values())


def _of_array(name: str, currency: str) -> str:
    """A row for each element, with its order's id, time and currency: amounts of two must not be added up."""
    document = next(field.document for field in fields_of(OrderDocument) if field.name == name)
    assert document is not None  # noqa: S101 - arrays hold documents
    parts = [part.name for part in fields_of(document) if part.name != "order_id"]
    columns = ", ".join(f'one."{part}" AS "{part}"' for part in parts)
    return (
        f"CREATE VIEW {name} AS SELECT order_id, order_time, currency, {columns}, archived "  # noqa: S608 - as above
        'FROM (SELECT "order".order_id AS order_id, "order".order_time AS order_time, '
        f'coalesce("order".currency, \'{currency}\') AS currency, unnest("{name}") AS one, archived '
        "FROM every_order)"
    )
