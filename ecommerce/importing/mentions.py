"""Whether the text of a row names a person: by e-mail, by user id however the file writes it, or by another text."""

import csv
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from ecommerce.documents.order import Order
from ecommerce.importing.formats.csv import cells_of_text
from ecommerce.importing.order_lines.column_values import Makers, field_makers, made
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.reasons import Rejected
from ecommerce.importing.shape import LINES, Shape

if TYPE_CHECKING:
    from ecommerce.importing.order_lines.read_order import LinesReader

_EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_USER_ID = re.compile(
    r"""\buser_id["'\\]*\s*:\s*(?:\{\s*["'\\]+\$number\w+["'\\]+\s*:\s*|Number\w+\(\s*)?["'\\]*(\d+)"""
)
"""In JSON, Extended JSON, the syntax of MongoDB's shell, and JSON in a cell of CSV, whose quotes are doubled."""

_USER_COLUMNS = ("user_id", "order.user_id")


class Wanted(Protocol):
    """The people who are looked for."""

    def knows_user(self, user_id: int) -> bool: ...
    def knows_email(self, email: str) -> bool: ...
    def knows_text(self, text: str) -> bool: ...


def mentions(raw: bytes, shape: Shape, wanted: Wanted) -> bool:
    """Whether a row of a file of this shape names one of the people. `raw` is its text, or the lines of an order."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), raw.decode("utf-8", "replace"))
    return (
        any(wanted.knows_email(email) for email in _EMAIL.findall(text))
        or any(wanted.knows_user(int(found)) for found in _USER_ID.findall(text))
        or any(wanted.knows_user(user_id) for user_id in _users_in_cells(raw, shape))
        or wanted.knows_text(text)
    )


def _users_in_cells(raw: bytes, shape: Shape) -> Iterator[int]:
    try:
        if shape.rows == LINES:
            makers = _user_makers(shape)
            lines, _ = _reader(shape).cells(raw)
            yield from (made(makers, cells).get("user_id", -1) for cells in lines)
        elif named := [at for at, name in enumerate(shape.columns) if name in _USER_COLUMNS]:
            for cells in cells_of_text(raw.decode("utf-8", "surrogateescape"), shape):
                texts = (cells[at].strip() for at in named if at < len(cells))
                yield from (int(text) for text in texts if text.isdecimal())
    except (Rejected, csv.Error, ValueError):
        return  # a row that cannot be read names whom its text names


@lru_cache(maxsize=8)
def _reader(shape: Shape) -> "LinesReader":
    from ecommerce.importing.order_lines.read_order import LinesReader  # here: files of other rows do without Arrow

    return LinesReader(shape)


@lru_cache(maxsize=8)
def _user_makers(shape: Shape) -> Makers:
    mapping = load_mapping(shape.mapping or "")
    return field_makers(mapping, shape.readings, Order, {"user_id": mapping.order["user_id"]}, "order")


def texts_matcher(texts: Sequence[str]) -> "re.Pattern[str] | None":
    """What finds whole texts, in any case of letters; None where there are none."""
    if not texts:
        return None
    listed = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{listed})(?![\w-])", re.IGNORECASE)
