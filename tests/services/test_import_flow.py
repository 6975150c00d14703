"""The flow: the inbox is emptied once the rows are safe, and a run fails only where someone must act."""

import os
import time
from pathlib import Path

import pytest

from ecommerce.importing.loading.inbox import put_away, waiting_files
from ecommerce.importing.loading.report import FileReport, FilesFailed
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings, get_settings
from tests.import_samples import complete_row, raw_orders, write_lines


@pytest.fixture
def inbox(settings: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An inbox, and the process's settings pointing at it and at the test's database."""
    assert settings.mongo_uri is not None
    monkeypatch.setenv("ECOMMERCE_MONGO_URI", settings.mongo_uri.get_secret_value())
    monkeypatch.setenv("ECOMMERCE_DATABASE", settings.database)
    monkeypatch.setenv("ECOMMERCE_HOME", str(settings.home))
    get_settings.cache_clear()
    folder = get_settings().inbox_directory
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(autouse=True)
def _fresh_settings() -> object:
    yield
    get_settings.cache_clear()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.usefixtures("prefect_server")
def test_files_move_when_their_rows_are_safe(database: MongoDatabase, inbox: Path) -> None:
    from prefect.client.orchestration import get_client

    from flows.import_files import import_files

    write_lines(inbox / "good.jsonl", complete_row(1), complete_row(2), {"order": 3})
    (inbox / "products.csv").write_text("product_id,name,warehouse_id\n7,Chair,42\n")
    (inbox / "wrong.csv").write_text("a,b,c\n1,2,3\n")
    (inbox / "notes.md").write_text("not for the import")
    with pytest.raises(FilesFailed, match=r"wrong\.csv") as failed:
        import_files(settle_seconds=0)
    assert sorted(raw_orders(database)) == [1, 2]
    assert names(inbox) == ["done", "failed", "notes.md"]
    assert (names(inbox / "done"), names(inbox / "failed")) == (["good.jsonl", "products.csv"], ["wrong.csv"])
    assert failed.value.report.rejected == 1
    with get_client(sync_client=True) as client:
        tables = {artifact.key: artifact.data for artifact in client.read_artifacts() if artifact.type == "table"}
    assert '"file": "good.jsonl"' in str(tables["imported-files"])
    assert "not_an_object" in str(tables["rejected-rows"])
    write_lines(inbox / "good.jsonl", complete_row(1), complete_row(2))
    assert import_files(settle_seconds=0).unchanged == 2
    assert len(names(inbox / "done")) == 3
    assert import_files(replay=True).rejected == 1


def test_a_file_that_is_still_written_to_waits(tmp_path: Path) -> None:
    settled, fresh = tmp_path / "settled.csv", tmp_path / "fresh.csv"
    for path in (settled, fresh, tmp_path / ".hidden.csv", tmp_path / "other.txt"):
        path.write_text("")
        os.utime(path, (time.time() - 60, time.time() - 60))
    os.utime(fresh)
    assert waiting_files(tmp_path, settle_seconds=10) == [settled]
    assert waiting_files(tmp_path, settle_seconds=0) == [fresh, settled]


def test_no_file_that_is_put_away_is_overwritten(tmp_path: Path) -> None:
    for text in ("first", "second"):
        path = tmp_path / "orders.csv"
        path.write_text(text)
        put_away(path, FileReport(path))
    assert sorted(path.read_text() for path in (tmp_path / "done").iterdir()) == ["first", "second"]
    assert put_away(tmp_path / "orders.csv", FileReport(tmp_path / "orders.csv")).parent == tmp_path / "done"
