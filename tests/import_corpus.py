"""Bad input for the import: rows that must be refused, each with its reason, and whole files that must not do harm."""

import gzip
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import zstandard

from ecommerce.documents.fields import Field, scalar_paths
from ecommerce.documents.order import OrderDocument
from tests.import_samples import complete_row

WRONG_TYPES: list[Any] = [True, [], {}, [1], {"$gt": 0}, {"$where": "1"}, {"a.b": 1}, {"$numberLong": 5}]
BAD_VALUES: dict[str, list[Any]] = {
    "long": [*WRONG_TYPES, "abc", "", "=1+1", -1, 1.5, 2**63, 10**30, -(10**18), {"$numberLong": "x"}, "1 000", "0x10"],
    "decimal": [
        *WRONG_TYPES, "abc", "", -1, "-0.01", "NaN", "Infinity", "-inf", 10**15, "1e400", "1E+999999", 0.00001, "1,5",
        "0.10000000000000000000000000000001", {"$numberDecimal": "NaN"}, {"$numberDouble": "Infinity"}, "=2*3",
    ],
    "date": [
        *WRONG_TYPES, "", "yesterday", 5, 1.5, "0000-01-01T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59Z",
        "2026-13-01T00:00:00Z", "2026-02-30", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2026-03-01T25:00:00",
        {"$date": {}}, {"$date": "soon"}, {"$date": {"$numberLong": "99999999999999999999"}}, "20260301", "03/01/2026",
    ],
    "object": [
        True, [], 5, "x", ["a"], {"a": 1}, {"a": {}}, {"a.b": ""}, {"$x": "1"}, {"": "x"}, {"a": "\0"}, {"a": "\ud800"},
        {"a\0b": ""}, {"n" * 101: ""}, {"a": "x" * 10_001}, {str(n): "" for n in range(65)}, {"$numberLong": "5"},
    ],
    "bool": [[], {}, 5, 1.5, "maybe"],
    "string": [True, [], {}, 5, 1.5, {"$ne": ""}, {"$regex": ".*"}, "", "x" * 501, "a\0b", "\ud800"],
}  # fmt: skip
"""By BSON type: what no field of it may hold."""

_COUNTS_ABOVE = 1_000_000_001


def _with(path: str, value: Any) -> dict[str, Any]:
    row = deepcopy(complete_row(1))
    *parents, name = path.split(".")
    target: Any = row
    for parent in parents:
        target = target[parent][0] if parent == "order_items" else target[parent]
    if value is ...:
        target.pop(name, None)
    else:
        target[name] = value
    return row


def _bad_values(path: str, field: Field) -> Iterator[Any]:
    assert field.kind is not None
    yield from BAD_VALUES[field.kind.bson_type]
    if field.kind.name == "count":
        yield _COUNTS_ABOVE
    if field.kind.name == "fraction":
        yield "1.0001"
    required = not (field.nullable or field.optional)
    if required and path not in ("order_items.warehouse_id", "delivery.location", "updated_at"):
        yield None
        yield ...


def _json(row: Any) -> bytes:
    return json.dumps(row).encode()


