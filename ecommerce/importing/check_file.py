"""What an import of a file would do, without a database: what the file is, each choice of reading, the first orders."""

from collections import Counter
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from pathlib import Path
from typing import Any

import bson

from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.importing.formats.csv import settle
from ecommerce.importing.formats.json_values import JSON_VALUES
from ecommerce.importing.formats.registry import format_of
from ecommerce.importing.loading.decode import CatalogRecords, Decoded, Decoder
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.report import naming
from ecommerce.importing.order_lines.group_lines import order_lines
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.reasons import Rejection
from ecommerce.importing.recognise import joined_files, recognise
from ecommerce.importing.rows.orders import Known
from ecommerce.importing.rows.plausible import Doubts, add_doubts, doubt_sentences
from ecommerce.importing.shape import JOINED, LINES, Reading, Shape
from ecommerce.importing.sources.streams import SourceError, encoding_of, open_source

ORDERS_SHOWN = REJECTIONS_SHOWN = 3
FROM_CATALOG, FROM_CUSTOMER = 0, "(the customer's)"
"""What stands for a warehouse and a city that the catalog would fill in."""


@dataclass
class FileCheck:
    """What an import would do with a file."""

    path: Path
    shape: Shape | None = None
    encoding: str = ""
    readings: tuple[Reading, ...] = ()
    lines: int = 0
    rows: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first_rejections: list[Rejection] = field(default_factory=list)
    first_orders: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    doubts: Doubts = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What a person must know: how texts were read that mean two things, and which orders to look at."""
        return [*(reading.sentence for reading in self.readings), *doubt_sentences(self.doubts)]


def check_file(path: Path, options: ImportOptions) -> FileCheck:
    """Read a file to its end and write nothing. Whether orders are new cannot be said without a database."""
    checked = FileCheck(path)
    try:
        checked.encoding = encoding_of(path)
        shape = recognise(path, options.mapping, options.encoding)
        if shape is None:
            return checked
        checked.shape = shape = settle(path, shape)
        checked.encoding = (shape.encoding or checked.encoding) if format_of(shape.layout).is_text else ""
        if shape.rows == LINES:
            _check_order_lines(path, shape, options, checked)
        elif shape.rows != JOINED:
            with open_source(path, shape.encoding, carriage_returns=shape.carriage_returns) as stream:
                _decode(format_of(shape.layout).chunks(stream, shape), shape, checked)
    except SourceError as error:
        checked.error = naming(path, error)
    return checked


def _check_order_lines(path: Path, shape: Shape, options: ImportOptions, checked: FileCheck) -> None:
    mapping = load_mapping(shape.mapping or "")
    with order_lines(mapping) as lines:
        for table, (beside, joined) in joined_files(mapping, path, options.mapping, options.encoding).items():
            lines.load(beside, joined, table)
        lines.load(path, shape)
        checked.lines, checked.readings = lines.lines, lines.readings
        _decode(lines.chunks(), replace(shape, layout=JSON_VALUES.layout, readings=lines.readings), checked)


def _decode(chunks: Any, shape: Shape, checked: FileCheck) -> None:
    decoder = Decoder(shape, _unasked)
    first: list[tuple[int, bytes]] = []
    for chunk in chunks:
        decoded: Decoded = decoder.decode(chunk)
        checked.rows += decoded.rows
        for rejection in decoded.rejections:
            checked.rejected += rejection.rows
            checked.reasons[rejection.code] += rejection.rows
        add_doubts(checked.doubts, decoded.doubts)
        checked.first_rejections = nsmallest(
            REJECTIONS_SHOWN, [*checked.first_rejections, *decoded.rejections], key=lambda rejection: rejection.line
        )
        encoded = [*(order.bson for order in decoded.orders), *decoded.records]
        found = [(place.line, raw) for place, raw in zip(decoded.places, encoded, strict=True)]
        first = nsmallest(ORDERS_SHOWN, [*first, *found], key=lambda pair: pair[0])
    checked.first_orders = [bson.decode(raw, CODEC_OPTIONS) for _, raw in first]


def _unasked(products: set[int], users: set[int], _catalog_records: CatalogRecords) -> Known:
    return Known(dict.fromkeys(products, FROM_CATALOG), dict.fromkeys(users, FROM_CUSTOMER))
