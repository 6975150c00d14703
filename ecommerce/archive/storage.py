"""Directories of the archive, on HDFS or any file system that Hadoop knows, by Hadoop's own API in Spark's JVM.

<archive>/_staging/<run>/attempt-<n>/order_date=…/   being written
<archive>/orders/run=<run>/order_date=…/             published
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecommerce.archive_location import local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STAGING = "_staging"
PUBLISHED = "orders"


class Storage:
    """The archive's directories under one URI. Errors are Py4J's, to be explained by whoever knows the run's state."""

    def __init__(self, spark: "SparkSession", uri: str) -> None:
        self.uri = uri.rstrip("/")
        self._jvm: Any = spark.sparkContext._jvm  # noqa: SLF001 - PySpark's own way to Hadoop's classes
        self._gateway: Any = spark.sparkContext._gateway  # noqa: SLF001
        self._configuration: Any = spark.sparkContext._jsc.hadoopConfiguration()  # noqa: SLF001

    def staging(self, run_id: str = "", attempt: int | None = None) -> str:
        """Where a run (or one attempt of it) is written."""
        parts = [self.uri, STAGING, run_id, f"attempt-{attempt}" if attempt is not None else ""]
        return "/".join(part for part in parts if part)

    def published(self, run_id: str = "") -> str:
        """Where a run is once it is published."""
        return f"{self.uri}/{PUBLISHED}/run={run_id}" if run_id else f"{self.uri}/{PUBLISHED}"

    def exists(self, uri: str) -> bool:
        """Whether there is a file or directory."""
        path = self._path(uri)
        return bool(self._system(path).exists(path))

    def names(self, uri: str) -> list[str]:
        """Names in a directory; none where it does not exist."""
        path = self._path(uri)
        system = self._system(path)
        return sorted(entry.getPath().getName() for entry in system.listStatus(path)) if system.exists(path) else []

    def files(self, uri: str) -> dict[str, int]:
        """Name and bytes of the files in a directory."""
        path = self._path(uri)
        return {entry.getPath().getName(): int(entry.getLen()) for entry in self._system(path).listStatus(path)}

    def size_bytes(self, uri: str) -> int:
        """Bytes of the files under a directory, replicas not counted."""
        path = self._path(uri)
        return int(self._system(path).getContentSummary(path).getLength())

    def move_directory(self, source: str, target: str) -> None:
        """Rename a directory, atomically; fails where the target exists (HDFS's plain rename would move into it)."""
        target_path = self._path(target)
        self._system(target_path).mkdirs(target_path.getParent())
        context = self._jvm.org.apache.hadoop.fs.FileContext.getFileContext(target_path.toUri(), self._configuration)
        options = self._gateway.new_array(getattr(self._jvm.org.apache.hadoop.fs, "Options$Rename"), 0)
        context.rename(self._path(source), target_path, options)

    def make_empty_file(self, uri: str) -> None:
        """Create an empty file, and the directories above it; nothing happens where it exists."""
        path = self._path(uri)
        system = self._system(path)
        system.mkdirs(path.getParent())
        system.createNewFile(path)

    def remove(self, uri: str) -> None:
        """Delete a directory and all under it; nothing happens where it does not exist."""
        path = self._path(uri)
        self._system(path).delete(path, True)

    def make_durable(self, uri: str) -> None:
        """Flush a local directory's files to the disk. HDFS does that on its DataNodes (dfs.datanode.synconclose)."""
        local = local_path(uri)
        if local is None:
            return
        for path in (*_files_under(local), local.parent):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _path(self, uri: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(uri)

    def _system(self, path: Any) -> Any:
        return path.getFileSystem(self._configuration)


def _files_under(directory: Path) -> Iterator[Path]:
    for folder, _, files in os.walk(directory):
        yield from (Path(folder) / name for name in files)
        yield Path(folder)
