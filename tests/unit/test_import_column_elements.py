"""Values of a field are encoded many at once: to the bytes of each alone, and refused where one alone is refused."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import INT64_MAX
from ecommerce.documents.order import Delivery, Order, OrderItem
from ecommerce.importing.order_lines.plain_values import Column, column_of, elements_of
from ecommerce.importing.rows.field_bytes import element_of

PARTS = (Order, OrderItem, Delivery)
INTEGERS = ("long", "date", "decimal")
REFUSALS = (TypeError, OverflowError, struct.error)


def value_of(field: Field) -> st.SearchStrategy[Any]:
    assert field.kind is not None
    match field.kind.bson_type:
        case "string":
            return st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
        case "bool":
            return st.booleans()
    return st.integers(-1 if field.kind.bson_type != "decimal" else 0, INT64_MAX)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
@given(data=st.data())
def test_documents_of_columns_have_the_elements_of_their_values(part: Any, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 4))
    fields = [field for field in fields_of(part) if data.draw(st.booleans())] or fields_of(part)[:1]
    values = {field.name: data.draw(st.lists(value_of(field), min_size=count, max_size=count)) for field in fields}
    columns = {field.name: column_of(field)(values[field.name]) for field in fields}
    assert elements_of(part, columns) == [
        b"".join(element_of(field)(values[field.name][at]) for field in fields) for at in range(count)
    ]


@pytest.mark.parametrize("wrong", [None, 1.0, "1", INT64_MAX + 1])
def test_what_is_no_integer_of_a_field_is_refused(wrong: Any) -> None:
    fields = [field for part in PARTS for field in fields_of(part)]
    for field in fields:
        if field.kind is not None and field.kind.bson_type in INTEGERS:
            with pytest.raises(REFUSALS):
                column_of(field)([1, wrong])
            with pytest.raises(REFUSALS):
                element_of(field)(wrong)


def test_a_column_with_gaps_has_its_elements_one_by_one() -> None:
    actual_time = next(field for field in fields_of(Delivery) if field.name == "actual_time")
    courier = next(field for field in fields_of(Delivery) if field.name == "courier_id")
    columns = {"actual_time": Column([None, 5], [b"null", b"five"]), "courier_id": column_of(courier)([1, 2])}
    assert actual_time.nullable
    assert elements_of(Delivery, columns) == [b"null" + element_of(courier)(1), b"five" + element_of(courier)(2)]
