"""`ecommerce import --check`: what files are, and what the report of their import would say."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ecommerce.documents.bson_codec import as_decimal
from ecommerce.errors import InputError
from ecommerce.importing.left_out import left_out_text
from ecommerce.importing.reasons import NO_ROWS
from ecommerce.iso_4217 import amount_text
from ecommerce.readable import counted, printable

if TYPE_CHECKING:
    from ecommerce.importing.check_file import FileCheck
    from ecommerce.shop import Shop

DATABASE_SECONDS = 1.0
"""A look at files waits so long for a database to say the shop's zone and currency."""

GENERATED_FROM = 10**12
"""Ids of order lines are made of texts, by a hash of 63 bits: numbers that nobody knows an order by."""


def check_files(paths: list[str], mapping: str | None, encoding: str) -> None:
    """What an import would do with the files, each by itself. Needs no database; one that answers says the shop."""
    from ecommerce.importing.check_file import check_file
    from ecommerce.importing.files import find_files, left_beside
    from ecommerce.importing.loading.file_import import ImportOptions
    from ecommerce.importing.naive_times import use_zone

    options = ImportOptions(mapping=mapping, encoding=encoding)
    shop, has_none_in = _shop()
    use_zone(shop.time_zone)
    given_paths = [Path(path).expanduser() for path in paths]
    checks = [check_file(path, options, shop.currency, has_none_in) for path in find_files(given_paths)]
    for checked in checks:
        typer.echo(checked_text(checked))
    if left := left_beside(given_paths):
        typer.echo(f"left: {left_out_text(left)}")
    errors = [checked.error for checked in checks if checked.error]
    if errors:
        raise InputError("; ".join(errors))


def _shop() -> "tuple[Shop, Callable[[str], bool]]":
    """The shop that an import would be into, and whether it has no order in a currency."""
    from pymongo import timeout
    from pymongo.errors import PyMongoError

    from ecommerce.importing.loading.own_currency import has_none_in
    from ecommerce.mongo import get_database
    from ecommerce.settings import get_settings
    from ecommerce.shop import read_shop, shop_of_settings

    try:
        with timeout(DATABASE_SECONDS):
            database = get_database()
            return read_shop(database), lambda currency: has_none_in(database, currency)
    except PyMongoError:
        shop = shop_of_settings(get_settings())
        typer.echo(
            "no database answers, so ECOMMERCE_CURRENCY and ECOMMERCE_TIMEZONE say what the shop's are: "
            f"{shop.currency} and {shop.time_zone}",
            err=True,
        )
        return shop, lambda _: False


def checked_text(checked: "FileCheck") -> str:
    """What a file is, how it is read, the first orders as they would become, and last what an import would say."""
    shape, lines = checked.shape, [f"{checked.path}:"]
    if shape is None:
        return checked.error or f"{checked.path}: {NO_ROWS}"
    lines.append(f"  holds {shape.rows}, as {shape.layout}{checked.encoding and f', {checked.encoding}'}")
    if shape.columns:
        where = f", header in line {shape.first_line - 1}" if shape.first_line > 2 else ""
        lines.append(
            f"  delimiter {shape.delimiter!r}, {counted(len(shape.columns), 'column')}{where}, quotes: {shape.quotes}"
        )
    from ecommerce.importing.naive_times import shop_zone
    from ecommerce.importing.order_lines.mappings import load_mapping
    from ecommerce.importing.shape import JOINED, LINES

    zone = load_mapping(shape.mapping).naive_zone if shape.mapping else shop_zone()
    lines.append(f"  times that name no zone are in {zone}")
    if shape.mapping:
        lines.append(f"  mapping {shape.mapping}" + (f", table {shape.table}" if shape.table else ""))
    for number, order in enumerate(checked.first_orders, 1):
        first, *others = _in_brief(order, without_generated=shape.rows == LINES)
        lines += [f"  {number}. {first}", *(f"     {line}" for line in others)]
    made = f" made of {counted(checked.lines, 'line')}" if checked.lines else ""
    valid = f"{counted(checked.rows, 'row')}{made}, {checked.rows - checked.rejected:,} of them valid"
    lines.append(f"  {valid if checked.rows or shape.rows == JOINED else NO_ROWS}")
    if checked.reasons:
        lines.append("  rejected: " + ", ".join(f"{code} {rows:,}" for code, rows in checked.reasons.most_common()))
    lines += [f"  line {one.line}: {one.code}: {one.reason}" for one in checked.first_rejections]
    if more := checked.rejected - sum(one.rows for one in checked.first_rejections):
        lines.append(f"  and {more:,} more")
    lines += [f"  {sentence}" for sentence in checked.notes]
    return "\n".join(lines)


def _in_brief(document: Mapping[str, Any], *, without_generated: bool) -> Iterator[str]:
    """A line for each part of an order, one for each item; of a record of the catalog one for all."""
    order = document.get("order")
    currency = str(order.get("currency") or "") if isinstance(order, Mapping) else ""

    def shown(part: Mapping[str, Any]) -> str:
        return ", ".join(
            f"{name}: {_text(value, currency)}"
            for name, value in part.items()
            if value is not None
            and not isinstance(value, Mapping | list)
            and not (without_generated and name.endswith("_id") and isinstance(value, int) and value >= GENERATED_FROM)
        )

    if plain := shown(document):
        yield plain
    for name, part in document.items():
        if isinstance(part, Mapping):
            yield f"{name}: {shown(part)}"
        elif isinstance(part, list):
            yield from (f"{name}: {shown(one)}" for one in part if isinstance(one, Mapping))


def _text(value: Any, currency: str) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    value = as_decimal(value)
    return printable(amount_text(value, currency) if isinstance(value, Decimal) else str(value))
