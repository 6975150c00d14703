"""Files of the archive that are not what their run wrote: named by run and day, the others read."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.reading import read, read_pandas
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders
from ecommerce.archive.run import CHANGES
from ecommerce.archive.runs import runs_of_the_table
from ecommerce.archive.selection import Selection
from ecommerce.archive.table import ArchiveTable
from ecommerce.check import check_orders
from ecommerce.doctor.findings import OK, PROBLEM
from ecommerce.documents.order import Refund
from ecommerce.mongo import ARCHIVED_CHANGES, MongoDatabase
from ecommerce.order_search.one_order import order_of
from ecommerce.query import ask
from ecommerce.services.data_state import check_in_brief, found_by_check
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.state import ARCHIVE_SUMMARY
from tests.archiving import OLD_DAY, an_order, insert
from tests.doctoring import finding_of
from tests.file_damage import (
    DAMAGED,
    SAYS,
    cut,
    empty,
    file_of,
    flip_a_bit,
    lose_directory,
    lose_file,
    swap_with_another_day,
)
from tests.runbook import row_of
from tests.summaries_data import accept

pytestmark = pytest.mark.slow

LAST = OLD_DAY + timedelta(days=2)


@pytest.fixture
def archived(archive: Settings, database: MongoDatabase, spark: SparkSession) -> Settings:
    """Settings of a store with 3 days of 20 orders in the archive."""
    insert(database, [an_order(number, day=number % 3) for number in range(60)])
    advance(database)
    archive_orders(archive, Selection(older_than_days=30))
    return archive


def records(database: MongoDatabase) -> list[CellTable]:
    return [CellTable.decode(one["cells"]) for one in database[ARCHIVE_SUMMARY].find().sort("_id", 1)]


@pytest.mark.parametrize("damage", SAYS, ids=lambda damage: damage.__name__)
def test_a_damaged_day_is_named_and_the_others_are_read(
    database: MongoDatabase, archived: Settings, tmp_path: Path, spark: SparkSession, damage: Callable[[Path], None]
) -> None:
    data = tmp_path / "archive" / database.name / "orders" / "data"
    directory = file_of(data, DAMAGED).parent
    kept = tmp_path / "kept"
    shutil.copytree(directory, kept)
    for crc in directory.glob(".*.crc"):  # somebody's copy has none
        crc.unlink()
    damage(file_of(data, DAMAGED))

    def named(message: str) -> bool:
        return all(part in message for part in (str(DAMAGED), "is damaged", SAYS[damage], f"since run {run}"))

    (run,) = (one.run_id for one in runs_of_the_table(database))

    with pytest.raises(ArchiveError) as refused:
        restore_orders(archived, OLD_DAY, LAST)
    assert named(str(refused.value)), refused.value
    restored = list(database[ORDERS_RESTORED].find())
    assert len(restored) == 40
    assert DAMAGED not in {one["order"]["order_time"].date() for one in restored}
    with pytest.raises(ArchiveError) as refused:
        read_pandas(DAMAGED, DAMAGED, settings=archived)
    assert named(str(refused.value)), refused.value
    assert len(read_pandas(LAST, LAST, settings=archived)) == 20

    # Before any check: `doctor` looks at sizes, and reads no file.
    by_size = damage in (empty, cut, lose_file, lose_directory, swap_with_another_day)
    looked = finding_of(archived, "archive table")
    if damage is not swap_with_another_day:  # which may have the same size
        assert (looked.state == PROBLEM) == by_size, looked
    if looked.state == PROBLEM:
        assert f"{DAMAGED} of the archive is damaged" in looked.says
        assert f"from a backup made since run {run} (docs/backup.md), then run `ecommerce check`" in looked.remedy
    assert finding_of(archived, "last check").says == "nothing was checked yet"

    before = records(database)
    for repair in (False, True):
        report = check_orders(database, archived, repair=repair)
        check_orders(database, archived, archive=False)
        found = finding_of(archived, "last check")
        assert (found.state, found.remedy) == (PROBLEM, "do what it says of each day, then run `ecommerce check`")
        assert named(found.says), found.says
        (line,) = found_by_check(archived)
        assert line == f"{found.says} → {found.remedy}"
        assert check_in_brief(archived) == "last check: 1 day of the archive is damaged → see `ecommerce check`"
        assert not report.is_good
        (told,) = report.damaged
        assert named(told), told
        assert report.differences == ()
    after = records(database)
    assert all(one.equals(other) for one, other in zip(before, after, strict=True)), "--repair believed the files"

    insert(database, [an_order(100)])
    assert [one.state for one in archive_orders(archived, Selection(older_than_days=30))] == ["committed"]
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(kept, directory)
    assert restore_orders(archived, OLD_DAY, LAST) == 61
    assert check_orders(database, archived).is_good
    assert finding_of(archived, "archive table").state == OK
    assert finding_of(archived, "last check").says.startswith("all was right at ")
    assert (found_by_check(archived), check_in_brief(archived)) == ([], "")


def test_an_order_that_somebody_else_changed_in_the_table_does_not_come_back(
    database: MongoDatabase, archived: Settings, spark: SparkSession
) -> None:
    table = ArchiveTable(spark, archived)
    table.spark.sql(f"UPDATE {table.name} SET delivery.location = 'Nowhere' WHERE order.order_id = 4")  # noqa: S608
    with pytest.raises(
        ArchiveError, match=f"{DAMAGED} of the archive is damaged: order 4 has another content than was"
    ) as raised:
        restore_orders(archived, OLD_DAY, LAST)
    row_of(str(raised.value))
    assert database[ORDERS_RESTORED].count_documents({}) == 40
    report = check_orders(database, archived)
    assert not report.is_good


METADATA: dict[str, str] = {
    "*-m0.avro": "the table's list of files cannot be read",
    "snap-*.avro": "the table's list of files cannot be read",
    "*.metadata.json": "the table's description cannot be read",
}


@pytest.mark.parametrize("damage", [empty, cut, lose_file, lose_directory, flip_a_bit], ids=lambda it: it.__name__)
def test_sql_over_a_file_that_cannot_be_read_says_so(archived: Settings, damage: Callable[[Path], None]) -> None:
    damage(
        file_of(
            Path(str(archived.archive_uri).removeprefix("file://")) / archived.database / "orders" / "data", DAMAGED
        )
    )
    with (
        pytest.raises(ArchiveError) as failed,
        ask(archived, "SELECT status, count(*) FROM orders GROUP BY 1") as answer,
    ):
        list(answer.batches)
    said = str(failed.value)
    assert "query: a file of the archive cannot be read" in said and "docs/backup.md" in said
    # Of a file of the right size DuckDB may not say which it is.
    if damage is not flip_a_bit:
        assert f"{DAMAGED} of the archive is damaged: its 20 orders cannot all be read (" in said
        assert f"{SAYS[damage]}" in said and "from a backup made since run " in said
    assert len(said) < 700 and "\n" not in said


@pytest.mark.parametrize("damage", SAYS, ids=lambda damage: damage.__name__)
def test_an_order_whose_file_is_lost_says_what_is_lost_and_what_to_put_back(
    database: MongoDatabase, archived: Settings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file = file_of(tmp_path / "archive" / database.name / "orders" / "data", DAMAGED)
    damage(file)
    found = order_of(database, archived, 1)
    assert found is not None and found.document is None
    (run,) = (one.run_id for one in runs_of_the_table(database))
    assert f"{DAMAGED} of the archive is damaged: its 20 orders" in found.unread
    assert f"from a backup made since run {run} (docs/backup.md)" in found.unread
    assert "run it again" not in found.unread
    other = order_of(database, archived, 3)
    assert other is not None and other.document is not None


@pytest.mark.parametrize("pattern", METADATA)
def test_a_damaged_file_of_the_table_itself_is_named(
    database: MongoDatabase, archived: Settings, tmp_path: Path, pattern: str
) -> None:
    folder = tmp_path / "archive" / database.name / "orders" / "metadata"
    newest = max(folder.glob(pattern), key=lambda file: (file.stat().st_mtime_ns, file.name))
    whole = newest.read_bytes()
    for damage in (b"", whole[: len(whole) // 2], whole[:-100] + bytes(100)):
        newest.write_bytes(damage)
        for work in (lambda: restore_orders(archived, OLD_DAY, LAST), lambda: check_orders(database, archived)):
            with pytest.raises(ArchiveError) as refused:
                work()
            assert METADATA[pattern] in str(refused.value), refused.value
            assert row_of(str(refused.value)) == f"{METADATA[pattern]}: …"
            assert newest.name in str(refused.value)
            assert "put it back as it was, from the newest backup" in str(refused.value)
    newest.write_bytes(whole)
    assert restore_orders(archived, OLD_DAY, LAST) == 60


def test_stray_files_are_left_alone(
    database: MongoDatabase, archived: Settings, tmp_path: Path, spark: SparkSession
) -> None:
    directory = file_of(tmp_path / "archive" / database.name / "orders" / "data", DAMAGED).parent
    for name, content in (
        (".DS_Store", b""),
        ("notes.txt", b"do not delete"),
        ("x.crc", b"1"),
        ("of-nobody.parquet", b"1"),
    ):
        (directory / name).write_bytes(content)
    assert restore_orders(archived, OLD_DAY, LAST) == 60
    assert len(read(settings=archived)) == 60
    assert check_orders(database, archived).is_good


def test_a_compaction_does_not_build_on_a_damaged_file(
    database: MongoDatabase, archived: Settings, tmp_path: Path, spark: SparkSession
) -> None:
    insert(database, [an_order(number, day=1) for number in range(100, 110)])
    archive_orders(archived, Selection(older_than_days=30))
    day: date = DAMAGED
    file = next((tmp_path / "archive").rglob(f"order.order_time_day={day}/*.parquet"))
    whole = file.read_bytes()
    for crc in file.parent.glob(".*.crc"):
        crc.unlink()
    empty(file)
    with pytest.raises(ArchiveError, match="has 0 bytes of"):
        compact_archive(archived, at_least=2)
    file.write_bytes(whole)
    assert compact_archive(archived, at_least=2).days == (DAMAGED,)
    assert check_orders(database, archived).is_good


def test_refunds_wait_where_a_day_is_damaged_and_hold_up_no_other_run(
    archived: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    refunded = [
        replace(an_order(number, day=number % 3), refunds=(Refund(1, an_order(number).updated_at, Decimal("0.5")),))
        for number in (3, 4)
    ]
    accept(database, refunded)
    file = file_of(tmp_path / "archive" / database.name / "orders" / "data", DAMAGED)
    content = file.read_bytes()
    file.unlink()
    insert(database, [an_order(100)])
    with pytest.raises(ArchiveError):
        archive_orders(archived)
    changes, new = archive_orders(archived)
    assert (changes.kind, changes.orders, new.orders) == (CHANGES, 0, 1)
    assert database[ARCHIVED_CHANGES].count_documents({}) == 2
    file.write_bytes(content)
    (last,) = archive_orders(archived)
    assert (last.orders, database[ARCHIVED_CHANGES].count_documents({})) == (2, 0)
    rows = {row["order"]["order_id"]: row["refunds"] for row in read(settings=archived).to_pylist()}
    assert [number for number, refunds in rows.items() if refunds] == [3, 4]
    assert check_orders(database, archived).differences == ()
