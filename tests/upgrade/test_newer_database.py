"""A database that a newer version has brought forward is refused by whatever this version does with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.restore import restore_orders
from ecommerce.archive.selection import Selection, plan_archive
from ecommerce.check import check_orders
from ecommerce.errors import ServiceError
from ecommerce.gate import FORMAT, GATE
from ecommerce.generate.first import first_start
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import KpiStore, compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from ecommerce.upgrade import steps_due
from tests.archiving import OLD_DAY, an_order, insert
from tests.import_samples import complete_row, write_lines
from tests.runbook import row_of

Use = Callable[[MongoDatabase, Settings, Path], object]

USES: dict[str, Use] = {
    "prepare": lambda database, _settings, _folder: prepare_database(database),
    "advance": lambda database, _settings, _folder: advance(database),
    "rebuild": lambda database, _settings, _folder: rebuild(database),
    "compact": lambda database, _settings, _folder: compact(database),
    "kpis": lambda database, _settings, _folder: compute_kpis(database),
    "tick": lambda database, _settings, _folder: KpiStore(database).refresh(),
    "import": lambda database, _settings, folder: import_paths(database, [write_lines(folder / "1", complete_row(1))]),
    "generate": lambda database, _settings, _folder: first_start(database, days=5),
    "plan": lambda database, _settings, _folder: plan_archive(database, Selection(older_than_days=1)),
    "archive": lambda _database, settings, _folder: archive_orders(settings, Selection(older_than_days=1)),
    "merge": lambda _database, settings, _folder: compact_archive(settings),
    "restore": lambda _database, settings, _folder: restore_orders(settings, OLD_DAY, OLD_DAY),
    "check": lambda database, settings, _folder: check_orders(database, settings),
    "check and repair": lambda database, settings, _folder: check_orders(database, settings, repair=True),
    "upgrade": lambda database, _settings, _folder: steps_due(database),
}


@pytest.mark.parametrize("use", USES)
def test_a_newer_database_is_refused_with_both_versions(
    use: str, archive: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    insert(database, [an_order(number) for number in range(5)])
    database[GATE].update_one({"_id": "format"}, {"$set": {"format": FORMAT + 1, "version": "9.9.9"}})

    def content() -> dict[str, list[object]]:
        return {name: list(database[name].find()) for name in sorted(database.list_collection_names())}

    before = content()
    with pytest.raises(ServiceError, match=r"made by version 9\.9\.9; this is version \d") as refused:
        USES[use](database, archive, tmp_path)
    assert content() == before
    assert row_of(str(refused.value)).startswith("database … is of format")
