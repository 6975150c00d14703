"""The steps of a request, one per state. Each may be killed at any moment and run again."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from bson import Int64
from pymongo import UpdateOne

from ecommerce.archive.context import ArchiveContext
from ecommerce.archive.durable import make_durable
from ecommerce.archive.edits import edit_rows
from ecommerce.archive.encoded_orders import documents_of
from ecommerce.archive.errors import failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.restore import ORDERS_RESTORED
from ecommerce.archive.rows import HASH_COLUMN
from ecommerce.archive.runs import runs_of_0_1_0
from ecommerce.archive.view import open_view
from ecommerce.documents.anonymous import anonymous_update
from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.content_hash import content_hash_sql
from ecommerce.forget.person import USERS, of_person, versions_of
from ecommerce.forget.records import (
    COMMITTED,
    CONFIRMED,
    ERASED,
    REPLACED,
    REWRITTEN,
    ForgetRun,
    drop_requests,
    move_request,
)
from ecommerce.forget.texts import Looked, blacken_logs, empty_rejected_rows, rejected_rows_of
from ecommerce.importing.people_in_files import files_that_mention, forget_in_file
from ecommerce.ingest.archived_changes import entry_content
from ecommerce.ingest.forgotten import ANONYMOUS_USER, LOCATION, remember_forgotten
from ecommerce.ingest.past_versions import PAST_VERSIONS
from ecommerce.mongo import ARCHIVED_CHANGES, ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

WRITTEN_AT_ONCE = 1_000

_GOES_ON = "What is done stays done; run it again to go on."


class Place:
    """Where a request works. `context` is None where nothing was ever archived."""

    def __init__(self, settings: Settings, database: MongoDatabase, context: ArchiveContext | None) -> None:
        self.settings, self.database, self.context = settings, database, context


def confirm(database: MongoDatabase, run: ForgetRun) -> ForgetRun:
    """asked → confirmed: from now on the person is anonymous wherever they come from."""
    remember_forgotten(database, run.person.user_ids, run.person.emails)
    reached("forget:remembered")
    return move_request(database, run, CONFIRMED)


def replace_hot(place: Place, run: ForgetRun) -> ForgetRun:
    """confirmed → replaced: hot and restored orders become anonymous."""
    reached("forget:before-replace")
    done = _replace(place.database, run)
    reached("forget:replaced")
    return move_request(place.database, run, REPLACED, **done)


def _replace(database: MongoDatabase, run: ForgetRun) -> dict[str, int]:
    found, update = of_person(run.person), anonymous_update(run.number)
    # Documents that are no orders name people, too.
    hot = database[ORDERS].update_many(found, update, bypass_document_validation=True)
    restored = database[ORDERS_RESTORED].update_many(found, update)
    return {"hot_orders": hot.modified_count, "restored_orders": restored.modified_count}


def _delete_user(database: MongoDatabase, run: ForgetRun) -> int:
    """Delete the person's record: it told where orders go that do not say so, which was compared with archived ones."""
    return database[USERS].delete_many({"_id": {"$in": [*run.person.user_ids]}}).deleted_count


def rewrite_archived(place: Place, run: ForgetRun) -> ForgetRun:
    """replaced → rewritten: the rows of the table, what MongoDB knows of them, and the user's record."""
    archived = 0
    if place.context is not None:
        with failures_explained("rewriting archived orders", _GOES_ON):
            condition = f"`order`.user_id IN ({', '.join(map(str, run.person.user_ids))})"
            edit_rows(place.context, f"forget-{run.run_id}", condition, anonymous_rows(run.number))
            reached("forget:before-entries")
            updates = [*_entries(place.settings, run.number)]
            for at in range(0, len(updates), WRITTEN_AT_ONCE):
                place.database[ARCHIVED_ORDERS].bulk_write(updates[at : at + WRITTEN_AT_ONCE], ordered=False)
            archived = len(updates)
            _replace_waiting(place.database, run)
    reached("forget:rewritten")
    users = _delete_user(place.database, run)
    return move_request(place.database, run, REWRITTEN, archived_orders=archived, users=users)


