"""What needs attention, as the head of the overview says it: the shop's notices, and what failed.

They are read behind the tick: by its own thread, seldom.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dashboard.pipeline import Failure, read_failures
from dashboard.text import moment, shortened
from ecommerce.attention.kinds import NAMED, Figures, Kind, Notice, kinds_of, look
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings

REASON_SHOWN = 160


def failed(failures: Sequence[Failure], zone: ZoneInfo) -> Iterator[Notice]:
    """Flows and imports that failed and have not succeeded since."""
    for failure in failures[:NAMED]:
        yield Notice(failure.what, f"{failure.what} failed, {moment(failure.since, zone)}", failure.reason)
    if len(failures) > NAMED:
        yield Notice("failures", f"and {len(failures) - NAMED} more failed")


def read_notices(
    database: MongoDatabase, store: Figures, settings: Settings, lag_seconds: float, zone: ZoneInfo
) -> tuple[Notice, ...]:
    """All there is, the customers' first; a kind that cannot be told hides no other. Raises PyMongoError."""
    kinds = kinds_of(database, store, settings, lag_seconds, zone, datetime.now(UTC))
    failures = Kind("failures", "failed runs", lambda: failed(read_failures(database, settings), zone))
    found, _ = look([*kinds, failures])
    return tuple(found)


def attention_card(notices: Iterable[Notice]) -> str:
    """What the head of the overview says; without rows where nothing needs attention."""
    rows = [
        {
            "key": notice.key,
            "text": notice.text,
            "reason": shortened(notice.reason, REASON_SHOWN),
            "title": notice.reason,
            "go": notice.link,
            "called": notice.called,
        }
        for notice in notices
    ]
    return json.dumps({"rows": rows}, ensure_ascii=False)
