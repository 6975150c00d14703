"""Rows of imported files that name a person are found however the file writes it, and leave it alone."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from ecommerce.forget.records import Person
from ecommerce.forget.texts import Looked
from ecommerce.importing.mentions import mentions
from ecommerce.importing.people_in_files import forget_in_file
from ecommerce.importing.shape import ORDER_COLUMNS, Shape
from ecommerce.ingest.forgotten import REMOVE, REWRITE
from tests.import_samples import a_row

USER = 770_001
EMAIL = "jurgen.quxley@example.com"
LOOKED = Looked(Person((USER,), (EMAIL,), ("Jürgen Quxley", "QX-77001")))

LINES = Shape("orders", "lines")
ORDERS_CSV = Shape("orders", "csv", ORDER_COLUMNS)
USERS_CSV = Shape("users", "csv", ("user_id", "name", "email"))
DOTTED_CSV = Shape("orders", "csv", ("order.order_id", "order.user_id", "order.quantity"))


@pytest.mark.parametrize(
    ("raw", "shape"),
    [
        (f'{{"order": {{"order_id": 1, "user_id": {USER}}}}}', LINES),
        (f'{{"order": {{"user_id" : "{USER}"}}}}', LINES),
        (f'{{"order": {{"user_id": {{"$numberLong": "{USER}"}}}}}}', LINES),
        (f"{{order: {{user_id: NumberLong({USER})}}}}", LINES),
        (f'{{"order": {{"user_id": {USER}', LINES),
        ('{"attributes": {"contact": "Jurgen.Quxley@Example.com"}}', LINES),
        ('{"attributes": {"note": "J\\u00fcrgen Quxley called"}}', LINES),
        ('{"attributes": {"note": "order QX-77001"}}', LINES),
        (f'"{{""user_id"": {USER}}}","[]","{{}}"', ORDERS_CSV),
        (f"{USER},Somebody,", USERS_CSV),
        (f"1,{USER},2", DOTTED_CSV),
    ],
)
def test_a_row_of_the_person_is_found(raw: str, shape: Shape) -> None:
    assert mentions(raw.encode(), shape, LOOKED)


@pytest.mark.parametrize(
    ("raw", "shape"),
    [
        (f'{{"order": {{"order_id": {USER}, "user_id": 5, "quantity": {USER}}}}}', LINES),
        (f'{{"order": {{"user_id": {USER}9}}}}', LINES),
        ('{"attributes": {"contact": "another.jurgen.quxley@example.com"}}', LINES),
        ('{"attributes": {"note": "order QX-770012, Jürgen Quxleys"}}', LINES),
        (f"5,Somebody,{USER}@example.com", USERS_CSV),
        (f"{USER},5,{USER}", DOTTED_CSV),
        ("", USERS_CSV),
    ],
)
def test_a_row_of_another_is_not(raw: str, shape: Shape) -> None:
    assert not mentions(raw.encode(), shape, LOOKED)


OURS, THEIRS = a_row(1, user_id=USER, warehouse_id=3), a_row(2, user_id=5, warehouse_id=3)


def lines_of(*rows: dict[str, object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def csv_of(*rows: dict[str, object]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ORDER_COLUMNS)
    # Pretty-printed, so that a row takes several lines.
    writer.writerows([json.dumps(row[name], indent=1) for name in ORDER_COLUMNS] for row in rows)
    return text.getvalue().encode()


PACKED: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "": (bytes, bytes),
    ".gz": (gzip.compress, gzip.decompress),
    ".zst": (
        lambda plain: zstandard.ZstdCompressor().compress(plain),
        lambda packed: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)).read(),
    ),
}


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize(("name", "written"), [("orders.jsonl", lines_of), ("orders.csv", csv_of)])
def test_a_file_is_rewritten_without_the_rows(
    tmp_path: Path, name: str, written: Callable[..., bytes], suffix: str
) -> None:
    pack, unpack = PACKED[suffix]
    path = tmp_path / f"{name}{suffix}"
    path.write_bytes(pack(written(THEIRS, OURS, THEIRS)))
    assert forget_in_file(path, LOOKED, REWRITE)
    assert unpack(path.read_bytes()) == written(THEIRS, THEIRS)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert not forget_in_file(path, LOOKED, REWRITE)


def test_a_file_is_removed_where_it_cannot_be_rewritten_or_is_to_be(tmp_path: Path) -> None:
    parquet = tmp_path / "users.parquet"
    pq.write_table(pa.table({"user_id": [5, USER], "name": ["Ann", "Jim"]}), parquet)
    pretty = tmp_path / "orders.json"
    pretty.write_text(json.dumps([OURS, THEIRS], indent=1))
    lines = tmp_path / "orders.jsonl"
    lines.write_bytes(lines_of(OURS))
    notes = tmp_path / "notes.csv.gz"
    notes.write_bytes(gzip.compress(b"a,b\n" + EMAIL.encode())[:-8])
    shop = tmp_path / "shop.csv"
    shop.write_text(f"Name,Email,Lineitem name\n#1,{EMAIL},Cup\n#1,,Pot\n")
    for path in (parquet, pretty, notes, shop):
        assert forget_in_file(path, LOOKED, REWRITE), path
    assert forget_in_file(lines, LOOKED, REMOVE)
    assert not any(tmp_path.iterdir())


def test_files_of_others_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_bytes(lines_of(THEIRS))
    before = path.stat()
    assert not forget_in_file(path, LOOKED, REMOVE)
    assert path.stat() == before
