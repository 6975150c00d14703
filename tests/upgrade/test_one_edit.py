"""A field of the order, one of an item and a measure are one edit each, and work on data that was made before."""

import difflib
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from ecommerce import mongo
from ecommerce.settings import Settings
from ecommerce.upgrade import upgrade_database
from tests.unit.test_structure import ROOT
from tests.version_0_1_0 import bring_back, told_by

pytestmark = pytest.mark.slow

EDITS = {
    "ecommerce/documents/order.py": (
        (
            '    """The id as the source wrote it, where that was not an integer. Absent, not null, in MongoDB."""\n',
            "    campaign: Text | None = None\n",
        ),
        ("    price: Money\n    event_time: Time\n", "    weight: Money | None = None\n"),
    ),
    "ecommerce/summaries/cells/measures.py": (
        (
            "OF_ORDERS: tuple[Measure, ...] = (\n",
            """    Measure(
        "weight",
        pl.Int128,
        fold=lambda batch: batch.of_items(batch.item("weight") * batch.item("quantity")),
        plain=lambda document: sum(to_scaled(item.weight or 0) * item.quantity for item in document.order_items),
        mongo={
            "$sum": {
                "$map": {
                    "input": "$order_items",
                    "in": {"$multiply": [{"$ifNull": ["$$this.weight", 0]}, "$$this.quantity"]},
                }
            }
        },
        sql=sql_sum("order_items", f"{sql_money('item.weight')} * item.quantity"),
        money=True,
        figure=True,
    ),
""",
        ),
    ),
}
"""File → (the line behind which something is added, what is added): the whole of the change."""


def grow(directory: Path, packages: tuple[str, ...] = ("ecommerce", "tests")) -> None:
    """A copy of the sources with the edits."""
    for package in packages:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    for name, edits in EDITS.items():
        before = (directory / name).read_text()
        after = before
        for behind, added in edits:
            assert after.count(behind) == 1, behind
            after = after.replace(behind, behind + added)
        (directory / name).write_text(after)
        lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
        assert not any(line.startswith("- ") for line in lines), "nothing else has to change"


def test_a_field_an_items_field_and_a_measure_are_one_edit_each(
    spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    frozen = bring_back("whole", settings, tmp_path / "frozen")
    upgrade_database(frozen.database, frozen.settings)
    # An upgrade begins only where no other program uses the database.
    frozen.database.client.close()
    mongo._client.cache_clear()  # noqa: SLF001 - nothing else forgets a client
    grow(tmp_path / "grown")
    program = ("-m", "tests.upgrade.grown_shop")
    told = told_by(frozen.settings, tmp_path / "grown", program, str(frozen.files))
    orders = frozen.kpis["orders"]
    assert told["before"]["incomplete"] == ["weight"], "what is archived does not tell the new measure"
    assert told["before"]["weight"] is None
    assert told["before"]["orders"] == orders
    assert told["old files"][0] == told["old files"][1]
    assert told["new file"] == [3, 3]
    assert told["check before"] == told["check"] == []
    assert len(told["due"]) == 2
    assert told["moved"] == ["weight none → 2.50 (+2.50)"]
    # Two pieces of an order's one item at 1.25.
    assert told["after"] == told["end"] | {"archived_orders": told["after"]["archived_orders"]}
    assert (told["end"]["weight"], told["end"]["orders"], told["end"]["incomplete"]) == ("2.50", orders + 3, None)
    assert told["fold"]
    assert told["archived"] == ["committed"]
    assert told["compacted"] > 0
    assert told["again"] == [3, 40]
    assert told["restored"] == {"9001": ["web", "1.2500"], "9002": [None, "None"], "9003": ["卡", "None"]}
    mongo.get_database(settings).client.drop_database(settings.database)
