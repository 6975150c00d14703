"""Days of the archive whose files are not what their run wrote: an empty or cut file, one too many, one that is gone.

Spark says nothing of an empty file and of one that is there twice, and ends at one that it cannot read. Each run's
record has orders, amounts and content hashes per day, so whoever reads compares those first, by two columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ecommerce.archive.rows import DAY_COLUMN, HASH_COLUMN, read_rows, row_ddl
from ecommerce.archive.runs import Day, Run
from ecommerce.archive.storage import Storage
from ecommerce.documents.kinds import MONEY_FACTOR

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAMED = 3
"""Files that a sentence names."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A day of a run whose files are not what the run wrote."""

    run_id: str
    day: date
    directory: str
    says: str

    def __str__(self) -> str:
        return (
            f"{self.day} of archive run {self.run_id} is damaged: {self.says}. Put {self.directory} back as it was "
            "from a backup (docs/backup.md)"
        )


def day_directory(storage: Storage, run_id: str, day: date) -> str:
    """Where the files of a day of a run lie."""
    return f"{storage.published(run_id)}/{DAY_COLUMN}={day.isoformat()}"


def days_held(runs: Sequence[Run], start: date | None, end: date | None) -> list[tuple[Run, Day]]:
    """The days in [start, end] of runs that are read from them, not from a compaction."""
    return [
        (run, day)
        for run in runs
        for day in run.per_day
        if (start is None or day.order_date >= start)
        and (end is None or day.order_date <= end)
        and day.order_date not in run.replaced_days
    ]


def damaged_days(
    spark: "SparkSession", storage: Storage, runs: Sequence[Run], start: date | None, end: date | None
) -> list[Damage]:
    """The days in [start, end] whose files do not hold what the runs recorded."""
    held = days_held(runs, start, end)
    there = {run.run_id: set(storage.names(storage.published(run.run_id))) for run, _ in held}
    readable = [(run, day) for run, day in held if f"{DAY_COLUMN}={day.order_date.isoformat()}" in there[run.run_id]]
    found = _sums(spark, storage, readable)
    damaged = []
    for run, day in held:
        directory = day_directory(storage, run.run_id, day.order_date)
        sums = found.get((run.run_id, day.order_date), (0, 0, 0))
        if (run, day) not in readable:
            damaged.append(Damage(run.run_id, day.order_date, directory, "its directory is gone"))
        elif sums != (day.orders, day.total_amount, day.content_hash):
            damaged.append(Damage(run.run_id, day.order_date, directory, _what(spark, storage, directory, day, sums)))
    return damaged


def _sums(
    spark: "SparkSession", storage: Storage, held: Sequence[tuple[Run, Day]]
) -> dict[tuple[str, date], tuple[int, int, int]]:
    """Orders, amounts and folded hashes by run and day, of what can be read."""
    if not held:
        return {}
    from pyspark.sql import functions as f

    directories = [day_directory(storage, run.run_id, day.order_date) for run, day in held]
    ddl = f"{row_ddl()}, run string, {DAY_COLUMN} date"
    rows = read_rows(spark, *directories, base=storage.published(), ddl=ddl, only_parquet=True, skip_unreadable=True)
    summary = rows.groupBy("run", DAY_COLUMN).agg(
        f.count("*").alias("orders"),
        f.sum((f.col("order.total_amount") * MONEY_FACTOR).cast("decimal(38,0)")).alias("amount"),
        f.bit_xor(HASH_COLUMN).alias("hash"),
    )
    return {
        (row["run"], row[DAY_COLUMN]): (int(row["orders"]), int(row["amount"]), int(row["hash"]))
        for row in summary.collect()
    }


def _what(spark: "SparkSession", storage: Storage, directory: str, day: Day, sums: tuple[int, int, int]) -> str:
    """What is wrong with a day, and with which of its files."""
    from pyspark.sql import functions as f

    rows = read_rows(spark, directory, only_parquet=True, skip_unreadable=True)
    counts: dict[str, Any] = {
        row["name"]: row["count"]
        for row in rows.select(f.element_at(f.split(f.input_file_name(), "/"), -1).alias("name"))
        .groupBy("name")
        .count()
        .collect()
    }
    sizes = {name: size for name, size in storage.files(directory).items() if name.endswith(".parquet")}
    faults = [
        f"{name} has no bytes" if size == 0 else f"{name} cannot be read as Parquet"
        for name, size in sorted(sizes.items())
        if name not in counts
    ]
    orders = sums[0]
    says = f"{orders:,} orders can be read of {day.orders:,} that were written"
    if orders == day.orders:
        says = f"its {orders:,} orders are not those that were written"
    if not faults:
        faults = [f"{name} holds {count:,}" for name, count in sorted(counts.items())] or ["there is no file"]
    more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    return f"{says} ({'; '.join(faults[:NAMED])}{more})"
