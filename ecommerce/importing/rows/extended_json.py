"""Extended JSON, as mongoexport writes it, to plain JSON: text to text, so that the fast way reads exports too."""

import re
from datetime import UTC, datetime

import msgspec

_WRAPPED = re.compile(
    rb'\{\s*"\$(?:'
    rb'number(?:Long|Int)"\s*:\s*"(?P<integer>-?\d{1,19})"'
    rb'|numberDecimal"\s*:\s*(?P<decimal>"[0-9.eE+-]{1,60}")'
    rb'|date"\s*:\s*(?:(?P<time>"[0-9TZ:.+-]{1,40}")|\{\s*"\$numberLong"\s*:\s*"(?P<millis>\d{1,13})"\s*\})'
    rb")\s*\}"
)
_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode


def unwrap(text: bytes) -> bytes:
    """The text with its wrapped numbers, amounts and times as plain values; what is not known stays as it is.

    Raises an exception where the text is not JSON: only in JSON can a wrapper not begin inside of a text.
    """
    _check_syntax(text)
    return _WRAPPED.sub(_plain, text)


_SHELL = re.compile(
    rb'''"(?:[^"\\]|\\.)*"'''
    rb"""|(?:new\s+)?(ObjectId|NumberLong|NumberInt|NumberDecimal|ISODate|Date)\(\s*("[^"\\]*"|\d*)\s*\)""",
    re.DOTALL,
)
_KEYS = {
    b"ObjectId": b"$oid",
    b"NumberLong": b"$numberLong",
    b"NumberInt": b"$numberInt",
    b"NumberDecimal": b"$numberDecimal",
    b"ISODate": b"$date",
    b"Date": b"$date",
}


def from_shell(text: bytes) -> bytes:
    """The text with the calls of MongoDB's shell, as old versions exported them, as Extended JSON: NumberLong(5)."""
    return _SHELL.sub(_called, text)


def _called(found: re.Match[bytes]) -> bytes:
    if found[1] is None or not found[2]:
        return found[0]
    quoted = found[2] if found[2].startswith(b'"') or found[1] in (b"Date", b"ISODate") else b'"' + found[2] + b'"'
    return b'{"' + _KEYS[found[1]] + b'": ' + quoted + b"}"


def _plain(found: re.Match[bytes]) -> bytes:
    if found["millis"] is None:
        return found["integer"] or found["decimal"] or found["time"]
    seconds, milliseconds = divmod(int(found["millis"]), 1000)
    time = datetime.fromtimestamp(seconds, UTC)
    return f'"{time:%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"'.encode()
