"""When the hour of a time began, for MongoDB and in SQL: by the zone's offsets alone, not by how the fold looks it up.

The offsets are given to them, as their own tables of time zones may be of another year than this machine's.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ecommerce.documents.kinds import HOUR_MS

SHIFT_MS = 48 * HOUR_MS
"""Keeps what is divided positive, at 1970 west of Greenwich."""

Offsets = Sequence[tuple[int, int]]
"""`Hours.offsets` of the times: since when (in seconds) the zone is how many seconds ahead of UTC."""


def mongo_hour(offsets: Offsets) -> dict[str, Any]:
    """The beginning of the hour of an order, in milliseconds since 1970."""
    time = {"$toLong": "$order.order_time"}

    def begun(since: int, offset: int) -> dict[str, Any]:
        into = {"$mod": [{"$add": [time, offset * 1000 + SHIFT_MS]}, HOUR_MS]}
        return {"$max": [{"$subtract": [time, into]}, since * 1000]}

    if len(offsets) == 1:
        return begun(*offsets[0])
    branches = [
        {"case": {"$lt": [time, following[0] * 1000]}, "then": begun(*one)} for one, following in pairwise(offsets)
    ]
    return {"$switch": {"branches": branches, "default": begun(*offsets[-1])}}


def sql_hour(offsets: Offsets) -> str:
    """The beginning of the hour of an order, in seconds since 1970."""
    time = 'epoch_ms("order".order_time)'

    def begun(since: int, offset: int) -> str:
        start = f"({time} - ({time} + {offset * 1000 + SHIFT_MS}) % {HOUR_MS})"
        return f"greatest({start}, {since * 1000})" if since > -SHIFT_MS else start

    cases = "".join(f" when {time} < {following[0] * 1000} then {begun(*one)}" for one, following in pairwise(offsets))
    last = begun(*offsets[-1])
    return f"({f'case{cases} else {last} end' if cases else last}) // 1000"
