"""The archived orders of each day as Arrow tables, compared with the records of the runs while they are read.

A day whose files are not what was written is Damage: an empty, cut or exchanged file, one too many, one that is gone.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import bson
import numpy as np

from ecommerce.archive.encoded_ids import filter_of_ids
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.files import require_datanodes, verify_pages
from ecommerce.archive.rows import HASH_COLUMN, RUN_COLUMN
from ecommerce.archive.run import Day
from ecommerce.archive.view import ArchiveView
from ecommerce.bson_reading.batches import raw_batches
from ecommerce.documents.kinds import to_scaled
from ecommerce.mongo import ARCHIVED_ORDERS
from ecommerce.readable import counted

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import FileScanTask

NAMED = 3
"""Days, and files of a day, that a sentence names."""

_COMPARED = ("order.total_amount", HASH_COLUMN)
_OF_THE_OPEN_RUN = ("order.order_id", HASH_COLUMN)


@dataclass(frozen=True, slots=True)
class Damage:
    """A day whose files are not what the runs wrote."""

    day: date
    says: str
    written_by: str
    """The run that wrote to it last."""

    def __str__(self) -> str:
        return (
            f"{self.day} of the archive is damaged: {self.says}. Put its files back as they were from a backup made "
            f"since run {self.written_by} (docs/backup.md)"
        )


def damage_of(view: ArchiveView, day: date, says: str) -> Damage:
    """What is wrong with a day."""
    run = view.written_by.get(day) or (view.open_run.run_id if view.open_run else "")
    return Damage(day, says, run)


def day_tables(
    view: ArchiveView, start: date | None, end: date | None, columns: Sequence[str] | None = None
) -> "Iterator[tuple[date, pa.Table | Damage]]":
    """The archived orders of the days in [start, end] that have any, in order, a table each, or what is wrong with it.

    `columns` names columns or fields (`order.order_id`); more than those may come. None: all.
    """
    main, purged = view.files(start, end), view.files(start, end, of_open_run=True)
    recorded = {day for day in view.days if (start is None or day >= start) and (end is None or day <= end)}
    for day in sorted({*main, *purged, *recorded}):
        found = _sound(view, day, main.get(day, []), columns)
        if not isinstance(found, Damage) and day in purged:
            purged_rows = _purged(view, day, purged[day], columns)
            found = purged_rows if isinstance(purged_rows, Damage) else _together(found, purged_rows)
        if isinstance(found, Damage) or len(found):
            yield day, found


def purged_tables(view: ArchiveView) -> "Iterator[pa.Table | Damage]":
    """Of each day what the open run has purged, or what is wrong with it."""
    for day, tasks in sorted(view.files(None, None, of_open_run=True).items()):
        yield _purged(view, day, tasks, None)


def require_sound(damaged: Sequence[Damage]) -> None:
    """Raises ArchiveError where anything is damaged."""
    if damaged:
        raise ArchiveError(f"{named_days(damaged)} The archive was only read.")


def named_days(damaged: Sequence[Damage]) -> str:
    """The first of damaged days, a sentence each, and how many there are more."""
    rest = counted(len(damaged) - NAMED, "more day is", "more days are")
    more = f" And {rest} damaged: `ecommerce check` names all." if len(damaged) > NAMED else ""
    return f"{'. '.join(map(str, damaged[:NAMED]))}.{more}"


def damaged_days(view: ArchiveView, start: date | None, end: date | None) -> list[Damage]:
    """The days in [start, end] that are damaged; they are read whole, one at a time."""
    return [found for _, found in day_tables(view, start, end) if isinstance(found, Damage)]


def wrongly_sized(view: ArchiveView) -> list[Damage]:
    """The days with a file that is gone or has another size than the table knows: a look at each file, none is read."""
    found = []
    for of_open_run in (False, True):
        for day, tasks in sorted(view.files(None, None, of_open_run=of_open_run).items()):
            if faults := wrong_sizes(view, tasks):
                its = f"its {counted(_recorded(view, day).orders, 'order')}"
                orders = "orders of the run that is open" if of_open_run else its
                found.append(damage_of(view, day, f"{orders} cannot all be read{some_of(faults)}"))
    return found


def _recorded(view: ArchiveView, day: date) -> Day:
    """What the runs wrote for a day."""
    return view.days.get(day) or Day(day, 0, 0, 0, 0)


def _sound(
    view: ArchiveView, day: date, tasks: "list[FileScanTask]", columns: Sequence[str] | None
) -> "pa.Table | Damage":
    """The rows of a day of `main`, or Damage."""
    rows = _rows_or_faults(view, tasks, _with(columns, _COMPARED))
    expected = _recorded(view, day)
    if isinstance(rows, list):
        return damage_of(view, day, f"its {counted(expected.orders, 'order')} cannot all be read{some_of(rows)}")
    amount = sum_of_amounts(rows)
    content = int(np.bitwise_xor.reduce(rows[HASH_COLUMN].to_numpy())) if len(rows) else 0
    if (len(rows), amount, content) == (expected.orders, expected.total_amount, expected.content_hash):
        return rows
    found = counted(len(rows), "order")
    if len(rows) == expected.orders:
        return damage_of(view, day, f"its {found} differ from what was written")
    faults = [f"{file_name(task)} holds {task.file.record_count:,}" for task in tasks] or ["there is no file"]
    return damage_of(view, day, f"it has {found} of {expected.orders:,} that were written{some_of(faults)}")


def _rows_or_faults(
    view: ArchiveView, tasks: "list[FileScanTask]", columns: Sequence[str] | None, *, of_open_run: bool = False
) -> "pa.Table | list[str]":
    """The rows of these files, or what is wrong with the files."""
    if faults := wrong_sizes(view, tasks):
        return faults
    try:
        return _rows(view, tasks, columns, of_open_run=of_open_run)
    except Exception as error:  # noqa: BLE001 - Arrow, PyIceberg and the client of HDFS each have their own
        require_datanodes(error)
        return _unreadable(view, tasks, columns) or [first_line(error)]


def wrong_sizes(view: ArchiveView, tasks: "Sequence[FileScanTask]") -> list[str]:
    """The files that have not the size that the table knows."""
    assert view.table is not None or not tasks  # noqa: S101 - it has files
    faults = []
    for task in tasks:
        try:
            size = len(view.table.io.new_input(task.file.file_path)) if view.table else 0
        except FileNotFoundError:
            faults.append(f"{file_name(task)} is gone")
            continue
        if size != task.file.file_size_in_bytes:
            faults.append(f"{file_name(task)} has {size:,} bytes of {task.file.file_size_in_bytes:,}")
    return faults


def _unreadable(view: ArchiveView, tasks: "Sequence[FileScanTask]", columns: Sequence[str] | None) -> list[str]:
    """Those of the files that cannot be read, each by itself: the error of reading them all does not name one."""
    faults = []
    for task in tasks:
        try:
            _rows(view, [task], columns)
        except Exception as error:  # noqa: BLE001 - as above
            require_datanodes(error)
            faults.append(f"{file_name(task)} cannot be read: {first_line(error)}")
    return faults


def _purged(
    view: ArchiveView, day: date, tasks: "list[FileScanTask]", columns: Sequence[str] | None
) -> "pa.Table | Damage":
    """The rows of the open run whose orders have left MongoDB, or Damage."""
    import pyarrow as pa
    from pyarrow import compute

    rows = _rows_or_faults(view, tasks, _with(columns, _OF_THE_OPEN_RUN), of_open_run=True)
    if isinstance(rows, list):
        return damage_of(view, day, f"orders of the run that is open cannot be read{some_of(rows)}")
    ids = compute.struct_field(rows["order"].combine_chunks(), ["order_id"])
    query = filter_of_ids(np.unique(ids.to_numpy()))
    assert view.open_run is not None  # noqa: S101 - the caller has its files
    entries = raw_batches(view.database, query, collection=ARCHIVED_ORDERS, read_concern=view.moment)
    gone = {
        entry["_id"]: entry["content_hash"]
        for entry in (bson.decode(one) for batch in entries for one in batch)
        if entry["run_id"] == view.open_run.run_id
    }
    pairs = zip(ids.to_pylist(), rows[HASH_COLUMN].to_pylist(), strict=True)
    return rows.filter(pa.array([gone.get(order_id) == content for order_id, content in pairs], pa.bool_()))


def _rows(
    view: ArchiveView, tasks: "list[FileScanTask]", columns: Sequence[str] | None, *, of_open_run: bool = False
) -> "pa.Table":
    from pyiceberg.expressions import parser
    from pyiceberg.io.pyarrow import ArrowScan

    verify_pages()
    table = view.table
    assert table is not None  # noqa: S101 - it has files
    schema = table.schema() if columns is None else table.schema().select(*columns)
    # The files of a day hold that day alone, so only a run has to be told from others.
    condition = f"{RUN_COLUMN} = '{view.open_run.run_id}'" if of_open_run and view.open_run else "true"
    return ArrowScan(table.metadata, table.io, schema, parser.parse(condition)).to_table(tasks)


def _with(columns: Sequence[str] | None, more: Collection[str]) -> list[str] | None:
    return None if columns is None else [*dict.fromkeys((*columns, *more))]


def _together(rows: "pa.Table", more: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    if not len(rows):
        return more
    return pa.concat_tables([rows, more.select(rows.column_names).cast(rows.schema)]) if len(more) else rows


def sum_of_amounts(rows: "pa.Table") -> int:
    """Sum of the orders' total_amount in 10^-4 units."""
    from pyarrow import compute

    if not len(rows):
        return 0
    return to_scaled(compute.sum(compute.struct_field(rows["order"].combine_chunks(), ["total_amount"])).as_py())


def file_name(task: "FileScanTask") -> str:
    return str(task.file.file_path)


def some_of(faults: Sequence[str]) -> str:
    more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    return f" ({'; '.join(faults[:NAMED])}{more})"


def first_line(error: Exception) -> str:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    # Of an HDFS whose block is damaged the rest is a list of its DataNodes.
    return said.partition(": [DatanodeInfo")[0][:200]
