"""Order lines decoded in both ways: many at once where they are plain, and each order by the way that gives reasons."""

from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import msgspec
import pytest

from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.json_values import JSON_VALUES
from ecommerce.importing.loading.decode import CatalogRecords, Decoded, Decoder
from ecommerce.importing.order_lines.group_lines import order_lines
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.order_lines.read_order import LinesReader
from ecommerce.importing.rows.orders import Known
from ecommerce.importing.shape import Shape
from ecommerce.ingest.encoded_order import EncodedOrder


def orders_of(path: Path, shape: Shape) -> tuple[Shape, list[Chunk]]:
    with order_lines(load_mapping(shape.mapping or "")) as lines:
        lines.load(path, shape)
        return replace(shape, layout=JSON_VALUES.layout, readings=lines.readings), list(lines.chunks())


def answer(products: set[int], users: set[int]) -> Known:
    return Known({one: one if one % 3 else None for one in products}, {one: f"City {one % 5}" for one in users})


def decoded(shape: Shape, chunks: list[Chunk], *, plain: bool) -> tuple[list[Decoded], int, CatalogRecords]:
    """The chunks decoded, how many orders the fast way made, and the catalog records in their order."""
    made = 0
    records: CatalogRecords = []
    of_plain = LinesReader.plain_order

    def counted(reader: LinesReader, place: int, known: Known) -> EncodedOrder | None:
        nonlocal made
        order = of_plain(reader, place, known) if plain else None
        made += order is not None
        return order

    def asked(products: set[int], users: set[int], sent: CatalogRecords) -> Known:
        records.extend(sent)
        return answer(products, users)

    several = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LinesReader, "plain_order", counted)
        decoder = Decoder(shape, asked)
        for chunk in chunks:
            several.append(decoder.decode(chunk))
            records.extend(several[-1].catalog_records)
    return several, made, records


def by_table(records: CatalogRecords) -> CatalogRecords:
    """Records in the order in which each table gets them."""
    return sorted(records, key=itemgetter(0))


def packed(several: list[Decoded]) -> list[object]:
    return [
        msgspec.to_builtins(msgspec.structs.replace(one, catalog_records=by_table(one.catalog_records)))
        for one in several
    ]


def assert_same(shape: Shape, chunks: list[Chunk]) -> None:
    fast, _, fast_records = decoded(shape, chunks, plain=True)
    thorough, _, records = decoded(shape, chunks, plain=False)
    assert packed(fast) == packed(thorough)
    assert by_table(fast_records) == by_table(records)
