"""The flow: the inbox is emptied once the rows are safe, and a run fails only where someone must act."""

import os
from pathlib import Path

import pytest

from ecommerce.importing.import_files import import_file, prepare_import
from ecommerce.importing.left_out import FOLDER
from ecommerce.importing.loading.inbox import put_away
from ecommerce.importing.loading.report import FilesFailed
from ecommerce.importing.reasons import NO_ROWS
from ecommerce.mongo import IMPORTS, MongoDatabase
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


@pytest.mark.usefixtures("prefect_server", "database")
def test_the_keys_of_artifacts_do_not_grow_with_the_files(inbox: Path) -> None:
    from prefect.client.orchestration import get_client

    from flows.import_files import import_files

    def imported(name: str, *rows: dict[str, object]) -> set[str]:
        write_lines(inbox / name, *rows)
        import_files(settle_seconds=0)
        with get_client(sync_client=True) as client:
            return {str(artifact.key) for artifact in client.read_artifacts()}

    keys = imported("monday.jsonl", complete_row(1), {"order": 2})
    assert {"imported-files", "rejected-rows", "import-files-import"} <= keys
    assert imported("tuesday.jsonl", complete_row(3), {"order": 4}) == keys


@pytest.mark.usefixtures("prefect_server")
def test_files_move_when_their_rows_are_safe(database: MongoDatabase, inbox: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import ArtifactSort

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
        artifacts = client.read_artifacts(sort=ArtifactSort.CREATED_DESC)
    tables = {artifact.key: artifact.data for artifact in reversed(artifacts) if artifact.type == "table"}
    assert '"file": "good.jsonl"' in str(tables["imported-files"])
    assert "not_an_object" in str(tables["rejected-rows"])
    write_lines(inbox / "good.jsonl", complete_row(1), complete_row(2))
    assert import_files(settle_seconds=0).unchanged == 2
    assert len(names(inbox / "done")) == 3
    assert import_files(replay=True).rejected == 1


def test_a_file_that_is_replaced_while_it_is_imported_stays(database: MongoDatabase, inbox: Path) -> None:
    path = write_lines(inbox / "orders.jsonl", complete_row(1))
    prepare_import(database)
    newer = write_lines(inbox.parent / "newer.jsonl", complete_row(2))
    report = import_file(database, path, progress=lambda *_: None)
    newer.rename(path)
    assert put_away(path, report) == path
    assert report.notes[-1] == "was replaced or written to while it was imported: import it again"
    report = import_file(database, path)
    assert put_away(path, report) == inbox / "done" / "orders.jsonl"
    assert sorted(raw_orders(database)) == [1, 2]


@pytest.mark.parametrize("change", ["appended", "rewritten", "touched", "replaced"])
def test_no_change_of_a_file_goes_to_done_unread(database: MongoDatabase, inbox: Path, change: str) -> None:
    path = write_lines(inbox / "orders.jsonl", complete_row(1))
    prepare_import(database)

    def meanwhile(_done: int, _total: int | None, _what: str) -> None:
        match change:
            case "appended":
                with path.open("ab") as file:
                    file.write(b"{}\n")
            case "rewritten":
                write_lines(path, complete_row(2))
            case "touched":
                os.utime(path, (1, 1))
            case _:
                path.unlink()
                write_lines(path, complete_row(2))

    report = import_file(database, path, progress=meanwhile)
    assert report.replaced
    assert put_away(path, report) == path
    assert names(inbox) == ["orders.jsonl"]


@pytest.mark.usefixtures("prefect_server")
def test_the_run_says_what_it_left_and_which_files_had_no_row(
    database: MongoDatabase, inbox: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from prefect.client.orchestration import get_client

    from flows.import_files import import_files

    (inbox / "november").mkdir()
    os.mkfifo(inbox / "pipe.csv")
    (inbox / "nothing.csv").write_text("")
    (inbox / "header.csv").write_text("product_id,name\n")
    write_lines(inbox / "good.jsonl", complete_row(1))
    report = import_files(settle_seconds=0)
    assert [file.path.name for file in report.files if file.notes[-1:] == [NO_ROWS]] == ["header.csv", "nothing.csv"]
    assert (names(inbox), names(inbox / "done")) == (
        ["done", "november", "pipe.csv"], ["good.jsonl", "header.csv", "nothing.csv"],
    )  # fmt: skip
    assert {record["file"].rpartition("/")[2] for record in database[IMPORTS].find({"empty": True})} == {
        "header.csv", "nothing.csv",
    }  # fmt: skip
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f"nothing.csv: {NO_ROWS}" in warnings and f"header.csv: {NO_ROWS}" in warnings
    [left] = [text for text in warnings if "no import takes it" in text]
    assert f"november ({FOLDER})" in left and "pipe.csv (a FIFO" in left
    with get_client(sync_client=True) as client:
        [table] = [one for one in client.read_artifacts() if one.key == "imported-files" and "november" in str(one)]
        [message] = [run.state.message or "" for run in client.read_flow_runs() if run.state and "pipe.csv" in str(run)]
    assert str(table.data).count(NO_ROWS) == 2
    assert message.startswith("3 files, 1 row read: 1 accepted")
    assert "0 rows in header.csv, nothing.csv: is that what was meant?" in message


@pytest.mark.usefixtures("prefect_server")
def test_a_retry_of_a_failed_import_imports_the_files_that_failed(
    database: MongoDatabase, inbox: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.states import Scheduled

    from flows.import_files import import_files

    write_lines(inbox / "half.jsonl", complete_row(1), {"order": 2})
    (inbox / "wrong.csv").write_text("a,b,c\n1,2,3\n")
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(import_files, parameters={"settle_seconds": 0})
        with pytest.raises(FilesFailed):
            run_flow(import_files, flow_run=run, parameters={"settle_seconds": 0})
        tasks = {task.name: task.state_name for task in client.read_task_runs()}
        assert (tasks["import half.jsonl"], tasks["import wrong.csv"]) == ("Completed", "Failed")
        warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert any("half.jsonl: 2 orders read: 1 accepted, 1 rejected" in text for text in warnings)
        # Somebody mends what the failed file needs and retries the run.
        (inbox / "failed" / "wrong.csv").write_text("product_id,name,warehouse_id\n7,Chair,42\n")
        client.set_flow_run_state(run.id, Scheduled(), force=True)
        again = run_flow(import_files, flow_run=client.read_flow_run(run.id), parameters={"settle_seconds": 0})
        assert (again.accepted, again.failed) == (1, [])  # type: ignore[union-attr]
        ended = client.read_flow_run(run.id)
    assert ended.name.startswith("import inbox ")
    assert ended.state is not None
    assert ended.state.message == "1 file, 1 row read: 1 accepted, 0 unchanged, 0 changed, 0 rejected"
    assert names(inbox / "done") == ["half.jsonl", "wrong.csv"]
