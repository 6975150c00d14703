"""A database and an archive of version 0.1.0 are brought forward, wherever the upgrade is killed."""

import json
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pyspark.sql import SparkSession

from ecommerce.archive import purge, steps
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders
from ecommerce.archive.runs import unfinished_run
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.documents.order import OrderDocument
from ecommerce.gate import FORMAT, GATE, format_of
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import compute_kpis
from ecommerce.kpis.figures import SALES_FIGURES
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import Shop, read_shop
from ecommerce.summaries.state import ARCHIVE_SUMMARY
from ecommerce.upgrade import fill, run_directories, steps_due, upgrade, upgrade_database
from ecommerce.upgrade.clients import DatabaseInUseError
from tests.archiving import cut_off
from tests.drilled import drilled_but
from tests.import_samples import raw_orders
from tests.runbook import row_of
from tests.services.test_statuses import names_of, of_version_0_1_0
from tests.summaries_recount import recount
from tests.version_0_1_0 import UNFINISHED, Frozen, bring_back

pytestmark = pytest.mark.slow

REDEFINED = ("revenue", "average_order_value", "delivered", "pending", "by_status", "by_payment_type", "by_courier",
             "by_location", "by_category", "late_share", "delivery_timeline")  # fmt: skip
"""The figures that ask for a status. Every other one stays what it was."""


@pytest.fixture
def frozen(settings: Settings, tmp_path: Path) -> Any:
    found = bring_back("whole", settings, tmp_path / "frozen")
    yield found
    found.database.client.drop_database(found.database.name)


def all_figures_are_right(frozen: Frozen, orders: list[OrderDocument] | None = None) -> None:
    """Every figure is that of the orders, and those that no redefinition moves are what 0.1.0 told."""
    said = json.loads(json.dumps(compute_kpis(frozen.database).to_json_dict()))
    assert "incomplete" not in said
    expected = recount(orders or of_version_0_1_0(frozen), step="day", names=names_of(frozen.database))
    assert {name: said[name] for name in expected} == expected
    moving = (*REDEFINED, "as_of", "hot_orders", "archived_orders")
    kept = {name for name in frozen.kpis if name not in moving}
    assert {name: said[name] for name in kept} == {name: frozen.kpis[name] for name in kept}
    assert check_orders(frozen.database, frozen.settings).differences == ()


def test_the_upgrade_moves_only_what_a_redefinition_moves_and_says_by_how_much(
    spark: SparkSession, frozen: Frozen
) -> None:
    database, settings = frozen.database, frozen.settings
    stored = raw_orders(database)
    due = steps_due(database)
    assert len(due) == 6
    assert steps_due(database) == due, "asking changes nothing"
    report = upgrade_database(database, settings)
    assert list(report.steps) == due
    assert database[ARCHIVE_SUMMARY].count_documents({"sales": {"$exists": False}}) == 0, "BI tools see all days"
    after = compute_kpis(database).to_json_dict()
    assert f"revenue {frozen.kpis['revenue']} → {after['revenue']}" in " ".join(report.moved)
    assert any(line.startswith("by_status: canceled ") for line in report.moved)
    assert all(line.startswith(REDEFINED) for line in report.moved)
    all_figures_are_right(frozen)
    assert raw_orders(database) == stored, "no order was rewritten"
    assert steps_due(database) == []
    assert upgrade_database(database, settings).steps == ()
    assert format_of(database) == FORMAT
    assert read_shop(database) == Shop("USD", "UTC"), "it was counted in UTC"


def test_figures_asked_for_before_the_upgrade_do_not_hide_what_it_moves(spark: SparkSession, frozen: Frozen) -> None:
    compute_kpis(frozen.database)
    report = upgrade_database(frozen.database, frozen.settings)
    assert any(line.startswith(f"revenue {frozen.kpis['revenue']} → ") for line in report.moved)
    all_figures_are_right(frozen)