def _replace_waiting(database: MongoDatabase, run: ForgetRun) -> None:
    """Later versions of archived orders that wait for the next archive run: both versions in each become anonymous."""
    found = {"document.order.user_id": {"$in": [*run.person.user_ids]}}
    update = [*anonymous_update(run.number, "before."), *anonymous_update(run.number, "document.")]
    database[ARCHIVED_CHANGES].update_many(found, update)


def anonymous_rows(number: int) -> "Callable[[DataFrame], DataFrame]":
    """What `documents.anonymous` makes of orders, for rows of the table in Spark."""

    def change(rows: "DataFrame") -> "DataFrame":
        from pyspark.sql import functions as f

        nothing = f.lit(None).cast("string")
        order = f.col("order").withField("user_id", f.lit(number).cast("bigint")).withField("external_id", nothing)
        refunds = f.transform("refunds", lambda refund: refund.withField("reason", nothing))
        attributes = f.lit(None).cast(rows.schema["attributes"].dataType)
        changed = rows.withColumns({"order": order, "refunds": refunds, "attributes": attributes})
        return changed.withColumn(HASH_COLUMN, f.expr(content_hash_sql()))

    return change


def _entries(settings: Settings, number: int) -> Iterator[UpdateOne]:
    """What changes in the entries of the archived orders that have this user now."""
    view = open_view(settings)
    if view.table is None or view.main is None:
        return
    rows = view.table.scan(row_filter=f"order.user_id = {number}", snapshot_id=view.main).to_arrow()
    for document in documents_of(rows) if len(rows) else ():
        order = decode_order(document)
        person = {ANONYMOUS_USER: Int64(number), LOCATION: order.delivery.location}
        yield UpdateOne({"_id": order.order.order_id}, {"$set": entry_content(order) | person})


def erase(place: Place, run: ForgetRun) -> ForgetRun:
    """rewritten → erased: snapshots and files of the table, past versions, rejected rows, imported files, logs."""
    database, settings, looked = place.database, place.settings, Looked(run.person)
    done = {"archive_files": 0}
    if place.context is not None:
        reached("forget:before-erase")
        table = place.context.table
        with failures_explained("removing old files of the archive", _GOES_ON):
            table.leave_out_removed_files()
            make_durable(table.uri)
            reached("forget:manifests-written")
            done["archive_files"] = table.remove_all_but_main()
            # Only an upgrade that has ended lets anybody in here.
            done["run_directories"] = table.remove_run_directories(runs_of_0_1_0(database))
        reached("forget:erased-table")
    done["past_versions"] = sum(
        database[PAST_VERSIONS].delete_many(versions_of(order_id)).deleted_count
        for order_id in _order_ids(database, run.number)
    )
    done["rejected_rows"] = empty_rejected_rows(database, rejected_rows_of(database, run.person))
    reached("forget:erased-rows")
    files = [*files_that_mention(settings.inbox_directory, looked)]
    done["imported_files"] = sum(forget_in_file(path, looked, run.files) for path in files)
    done["logs"] = blacken_logs(settings.home_directory / "logs", run.person)
    reached("forget:erased-files")
    return move_request(database, run, ERASED, **done)


def _order_ids(database: MongoDatabase, number: int) -> Iterator[int]:
    for collection, field in ((ORDERS, "order.user_id"), (ARCHIVED_ORDERS, ANONYMOUS_USER)):
        yield from (int(one["_id"]) for one in database[collection].find({field: number}, {"_id": 1}))


def close(place: Place, run: ForgetRun) -> ForgetRun:
    """erased → committed: what an import brought that had begun before is replaced, and who it was is dropped."""
    _replace(place.database, run)
    _replace_waiting(place.database, run)
    _delete_user(place.database, run)
    drop_requests(place.database, run.person)
    reached("forget:before-close")
    return move_request(place.database, run, COMMITTED)


STEPS: Mapping[str, Callable[[Place, ForgetRun], ForgetRun]] = {
    CONFIRMED: replace_hot,
    REPLACED: rewrite_archived,
    REWRITTEN: erase,
    ERASED: close,
}
"""The step of each state; a request that is `asked` waits for a person."""
