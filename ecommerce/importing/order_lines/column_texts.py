"""Texts and identities out of the columns of order lines, as a mapping says."""

import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Row
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

import xxhash

from ecommerce.importing.formats.nothing import is_present
from ecommerce.importing.order_lines.mapping import Value
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.shape import Reading

Cells = Row[str, str]
"""A line: column → text, stripped, and empty where it means nothing; it has every column that the mapping uses. Columns
of joined tables are named `table.column`."""

Text = Callable[[Cells], str]

RESULTS_KEPT = 1 << 13
"""Of one function of a mapping: about 2 MB."""

SEPARATOR = "\x1f"
"""Between the texts of an identity that are several."""

NOT_WHOLE = ".0"
"""What a spreadsheet puts behind a whole number."""

_CUT_BY_A_SPREADSHEET = re.compile(
    r"[+-]?\d(?:[.,]\d+)?[eE]\+\d+|[+-]?\d[.,]\d+[eE]\d+|#[A-Z0-9/]+[!?]|#{3,}", re.ASCII
)
"""1.12341E+14, or an error such as #REF!: what the identity was is lost, and another may look the same."""

_FIRST_CHARACTER = itemgetter(slice(1))
_CUT_BEGINS_WITH = frozenset("+-#0123456789")


@lru_cache(maxsize=1 << 16)
def stable_id(namespace: str, field: str, text: str) -> int:
    """The 63-bit id of a textual one: the same for ever, for the same text, kind of id and namespace.

    Raises Rejected where a spreadsheet has cut the text.
    """
    if _CUT_BY_A_SPREADSHEET.fullmatch(text):
        raise Rejected("broken_identity", f"{shown(text)} is what a spreadsheet has left of an identity")
    return xxhash.xxh3_64_intdigest(SEPARATOR.join((namespace, field, text)).encode()) >> 1


def stable_ids(namespace: str, field: str, texts: Sequence[str]) -> list[int | None]:
    """`stable_id` of each text, None where it is empty."""
    if not _CUT_BEGINS_WITH.isdisjoint(map(_FIRST_CHARACTER, texts)):
        return [stable_id(namespace, field, text) if text else None for text in texts]
    start = SEPARATOR.join((namespace, field, ""))
    return [xxhash.xxh3_64_intdigest((start + text).encode()) >> 1 if text else None for text in texts]


class Remembered(dict[Any, Any]):
    """Results of a function by its argument."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, argument: Any) -> Any:
        result = self._function(argument)
        if len(self) >= RESULTS_KEPT:
            self.clear()
        self[argument] = result
        return result


class Texts:
    """Makes what makes the text of a value, empty where there is none."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._whole = frozenset(reading.of for reading in readings if reading.kind == "whole")

    def of(self, value: Value, joined_by: str = SEPARATOR) -> Text:
        """What makes the text; those of several columns are joined."""
        if value.first:
            otherwise = "" if value.otherwise is None else str(value.otherwise)
            return partial(first_of, [self.of(candidate, joined_by) for candidate in value.first], otherwise)
        if value.constant is not None:
            constant = str(value.constant)
            return lambda cells: constant
        plain = _columns(value, joined_by)
        if value.present is not None:
            present = value.present
            return lambda cells: present if is_present(plain(cells)) else ""
        if value.map:
            meaning = {text: str(meant) for text, meant in value.meaning.items()}
            otherwise = "" if value.otherwise is None else str(value.otherwise)
            return lambda cells: meaning.get(plain(cells).lower(), otherwise)
        if value.otherwise is not None:
            otherwise = str(value.otherwise)
            return lambda cells: plain(cells) or otherwise
        return plain

    def identity(self, value: Value) -> Text:
        """What makes the text of an identity."""
        plain = self.of(value)
        names = {value.column, *(candidate.column for candidate in value.first)}
        whole = not self._whole.isdisjoint(name for name in names if name)

        return (lambda cells: plain(cells).removesuffix(NOT_WHOLE)) if whole else plain


def _columns(value: Value, joined_by: str) -> Text:
    if value.column and not value.columns:
        return itemgetter(value.column)
    if len(value.columns) < 2:
        return itemgetter(value.columns[0]) if value.columns else lambda cells: ""
    texts = itemgetter(*value.columns)

    def together(cells: Cells) -> str:
        parts = texts(cells)
        return joined_by.join(parts) if any(parts) else ""

    return together


def first_of(candidates: Sequence[Text], otherwise: str, cells: Cells) -> str:
    """The first text of a line that is not empty; else this one."""
    for candidate in candidates:
        text = candidate(cells)
        if text:
            return text
    return otherwise
