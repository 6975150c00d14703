"""The rows of archived orders that have a customer or an external id, from the files of a day, without a JVM.

Of each file only the columns that are compared are read, and the others of those files in which something was found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import compute, parquet

from ecommerce.archive.days import Damage, damage_of, file_name, first_line, some_of, wrong_sizes
from ecommerce.archive.files import require_datanodes, verify_pages
from ecommerce.archive.rows import RUN_COLUMN
from ecommerce.archive.view import ArchiveView
from ecommerce.order_search.sorting import Position
from ecommerce.order_search.wanted import Wanted
from ecommerce.readable import counted

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask


@dataclass(frozen=True, slots=True)
class DayFiles:
    """The files of a day that may hold what is wanted: of `main`, and of the run that is open."""

    day: date
    main: "Sequence[FileScanTask]" = ()
    of_open_run: "Sequence[FileScanTask]" = ()


@dataclass(frozen=True, slots=True)
class DayRows:
    """What was found in the files of a day, the latest first."""

    day: date
    rows: pa.Table | None
    damage: Damage | None


def rows_of_day(view: ArchiveView, files: DayFiles, wanted: Wanted, columns: Sequence[str] | None) -> DayRows:
    """The wanted rows of a day. A file that cannot be read is named, and the others are read all the same."""
    tables, faults = [], wrong_sizes(view, [*files.main, *files.of_open_run])
    for of_open_run, tasks in ((False, files.main), (True, files.of_open_run)):
        for task in tasks:
            if any(fault.startswith(f"{file_name(task)} ") for fault in faults):
                continue
            try:
                found = _rows_of_file(view, task, wanted, columns, of_open_run=of_open_run)
            except Exception as error:  # noqa: BLE001 - Arrow, PyIceberg and the client of HDFS each have their own
                require_datanodes(error)
                faults.append(f"{file_name(task)} cannot be read: {first_line(error)}")
                continue
            if found is not None and len(found):
                tables.append(found)
    damage = damage_of(view, files.day, f"not all of its files can be read{some_of(faults)}") if faults else None
    return DayRows(files.day, _latest_first(pa.concat_tables(tables)) if tables else None, damage)


def before(rows: pa.Table, at: Position) -> pa.Table:
    """The rows that come after a position, which is to say before it in time."""
    times, ids = _key(rows)
    moment = pa.scalar(at.value, times.type)
    same = compute.and_(compute.equal(times, moment), compute.less(ids, at.order_id))
    return rows.filter(compute.or_(compute.less(times, moment), same))


def within(rows: pa.Table, start: Any, end: Any) -> pa.Table:
    """The rows whose time is in [start, end) (None: open)."""
    for bound, keeps in ((start, compute.greater_equal), (end, compute.less)):
        if bound is not None:
            times, _ = _key(rows)
            rows = rows.filter(keeps(times, pa.scalar(bound, times.type)))
    return rows


def _rows_of_file(
    view: ArchiveView, task: "FileScanTask", wanted: Wanted, columns: Sequence[str] | None, *, of_open_run: bool
) -> pa.Table | None:
    assert view.table is not None  # noqa: S101 - it has files
    if not _holds(view, task, wanted):
        return None
    from pyiceberg.expressions import And, EqualTo
    from pyiceberg.io.pyarrow import ArrowScan

    verify_pages()
    table, condition = view.table, wanted.expression()
    if of_open_run and view.open_run:
        condition = And(condition, EqualTo(term=RUN_COLUMN, value=view.open_run.run_id))
    schema = table.schema() if columns is None else table.schema().select(*columns)
    return ArrowScan(table.metadata, table.io, schema, condition).to_table([task])


def _holds(view: ArchiveView, task: "FileScanTask", wanted: Wanted) -> bool:
    """Whether a file has a wanted row, from the columns that are compared. Raises where they cannot be read.

    PyIceberg takes 4 ms of Python for a file, whatever is read of it.
    """
    assert view.table is not None  # noqa: S101 - as above
    with view.table.io.new_input(task.file.file_path).open() as opened:
        file = parquet.ParquetFile(opened, page_checksum_verification=True)
        if file.metadata.num_rows != task.file.record_count:
            raise pa.ArrowInvalid(f"it holds {counted(file.metadata.num_rows, 'order')} of {task.file.record_count:,}")
        paths = {file.schema.column(at).path for at in range(len(file.schema))}
        # A file of before a field was added has no column of it.
        compared = {path: values for path, values in wanted.conditions().items() if path in paths}
        for group in range(file.num_row_groups) if compared else ():
            read = file.read_row_group(group, columns=[*compared], use_threads=False)
            for path, values in compared.items():
                column = compute.struct_field(read["order"].combine_chunks(), path.split(".")[1:])
                if compute.any(compute.is_in(column, values)).as_py():
                    return True
    return False


def _latest_first(rows: pa.Table) -> pa.Table:
    times, ids = _key(rows)
    keys = pa.table({"time": times, "id": ids})
    return rows.take(compute.sort_indices(keys, sort_keys=[("time", "descending"), ("id", "descending")]))


def _key(rows: pa.Table) -> tuple[pa.Array, pa.Array]:
    order = rows["order"].combine_chunks()
    return compute.struct_field(order, ["order_time"]), compute.struct_field(order, ["order_id"])
