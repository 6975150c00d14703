"""Own orders beside a made-up shop come in, and the report says that names mix; of made-up files it does not."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from ecommerce.generate.into_files.catalog_files import write_catalog
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.importing.import_files import import_paths
from ecommerce.mongo import ORDERS, MongoDatabase
from tests.generator_samples import file_job, small_catalog
from tests.import_samples import complete_row, write_lines


def own_shop(folder: Path) -> Path:
    """A shop's products, with ids as a generator gives them, too, and its orders."""
    with (folder / "products.csv").open("w") as file:
        lines = csv.writer(file)
        lines.writerow(["product_id", "name", "category", "price", "warehouse_id"])
        lines.writerow([7, "Our own mug", "Mugs", "8.23", 3])
    write_lines(folder / "orders.jsonl", *(complete_row(number) for number in range(1, 11)))
    return folder


def test_own_orders_beside_a_made_up_shop_are_told_of_and_come_in(database: MongoDatabase, tmp_path: Path) -> None:
    ensure_catalog(database, small_catalog())
    report = import_paths(database, [own_shop(tmp_path)])
    assert {file.path.name: file.made_up for file in report.files} == {
        "products.csv": {"products"},
        "orders.jsonl": {"products", "couriers", "warehouses", "users"},
    }
    assert (len(report.notes), report.rejected, report.failed) == (1, 0, [])
    assert database[ORDERS].count_documents({}) == 10


def test_in_a_shop_of_their_own_nothing_is_said(database: MongoDatabase, tmp_path: Path) -> None:
    report = import_paths(database, [own_shop(tmp_path)])
    assert (report.accepted, report.notes) == (11, [])


@pytest.mark.parametrize("seed", [5, 6])
def test_nor_of_files_that_the_generator_wrote(database: MongoDatabase, tmp_path: Path, seed: int) -> None:
    """Their catalog is the one that is there; of another one only the orders are made up alike."""
    ensure_catalog(database, small_catalog())
    job = file_job(500, "json")
    spec = replace(job.spec, seed=seed)
    write_orders(tmp_path / "orders.json", replace(job, spec=spec))
    if spec == small_catalog():
        write_catalog(tmp_path, spec)
    report = import_paths(database, [tmp_path])
    assert report.read >= 500
    assert report.notes == []