def test_before_the_upgrade_what_is_not_known_is_neither_told_nor_compared(spark: SparkSession, frozen: Frozen) -> None:
    of_promises = "late_share", "overdue", "due_late", "due"
    assert compute_kpis(frozen.database).incomplete == (*of_promises, "by_category", *SALES_FIGURES)
    assert check_orders(frozen.database, frozen.settings, archive=False).differences == ()
    for work in (check_orders, lambda _, settings: archive_orders(settings)):
        with pytest.raises(ArchiveError, match=r"are in directories of version 0\.1\.0: `ecommerce upgrade`") as raised:
            work(frozen.database, frozen.settings)
        row_of(str(raised.value))
    upgrade_database(frozen.database, frozen.settings)
    all_figures_are_right(frozen)


def test_after_the_upgrade_orders_come_again_and_the_archive_is_worked_on(spark: SparkSession, frozen: Frozen) -> None:
    database, settings = frozen.database, frozen.settings
    upgrade_database(database, settings)
    for name in ("first", "late", "very_late", "hot", "hotter"):
        report = import_paths(database, [frozen.files / f"{name}.jsonl"])
        # Three orders of the first file were changed since by hand, and are archived so.
        assert report.unchanged == report.read - (3 if name == "first" else 0), report
    orders = of_version_0_1_0(frozen)
    (run,) = archive_orders(settings, Selection(older_than_days=0))
    assert run.orders
    assert compact_archive(settings, at_least=2).days
    all_figures_are_right(frozen, orders)
    restore_orders(settings, *_days(database))
    assert set(frozen.restored) <= set(raw_orders(database, ORDERS_RESTORED).values())


def _days(database: MongoDatabase) -> Any:
    days = [row["order_date"].date() for row in database["archived_orders"].find({}, {"order_date": 1})]
    return min(days), max(days)


MOMENTS = (
    "begun", "before-kept", "run-finished", "written", "copied", "moved", "filling", "day#1", "day#3", "filled",
    "rebuilt", "before-mark", "marked", "dropped"
)  # fmt: skip


@pytest.mark.parametrize("moment", drilled_but(MOMENTS, "filling", "rebuilt", "marked"))
def test_an_upgrade_that_was_killed_is_finished_by_the_next(
    spark: SparkSession, frozen: Frozen, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with cut_off(monkeypatch, f"upgrade:{moment}", upgrade, fill, run_directories, steps, purge):
        upgrade_database(frozen.database, frozen.settings)
    said = compute_kpis(frozen.database).to_json_dict()
    assert said["orders"] == frozen.kpis["orders"]
    assert said["late_share"] is None or "incomplete" not in said
    report = upgrade_database(frozen.database, frozen.settings)
    all_figures_are_right(frozen)
    assert steps_due(frozen.database) == []
    assert [document["_id"] for document in frozen.database[GATE].find()] == ["format"]
    assert any(line.startswith("revenue ") for line in report.moved)


@pytest.mark.parametrize("name", drilled_but(UNFINISHED, "planned", "half_purged", "compaction_published"))
def test_a_run_that_0_1_0_left_is_finished_first(
    spark: SparkSession, settings: Settings, tmp_path: Path, name: str
) -> None:
    left = bring_back(name, settings, tmp_path / "frozen")
    report = upgrade_database(left.database, left.settings)
    assert report.steps[0].startswith("finish the ")
    assert unfinished_run(left.database) is None
    assert all(line.startswith(REDEFINED) for line in report.moved)
    said = compute_kpis(left.database).to_json_dict()
    kept = {key for key in left.kpis if key not in ("as_of", "hot_orders", "archived_orders", *REDEFINED)}
    assert {key: said[key] for key in kept} == {key: left.kpis[key] for key in kept}
    assert said["hot_orders"] == left.database["orders"].count_documents({})
    assert check_orders(left.database, left.settings).differences == ()
    left.database.client.drop_database(left.database.name)


def test_it_refuses_to_begin_while_a_program_of_0_1_0_is_connected(frozen: Frozen, mongo_uri: str) -> None:
    other: MongoClient[dict[str, Any]]
    with MongoClient(mongo_uri, appname="ecommerce-pipeline") as other:
        other.admin.command("ping")
        with pytest.raises(DatabaseInUseError, match=r"ecommerce-pipeline at 127\.0\.0\.1.*stop that first"):
            upgrade_database(frozen.database, frozen.settings)
    assert format_of(frozen.database) == 1


def test_a_new_database_needs_no_upgrade(settings: Settings, database: MongoDatabase) -> None:
    assert format_of(database) == FORMAT
    assert steps_due(database) == []
