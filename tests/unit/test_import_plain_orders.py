"""Orders of plain lines are made in a fast way: of every text of a cell it makes what the thorough way makes."""

import csv
import io
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.csv import CSV, cells_of_text, settle
from ecommerce.importing.formats.json_values import JSON_VALUES
from ecommerce.importing.loading.decode import CatalogRecords, Decoded, Decoder
from ecommerce.importing.order_lines.group_lines import order_lines
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.order_lines.read_order import LinesReader
from ecommerce.importing.recognise import recognise
from ecommerce.importing.rows.orders import Known
from ecommerce.importing.shape import IN_RECORDS, LINES, Shape
from ecommerce.importing.sources.streams import SourceError
from ecommerce.ingest.encoded_order import EncodedOrder
from tests.import_samples import DATA

PLACES = ("shops", "superstore_flat", "cases")
TEXTS = (
    "", " ", "0", "1", "-1", "2.0", "0.5", "1,5", "1.234,50", "(12.50)", "12.34567", "$ 5", "5 EUR", "EUR", "eur",
    "1e3", "99999999999999999999", "9223372036854775808", "NULL", "N/A", "0000-00-00", "2024-01-05", "05/01/2024",
    "31/12/2024", "2024-01-05 10:00:00", "1969-12-31", "refunded", "Cancelled", "Lost at sea", "yes", "true",
    "1.12E+14", "x" * 501, "a\0b", 'a "b" c', "a,b", '{"$oid": 1}', '"order_id":', "İ",
)  # fmt: skip


def order_files() -> dict[str, tuple[Path, Shape]]:
    """The samples of flat files of order lines, with what they are."""
    found: dict[str, tuple[Path, Shape]] = {}
    for path in sorted(one for place in PLACES for one in (DATA / place).rglob("*") if one.is_file()):
        mapping = path.with_name("map.yaml")
        try:
            shape = recognise(path, str(mapping) if mapping.exists() else None)
        except SourceError:
            continue
        if shape is not None and shape.rows == LINES and not load_mapping(shape.mapping or "").tables:
            found[str(path.relative_to(DATA))] = path, settle(path, shape)
    return found


FILES = order_files()


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


def test_there_are_files_of_order_lines() -> None:
    assert len(FILES) > 12
    assert CSV.layout in {shape.layout for _, shape in FILES.values()}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_decoded_to_the_same_in_both_ways(name: str) -> None:
    shape, chunks = orders_of(*FILES[name])
    assert_same(shape, chunks)


def assert_same(shape: Shape, chunks: list[Chunk]) -> None:
    fast, _, fast_records = decoded(shape, chunks, plain=True)
    thorough, _, records = decoded(shape, chunks, plain=False)
    assert packed(fast) == packed(thorough)
    assert by_table(fast_records) == by_table(records)


def test_nearly_all_orders_of_superstore_are_plain() -> None:
    shape, chunks = orders_of(*FILES["superstore_flat/superstore_flat.csv"])
    fast, made, _ = decoded(shape, chunks, plain=True)
    assert made == sum(len(one.orders) for one in fast) > 0


def written(rows: list[list[str]], shape: Shape) -> bytes:
    if shape.quotes != IN_RECORDS:
        return "\n".join(shape.delimiter.join(row) for row in rows).encode()
    text = io.StringIO()
    csv.writer(text, delimiter=shape.delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().removesuffix("\n").encode()


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_whatever_a_cell_holds_both_ways_make_the_same_of_it(name: str, data: st.DataObject) -> None:
    shape, chunks = orders_of(*FILES[name])
    mapping = load_mapping(shape.mapping or "")
    used = [at for at, column in enumerate(shape.columns) if column in mapping.all_columns]
    texts = st.sampled_from(TEXTS) | st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\t;,|"), max_size=12
    )
    values: list[tuple[int, bytes]] = []
    for line, raw in [value for chunk in chunks for value in chunk.values][:3]:
        rows = cells_of_text(raw.decode(), shape)
        for _ in range(data.draw(st.integers(0, 2))):
            rows[data.draw(st.integers(0, len(rows) - 1))][data.draw(st.sampled_from(used))] = data.draw(texts)
        values.append((line, written(rows, shape)))
    assert_same(shape, [Chunk(0, values=values)])
