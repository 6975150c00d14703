"""Programs of version 0.1.0, which look at no mark, cannot change a figure once a database is of a later format."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce.importing.import_files import import_paths
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.upgrade import steps_due, upgrade_database
from tests.import_samples import complete_row, write_lines
from tests.upgrade.test_upgrade import all_figures_are_right
from tests.version_0_1_0 import FROZEN, Frozen, bring_back, told_by, unpack_sources

pytestmark = pytest.mark.slow


def test_a_program_of_0_1_0_that_starts_after_the_upgrade_changes_no_figure(
    spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    frozen = bring_back("whole", settings, tmp_path / "frozen")
    upgrade_database(frozen.database, frozen.settings)
    before = contents(frozen.database)
    told = version_0_1_0_at_work(frozen, tmp_path / "sources")
    summaries = {told.pop(name) for name in ("advance", "kpis", "rebuild", "compact", "check")}
    archive = {told.pop(name) for name in ("archive", "compact the archive")}
    assert told == {"start": None}
    for said in summaries | archive:
        assert "is of format 2: use version" in str(said), "its error says what to do"
    assert contents(frozen.database) == before
    assert steps_due(frozen.database) == []
    all_figures_are_right(frozen)
    frozen.database.client.drop_database(frozen.database.name)


def test_a_program_of_0_1_0_is_kept_out_of_a_new_database_too(
    spark: SparkSession, settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    file = write_lines(tmp_path / "orders.jsonl", *(complete_row(order_id, status="Delivered") for order_id in (1, 2)))
    assert import_paths(database, [file]).accepted == 2
    archive_uri = (tmp_path / "archive").as_uri()
    new = Frozen(settings.model_copy(update={"archive_uri": archive_uri}), database, tmp_path, {})
    advance(database)
    before = contents(database)
    told = version_0_1_0_at_work(new, tmp_path / "sources")
    assert [name for name, said in told.items() if said is None] == ["start"]
    assert contents(database) == before


def version_0_1_0_at_work(frozen: Frozen, sources: Path) -> dict[str, str | None]:
    """Let the program of version 0.1.0 do all it does with figures and archive; how each ended."""
    unpack_sources(sources)
    return told_by(frozen.settings, sources, [str(FROZEN / "at_work.py"), str(sources)])


def contents(database: MongoDatabase) -> dict[str, list[Any]]:
    """All documents of all collections; collections without any do not count."""
    found = {name: list(database[name].find().sort("_id", 1)) for name in database.list_collection_names()}
    return {name: documents for name, documents in found.items() if documents}
