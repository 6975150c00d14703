"""The catalog as CSV files, a file a table."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import fields as struct_fields

from ecommerce.generate.into_files.orders_file import make_directory
from ecommerce.generate.model import people
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.whole_file import whole_file


def write_catalog(directory: Path, spec: CatalogSpec) -> list[Path]:
    """Write the catalog's CSV files."""
    make_directory(directory)
    tables: dict[str, Iterable[Struct]] = {
        "users": people.users(spec, 1, spec.users),
        "products": people.products(spec, 1, spec.products),
        "warehouses": people.warehouses(spec),
        "couriers": people.couriers(spec),
        "inventory": people.inventory(spec, 1, spec.products),
    }
    paths = []
    for name, records in tables.items():
        path = directory / f"{name}.csv"
        with whole_file(path, "w", newline="", encoding="utf-8") as file:
            _write_records(file, records)
        paths.append(path)
    return paths


def _write_records(file: io.TextIOBase, records: Iterable[Struct]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    for number, record in enumerate(records):
        names = [field.name for field in struct_fields(record)]
        if number == 0:
            writer.writerow(names)
        values = [getattr(record, name) for name in names]
        writer.writerow([f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value for value in values])
