"""The slow and thorough way to read a row: Extended JSON, numbers and times as text, and a reason for every refusal.

It decides what is accepted; the fast way may only accept a part of that, with the same bytes.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import ATTRIBUTES_MAX, attribute_fault
from ecommerce.importing.naive_times import NotOneMoment, moment_of
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.rows.inputs import LEFT_OPEN, exact_scaled, millis
from ecommerce.iso_4217 import CURRENCY_CODES

DocumentType = TypeVar("DocumentType", bound=Struct)


_DATE = re.compile(r"\d{4}-\d\d-\d\d([ Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?([Zz]|[+-]\d\d(:?\d\d)?)?)?")
_INTEGER = re.compile(r"[+-]?\d{1,40}")
_DECIMAL = re.compile(r"[+-]?(\d{1,60}(\.\d{0,60})?|\.\d{1,60})([eE][+-]?\d{1,3})?")
_NUMBER_KEYS = ("$numberLong", "$numberInt", "$numberDecimal", "$numberDouble")


def read_document(document: type[Struct], value: Any, path: str = "") -> dict[str, Any]:
    """The values of a document of the definition, checked and in its types; None where a field may be left open.

    Nested documents come as dicts, arrays as lists of dicts. Raises Rejected that names the field by its dotted path.
    """
    if not isinstance(value, Mapping):
        raise Rejected("not_an_object", f"{path or 'the row'} is {shown(value)}, not an object")
    _check_keys(document, value, path)
    values: dict[str, Any] = {}
    for field in fields_of(document):
        name = f"{path}.{field.name}" if path else field.name
        given = value.get(field.name)
        if given is None:
            may_be_absent = field.nullable or field.optional or field.name in LEFT_OPEN.get(document, ())
            if not may_be_absent:
                raise Rejected("missing_field", f"{name} has no value")
            values[field.name] = None
        elif field.kind is not None and field.kind.bson_type == "object":
            values[field.name] = _attributes(given, name)
        elif field.document is None:
            values[field.name] = _scalar(field, given, name)
        elif not field.is_array:
            values[field.name] = read_document(field.document, given, name)
        elif not isinstance(given, list):
            raise Rejected("not_an_object", f"{name} is {shown(given)}, not a list")
        else:
            nested = field.document
            values[field.name] = [read_document(nested, v, f"{name}[{i}]") for i, v in enumerate(given)]
    return values


def struct_of(document: type[DocumentType], values: Mapping[str, Any]) -> DocumentType:
    """The document of values that `read_document` made."""
    made: dict[str, Any] = {}
    for field in fields_of(document):
        value = values[field.name]
        if value is None and field.optional:
            continue
        if field.document is not None:
            nested = field.document
            value = tuple(struct_of(nested, one) for one in value) if field.is_array else struct_of(nested, value)
        made[field.name] = value
    return document(**made)


def _attributes(value: Any, name: str) -> dict[str, str] | None:
    if not isinstance(value, Mapping):
        raise Rejected("not_an_object", f"{name} is {shown(value)}, not an object of texts")
    if len(value) > ATTRIBUTES_MAX:
        raise Rejected("too_many_attributes", f"{name} has {len(value)} entries, more than {ATTRIBUTES_MAX}")
    found: dict[str, str] = {}
    for key in sorted(value):
        text = value[key]
        if text is None:
            continue
        if not isinstance(text, str):
            raise Rejected("wrong_type", f"{name}.{key} is {shown(text)}, not a text")
        if fault := attribute_fault(key, text):
            raise Rejected("bad_attribute", f"{name}: {shown(key)}: {fault}")
        try:
            (key + text).encode()
        except UnicodeError:
            raise Rejected("encoding", f"{name}.{shown(key)} is not Unicode text") from None
        found[key] = text
    return found or None


def _check_keys(document: type[Struct], value: Mapping[str, Any], path: str) -> None:
    known = {field.name for field in fields_of(document)}
    for key in value:
        if key in known:
            continue
        where = f" in {path}" if path else ""
        if key.startswith("$") or "." in key:
            raise Rejected("bad_key", f"the key {shown(key)}{where} starts with $ or contains a dot")
        raise Rejected("unknown_field", f"{shown(key)}{where} is not a field of the document")


def _scalar(field: Field, value: Any, name: str) -> Any:
    assert field.kind is not None  # noqa: S101 - only scalars come here
    match field.kind.bson_type:
        case "long":
            return _integer(value, field.kind.bson_bounds, name)
        case "decimal":
            return _amount(value, field.kind.bson_bounds, name)
        case "date":
            return _time(value, name)
        case "bool":
            return _flag(value, name)
        case _ if field.kind.name == "currency":
            return _currency(value, name)
        case _:
            return _text(value, field.kind.bson_bounds, name)


def _flag(value: Any, name: str) -> bool:
    text = value.strip().lower() if isinstance(value, str) else value
    if text not in (True, False, "true", "false") or not isinstance(text, bool | str):
        raise Rejected("wrong_type", f"{name} is {shown(value)}, not true or false")
    return text in (True, "true")


def _currency(value: Any, name: str) -> str:
    code = value.strip().upper() if isinstance(value, str) else ""
    if code not in CURRENCY_CODES:
        raise Rejected("bad_currency", f"{name} is {shown(value)}, not a code of ISO 4217 like EUR")
    return code


def _number(value: Any) -> Any:
    if isinstance(value, Mapping) and len(value) == 1:
        for key in _NUMBER_KEYS:
            if isinstance(value.get(key), str):
                return value[key].strip()
    return value


def _integer(value: Any, bounds: Mapping[str, Any], name: str) -> int:
    number = _number(value)
    if isinstance(number, str) and _INTEGER.fullmatch(number.strip()):
        number = int(number)
    elif isinstance(number, str) and _DECIMAL.fullmatch(number.strip()):
        number = Decimal(number)
    if isinstance(number, Decimal) and number.is_finite() and abs(number) < 10**19 and number == int(number):
        number = int(number)
    if not isinstance(number, int) or isinstance(number, bool):
        raise Rejected("wrong_type", f"{name} is {shown(value)}, not a whole number")
    highest = bounds.get("maximum", 2**63 - 1)
    if not bounds["minimum"] <= number <= highest:
        raise Rejected("out_of_range", f"{name} is {shown(number)}, not in {bounds['minimum']} to {highest}")
    return number


def _amount(value: Any, bounds: Mapping[str, Any], name: str) -> Decimal:
    number = _number(value)
    if isinstance(number, str):
        text = number.strip()
        if text.lower().lstrip("+-") in ("nan", "snan", "inf", "infinity"):
            raise Rejected("not_finite", f"{name} is {shown(text)}, not an amount")
        if not _DECIMAL.fullmatch(text):
            raise Rejected("wrong_type", f"{name} is {shown(value)}, not an amount")
        number = Decimal(text)
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        raise Rejected("wrong_type", f"{name} is {shown(value)}, not an amount")
    amount = Decimal(number)
    limit, inclusive = int(bounds["maximum"]), "exclusiveMaximum" not in bounds
    try:
        scaled = exact_scaled(amount, limit, inclusive)
    except InvalidOperation:
        raise Rejected("not_finite", f"{name} is {shown(str(amount))}, not an amount") from None
    except (ValueError, ArithmeticError):
        if 0 <= amount < limit:
            raise Rejected(
                "too_many_decimals",
                f"{name} is {shown(str(amount))}: more than four decimals; a mapping rounds with `round: 4`",
            ) from None
        raise Rejected("out_of_range", f"{name} is {shown(str(amount))}, not in 0 to {limit}") from None
    return Decimal(scaled).scaleb(-4)


def _time(value: Any, name: str) -> datetime:
    given = value
    if isinstance(value, Mapping) and len(value) == 1 and "$date" in value:
        inner = _number(value["$date"])
        if not isinstance(value["$date"], str) and isinstance(inner, (int, str)) and not isinstance(inner, bool):
            return _time_of_millis(inner, name)
        value = inner
    if isinstance(value, datetime):
        time = value
    elif isinstance(value, str):
        time = _parse_time(value.strip(), name)
    else:
        raise Rejected("wrong_type", f"{name} is {shown(given)}, not a time as ISO 8601 text")
    try:
        time = moment_of(time) if time.tzinfo is None else time.astimezone(UTC)
        millis(time)
    except NotOneMoment as reason:
        raise Rejected("bad_time", f"{name} is {shown(str(given))}: {reason}") from None
    except (ValueError, OverflowError):
        raise Rejected("out_of_range", f"{name} is {shown(str(given))}, not in 1970 to 2199") from None
    return time


def _time_of_millis(value: int | str, name: str) -> datetime:
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise Rejected("bad_time", f"{name} is {shown(value)}, not milliseconds since 1970")
    try:
        number = int(value)
        return _time(datetime.fromtimestamp(number // 1000, UTC).replace(microsecond=number % 1000 * 1000), name)
    except (ValueError, OverflowError, OSError):
        raise Rejected("out_of_range", f"{name} is {shown(value)} milliseconds, not in 1970 to 2199") from None


def _parse_time(text: str, name: str) -> datetime:
    try:
        # The fast way's parser first: the two may not differ in how they cut the tenth digit of a second.
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        pass
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text.upper().replace(" Z", "Z"))
    except ValueError:
        raise Rejected("bad_time", f"{name} is {shown(text)}, not a date or time like 2026-03-01T12:00:00Z") from None


def _text(value: Any, bounds: Mapping[str, Any], name: str) -> str:
    if not isinstance(value, str):
        raise Rejected("wrong_type", f"{name} is {shown(value)}, not a text")
    if not bounds["minLength"] <= len(value) <= bounds["maxLength"]:
        raise Rejected("text_length", f"{name} has {len(value)} characters, not 1 to {bounds['maxLength']}")
    if "\0" in value:
        raise Rejected("control_character", f"{name} is {shown(value)}, with a NUL character")
    try:
        value.encode()
    except UnicodeError:
        raise Rejected("encoding", f"{name} is {shown(value)}, which is not Unicode text") from None
    return value
