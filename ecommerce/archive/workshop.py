"""What the steps of a run work with, and how an archiver gets it: the lease, Spark and the archive's directories."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.identity import mark_archive
from ecommerce.archive.lease import Lease, archive_lease
from ecommerce.archive.runs import Run, prepare_archive, unfinished_run
from ecommerce.archive.spark import spark_session
from ecommerce.archive.storage import Storage
from ecommerce.archive_location import archive_uri
from ecommerce.gate import require_known_format
from ecommerce.mongo import MongoDatabase, get_database, is_replica_set
from ecommerce.progress import Progress, silent
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Workshop:
    """What the steps work with. Not a dataclass: Prefect would walk through its fields."""

    def __init__(
        self,
        settings: Settings,
        database: MongoDatabase,
        spark: "SparkSession",
        storage: Storage,
        lease: Lease,
        progress: Progress = silent,
    ) -> None:
        self.settings = settings
        self.database = database
        self.spark = spark
        self.storage = storage
        self.lease = lease
        self.progress = progress


Step = Callable[[Workshop, Run], Run]


@contextmanager
def archive_workshop(settings: Settings, progress: Progress = silent) -> Iterator[Workshop]:
    """The lease, Spark and the archive's storage, for as long as one archiver works.

    Raises ArchiveBusyError where another one does.
    """
    database = get_database(settings)
    require_known_format(database)
    require_transactions(database)
    with archive_lease(database) as lease, spark_session(settings) as spark:
        prepare_archive(database)
        storage = Storage(spark, archive_uri(settings))
        with failures_explained("looking at the archive", "Nothing was deleted from MongoDB; run it again to go on."):
            mark_archive(settings, database, storage)
        yield Workshop(settings, database, spark, storage, lease, progress)


def require_transactions(database: MongoDatabase) -> None:
    """Raise ArchiveError where the server has no transactions: without them an order could be lost or doubled."""
    if not is_replica_set(database):
        raise ArchiveError(
            "this MongoDB is no replica set, so it has no transactions, and nothing can be moved safely: "
            "start it with --replSet (one node is enough)"
        )


def pending_run(workshop: Workshop) -> Run | None:
    """The run to be finished before a new one begins. Raises ArchiveError where it belongs to another archive."""
    run = unfinished_run(workshop.database)
    if run and run.archive_uri != workshop.storage.uri:
        raise ArchiveError(
            f"run {run.run_id} is {run.state} in {run.archive_uri}, but the archive is now {workshop.storage.uri}: "
            "set ECOMMERCE_ARCHIVE_URI back until that run is finished"
        )
    return run


def new_run_id() -> str:
    """Ids sort by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
