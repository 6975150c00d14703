"""Rejected rows once more, after a fix: of the catalog, of a mapping, or of the text kept in `rejected_rows`."""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path

from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.json_values import JSON_VALUES
from ecommerce.importing.loading.acceptance import take_orders
from ecommerce.importing.loading.catalog_tables import CatalogBeside, write_records
from ecommerce.importing.loading.decode import Decoded, Decoder, Place
from ecommerce.importing.loading.rejected_rows import find_rejected, raw_of, rejected_filter, shape_of_row
from ecommerce.importing.loading.report import FileReport, ImportReport
from ecommerce.importing.loading.retries import with_patience
from ecommerce.importing.reasons import Rejection
from ecommerce.importing.shape import Shape, catalog_table
from ecommerce.mongo import REJECTED_ROWS, Document, MongoDatabase
from ecommerce.progress import Progress, silent

BATCH_ROWS = 500


def replay_rejected(
    database: MongoDatabase, paths: Sequence[str | Path] = (), *, progress: Progress = silent
) -> ImportReport:
    """Try the rejected rows again; with `paths`, those of these files (a name is enough). Can be stopped at any time.

    A row that is accepted now leaves `rejected_rows`; another one stays with its reason of today.
    """
    report = ImportReport()
    rows = find_rejected(database, rejected_filter(paths))
    for _, of_file in groupby(rows, key=lambda row: row["digest"]):
        file: FileReport | None = None
        while batch := list(islice(of_file, BATCH_ROWS)):
            if file is None:
                file = FileReport(Path(batch[0]["file"]), batch[0]["rows_are"])
                report.files.append(file)
            _replay(database, batch, file)
            progress(report.read, None, "rows")
    return report


def _replay(database: MongoDatabase, rows: Sequence[Document], report: FileReport) -> None:
    shape = shape_of_row(rows[0])
    catalog = CatalogBeside(database)
    decoder = Decoder(shape, catalog.ask)
    together = Decoded()
    chunk = Chunk(0)
    still: dict[int, Rejection] = {}
    for index, row in enumerate(rows):
        raw = raw_of(row)
        chunk.values.append((row["line"], raw))
        if not row["raw_complete"]:
            still[index] = Rejection(row["line"], row["code"], row["reason"], raw)
            continue
        decoded = decoder.decode(_chunk(shape, row["line"], raw))
        catalog.fill(decoded.catalog_records)
        if decoded.rejections or decoded.rows != 1:
            problems: Iterator[Rejection] = iter(decoded.rejections)
            still[index] = next(problems, Rejection(row["line"], row["code"], "the text is not one row", raw))
            continue
        together.orders += decoded.orders
        together.records += decoded.records
        together.places.append(Place(row["line"], -1 - index))
    table = catalog_table(shape.rows)
    if table is not None:
        written = with_patience(lambda: write_records(database, table, together.records))
        _count(report, written.accepted, written.unchanged, written.changed)
    else:
        taken = take_orders(database, chunk, together)
        _count(report, taken.accepted, taken.unchanged, taken.changed)
        still |= {rejection.part: rejection for rejection in taken.rejections}
    report.read += len(still)
    report.add_rejections(still.values())
    gone = [row["_id"] for index, row in enumerate(rows) if index not in still]
    books = database[REJECTED_ROWS]
    with_patience(lambda: books.delete_many({"_id": {"$in": gone}}))
    for index, rejection in still.items():
        if (rejection.code, rejection.reason) != (rows[index]["code"], rows[index]["reason"]):
            reason = {"code": rejection.code, "reason": rejection.reason}
            books.update_one({"_id": rows[index]["_id"]}, {"$set": reason})


def _count(report: FileReport, accepted: int, unchanged: int, changed: int) -> None:
    report.read += accepted + unchanged + changed
    report.accepted += accepted
    report.unchanged += unchanged
    report.changed += changed


def _chunk(shape: Shape, line: int, raw: bytes) -> Chunk:
    """The row as a chunk of its own."""
    return Chunk(line, values=[(line, raw)]) if shape.layout == JSON_VALUES.layout else Chunk(line, data=raw + b"\n")
