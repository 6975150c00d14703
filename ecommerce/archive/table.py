"""The archive's table, for whoever writes it: one Iceberg table per database, partitioned by the UTC day of the order.

A run writes to a branch of its own. `main` is what everybody reads; it moves by one commit, when the run is published.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from ecommerce.archive.catalog import CATALOG, table_name, with_catalog
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.rows import DICTIONARY_BYTES, RUN_COLUMN, in_shape, of_days, row_ddl, with_day
from ecommerce.archive_location import archive_uri
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from ecommerce.archive.day_files import DayFile, FilesOfRun

RUN_PROPERTY = "archive-run"
"""In the summary of each snapshot: by which branch of which run it was made."""

MAIN = "main"

FOOTERS_TOGETHER = 4
"""Files that are looked at at a time before they are appended."""

PROPERTIES = {
    "format-version": "2",
    # Rows come by day and time already; else Spark would shuffle and sort them.
    "write.distribution-mode": "none",
    "write.delete.distribution-mode": "none",
    "write.spark.fanout.enabled": "true",
    # Deleted rows are gone from the files at once: every engine reads such a table, and no second pass is needed.
    "write.delete.mode": "copy-on-write",
    "write.parquet.compression-codec": "zstd",
    "write.parquet.dict-size-bytes": str(DICTIONARY_BYTES),
    # Before encoding; some 60 000 orders, so that a reader of one day can skip, and holds little.
    "write.parquet.row-group-size-bytes": str(16 * 1024 * 1024),
    "write.target-file-size-bytes": str(128 * 1024 * 1024),
    # Each commit writes a metadata file; the newest are enough to find one's way back.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "50",
    # Small parts of the table, so that the tasks of two processors and more share them.
    "read.split.target-size": str(4 * 1024 * 1024),
    "read.split.open-file-cost": str(256 * 1024),
}


class ArchiveTable:
    """The table in Spark's JVM. Errors are Py4J's or Spark's, to be explained by whoever knows the run's state."""

    def __init__(self, spark: "SparkSession", settings: Settings) -> None:
        self.spark = with_catalog(spark, settings)
        self.name = table_name(settings)
        self.uri = archive_uri(settings)
        self._namespace = self.name.rpartition(".")[0]

    def make(self) -> None:
        """Create the table where it is missing, and add the columns that the definition has gained."""
        if not self.exists():
            self.spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {self._namespace}")
            properties = ", ".join(f"'{name}' = '{value}'" for name, value in PROPERTIES.items())
            self.spark.sql(
                f"CREATE TABLE IF NOT EXISTS {self.name} ({row_ddl()}) USING iceberg "
                f"PARTITIONED BY (days(`order`.order_time)) TBLPROPERTIES ({properties})"
            )
            iceberg = self._jvm.org.apache.iceberg
            time = iceberg.expressions.Expressions.ref("order.order_time")
            self._table().replaceSortOrder().asc(time, iceberg.NullOrder.NULLS_FIRST).commit()
        wanted = self.spark.createDataFrame([], row_ddl())._jdf.schema()  # noqa: SLF001
        schema = self._jvm.org.apache.iceberg.spark.SparkSchemaUtil.convert(wanted)
        change = self._table().updateSchema().unionByNameWith(schema)
        if not change.apply().sameSchema(self._table().schema()):
            change.commit()

    def require_reachable(self) -> None:
        """Fail at once where HDFS is down: Iceberg asks for the table's description for a minute and a half."""
        self._file_system().exists(self._path(self.uri))

    def exists(self) -> bool:
        """Whether the catalog has the table."""
        return bool(self.spark.catalog.tableExists(self.name))

    def uuid(self) -> str:
        """What tells this table from every other."""
        return str(self._table().uuid())

    def head(self, branch: str = MAIN) -> int | None:
        """The snapshot that a branch is at; None where there is no such branch."""
        reference = self._table().refs().get(branch)
        return int(reference.snapshotId()) if reference else None

    def summary(self, snapshot: int) -> dict[str, str]:
        """What Iceberg and the run said of a snapshot."""
        return dict(self._table().snapshot(snapshot).summary())

    def added_bytes(self, snapshot: int) -> int:
        """Size of the files that a snapshot added."""
        return int(self.summary(snapshot).get("added-files-size", 0))

    def start_branch(self, branch: str) -> None:
        """Make a branch of `main` as it is."""
        head = self.head()
        branches = self._table().manageSnapshots()
        (branches.createBranch(branch) if head is None else branches.createBranch(branch, head)).commit()

    def drop_branches(self, prefix: str) -> None:
        """Drop the branches of a run; nothing happens where there is none. No file is removed by that."""
        table = self._table()
        for branch in [name for name in table.refs() if name.startswith(prefix)]:
            table.manageSnapshots().removeBranch(branch).commit()

    def append(self, rows: "DataFrame", branch: str) -> int:
        """Append rows to a branch in one commit, in the order in which they come; returns its snapshot."""
        return self._committed(partial(self._append, rows, branch), branch)

    def append_files(self, files: "Iterable[DayFile]", branch: str) -> int:
        """Append the rows of files to a branch in one commit; returns its snapshot."""
        return self._committed(partial(self._append_files, files, branch), branch)

    def files_of_run(self, run_id: str, branch: str, options: Mapping[str, str]) -> "FilesOfRun":
        """Where and how workers write files for `append_files`."""
        from ecommerce.archive.arrow_rows import archived_schema
        from ecommerce.archive.day_files import FilesOfRun, identified

        table = self._table()
        told = json.loads(self._jvm.org.apache.iceberg.SchemaParser.toJson(table.schema()))
        folder = table.locationProvider().newDataLocation("").rstrip("/")
        partition = table.spec().fields()[0].name()
        return FilesOfRun(folder, partition, identified(archived_schema(), told), run_id, branch, options)

    def _committed(self, commit: Callable[[], None], branch: str) -> int:
        """The snapshot that a commit appended to a branch."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            commit()
        except (PySparkException, Py4JError):
            # The reply of a commit may be lost although it was done: then the branch has the rows.
            if self.appended(branch) is None:
                raise
        if (snapshot := self.appended(branch)) is None:
            raise ArchiveError(f"the branch {branch} has none of the rows that were appended to it")
        return snapshot

    def _append(self, rows: "DataFrame", branch: str) -> None:
        # Not by the option `branch`, which Iceberg 1.12 ignores without a word: the rows would be in `main`.
        writer = rows.writeTo(f"{self.name}.`branch_{branch}`").option(f"snapshot-property.{RUN_PROPERTY}", branch)
        writer.option("use-table-distribution-and-ordering", "false").option("fanout-enabled", "true").append()

    def _append_files(self, files: "Iterable[DayFile]", branch: str) -> None:
        table, iceberg = self._table(), self._jvm.org.apache.iceberg
        metrics = iceberg.MetricsConfig.forTable(table)

        def described(file: "DayFile") -> Any:
            # From the file itself, as Iceberg's readers see it: one that they cannot read is not committed.
            found = iceberg.parquet.ParquetUtil.fileMetrics(table.io().newInputFile(file.location), metrics)
            made = iceberg.DataFiles.builder(table.spec()).withPath(file.location).withFileSizeInBytes(file.size)
            return made.withFormat("parquet").withPartitionPath(file.partition).withMetrics(found).build()

        append = table.newAppend().toBranch(branch).set(RUN_PROPERTY, branch)
        with ThreadPoolExecutor(FOOTERS_TOGETHER, "footers") as threads:
            for one in threads.map(described, files):
                append.appendFile(one)
        append.commit()

    def appended(self, branch: str) -> int | None:
        """The snapshot in which rows were appended to a branch; None where that is not so."""
        head = self.head(branch)
        return head if head is not None and self.summary(head).get(RUN_PROPERTY) == branch else None

    def rows_of(self, snapshot: int, days: Sequence[date] | None = None) -> "DataFrame":
        """The rows that a snapshot appended, of some days or all, with their day."""
        reader = self.spark.read.format("iceberg").option("end-snapshot-id", str(snapshot))
        parent = self._table().snapshot(snapshot).parentId()
        rows = (reader.option("start-snapshot-id", str(parent)) if parent is not None else reader).load(self.name)
        return with_day(in_shape(of_days(rows, min(days), max(days)) if days else rows))

    def rows_at(self, snapshot: int) -> "DataFrame":
        """All rows at a snapshot, with their day."""
        return with_day(in_shape(self.spark.read.option("versionAsOf", str(snapshot)).table(self.name)))

    def delete(self, branch: str, run_id: str, orders: Sequence[tuple[int, datetime]], days: Sequence[date]) -> None:
        """Delete rows of a run, given by order and version, from a branch; they lie on these days."""
        gone = self.spark.createDataFrame([*orders], "order_id bigint, version timestamp")
        keys = gone.selectExpr("concat(order_id, '/', unix_millis(version)) AS key")
        version = "concat(`order`.order_id, '/', unix_millis(updated_at))"
        self._delete_in(branch, version, keys, days, f"{RUN_COLUMN} = '{run_id}'")

    def delete_orders(self, branch: str, ids: "DataFrame", days: Sequence[date]) -> None:
        """Delete the rows of orders, whose ids are the column of `ids`, from a branch; they lie on these days."""
        self._delete_in(branch, "`order`.order_id", ids, days)

    def delete_where(self, branch: str, condition: str) -> None:
        """Delete the rows of a branch for which a condition in SQL holds."""
        self.spark.sql(f"DELETE FROM {self.name}.`branch_{branch}` WHERE {condition}")  # noqa: S608 - ours

    def _delete_in(self, branch: str, value: str, among: "DataFrame", days: Sequence[date], *conditions: str) -> None:
        """Delete rows of these days whose value is in the one column of `among`."""
        among.createOrReplaceTempView("gone")
        rows = (
            *conditions,
            f"`order`.order_time >= timestamp'{min(days)}'",
            f"`order`.order_time < timestampadd(DAY, 1, timestamp'{max(days)}')",
            f"{value} IN (SELECT * FROM gone)",  # noqa: S608 - ours
        )
        self.delete_where(branch, " AND ".join(rows))
        self.spark.catalog.dropTempView("gone")

    def has_snapshot_before(self, time: datetime) -> bool:
        """Whether there is a snapshot older than that which no branch is at."""
        table = self._table()
        heads = {reference.snapshotId() for reference in table.refs().values()}
        return any(
            one.timestampMillis() < time.timestamp() * 1000 and one.snapshotId() not in heads
            for one in table.snapshots()
        )

    def in_main(self, snapshot: int) -> bool:
        """Whether `main` is at a snapshot, or was made from it."""
        main = self.head()
        return main is not None and self.holds(main, snapshot)

    def is_ahead(self, snapshot: int) -> bool:
        """Whether a snapshot was made from `main` as it is, so that `main` can move to it."""
        main = self.head()
        return main is None or self.holds(snapshot, main)

    def holds(self, snapshot: int, ancestor: int) -> bool:
        """Whether a snapshot was made from another, or is that one."""
        return bool(self._jvm.org.apache.iceberg.util.SnapshotUtil.isAncestorOf(self._table(), snapshot, ancestor))

    def publish(self, branch: str) -> None:
        """Move `main` to a branch in one commit. Fails where `main` is not an ancestor of it."""
        self._table().manageSnapshots().fastForwardBranch(MAIN, branch).commit()

    def leave_out_removed_files(self) -> None:
        """Write the manifests of `main` anew where they tell of files that were removed.

        Iceberg keeps such an entry, with the lowest and highest values of the file, as long as the manifest has others.
        Its own procedure does nothing where there is one manifest.
        """
        table = self._table()
        snapshot = table.currentSnapshot()
        if snapshot and any(one.hasDeletedFiles() for one in snapshot.allManifests(table.io())):
            together = self._jvm.com.google.common.base.Functions.constant("")
            table.rewriteManifests().clusterBy(together).commit()

    def remove_all_but_main(self) -> int:
        """Remove every snapshot but that of `main`, and every file that it does not refer to; returns how many went.

        Nobody may be writing: Iceberg's procedure spares files of the last day, this does not.
        """
        now = datetime.now(UTC) + timedelta(seconds=1)
        expired = self.procedure("expire_snapshots", older_than=now, retain_last=1)
        removed = sum(int(count or 0) for row in expired for count in row)
        actions = self._jvm.org.apache.iceberg.spark.actions.SparkActions.get(self.spark._jsparkSession)  # noqa: SLF001
        orphans = actions.deleteOrphanFiles(self._table()).olderThan(int(now.timestamp() * 1000)).execute()
        return removed + sum(1 for _ in orphans.orphanFileLocations())

    def remove_run_directories(self, run_ids: Iterable[str]) -> int:
        """Remove what these runs of version 0.1.0 wrote, published or not; returns how many directories.

        Those of other runs are another database's, which may not be upgraded yet.
        """
        files = self._file_system()
        places = (f"{self.uri}/{place}{run_id}" for run_id in run_ids for place in ("orders/run=", "_staging/"))
        return sum(bool(files.delete(self._path(place), True)) for place in places)

    def size_bytes(self) -> int:
        """Size of the files of `main`."""
        head = self.head()
        return int(self.summary(head).get("total-files-size", 0)) if head else 0

    def metadata_location(self) -> str:
        """The file that the catalog points to."""
        return str(self._table().operations().current().metadataFileLocation())

    def procedure(self, name: str, **arguments: Any) -> list[Any]:
        """Call a procedure of Iceberg on the table; returns the rows that it answers."""
        given = ", ".join(f"{key} => {_literal(value)}" for key, value in arguments.items())
        table = f'table => "{self.name.removeprefix(CATALOG + ".")}"'
        return self.spark.sql(f"CALL {CATALOG}.system.{name}({table}{', ' if given else ''}{given})").collect()

    def _path(self, uri: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(uri)

    def _file_system(self) -> Any:
        configuration = self.spark._jsparkSession.sessionState().newHadoopConf()  # noqa: SLF001
        return self._path(self.uri).getFileSystem(configuration)

    @property
    def _jvm(self) -> Any:
        return self.spark.sparkContext._jvm  # noqa: SLF001 - PySpark's own way to Iceberg's classes

    def _table(self) -> Any:
        """The table as the catalog has it now."""
        session = self.spark._jsparkSession  # noqa: SLF001
        return self._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(session, self.name)


def _literal(value: Any) -> str:
    if isinstance(value, datetime):
        return f"timestamp'{value:%Y-%m-%d %H:%M:%S}'"
    if isinstance(value, dict):
        return "map(" + ", ".join(f"{_literal(key)}, {_literal(item)}" for key, item in value.items()) + ")"
    return str(value) if isinstance(value, int) else f'"{value}"'
