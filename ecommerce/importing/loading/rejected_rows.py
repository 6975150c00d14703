"""What lies in `rejected_rows`: how many rows of which files for which reasons, and the rows themselves."""

import csv
import re
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from ecommerce.errors import InputError
from ecommerce.importing.formats.json_values import JSON_VALUES
from ecommerce.importing.shape import IN_RECORDS, LINES, Reading, Shape
from ecommerce.mongo import IMPORTS, REJECTED_ROWS, Document, MongoDatabase


class RejectedCount(NamedTuple):
    """How many rows of a file wait for one reason."""

    file: str
    code: str
    rows: int


def rejected_filter(files: Sequence[str | Path], code: str | None = None) -> dict[str, Any]:
    """Which rows are wanted: of files of these names, wherever they lay (the inbox moves them), and with a code."""
    names = [re.compile(f"(^|/){re.escape(Path(file).name)}$") for file in files]
    return ({"file": {"$in": names}} if files else {}) | ({"code": code} if code else {})


def of_earlier_files(database: MongoDatabase, wanted: dict[str, Any]) -> dict[str, Any]:
    """Those of the wanted rows whose file was replaced since: one of its name was imported, with another content."""
    contents: dict[str, set[str]] = {}
    pairs = [{"$match": wanted}, {"$group": {"_id": {"file": "$file", "digest": "$digest"}}}]
    for pair in database[REJECTED_ROWS].aggregate(pairs):
        contents.setdefault(pair["_id"]["file"], set()).add(pair["_id"]["digest"])
    earlier: list[str] = []
    for file, digests in contents.items():
        last = database[IMPORTS].find_one({"file": file, "state": "done"}, {"digest": 1}, sort=[("started_at", -1)])
        earlier += digests - {last["digest"]} if last else ()
    return {"$and": [wanted, {"digest": {"$in": earlier}}]}


def count_of_earlier_files(database: MongoDatabase, file: Path, digest: str) -> int:
    """How many rejected rows there are of other files that were imported under this name."""
    others = {record["digest"] for record in database[IMPORTS].find({"file": str(file)}, {"digest": 1})} - {digest}
    of_others = {"file": str(file), "digest": {"$in": [*others]}}
    return database[REJECTED_ROWS].count_documents(of_others) if others else 0


def dismiss(database: MongoDatabase, wanted: dict[str, Any], shown: Sequence[RejectedCount]) -> None:
    """Take these rows out of `rejected_rows` for good. Raises InputError where they are no longer those shown."""
    if count_rejected(database, wanted) != list(shown):
        raise InputError("the rejected rows have changed meanwhile, and none was taken out: look at them again")
    database[REJECTED_ROWS].delete_many(wanted)


def count_rejected(database: MongoDatabase, wanted: dict[str, Any]) -> list[RejectedCount]:
    """Rows by file and reason, the most of a file first."""
    groups = database[REJECTED_ROWS].aggregate(
        [
            {"$match": wanted},
            {"$group": {"_id": {"file": "$file", "code": "$code"}, "rows": {"$sum": {"$ifNull": ["$rows", 1]}}}},
            {"$sort": {"_id.file": 1, "rows": -1, "_id.code": 1}},
        ]
    )
    return [RejectedCount(group["_id"]["file"], group["_id"]["code"], group["rows"]) for group in groups]


def find_rejected(database: MongoDatabase, wanted: dict[str, Any], limit: int = 0) -> Iterator[Document]:
    """The rows, in the order of their files and lines; all of them where `limit` is 0."""
    return iter(database[REJECTED_ROWS].find(wanted, sort=[("digest", 1), ("line", 1)], limit=limit))


def raw_of(row: Document) -> bytes:
    """A row as its file had it, lines of an order included."""
    raw = row["raw"]
    return raw.encode() if isinstance(raw, str) else bytes(raw)


def text_of(row: Document) -> str:
    """The same as text; bytes that are no UTF-8 are shown escaped."""
    return raw_of(row).decode("utf-8", "backslashreplace")


def shape_of_row(row: Document) -> Shape:
    """The shape of the file that a rejected row is of."""
    layout = JSON_VALUES.layout if row["rows_are"] == LINES else row["layout"]
    return Shape(
        row["rows_are"],
        layout,
        tuple(row["columns"]),
        row["delimiter"],
        row["mapping"],
        quotes=row.get("quotes", IN_RECORDS),  # rows that version 0.1.0 kept have neither
        readings=tuple(Reading(**reading) for reading in row.get("readings", ())),
    )


def as_file(rows: Iterator[Document]) -> Iterator[str]:
    """The text of rows of one kind of file as such a file: lines, and the header of CSV before them.

    Raises InputError where rows of another kind follow, or a row's text was not kept whole.
    """
    columns: tuple[str, ...] | None = None
    for row in rows:
        shape = shape_of_row(row)
        if columns is None:
            columns = shape.columns
            if columns and not text_of(row).startswith("{"):
                header = StringIO()
                csv.writer(header, delimiter=shape.delimiter, lineterminator="\n").writerow(columns)
                yield header.getvalue().rstrip("\n")
        if shape.columns != columns:
            raise InputError("these rows are of files with different columns: name one file")
        if not row["raw_complete"]:
            raise InputError(
                f"{row['file']} line {row['line']}: not all of the row's text was kept, so it can only be corrected in "
                "its file: name another file or --code"
            )
        yield text_of(row)
