"""The archive of version 0.1.0: Parquet in a directory per run, brought into the table by a run of its own.

    <archive>/orders/run=<run>/order_date=YYYY-MM-DD/part-….parquet

Its open run is finished first: of one that was not published nothing had left MongoDB, so it is closed; of one that
was, the chunks that are left are purged. Then the archived orders are appended to a branch, compared with what MongoDB
knows of each day, and published. The old files stay; they may be removed once the upgrade has ended.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import bson
import numpy as np
from bson import Decimal128

from ecommerce.archive.archiver import finish
from ecommerce.archive.chunks import chunks_of
from ecommerce.archive.context import ArchiveContext, new_branch, planned_run
from ecommerce.archive.durable import make_durable
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.purge import purge_chunks
from ecommerce.archive.rows import DAY_COLUMN, RUN_COLUMN, read_ddl, row_ddl
from ecommerce.archive.run import (
    ARCHIVE,
    ARCHIVE_RUNS,
    ARCHIVE_SUMMARY,
    COMMITTED,
    MOVED,
    OF_0_1_0,
    PLANNED,
    PUBLISHED,
    PURGED,
    SUPERSEDED,
    Run,
)
from ecommerce.archive.runs import move_on, new_run, unfinished_run
from ecommerce.archive.source import mongo_frame, only_archived
from ecommerce.archive.steps import commit, publish
from ecommerce.archive.verify import days_of, summary_of_days
from ecommerce.bson_reading.batches import raw_batches
from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.documents.kinds import to_scaled
from ecommerce.mongo import ARCHIVED_ORDERS, MongoDatabase
from ecommerce.readable import counted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_COMPACT = "compact"
_READABLE = {"kind": {"$in": [ARCHIVE, _COMPACT]}, "state": COMMITTED}
_UNCHANGED = "The archive of version 0.1.0 is as it was; run `ecommerce upgrade` again."


def has_run_directories(database: MongoDatabase) -> bool:
    """Whether there are runs of version 0.1.0 that have to come into the table."""
    return database[ARCHIVE_RUNS].find_one(OF_0_1_0, {"_id": 1}) is not None


def finish_old_run(context: ArchiveContext, run: Run) -> None:
    """Finish the run that version 0.1.0 left, by what its states meant."""
    database = context.database
    with failures_explained(f"finishing run {run.run_id}", _UNCHANGED):
        if run.kind != _COMPACT and run.state == PUBLISHED:
            for row in database[SUPERSEDED].find({"run_id": run.run_id}):
                of_day = {"run_id": run.run_id, "order_date": row["order_date"]}
                known = {name: row[name] for name in ("order_id", "updated_at", "reason")}
                database[ARCHIVE_SUMMARY].update_one(of_day, {"$addToSet": {"superseded": known}})
            days = ((day.order_date, day.orders) for day in run.per_day)
            chunks = chunks_of(partial(_rows_of_run, context, run), days, run.chunk_orders)
            purge_chunks(database, run, chunks, context.lease, context.progress)
        reached("upgrade:purged")
        # Nothing of a run that was not published has left MongoDB; nobody reads a compaction that took no days over.
        done = run.state in (PUBLISHED, PURGED) and (run.kind != _COMPACT or run.state == PURGED)
        closed = {"state": COMMITTED if done else "abandoned", "finished_at": datetime.now(UTC)}
        database[ARCHIVE_RUNS].update_one({"_id": run.run_id}, {"$set": closed, "$unset": {"unfinished": ""}})


def move_into_table(context: ArchiveContext) -> None:
    """Bring the archived orders of version 0.1.0 into the table; goes on with what a killed upgrade left."""
    database = context.database
    run = unfinished_run(database)
    if not run:
        orders = database[ARCHIVED_ORDERS].count_documents({})
        run = new_run(database, replace(planned_run(context, MOVED), orders=orders))
    with failures_explained("moving the archive into its table", _UNCHANGED):
        if run.kind == MOVED and run.state == PLANNED:
            run = _copy(context, run)
            reached("upgrade:copied")
    if run.kind == MOVED and run.state == PURGED:
        run = publish(context, run)
    # Before the run is closed: an upgrade that is killed here finds the run, not directories to copy once more.
    database[ARCHIVE_RUNS].update_many(OF_0_1_0, {"$set": {"moved_by": run.run_id}})
    reached("upgrade:moved")
    if run.kind == MOVED:
        commit(context, run)
    else:
        finish(context, run)


def _copy(context: ArchiveContext, run: Run) -> Run:
    """planned → purged: the orders have left MongoDB long ago."""
    table = context.table
    branch = new_branch(run.run_id)
    run = move_on(context.database, run, PLANNED, branch=branch)
    expected = _expected_days(context.database)
    if not expected:
        return move_on(context.database, run, PURGED)
    table.start_branch(branch)
    rows = _archived_rows(context).selectExpr("*", f"'{run.run_id}' AS {RUN_COLUMN}").sort("order.order_time")
    columns = context.spark.createDataFrame([], row_ddl()).columns
    snapshot = table.append(rows.select(*columns), branch)
    make_durable(table.uri)
    reached("upgrade:written")
    summary = summary_of_days(table.rows_of(snapshot))
    found = days_of(summary)
    told = {day.order_date: (day.orders, day.total_amount, day.content_hash) for day in found}
    wrong = sorted(
        {row[DAY_COLUMN] for row in summary if row["corrupt"]}
        | {day for day in told.keys() | expected.keys() if told.get(day) != expected.get(day)}
    )
    if wrong:
        more = f" and {counted(len(wrong) - 10, 'more day')}" if len(wrong) > 10 else ""
        raise ArchiveError(
            f"the files of version 0.1.0 do not hold what was archived on {', '.join(map(str, wrong[:10]))}{more}: "
            "put them back from a backup (docs/backup.md)"
        )
    orders = sum(day.orders for day in found)
    told_of: dict[str, Any] = {"per_day": found, "days": len(found), "orders": orders}
    size = table.added_bytes(snapshot)
    return move_on(context.database, run, PURGED, bytes_after=size, snapshot=snapshot, **told_of)


def _expected_days(database: MongoDatabase) -> dict[date, tuple[int, int, int]]:
    """Orders, amounts and folded hashes of each archived day, as MongoDB has them."""
    counts: dict[datetime, tuple[int, int]] = {}
    for batch in raw_batches(database, {}, collection=ARCHIVED_ORDERS):
        for entry in (bson.decode(one, CODEC_OPTIONS) for one in batch):
            orders, content = counts.get(entry["order_date"], (0, 0))
            counts[entry["order_date"]] = (orders + 1, content ^ int(np.int64(entry["content_hash"])))
    amounts: dict[datetime, int] = {}
    for group in database[ARCHIVE_SUMMARY].aggregate(
        [{"$group": {"_id": "$order_date", "amount": {"$sum": "$total_value"}}}]
    ):
        amount = group["amount"]
        amounts[group["_id"]] = to_scaled(amount.to_decimal()) if isinstance(amount, Decimal128) else int(amount)
    return {day.date(): (orders, amounts.get(day, 0), content) for day, (orders, content) in counts.items()}


def _archived_rows(context: ArchiveContext) -> "DataFrame":
    """The rows of the run directories that are archived orders: not those of merged days, not the superseded ones."""
    from pyspark.sql import functions as f

    runs = list(context.database[ARCHIVE_RUNS].find({**OF_0_1_0, **_READABLE}))
    directories = [
        f"{_published(context, run['_id'])}/{DAY_COLUMN}={day['order_date']:%Y-%m-%d}"
        for run in runs
        for day in run["per_day"]
        if day["order_date"] not in run["replaced_days"]
    ]
    rows = _parquet(context, directories)
    ddl = "run_id string, order_id bigint, updated_at timestamp"
    superseded = mongo_frame(context.spark, context.settings, SUPERSEDED, ddl, {}).alias("superseded")
    same_row = (
        (rows["run"] == f.col("superseded.run_id"))
        & (rows["order.order_id"] == f.col("superseded.order_id"))
        & (rows["updated_at"] == f.col("superseded.updated_at"))
    )
    return only_archived(rows.join(f.broadcast(superseded), same_row, "left_anti"), context.settings, {})


def _rows_of_run(context: ArchiveContext, run: Run, days: Sequence[date]) -> "DataFrame":
    """The rows of a run's directory, of some days."""
    return _parquet(context, [f"{_published(context, run.run_id)}/{DAY_COLUMN}={day.isoformat()}" for day in days])


def _published(context: ArchiveContext, run_id: str) -> str:
    return f"{context.table.uri}/orders/run={run_id}"


def _parquet(context: ArchiveContext, directories: Sequence[str]) -> "DataFrame":
    ddl = f"{read_ddl()}, run string, {DAY_COLUMN} date"
    if not directories:
        return context.spark.createDataFrame([], ddl)
    # Spark takes these characters of a path for a pattern of names.
    uris = [re.sub(r"[{}\[\]*?\\]", r"\\\g<0>", uri) for uri in directories]
    reader = context.spark.read.schema(ddl).option("basePath", f"{context.table.uri}/orders")
    return reader.option("pathGlobFilter", "*.parquet").parquet(*uris)
