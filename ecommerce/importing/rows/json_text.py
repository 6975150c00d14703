"""JSON with exact numbers, of bounded depth, in which no name is there twice."""

import json
from decimal import Decimal
from typing import Any

from ecommerce.importing.reasons import Rejected, shown

DEPTH_MAX = 20

INTEGER_DIGITS_MAX = 40


def parse_json(text: bytes | str) -> Any:
    """JSON as Python values, numbers exact. Raises Rejected for anything that is not JSON, or not sound JSON."""
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        decoded.encode()
    except UnicodeError as error:
        raise Rejected("encoding", f"not UTF-8 text: {error}; save the file as UTF-8") from None
    try:
        value = json.loads(
            decoded,
            parse_float=_parse_float,
            parse_int=_parse_int,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise Rejected("too_deep", f"nested deeper than {DEPTH_MAX} levels") from None
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")  # "Unterminated string starting at"
        raise Rejected("json_syntax", f"not JSON: {what} at character {error.pos + 1}") from None
    _check_depth(value, DEPTH_MAX)
    return value


def _parse_int(text: str) -> int:
    if len(text) > INTEGER_DIGITS_MAX:
        raise Rejected("out_of_range", f"a number of {len(text)} digits")
    return int(text)


def _parse_float(text: str) -> Decimal:
    if len(text) > 2 * INTEGER_DIGITS_MAX:
        raise Rejected("too_many_decimals", f"a number of {len(text)} characters")
    return Decimal(text)


def _refuse_constant(text: str) -> None:
    raise Rejected("not_finite", f"{text} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Rejected("duplicate_field", f"{shown(next(n for n in names if names.count(n) > 1))} is there twice")
    return found


def _check_depth(value: Any, left: int) -> None:
    if left < 0:
        raise Rejected("too_deep", f"nested deeper than {DEPTH_MAX} levels")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        if isinstance(child, (dict, list)):
            _check_depth(child, left - 1)
