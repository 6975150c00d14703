"""Records of edits of the table, in `table_edits`: what each adds to the sums of the days that the runs recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import bson
from bson import Int64
from pymongo import ASCENDING

from ecommerce.archive.run import Day, day_of_record, to_value
from ecommerce.bson_reading.batches import raw_batches
from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.mongo import MongoDatabase

TABLE_EDITS = "table_edits"

WRITTEN, PUBLISHED = "written", "published"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of the table."""

    edit_id: str
    state: str
    branch: str = ""
    """Empty where there was nothing to edit."""
    snapshot: int = 0
    """What the branch is at."""
    per_day: tuple[Day, ...] = ()
    """What the edit adds to each day's sums; hashes by exclusive or."""
    merged_days: tuple[date, ...] = ()
    """Days whose files were merged since (`scattered`)."""


def get_edit(database: MongoDatabase, edit_id: str) -> Edit | None:
    """An edit by its id; None where it was not written yet."""
    found = database[TABLE_EDITS].find_one({"_id": edit_id})
    return _from_document(found) if found else None


def edits_of_the_table(database: MongoDatabase, moment: Mapping[str, Any] | None = None) -> list[Edit]:
    """All edits; as of a moment, given as a read concern."""
    found = raw_batches(database, {}, collection=TABLE_EDITS, read_concern=moment, sort={"_id": ASCENDING})
    return [_from_document(bson.decode(record, CODEC_OPTIONS)) for batch in found for record in batch]


def record_edit(database: MongoDatabase, edit: Edit) -> Edit:
    """Write an edit down as it is now."""
    values = {
        "state": edit.state,
        "branch": edit.branch,
        "snapshot": Int64(edit.snapshot),
        "per_day": to_value(edit.per_day),
        "at": datetime.now(UTC),
    }
    database[TABLE_EDITS].update_one({"_id": edit.edit_id}, {"$set": values}, upsert=True)
    return edit


def _from_document(record: Mapping[str, Any]) -> Edit:
    days = tuple(day_of_record(one) for one in record["per_day"])
    merged = tuple(one.date() for one in record.get("merged_days", ()))
    return Edit(record["_id"], record["state"], record["branch"], int(record["snapshot"]), days, merged)
