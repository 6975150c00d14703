"""Bytes of many documents at once: rows of an array, one for each document, compared and read in one step."""

import re
from typing import Any

import numpy as np
import polars as pl

from ecommerce.bson_reading.order_columns import BoolArray, IntArray

MANY_ROWS = 1_000
"""So many are first compared all at once."""

ROWS_AS_ONE = 64
"""Rows that are put together as one, where bits are looked at all at once."""


def of_form(texts: pl.Series, pattern: str) -> BoolArray:
    """Which texts have this form."""
    fitting = [text for text in texts.unique().to_list() if re.fullmatch(pattern, text)]
    found: BoolArray = texts.is_in(fitting).to_numpy()
    return found


def within(values: IntArray, lowest: int, highest: int) -> BoolArray:
    """Which values are in [lowest, highest]."""
    inside: BoolArray = (values >= lowest) & (values <= highest)
    return inside


def is_text(gathered: bytes, starts: IntArray | None = None) -> bool:
    """Whether bytes are UTF-8, and no text that begins in them does so within a character."""
    try:
        gathered.decode()
    except UnicodeDecodeError:
        return False
    if starts is None:
        return True
    first = np.frombuffer(gathered, np.uint8)[starts]
    return not ((first & 0xC0) == 0x80).any()


def matches(window: np.ndarray[Any, Any], pattern: bytes | bytearray, mask: bytes | bytearray) -> BoolArray:
    """Which rows of the window begin with the pattern, where the mask is set."""
    size = window.shape[1]
    expected = np.frombuffer(bytes(pattern).ljust(size, b"\0")[:size], np.int64)
    masked = np.frombuffer(bytes(mask).ljust(size, b"\0")[:size], np.int64)
    words = window.view(np.int64)
    if len(words) >= MANY_ROWS:
        # Mostly all rows match: then each bit is as expected both in the rows' AND and in their OR.
        in_all, in_any = _reduced(np.bitwise_and, words), _reduced(np.bitwise_or, words)
        if not (((in_all ^ expected) | (in_any ^ expected)) & masked).any():
            return np.ones(len(words), np.bool_)
    same: BoolArray = (((words ^ expected) & masked) == 0).all(axis=1)
    return same


def _reduced(how: np.ufunc, words: IntArray) -> IntArray:
    """All rows put together bit by bit. Many rows as one: NumPy's loop over three words costs more than their bits."""
    width = words.shape[1]
    whole = len(words) - len(words) % ROWS_AS_ONE
    wide = how.reduce(words[:whole].reshape(-1, ROWS_AS_ONE * width), axis=0).reshape(-1, width)
    reduced: IntArray = how.reduce(np.concatenate((wide, words[whole:])), axis=0)
    return reduced


def values_at(window: np.ndarray[Any, Any], offset: int, dtype: str) -> Any:
    """The numbers at one offset of every row, 64 bits wide where the type is."""
    return np.ndarray(len(window), dtype, window, offset, window.strides[:1]).copy()
