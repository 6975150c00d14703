"""Lines of orders are brought together in a fast way: of every file it makes what looking at each line makes."""

import os
import tempfile
from collections.abc import Generator, Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecommerce.errors import InputError
from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.csv import CSV, settle
from ecommerce.importing.order_lines.group_lines import OrderLines, order_lines
from ecommerce.importing.order_lines.line_look import Look, look_here
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.recognise import recognise
from ecommerce.importing.shape import LINES, Shape
from ecommerce.importing.sources.streams import SourceError
from tests.import_samples import DATA

SUPERSTORE = DATA / "superstore_flat" / "superstore_flat.csv"
FILES = [SUPERSTORE, *(DATA / "shops" / name for name in ("shopify.csv", "amazon.txt", "online_retail.csv"))]


def look_at_nothing(chunks: Iterable[Chunk], _: Shape) -> Generator[None]:
    """Each line is looked at one by one."""
    yield from (None for _ in chunks)


def shape_of(path: Path) -> Shape:
    shape = recognise(path)
    assert shape is not None
    assert (shape.rows, shape.layout) == (LINES, CSV.layout)
    return settle(path, shape)


def grouped(path: Path, shape: Shape, look: Look = look_here) -> list[Any] | str:
    """The orders' texts, rejections, lines and readings of a file; why it is refused."""
    with order_lines(load_mapping(shape.mapping or "")) as lines:
        try:
            lines.load(path, shape, look=look)
        except SourceError as problem:
            return str(problem)
        chunks = list(lines.chunks())
        return [
            lines.lines,
            lines.readings,
            sorted(value for chunk in chunks for value in chunk.values),
            [rejection for chunk in chunks for rejection in chunk.rejections],
        ]


def assert_same(path: Path, shape: Shape) -> None:
    assert grouped(path, shape) == grouped(path, shape, look_at_nothing)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_lines_come_together_in_both_ways(path: Path) -> None:
    assert_same(path, shape_of(path))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_orders_whose_lines_follow_each_other_are_not_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.delattr(OrderLines, "_sort")
    header, *lines = SUPERSTORE.read_bytes().replace(b"\r\n", b"\n").splitlines()
    together = sorted(lines, key=lambda line: line.split(b",")[1])
    path = tmp_path / "together.csv"
    path.write_bytes(end.join((header, *together)))  # the last line without its end
    found = grouped(path, shape_of(path))
    assert isinstance(found, list)
    assert found[0] == len(lines) > len(found[2]) > 0


@pytest.mark.parametrize("change", ["one more", "rolled on", "nothing but its time"])
def test_of_a_file_that_changes_between_nothing_more_is_taken(tmp_path: Path, change: str) -> None:
    path = tmp_path / "orders.csv"
    header, *lines = SUPERSTORE.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((header, *lines)))
    shape = shape_of(path)
    with order_lines(load_mapping(shape.mapping or "")) as grouping:
        grouping.load(path, shape)
        if change == "one more":
            path.write_bytes(path.read_bytes() + lines[0])
        elif change == "rolled on":
            path.write_bytes(b"".join((header, lines[-1], *lines[:-1])))
        else:
            os.utime(path, ns=(0, 0))
        with pytest.raises(SourceError, match="the file was changed while it was read"):
            next(grouping.chunks())


def test_a_mapping_without_a_column_that_names_the_order_says_so(tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    text = resources.files("ecommerce").joinpath("mappings", "superstore.yaml").read_text()
    mapping.write_text(text.replace("order_id: Order ID", "order_id: {columns: [Order ID, Region]}"))
    with order_lines(load_mapping(str(mapping))) as grouping, pytest.raises(InputError, match="lines_by"):
        grouping.load(SUPERSTORE, shape_of(SUPERSTORE))


ODD = st.sampled_from((
    b"", b"\r", b" ", b",,,,", b"\t\t", b'"', b"\xff", b"a,b", b"NULL", "é,\u2028".encode(), b'x"y"z',
    b"Total,,,,12.50",
))  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_whatever_stands_in_a_file_both_ways_make_the_same_of_it(path: Path, data: st.DataObject) -> None:
    shape = shape_of(path)
    header, *lines = path.read_bytes().replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")[: shape.first_line + 12]
    picked = st.integers(0, len(lines) - 1)
    for _ in range(data.draw(st.integers(0, 4))):
        at, other = data.draw(picked), data.draw(picked)
        match data.draw(st.sampled_from(("swap", "again", "odd", "cut", "cell", "inside"))):
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case "again":
                lines[at] = lines[other]
            case "odd":
                lines[at] = data.draw(ODD)
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, 40))]
            case "cell":
                cells = lines[at].split(shape.delimiter.encode())
                cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(ODD)
                lines[at] = shape.delimiter.encode().join(cells)
            case _:
                place = data.draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:place] + data.draw(ODD) + lines[at][place:]
    end = data.draw(st.sampled_from((b"\n", b"\r\n")))
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "orders.csv")
        written.write_bytes(end.join((header, *lines)) + data.draw(st.sampled_from((b"", end))))
        assert_same(written, shape)
