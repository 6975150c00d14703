"""A clock that steps back by hours, as behind a wrong NTP server, stops nothing and moves no figure."""

import sys
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.lease import archive_lease
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.doctor.findings import PROBLEM
from ecommerce.documents.bson_codec import decode_order
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import KpiStore
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.rebuild import rebuild
from tests.doctoring import look
from tests.import_samples import complete_row, write_lines
from tests.summaries_data import accept, random_orders
from tests.vandalism import assert_figures_of

BACK = timedelta(hours=3)


class _Meta(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


class Earlier(datetime, metaclass=_Meta):
    """The class datetime on a machine whose clock was set back."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.now(tz) - BACK


def step_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock of our own code back; MongoDB keeps its time, as another machine's server does."""
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] == "ecommerce"]
    patched = [module for module in ours if getattr(module, "datetime", None) is datetime]
    for module in patched:
        monkeypatch.setattr(module, "datetime", Earlier)
    assert "ecommerce.summaries.advance" in {module.__name__ for module in patched}


def test_figures_imports_rebuilds_and_checks_go_on(
    database: MongoDatabase, settings: Settings, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(database, random_orders(50))
    store = KpiStore(database)
    store.refresh()
    file = write_lines(tmp_path / "1.jsonl", *(complete_row(number) for number in range(1_000, 1_010)))
    import_paths(database, [file])
    with archive_lease(database):
        pass
    step_back(monkeypatch)

    database[ORDERS].update_many({"_id": {"$lt": 20}}, {"$set": {"delivery.status": "Shipped"}})
    assert import_paths(database, [file]).unchanged == 10
    more = write_lines(tmp_path / "2.jsonl", *(complete_row(number) for number in range(2_000, 2_010)))
    assert import_paths(database, [more]).accepted == 10
    refresh = store.refresh()
    assert refresh.lag_seconds >= 0
    for build in (lambda: None, lambda: rebuild(database)):
        build()
        assert_figures_of(database, [decode_order(document) for document in database[ORDERS].find()], store)
        assert check_orders(database, settings).is_good
    with archive_lease(database):
        pass
    assert archive_orders(settings, Selection(older_than_days=3_000)) == []
    clock = look(settings, "mongodb", "clock")["clock"]
    assert clock.state == PROBLEM
    assert clock.says == "this clock and MongoDB's are 10,800 s apart"
    assert "NTP" in clock.remedy