def bad_rows() -> list[bytes]:
    """Lines of JSON none of which may become an order."""
    rows = [
        _json(_with(path, value))
        for path, field in scalar_paths(OrderDocument)
        for value in _bad_values(path, field)
        # Refunds, which an order may lack, have rows of their own in test_sales_fields.
        if not path.startswith("refunds.") and not (value == {} and path == "updated_at")
    ]
    good = complete_row(1)
    line = _json(good)
    rows += [line[:cut] for cut in range(1, len(line), 11)]
    rows += [_json(good | {name: 1}) for name in ("extra", "$set", "a.b", "", "__proto__", "order\0")]
    rows += [_json(_with(f"{part}.{name}", 1)) for part in good for name in ("extra", "$gt", "x y")]
    changes: tuple[dict[str, Any], ...] = (
            {"order": None}, {"order": []}, {"order": "x"}, {"order_items": {}}, {"order_items": None},
            {"order_items": [None]}, {"order_items": [[]]}, {"order_items": good["order_items"] * 2},
            {"order_items": []}, {"delivery": []}, {"delivery": None}, {"_id": 2}, {"_id": "1"}, {"_id": {"$gt": ""}},
    )  # fmt: skip
    rows += [_json(good | change) for change in changes]
    rows += [_json(_with(path, 2)) for path in ("order.quantity", "order_items.order_id", "delivery.order_id")]
    twice = deepcopy(good)
    twice["order"]["quantity"] = 2
    twice["order_items"] *= 2
    many = deepcopy(good)
    many["order"]["quantity"] = 5001
    many["order_items"] = [good["order_items"][0] | {"order_item_id": n} for n in range(5001)]
    rows += [_json(twice), _json(many)]
    rows += [
        b"null", b"5", b'"text"', b"[]", b"{}", b"NaN", b"-", b"{", b"}", b"]", b'"', b"\\", b"\0", b"\0" * 100,
        b"\xff\xfe",
        b"=cmd|' /C calc'!A0", b"{'order': 1}", b"{\"order\":NaN}", b"[" * 100, b"[" * 100_000,
        b'{"a":' * 100 + b"1" + b"}" * 100, b'{"order":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"order":' + b"[" * 100 + b"]" * 100 + b"}",
        line.replace(b'"card"', b'"c\xffrd"'), line.replace(b'"card"', b'"caf\xe9"'), line.replace(b"card", b"ca\0rd"),
        line.replace(b'"Lima"', b'"\xed\xa0\x80"'), line + b"x", line + line, b"\xef\xbb\xbf" + line[:-1],
        line.replace(b"16.45", b"NaN"), line.replace(b"16.45", b"Infinity"), line.replace(b"16.45", b"1" * 5000),
        line.replace(b"16.45", b"016.45"), line.replace(b"16.45", b".5"), line.replace(b"16.45", b"-16.45"),
        line.replace(b'"order_id": 1', b'"order_id": 1, "order_id": 2', 1), line[:-1] + b', "_id": 1, "_id": 1}',
        line.replace(b"16.45", b"16.45, \"total_amount\": 1"), line.replace(b"16.45", b"1e-300"),
        line.replace(b'"order_id": 1', b'"order_id": 1, "order_id": "1"', 1),
    ]  # fmt: skip
    return rows


def bad_files(folder: Path) -> dict[str, Path]:
    """Files of which no order may come, by what is wrong with them."""
    good = b"\n".join(_json(complete_row(n)) for n in range(1, 3_000))
    contents = {
        "cut.jsonl.gz": gzip.compress(b"not orders\n" * 10_000)[:-20],
        "damaged.jsonl.gz": gzip.compress(good)[:40] + b"\0" * 400,
        "cut.jsonl.zst": zstandard.compress(good)[:60],
        "not-zstd.zst": b"\x28\xb5\x2f\xfd" + b"\xff" * 50,
        "bomb.jsonl.gz": _gzip_of_zeros(400),
        "bomb.jsonl.zst": zstandard.compress(bytes(400 << 20)),
        "picture.csv": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100,
        "archive.json": b"PK\x03\x04" + bytes(1000),
        "utf16.csv": "order,order_items,delivery\n".encode("utf-16"),
        "header-only.csv": b"order,order_items,delivery\r\n",
        "other-columns.csv": b"a,b,c\n1,2,3\n",
        "twice.csv": b"order,order,order_items,delivery\n",
        "extra.csv": b"order,order_items,delivery,comment\n1,2,3,4\n",
        "operator.csv": b"user_id,name,$where\n1,a,b\n",
        "quotes.csv": b'"order,order_items,delivery\n',
        "empty.json": b"",
        "blank.json": b" \n\n\t \n",
        "zeros.csv": bytes(5000),
        "open.json": b"[",
        "closed.json": b"]",
        "nested.json": b"[" * 200_000,
        "nested-objects.json": b'{"a":' * 200_000,
        "string.json": b'["' + b"x" * 3_000_000,
        "huge-row.jsonl": b'{"order": "' + b"x" * (50 << 20) + b'"}\n',
        "huge-cell.csv": b'order,order_items,delivery\n"' + b"x" * (50 << 20) + b'",1,2\n',
        "huge-value.json": b'[{"order": "' + b"x" * (50 << 20) + b'"}]',
        "wide.csv": b"order,order_items,delivery\n" + b"x," * 1_000_000,
    }
    paths = {}
    for name, content in contents.items():
        paths[name] = folder / name
        paths[name].write_bytes(content)
    return paths


def _gzip_of_zeros(megabytes: int) -> bytes:
    return gzip.compress(bytes(megabytes << 20), compresslevel=1)
