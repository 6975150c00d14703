"""Texts that stand for an empty cell: databases, spreadsheets and programs each write their own."""

import re

DEFAULT = frozenset((
    "NULL", "null", "(null)", "<null>", "[NULL]", "\\N", "None", "nan", "NaN", "NAN", "NaT", "N/A", "n/a", "#N/A",
    "-", "--", "–", "—",
    "0001-01-01", "0001-01-01 00:00:00", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z",
    "1899-12-30", "1899-12-30 00:00:00", "1900-01-00",
))  # fmt: skip
"""In exactly this spelling: somebody's name may be Null. The dates are .NET's least and the zero of spreadsheets."""

_NO_DATE = re.compile(r"0{1,4}([-/.])0{1,2}\1(?:0{1,4})(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?)?Z?", re.ASCII)
"""MySQL's 0000-00-00 00:00:00."""

NOT_PRESENT = frozenset(("0", "false", "no", "none", "nil", "na", "n"))
"""In any case: in a column that is asked for whether it holds anything, these say that it does not."""


def is_nothing(text: str) -> bool:
    """Whether the text stands for an empty cell, where a mapping does not say which do."""
    return text in DEFAULT or (text[:1] == "0" and _NO_DATE.fullmatch(text) is not None)


def nothings_among(texts: set[str]) -> set[str]:
    """Those of the texts that `is_nothing`."""
    if "\n0" in "\n" + "\n".join(texts):  # looking at each text takes three times as long
        return {text for text in texts if is_nothing(text)}
    return texts & DEFAULT


def is_present(text: str) -> bool:
    """Whether a text says that there is something."""
    return bool(text) and text.lower() not in NOT_PRESENT
