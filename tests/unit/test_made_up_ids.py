"""Whether orders name records of the made-up catalog: generated orders may, and others are told of."""

import json
from pathlib import Path
from typing import Any

import pytest
from pymongo.errors import OperationFailure
from rich.console import Console

from cli import imports
from cli.json_output import import_document
from ecommerce.documents.canonical_bytes import order_time_of
from ecommerce.documents.generated_ids import holds_its_hour
from ecommerce.importing.loading.made_up import LOOKED_AT, MadeUpIds, made_up_ids
from ecommerce.importing.loading.report import FileReport, ImportReport
from ecommerce.importing.rows.orders import Known, encode_json
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.mongo import GENERATOR
from tests.generator_samples import APRIL, encoded, march
from tests.import_samples import complete_row

LAST = {"products": 150, "couriers": 12, "warehouses": 5, "users": 400}
FAR: dict[str, Any] = {"product_id": 151, "user_id": 401, "warehouse_id": 6, "delivery": {"courier_id": 13}}
"""Ids that no made-up record has."""


def own(order_id: int, **changes: Any) -> EncodedOrder:
    return encode_json(json.dumps(complete_row(order_id, **(FAR | changes))).encode(), Known())


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, set()),
        ({"product_id": 150}, {"products"}),
        ({"user_id": 400}, {"users"}),
        ({"warehouse_id": 5}, {"warehouses"}),
        ({"delivery": {"courier_id": 12}, "product_id": 1}, {"couriers", "products"}),
    ],
)
def test_an_order_that_names_a_made_up_record(changes: dict[str, Any], met: set[str]) -> None:
    assert MadeUpIds(dict(LAST)).met_by_orders([own(1), own(2, **changes)]) == met
    assert MadeUpIds().met_by_orders([own(2, **changes)]) == set()


def test_generated_orders_are_known_by_their_ids() -> None:
    generated = encoded(march(300), APRIL)
    assert all(holds_its_hour(order.order_id, order_time_of(order.bson)) for order in generated)
    assert MadeUpIds(dict(LAST)).met_by_orders(generated) == set()


def test_of_a_long_file_the_first_orders_are_looked_at() -> None:
    ids = MadeUpIds(dict(LAST))
    assert ids.met_by_orders([own(number) for number in range(1, LOOKED_AT)]) == set()
    assert ids.met_by_orders([own(1), own(2, product_id=1)]) == set()
    assert ids.looked_at == LOOKED_AT


class Refusing:
    """A collection that an account has no right to read, as that of an import of an earlier version."""

    def find_one(self, _query: object) -> None:
        raise OperationFailure("not authorized on shop to execute command", code=13)


def test_an_account_without_the_right_to_look_imports_as_before() -> None:
    database: Any = {GENERATOR: Refusing()}
    assert made_up_ids(database) == MadeUpIds()


def test_only_records_that_a_file_changed_are_met() -> None:
    ids = MadeUpIds(dict(LAST))
    assert ids.met_by_records("products", [151, 7]) == {"products"}
    assert ids.met_by_records("products", [151]) == ids.met_by_records("inventory", [(1, 1)]) == set()


def test_the_report_says_it_in_one_line_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        FileReport(Path("products.csv"), "products", made_up={"products"}),
        FileReport(Path("orders.csv"), "orders", made_up={"couriers", "users"}),
        FileReport(Path("more.csv"), "orders"),
    ]
    report = ImportReport(files)
    (said,) = report.notes
    assert said.startswith("the ids of products, couriers and users are also ids of the made-up catalog")
    assert "--no-demo" in said
    assert "ECOMMERCE_DATABASE" in said
    assert ImportReport(files[2:]).notes == []
    assert import_document(report)["notes"] == [said]
    console = Console(width=1_000, record=True)
    monkeypatch.setattr(imports, "Console", lambda: console)
    imports.print_report(report)
    assert f"warning: {said}\n" in console.export_text()
