"""Orders of plain lines are made in a fast way: of every text of a cell it makes what the thorough way makes."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.csv import CSV, cells_of_text, settle
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.recognise import recognise
from ecommerce.importing.shape import IN_RECORDS, LINES, Shape
from ecommerce.importing.sources.streams import SourceError
from tests.decoded_twice import assert_same, decoded, orders_of
from tests.import_samples import DATA, WHOLE_SUPERSTORE

PLACES = [DATA / name for name in ("shops", "superstore_flat", "cases")]
SHARED = [up / "shared/data/cases" for up in Path(__file__).parents if (up / "shared/data/cases").is_dir()]
"""Files that are not ours to ship, where they are beside the checkout."""
TEXTS = (
    "", " ", "0", "1", "-1", "2.0", "0.5", "1,5", "1.234,50", "(12.50)", "12.34567", "$ 5", "5 EUR", "EUR", "eur",
    "1e3", "99999999999999999999", "9223372036854775808", "NULL", "N/A", "0000-00-00", "2024-01-05", "05/01/2024",
    "31/12/2024", "2024-01-05 10:00:00", "1969-12-31", "refunded", "Cancelled", "Lost at sea", "yes", "true",
    "1.12E+14", "x" * 501, "a\0b", 'a "b" c', "a,b", '{"$oid": 1}', '"order_id":', "İ",
)  # fmt: skip


def order_files(places: Sequence[Path]) -> dict[str, tuple[Path, Shape]]:
    """The flat files of order lines in some folders, with what they are."""
    found: dict[str, tuple[Path, Shape]] = {}
    for folder, path in sorted((place, one) for place in places for one in place.rglob("*") if one.is_file()):
        mapping = path.with_name("map.yaml")
        try:
            shape = recognise(path, str(mapping) if mapping.exists() else None)
        except SourceError:
            continue
        if shape is not None and shape.rows == LINES and not load_mapping(shape.mapping or "").tables:
            found[str(path.relative_to(folder.parent))] = path, settle(path, shape)
    return found


FILES = order_files(PLACES)
WHOLE = order_files([WHOLE_SUPERSTORE / "flat", *SHARED])


def test_there_are_files_of_order_lines() -> None:
    assert len(FILES) > 12
    assert CSV.layout in {shape.layout for _, shape in FILES.values()}


@pytest.mark.parametrize("path, shape", [*FILES.values(), *WHOLE.values()], ids=[*FILES, *WHOLE])
def test_a_file_is_decoded_to_the_same_in_both_ways(path: Path, shape: Shape) -> None:
    try:
        shape, chunks = orders_of(path, shape)
    except SourceError:
        return  # it fits two readings, so nothing of it is decoded
    assert_same(shape, chunks)


def test_nearly_all_orders_of_superstore_are_plain() -> None:
    shape, chunks = orders_of(*FILES["superstore_flat/superstore_flat.csv"])
    fast, made, _ = decoded(shape, chunks, plain=True)
    assert made == sum(len(one.orders) for one in fast) > 0


def test_whatever_follows_each_other_in_a_chunk_each_order_is_what_it_is_alone() -> None:
    path, shape = FILES["superstore_flat/superstore_flat.csv"]
    shape, chunks = orders_of(path, shape)
    good = [raw for chunk in chunks for _, raw in chunk.values][:6]
    first, second = (raw.split(b",", 1) for raw in good[:2])
    broken = [
        b"", b",", b'"', good[0] + b"\n", good[0].replace(b",", b',"', 1), second[0] + b'",' + second[1], good[3][:40],
        b'"' + first[0] + b'\r\n",' + first[1], good[4] + b',""', good[5] + b",x", good[2] + b"\n" + good[2], b"a\0b",
        good[2] + b"\n" + good[3], b"\xff" + good[1],
    ]  # fmt: skip
    for at, one in enumerate(broken):
        for other in broken[at:]:
            texts = [good[0], one, good[1], other, *good[2:4], one]
            assert_same(shape, [Chunk(0, values=[*enumerate(texts, 2)])])
            alone = [Chunk(0, values=[(line, raw)]) for line, raw in enumerate(texts, 2)]
            (together,), _, _ = decoded(shape, [Chunk(0, values=[*enumerate(texts, 2)])], plain=True)
            apart, _, _ = decoded(shape, alone, plain=True)
            assert together.orders == [order for chunk in apart for order in chunk.orders]
            reasons, reasons_alone = (
                [(one.line, one.code, one.reason, one.raw) for chunk in several for one in chunk.rejections]
                for several in ([together], apart)
            )
            assert reasons == reasons_alone


def written(rows: list[list[str]], shape: Shape) -> bytes:
    if shape.quotes != IN_RECORDS:
        return "\n".join(shape.delimiter.join(row) for row in rows).encode()
    text = io.StringIO()
    csv.writer(text, delimiter=shape.delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().removesuffix("\n").encode()


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=settings().max_examples // 3)  # of each of two dozen files
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
