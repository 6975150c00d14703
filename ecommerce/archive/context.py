"""What the steps of a run work with, and how an archiver gets it: the lease, Spark and the archive's table."""

import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.identity import require_upgraded, take_table
from ecommerce.archive.lease import Lease, archive_lease
from ecommerce.archive.run import PLANNED, Run
from ecommerce.archive.runs import prepare_archive
from ecommerce.archive.spark import spark_session
from ecommerce.archive.table import ArchiveTable
from ecommerce.gate import FORMAT, require_known_format
from ecommerce.mongo import MongoDatabase, get_database, is_replica_set
from ecommerce.progress import Progress, silent
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class ArchiveContext(Struct, eq=False):
    """What the steps work with. Not a dataclass: Prefect would walk through its fields."""

    settings: Settings
    database: MongoDatabase
    spark: "SparkSession"
    table: ArchiveTable
    lease: Lease
    progress: Progress = silent


Step = Callable[[ArchiveContext, Run], Run]


@contextmanager
def archive_context(settings: Settings, progress: Progress = silent) -> Iterator[ArchiveContext]:
    """The lease, Spark and the archive's table, for as long as one archiver works.

    Raises ArchiveBusyError where another one does, ArchiveError where the database's orders are in another table.
    """
    database = get_database(settings)
    require_known_format(database)
    require_transactions(database)
    require_upgraded(database)
    with archive_lease(database) as lease, spark_session(settings) as spark:
        prepare_archive(database)
        table = ArchiveTable(spark, settings)
        take_table(settings, database, table)
        yield ArchiveContext(settings, database, table.spark, table, lease, progress)


def require_transactions(database: MongoDatabase) -> None:
    """Raise ArchiveError where the server has no transactions: without them an order could be lost or doubled."""
    if not is_replica_set(database):
        raise ArchiveError(
            "this MongoDB is no replica set, so it has no transactions, and nothing can be moved safely: "
            "start it with --replSet (one node is enough)"
        )


def new_branch(work_id: str) -> str:
    """A name for a branch of a run or an edit; each time that its rows are written it is another one."""
    return f"{work_id}-{secrets.token_hex(3)}"


def planned_run(context: ArchiveContext, kind: str) -> Run:
    """A run in its first state, not recorded yet: of whatever there is by now."""
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"  # ids sort by time
    return Run(
        run_id, kind, PLANNED, cutoff=now, statuses=None, archive_uri=context.table.uri, format=FORMAT, started_at=now
    )
