"""Where the rows of a query come from: MongoDB at one moment, and the files of the table at one snapshot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, cast

import bson
import pyarrow as pa
import pyarrow.dataset as ds
from bson import Decimal128
from bson.codec_options import TypeDecoder, TypeRegistry
from pyarrow import fs

from ecommerce.archive.arrow_rows import archived_schema, arrow_schema, in_schema, row_batches
from ecommerce.archive.days import Damage, purged_tables, require_sound
from ecommerce.archive.hot import only_orders
from ecommerce.archive.view import ArchiveView
from ecommerce.archive_location import local_path
from ecommerce.bson_reading.batches import gathered, raw_batches
from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.documents.catalog import CATALOG
from ecommerce.errors import InputError
from ecommerce.mongo import MongoDatabase
from ecommerce.query.views import ARCHIVED_PART, HOT, PURGED, ROWS_OF

HOT_SCHEMA = arrow_schema()
ARCHIVED_SCHEMA = archived_schema()
SCHEMAS: dict[str, pa.Schema] = {
    HOT: HOT_SCHEMA,
    ARCHIVED_PART: ARCHIVED_SCHEMA,
    PURGED: ARCHIVED_SCHEMA,
    **{f"{ROWS_OF}{table.name}": arrow_schema(table.document) for table in CATALOG},
}
"""Of each part."""


class _Exact(TypeDecoder):
    """MongoDB's decimals as Python's, which Arrow takes."""

    bson_type = Decimal128

    def transform_bson(self, value: Any) -> Decimal:
        return cast(Decimal128, value).to_decimal()


_DECIMALS = CODEC_OPTIONS.with_options(type_registry=TypeRegistry([_Exact()]))
_MISFITS = (pa.ArrowException, TypeError, ValueError, OverflowError)

_PARQUET = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
)


def hot_rows(database: MongoDatabase, moment: Mapping[str, Any], scratch: Path) -> ds.Dataset:
    """The hot orders of a moment; what is no order is left out. They go through a file: a query may read them twice."""
    batches = gathered(raw_batches(database, {}, read_concern=moment))
    found = (hot for documents in batches if (hot := only_orders(documents)))
    return _through_a_file((batch for hot in found for batch in row_batches(hot)), HOT_SCHEMA, scratch / "hot.arrow")


def archived_rows(view: ArchiveView) -> ds.Dataset:
    """The rows of `main`, as files that are read when a query needs them, and of them the columns that it needs."""
    tasks = [task for tasks in view.files(None, None).values() for task in tasks]
    return ds.FileSystemDataset([_fragment(view, task.file.file_path) for task in tasks], ARCHIVED_SCHEMA, _PARQUET)


def purged_rows(view: ArchiveView, scratch: Path) -> ds.Dataset:
    """The rows of an open run whose orders had left MongoDB at the view's moment."""

    def batches() -> Iterator[pa.RecordBatch]:
        for table in purged_tables(view):
            if isinstance(table, Damage):
                require_sound([table])
            else:
                yield from in_schema(table, ARCHIVED_SCHEMA).to_batches()

    return _through_a_file(batches(), ARCHIVED_SCHEMA, scratch / "purged.arrow")


def catalog_rows(database: MongoDatabase, table: str, moment: Mapping[str, Any], scratch: Path) -> ds.Dataset:
    """A table of the catalog at a moment."""
    schema = SCHEMAS[f"{ROWS_OF}{table}"]
    batches = raw_batches(database, {}, collection=table, read_concern=moment)
    rows = ([bson.decode(document, _DECIMALS) for document in documents] for documents in batches)
    made = (_catalog_batch(table, some, schema) for some in rows)
    return _through_a_file(made, schema, scratch / f"{table}.arrow")


def _catalog_batch(table: str, records: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Raises InputError, with table, record and column, where somebody has written a value that is not of its type."""
    try:
        return pa.RecordBatch.from_pylist(list(records), schema)
    except _MISFITS as error:
        for record, column in product(records, schema):
            value = record.get(column.name)
            try:
                pa.array([value], column.type)
            except _MISFITS:
                where = f"{table} with _id {record['_id']!r}: {column.name} is {value!r}"
                raise InputError(f"query: {where}, which is no {column.type}. Correct it in MongoDB.") from error
        raise


def _fragment(view: ArchiveView, location: str) -> ds.Fragment:
    if local := local_path(location):
        return _PARQUET.make_fragment(str(local), filesystem=fs.LocalFileSystem())
    assert view.table is not None  # noqa: S101 - it has files
    return _PARQUET.make_fragment(view.table.io.new_input(location).open())


def _through_a_file(batches: Iterable[pa.RecordBatch], schema: pa.Schema, file: Path) -> ds.Dataset:
    with pa.OSFile(str(file), "wb") as opened, pa.ipc.new_file(opened, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return ds.dataset(str(file), schema=schema, format="ipc")
