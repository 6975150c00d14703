"""The records of the import: `imports`, one for each import of a file, and `rejected_rows`, every row refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from bson import Binary, ObjectId
from msgspec.structs import replace
from pymongo import IndexModel, ReplaceOne

from ecommerce.importing.loading.report import FileReport
from ecommerce.importing.mentions import mentions
from ecommerce.importing.reasons import Rejection
from ecommerce.importing.shape import IN_RECORDS, Shape
from ecommerce.ingest.forgotten import People, forgotten_people
from ecommerce.mongo import IMPORTS, REJECTED_ROWS, Document, MongoDatabase

FORGOTTEN_ROW = "the row is of a person who was forgotten: its text is not kept"


@dataclass
class FileLedger:
    """The record of one file: opened before its first row, closed after its last."""

    database: MongoDatabase
    path: Path
    digest: str
    shape: Shape | None
    flow_run: str | None = None
    """Id of the Prefect run that imports it."""
    import_id: ObjectId = field(default_factory=ObjectId)
    rejected_before: bool = False
    forgotten_rows: int = 0
    """Rejected rows whose text was not kept."""
    _rejected_ids: set[str] = field(default_factory=set)

    def open(self) -> None:
        """Write down that the import has begun. An earlier one of this file that never ended was interrupted."""
        imports = self.database[IMPORTS]
        imports.update_many(
            {"file": str(self.path), "digest": self.digest, "state": "running"}, {"$set": {"state": "interrupted"}}
        )
        self.rejected_before = self.database[REJECTED_ROWS].find_one({"digest": self.digest}) is not None
        imports.replace_one(
            {"_id": self.import_id},
            {
                "file": str(self.path),
                "digest": self.digest,
                "rows_are": self.shape.rows if self.shape else "",
                "layout": self.shape.layout if self.shape else "",
                "mapping": self.shape.mapping if self.shape else None,
                "state": "running",
                "flow_run": self.flow_run,
                "started_at": datetime.now(UTC),
            },
            upsert=True,
        )

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Keep rejected rows. They are known by file and line: the same row is kept once, however often it comes."""
        if not rejections:
            return
        documents = [self._rejected(self._without_people(rejection)) for rejection in rejections]
        if self.rejected_before:
            self._rejected_ids.update(document["_id"] for document in documents)
        self.database[REJECTED_ROWS].bulk_write(
            [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in documents], ordered=False
        )

    @cached_property
    def _people(self) -> People | None:
        return forgotten_people(self.database)

    def _without_people(self, rejection: Rejection) -> Rejection:
        if not (self._people and self.shape and mentions(rejection.raw, self.shape, self._people)):
            return rejection
        self.forgotten_rows += 1
        return replace(rejection, reason=FORGOTTEN_ROW, raw=b"", raw_complete=False)

    def _rejected(self, rejection: Rejection) -> Document:
        return {
            "_id": f"{self.digest}:{rejection.line}:{rejection.part}",
            "file": str(self.path),
            "digest": self.digest,
            "line": rejection.line,
            "code": rejection.code,
            "reason": rejection.reason,
            "raw": _text_or_binary(rejection.raw),
            "raw_complete": rejection.raw_complete,
            "rows": rejection.rows,
            "rows_are": self.shape.rows if self.shape else "",
            "layout": self.shape.layout if self.shape else "",
            "columns": list(self.shape.columns) if self.shape else [],
            "delimiter": self.shape.delimiter if self.shape else ",",
            "quotes": self.shape.quotes if self.shape else IN_RECORDS,
            "readings": _readings(self.shape),
            "mapping": self.shape.mapping if self.shape else None,
        }

    def close(self, report: FileReport) -> None:
        """Write down what became of the file. Rows that are accepted now leave `rejected_rows`."""
        if self.rejected_before and report.error is None:
            gone: list[str] = []
            for found in self.database[REJECTED_ROWS].find({"digest": self.digest}, {"_id": 1}):
                if found["_id"] not in self._rejected_ids:
                    gone.append(found["_id"])
                if len(gone) == 1000:
                    self.database[REJECTED_ROWS].delete_many({"_id": {"$in": gone}})
                    gone.clear()
            self.database[REJECTED_ROWS].delete_many({"_id": {"$in": gone}})
        counts: dict[str, Any] = {
            "state": "failed" if report.error else "done",
            "finished_at": datetime.now(UTC),
            "lines": report.lines,
            "read": report.read,
            "accepted": report.accepted,
            "unchanged": report.unchanged,
            "changed": report.changed,
            "rejected": report.rejected,
            "reasons": dict(report.reasons),
            # The texts come from a file: as values, where any text may stand.
            "unknown_statuses": [{"status": text, "rows": rows} for text, rows in report.unknown_statuses.items()],
            "currencies": dict(report.currencies),
            "error": report.error,
            "empty": report.is_empty,
            "readings": _readings(self.shape),
        }
        self.database[IMPORTS].update_one({"_id": self.import_id}, {"$set": counts})


def _readings(shape: Shape | None) -> list[dict[str, str]]:
    return [reading._asdict() for reading in shape.readings] if shape else []


def note_place(database: MongoDatabase, report: FileReport, place: Path) -> None:
    """Write down where a file was put after its last import."""
    last = [("started_at", -1)]
    database[IMPORTS].find_one_and_update({"file": str(report.path)}, {"$set": {"moved_to": str(place)}}, sort=last)


def _text_or_binary(raw: bytes) -> str | Binary:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return Binary(raw)


def prepare_ledger(database: MongoDatabase) -> None:
    """The indexes of `imports` and `rejected_rows`."""
    database[IMPORTS].create_indexes([IndexModel([("digest", 1)]), IndexModel([("started_at", -1)])])
    database[REJECTED_ROWS].create_indexes([IndexModel([("digest", 1), ("line", 1)])])
