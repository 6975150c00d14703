"""The document of one archived order, from the table's files of its day, without a JVM."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import bson

from ecommerce.archive.days import damaged_days, require_sound
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.files import verify_pages
from ecommerce.archive.rows import HASH_COLUMN, RUN_COLUMN
from ecommerce.archive.view import ArchiveView, open_view
from ecommerce.documents.bson_codec import CODEC_OPTIONS, decode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.mongo import ARCHIVED_CHANGES, Document, MongoDatabase
from ecommerce.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa


def archived_document(database: MongoDatabase, settings: Settings, archived: Mapping[str, Any]) -> Document:
    """The document of an order by its entry in `archived_orders`: its latest version, also one that waits for a run.

    Raises ArchiveError where it cannot be read, or is not what was archived.
    """
    order_id, day = int(archived["_id"]), archived["order_date"].date()
    waiting = database[ARCHIVED_CHANGES].find_one({"order_id": order_id}, {"document": 1}, sort=[("number", -1)])
    if waiting:
        return dict(waiting["document"])
    with failures_explained(f"reading order {order_id}", "The archive was only read; run it again."):
        view = open_view(settings)
        rows = _rows(view, order_id, day, str(archived["run_id"]))
        if rows is None or len(rows) != 1:
            require_sound(damaged_days(view, day, day))
            raise ArchiveError(
                f"{day} of the archive does not have order {order_id}, though its files are as they were written: "
                "`ecommerce check` says more"
            )
        from ecommerce.archive.encoded_orders import documents_of

        document = documents_of(rows)[0]
        if content_hash(decode_order(document)) != rows[HASH_COLUMN][0].as_py():
            raise ArchiveError(
                f"order {order_id} has another content in the archive than was written: `ecommerce check` names its "
                "day, the run, and what to put back (docs/backup.md)"
            )
    return bson.decode(document, CODEC_OPTIONS)


def _rows(view: ArchiveView, order_id: int, day: date, run_id: str) -> "pa.Table | None":
    """Its row; of an open run that has purged it, from the run's branch."""
    is_open = view.open_run is not None and view.open_run.run_id == run_id
    snapshot = view.branch if is_open else view.main
    if view.table is None or snapshot is None:
        return None
    verify_pages()
    tasks = view.files(day, day, of_open_run=is_open)
    if not tasks:
        return None
    of_run = f" and {RUN_COLUMN} = '{run_id}'" if is_open else ""
    from pyiceberg.expressions import parser
    from pyiceberg.io.pyarrow import ArrowScan

    table, condition = view.table, parser.parse(f"order.order_id = {order_id}{of_run}")
    try:
        return ArrowScan(table.metadata, table.io, table.schema(), condition).to_table(tasks[day])
    except Exception:
        # What is lost, of which run, and what to put back; where no file is to blame, what went wrong.
        require_sound(damaged_days(view, day, day))
        raise
