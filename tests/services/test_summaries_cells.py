"""Cells: the fast ways to them agree with the plain one, and they add, subtract and travel without losing a unit."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import msgspec
import polars as pl
import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ecommerce.archive.content_columns import content_hashes
from ecommerce.bson_reading import columns, windows
from ecommerce.bson_reading.columns import ITEMS_READ_MAX, read_columns
from ecommerce.bson_reading.order_columns import OrderColumns
from ecommerce.check.documents import cells_by_aggregation
from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.mongo import MongoDatabase
from ecommerce.summaries.cells import CellTable, cells_of_orders, fold_documents
from ecommerce.summaries.cells.promises import due_before
from ecommerce.summaries.cells.rollup import Rollup
from tests.summaries_data import START, accept, document_of, random_order, random_orders


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 60),
    wild=st.booleans(),
    at_once=st.sampled_from([1, 7, 1000]),
    few=st.booleans(),
)
@hypothesis_settings(max_examples=100)
def test_documents_folded_in_arrays_give_the_cells_of_plain_counting(
    seed: int, count: int, wild: bool, at_once: int, few: bool
) -> None:
    orders = random_orders(count, seed, wild=wild)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "READ_AT_ONCE", at_once)
        if not few:
            read_as_many(patch)
        folded = fold_documents([encode_order(order) for order in orders]).cells
    assert folded.equals(cells_of_orders(orders))


def read_as_many(patch: pytest.MonkeyPatch) -> None:
    """Let few documents be read as many are, and most texts as long ones."""
    patch.setattr(windows, "MANY_ROWS", 1)
    patch.setattr(windows, "ROWS_AS_ONE", 4)
    patch.setattr(columns, "SHORT_TEXT", 8)


@given(seed=st.integers(0, 2**32))
@hypothesis_settings(max_examples=40)
def test_columns_read_a_few_at_a_time_are_those_of_all(seed: int) -> None:
    orders = random_orders(40, seed, wild=True)
    documents = [encode_order(order) for order in orders]
    whole = read_columns(documents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "READ_AT_ONCE", 7)
        parts = read_columns(documents)
    assert parts.regular.tolist() == whole.regular.tolist()
    for name in ("numbers", "texts", "has"):
        found, expected = (
            {
                path: column.to_list() if isinstance(column, pl.Series) else column.tolist()
                for path, column in of.items()
            }
            for of in (getattr(parts, name), getattr(whole, name))
        )
        assert found == expected
    assert parts.maps == whole.maps
    hashes = content_hashes(parts)[parts.regular].tolist()
    assert hashes == [content_hash(order) for order, read in zip(orders, parts.regular, strict=True) if read]
    assert elements_of(parts) == elements_of(whole)
    assert parts.arrays.keys() == whole.arrays.keys()
    for path in parts.arrays:
        assert refund_rows(parts, path) == refund_rows(whole, path)


def elements_of(read: OrderColumns) -> list[tuple[Any, ...]]:
    """The items, each with its document: their order among themselves says nothing."""
    values = [*read.items.values(), *read.item_has.values()]
    return sorted(zip(read.item_of.tolist(), *(column.tolist() for column in values), strict=True))


def refund_rows(read: OrderColumns, path: str) -> list[tuple[Any, ...]]:
    """The elements of an array, each with its document and, of an array within one, the element that it is in."""
    elements = read.arrays[path]
    around = read.arrays.get(path.rpartition(".")[0])
    owner = elements.owner if around is None else around.numbers["refund_id"][elements.owner]
    columns_of = [owner, elements.row, *elements.numbers.values(), *elements.has.values()]
    texts = [column.to_list() for column in elements.texts.values()]
    return sorted(zip(*(column.tolist() for column in columns_of), *texts, strict=True))


def test_what_was_added_and_taken_again_is_nothing() -> None:
    documents = [encode_order(order) for order in random_orders(500, wild=True)]
    assert fold_documents(documents, documents).cells.is_empty()
    assert fold_documents(documents[:200], documents).cells.equals(fold_documents([], documents[200:]).cells)


def test_canonical_documents_are_read_in_arrays_and_no_others() -> None:
    orders = random_orders(200)
    assert read_columns([encode_order(order) for order in orders]).regular.all()
    many_items = random_order(random.Random(1), 1)
    items = many_items.order_items[:1] * (ITEMS_READ_MAX + 1)
    assert not read_columns([encode_order(msgspec.structs.replace(many_items, order_items=items))]).regular.any()


def reordered(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"order": dict(reversed(document["order"].items()))}


def coarse_amount(document: dict[str, Any]) -> dict[str, Any]:
    amount = document["order"]["total_amount"].to_decimal().normalize()
    return document | {"order": document["order"] | {"total_amount": Decimal128(amount)}}


def misleading_text(document: dict[str, Any]) -> dict[str, Any]:
    """A text that looks like the field that follows it."""
    text = "x\x00\x04order_items\x00\x05\x00\x00\x00\x00"
    return document | {"order": document["order"] | {"payment_type": text}}


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("change", [reordered, coarse_amount, misleading_text])
def test_documents_of_another_layout_count_the_same(change: Any, many: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if many:
        read_as_many(monkeypatch)
    documents = [document_of(order) for order in random_orders(50)]
    encoded = [bson.encode(change(document)) for document in documents[::2]]
    encoded += [bson.encode(document) for document in documents[1::2]]
    assert fold_documents(encoded).cells.equals(cells_of_orders(decode_order(one) for one in encoded))


def test_cells_come_back_from_mongodb_as_they_went(database: MongoDatabase) -> None:
    cells = cells_of_orders(random_orders(800, wild=True))
    mixed_signs = cells.minus(cells_of_orders(random_orders(800, seed=2, wild=True)))
    for table in (cells, cells.negated(), mixed_signs, cells.plus(cells), CellTable.empty()):
        database["cells"].insert_one({"_id": 1, "data": table.encode()})
        found = database["cells"].find_one_and_delete({"_id": 1})
        assert found is not None
        assert CellTable.decode(found["data"]).equals(table)


def test_sums_beyond_64_bits_are_exact() -> None:
    largest = [order for order in random_orders(3_000, wild=True) if order.order.total_amount > 10**13]
    same_cell = [
        msgspec.structs.replace(order, order=largest[0].order, delivery=largest[0].delivery) for order in largest
    ]
    cells = cells_of_orders(same_cell)
    total = len(same_cell) * int(largest[0].order.total_amount * 10_000)
    assert total > 2**63
    assert cells.orders["amount"].to_list() == [total]
    assert CellTable.decode(cells.encode()).orders["amount"].to_list() == [total]


def test_a_rollup_of_a_sum_is_the_sum_of_the_rollups() -> None:
    left, right = (cells_of_orders(random_orders(300, seed, wild=True)) for seed in (1, 2))
    summed = Rollup.sum_of((Rollup.of_cells(left), Rollup.decode(Rollup.of_cells(right).encode())))
    for name, table in Rollup.of_cells(left.plus(right)).tables.items():
        assert table.sort(table.columns).equals(summed.tables[name].sort(table.columns))


def test_mongodb_s_aggregation_gives_the_same_cells(database: MongoDatabase) -> None:
    orders = random_orders(400, wild=True)
    accept(database, orders)
    expected = cells_of_orders(orders)
    without_sales = replace(expected, sales=CellTable.empty().sales)
    now = due_before(datetime.now(UTC))
    assert (
        cells_by_aggregation(database, START, START.replace(year=2027)).settled(now).equals(without_sales.settled(now))
    )
    assert 0 < without_sales.settled(now).promises["orders"].sum() < without_sales.promises["orders"].sum()


@given(seed=st.integers(0, 2**32), days=st.integers(-10, 60))
@hypothesis_settings(max_examples=30, deadline=None)
def test_settled_promises_are_judged_as_all_of_them_are(seed: int, days: int) -> None:
    orders = random_orders(60, seed)
    settled, judged = (due_before(START + timedelta(days=days + more)) for more in (0, 1))
    documents = [encode_order(order) for order in orders]
    some = fold_documents(documents, documents[:20], settle_before=settled).cells
    assert some.settled(settled).equals(some)
    kept, every = Rollup.of_cells(some), Rollup.of_cells(cells_of_orders(orders[20:]))
    for name in ("status", "courier_id"):
        tables = [rollup.due(settled).due(judged).tables[name] for rollup in (kept, every)]
        assert len({tuple(map(str, table.sort(table.columns).rows())) for table in tables}) == 1
