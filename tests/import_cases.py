"""Cases after public bug reports: their folders, how one is imported, and what is stored of it."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecommerce.documents.order import OrderDocument
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.report import ImportReport
from ecommerce.mongo import REJECTED_ROWS, MongoDatabase
from tests.import_samples import stored_orders

CASES = Path(__file__).with_name("data") / "cases"

Import = Callable[..., ImportReport]


@pytest.fixture
def take(database: MongoDatabase) -> Import:
    """Import files of a case, with its mapping where it has one."""

    def take(case: Path, *names: str, **options: Any) -> ImportReport:
        mapping: dict[str, Any] = {"mapping": str(case / "map.yaml")} if (case / "map.yaml").exists() else {}
        return import_paths(database, [case / name for name in names], options=ImportOptions(**mapping | options))

    return take


def orders_of(database: MongoDatabase) -> dict[str, OrderDocument]:
    return {order.order.external_id or str(order.order.order_id): order for order in stored_orders(database)}


def totals(database: MongoDatabase) -> dict[str, Decimal]:
    return {name: order.order.total_amount for name, order in orders_of(database).items()}


def codes(database: MongoDatabase) -> Counter[str]:
    return Counter(row["code"] for row in database[REJECTED_ROWS].find())
