"""The files that Spark's workers write: which rows are in which, and what an exception leaves."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecommerce.archive import day_files
from ecommerce.archive.arrow_rows import archived_schema, row_batches
from ecommerce.archive.day_files import DayFile, DayFiles, FilesOfRun, identified
from ecommerce.archive.hot import hot_orders
from ecommerce.documents.bson_codec import encode_order
from ecommerce.documents.order import OrderDocument
from tests.archiving import OLD_DAY, an_order
from tests.services.test_archive_round_trip import EDGES

FIRST = (datetime(OLD_DAY.year, OLD_DAY.month, OLD_DAY.day, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days


def told(kind: pa.DataType, numbers: Any) -> Any:
    """A type as Iceberg's JSON has it, with ids in turn."""
    if pa.types.is_struct(kind):
        members = [(field.name, next(numbers), field.type) for field in kind.fields]
        return {
            "type": "struct",
            "fields": [{"id": number, "name": name, "type": told(of, numbers)} for name, number, of in members],
        }
    if pa.types.is_map(kind):
        return {"type": "map", "key-id": next(numbers), "key": "string", "value-id": next(numbers), "value": "string"}
    if pa.types.is_list(kind):
        return {"type": "list", "element-id": next(numbers), "element": told(kind.value_type, numbers)}
    return str(kind)


@pytest.fixture
def run(tmp_path: Path) -> FilesOfRun:
    schema = identified(archived_schema(), told(pa.struct(list(archived_schema())), iter(range(1, 1000))))
    return FilesOfRun(f"file://{tmp_path}/of a shop", "order.order_time_day", schema, "run", "branch", {})


def numbers_of(kind: pa.DataType, path: str = "") -> dict[str, str]:
    """The id of each field, by its path."""
    fields = {field.name: field for field in kind.fields} if pa.types.is_struct(kind) else {}
    if pa.types.is_map(kind):
        fields = {"key": kind.key_field, "value": kind.item_field}
    elif pa.types.is_list(kind):
        fields = {"element": kind.value_field}
    found = {f"{path}.{name}": field.metadata[b"PARQUET:field_id"].decode() for name, field in fields.items()}
    for name, field in fields.items():
        found |= numbers_of(field.type, f"{path}.{name}")
    return found


def rows_of(orders: list[OrderDocument]) -> list[pa.RecordBatch]:
    return list(row_batches(hot_orders([encode_order(order) for order in orders])))


def path_of(file: DayFile) -> Path:
    return Path(file.location.removeprefix("file://"))


def write(run: FilesOfRun, *batches: list[OrderDocument]) -> list[DayFile]:
    with DayFiles(run) as files:
        for orders in batches:
            for rows in rows_of(orders):
                files.add(rows)
        return files.close()


def days_of(files: list[DayFile]) -> dict[date, set[int]]:
    """The ids of the orders in the files, by the day in the name of their partition."""
    found: dict[date, set[int]] = {}
    for file in files:
        ids = pq.read_table(path_of(file))["order"].combine_chunks().field("order_id").to_pylist()
        day = date.fromisoformat(file.partition.removeprefix("order.order_time_day="))
        assert path_of(file).parent.name == file.partition
        assert not found.get(day, set()) & {*ids}
        found.setdefault(day, set()).update(ids)
    return found


def test_each_row_is_in_a_file_of_its_day_whatever_the_order_in_which_they_come(run: FilesOfRun) -> None:
    days = [2, 0, 0, 1, 2, 2, 1, 0, 3]
    files = write(run, *([an_order(at, day=day)] for at, day in enumerate(days)))
    wanted: dict[date, set[int]] = {}
    for at, day in enumerate(days):
        wanted.setdefault(OLD_DAY + timedelta(days=day), set()).add(at)
    assert days_of(files) == wanted
    assert len(files) == len(wanted)


def test_rows_come_back_as_they_were_with_their_run(run: FilesOfRun) -> None:
    orders = [an_order(1), an_order(2, items=3), *EDGES]
    batches = rows_of(orders)
    files = write(run, orders)
    rows = pa.concat_tables(pq.read_table(path_of(file), page_checksum_verification=True) for file in files)
    assert {*rows["archive_run"].to_pylist()} == {"run"}
    expected = pa.Table.from_batches(batches).to_pylist()
    found = rows.drop_columns(["archive_run"]).to_pylist()
    by_hash = sorted(found, key=lambda row: row["content_hash"])
    assert by_hash == sorted(expected, key=lambda row: row["content_hash"])


def test_columns_have_the_ids_of_the_table_within_structs_lists_and_maps(run: FilesOfRun) -> None:
    (file,) = write(run, [an_order(1)])
    found = numbers_of(pa.struct(list(pq.read_schema(path_of(file)))))
    assert found == numbers_of(pa.struct(list(run.schema)))
    assert len({*found.values()}) == len(found) > 40


def test_a_file_that_is_full_is_followed_by_another(run: FilesOfRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_files, "ROW_GROUP_BYTES", 1)
    monkeypatch.setattr(day_files, "FILE_BYTES", 8000)
    files = write(run, *([an_order(at)] for at in range(20)))
    assert 1 < len(files) < 20
    assert days_of(files) == {OLD_DAY: {*range(20)}}
    assert [file.size for file in files] == [path_of(file).stat().st_size for file in files]
    groups = [pq.ParquetFile(path_of(file)).num_row_groups for file in files]
    assert sum(groups) == 20


def test_days_that_are_over_are_written_before_the_end(run: FilesOfRun) -> None:
    with DayFiles(run) as files:
        for day in range(5):
            for rows in rows_of([an_order(day, day=day)]):
                files.add(rows)
            files.end_before(FIRST + day)
            assert [*files._open] == [FIRST + day]  # noqa: SLF001 - what it holds is what this is about
        assert len(days_of(files.close())) == 5


def test_what_was_written_before_an_exception_is_removed(run: FilesOfRun) -> None:
    folder = Path(run.folder.removeprefix("file://"))
    with pytest.raises(bson.errors.InvalidBSON), DayFiles(run) as files:
        for rows in rows_of([an_order(1), an_order(2, day=1)]):
            files.add(rows)
        files.end_before(FIRST + 1)
        files._wait(0)  # noqa: SLF001 - the first is on the disk now
        assert len([*folder.rglob("*.parquet")]) == 1
        raise bson.errors.InvalidBSON
    assert [*folder.rglob("*.parquet")] == []
