"""What needs attention: each kind is one function here, which says nothing where all is well.

They look at the whole shop, not at a span that somebody looks at. The dashboard shows them, `told` says when one began.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import polars as pl
from pymongo.errors import OperationFailure, PyMongoError

from ecommerce.attention.stock import SOLD_DAYS, Sold, low_stock
from ecommerce.catalog_names import names_of
from ecommerce.documents.statuses import is_finished
from ecommerce.hours import hours_of
from ecommerce.kpis.figures import Kpis
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import REJECTED_ROWS, MongoDatabase, count_few
from ecommerce.readable import compact, counted, duration, exact, first_of
from ecommerce.settings import Settings
from ecommerce.summaries.checked import ARCHIVE, FEWER, FIGURES, TWICE, check_problems

log = logging.getLogger(__name__)

NAMED = 3
UNAUTHORIZED = 13
EVER = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that needs attention."""

    key: str
    text: str
    reason: str = ""
    link: str = ""
    """Query of the view where there is more, or the overview's card, as #stock; empty: the pipeline page."""
    called: str = "Pipeline"
    """What the link is called."""


class Figures(Sold, Protocol):
    """What notices ask of the KPI store."""

    def timeline(self, span: Span, filters: Filters, step: Any) -> pl.DataFrame: ...

    def kpis(self, span: Span, filters: Filters) -> Kpis: ...


def overdue(store: Figures, settings: Settings, zone: ZoneInfo, now: datetime) -> Iterator[Notice]:
    """Orders that are not finished and whose promise is past; those of the archive are counted, too."""
    figures = store.kpis(Span(), Filters())
    if figures.overdue and figures.overdue >= settings.overdue_orders:
        groups = sorted(figures.by_courier.items(), key=lambda pair: (-(pair[1].overdue or 0), pair[0]))
        named = ", ".join(f"{name} {exact(group.overdue)}" for name, group in groups[:NAMED] if group.overdue)
        yield Notice(
            "overdue",
            f"{counted(figures.overdue, 'order is', 'orders are')} overdue",
            f"not finished and past the promise; by courier: {named}",
            f"?page=orders&from={EVER}&to={now.astimezone(zone).date()}&state=overdue&sort=promised",
            "Orders",
        )


def backlog(store: Figures, settings: Settings, zone: ZoneInfo, now: datetime) -> Iterator[Notice]:
    """Orders that are not finished, by the days since they were ordered; those of the archive are counted, too."""
    days = store.timeline(Span(), Filters(), "day").select("time", "status", "orders")
    ages = {3: "0–3 d", 7: "3–7 d", 14: "7–14 d", 30: "14–30 d", math.inf: "over 30 d"}
    counts = dict.fromkeys(ages, 0)
    old, limit = 0, settings.old_order_days
    hours = hours_of(zone.key)
    today = hours.day_of(now)
    for time, status, orders in days.iter_rows():
        if is_finished(status):
            continue
        age = (today - hours.day_of(time)).days
        old += orders if age >= limit else 0
        counts[next(end for end in ages if age < end)] += orders
    if old:
        parts = [f"{ages[end]}: {compact(count)}" for end, count in counts.items() if count]
        last = today - timedelta(days=limit)
        yield Notice(
            "backlog",
            f"{counted(old, 'order is', 'orders are')} open for {counted(limit, 'day')} or more",
            f"open orders by age: {', '.join(parts)}",
            f"?page=orders&from={EVER}&to={last}&state=open&sort=time",
            "Orders",
        )


def cover(
    database: MongoDatabase, store: Figures, settings: Settings, zone: ZoneInfo, now: datetime
) -> Iterator[Notice]:
    """Products whose stock lasts for few days at the rate of the last SOLD_DAYS."""
    low = [each for each in low_stock(database, store, settings, zone, now) if each.is_short]
    if low:
        names = names_of(database, "products", [each.product_id for each in low[:NAMED]])
        named = [f"{names.get(each.product_id, f'#{each.product_id}')} {each.cover_days:.1f} d" for each in low]
        yield Notice(
            "cover",
            f"{counted(len(low), 'product has', 'products have')} stock for less than {settings.cover_days:g} days",
            f"{first_of(named, NAMED)}; by the sales of {SOLD_DAYS} days",
            "#stock",
            "Low stock",
        )


def rejected(database: MongoDatabase) -> Iterator[Notice]:
    """Rows that were rejected and not repaired."""
    if count := count_few(database[REJECTED_ROWS]):
        waiting = counted(count, "rejected row waits", "rejected rows wait")
        yield Notice("rejected", f"{waiting} to be repaired", "their reasons are on the pipeline page")


def checked(database: MongoDatabase, what: str) -> Iterator[Notice]:
    """What the last check found wrong of what it looks at, such as damaged days, until one finds it mended."""
    for problem in check_problems(database):
        if problem.what == what:
            yield Notice(f"check-{what}", problem.brief, f"{problem.remedy}: {problem.says}")


def lag(seconds: float, settings: Settings) -> Iterator[Notice]:
    """Figures that are far behind the orders."""
    if seconds > settings.lag_seconds:
        yield Notice(
            "lag", f"The figures are {duration(seconds)} behind", "more orders change than one process takes in"
        )


def _where_permitted(notices: Iterator[Notice]) -> list[Notice]:
    """The notices. Of a collection that the user of an older installation may not read, how to let it."""
    try:
        return list(notices)
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        raise PermissionError("its MongoDB user may not read that: run `mongo-init` again (docs/security.md)") from None


class Kind(NamedTuple):
    """A kind of notice, to be looked at."""

    key: str
    """Of its notice."""
    called: str
    notices: Callable[[], Iterable[Notice]]


def kinds_of(
    database: MongoDatabase, store: Figures, settings: Settings, lag_seconds: float, zone: ZoneInfo, now: datetime
) -> list[Kind]:
    """What the shop's figures can say at a moment; the customers' first."""
    return [
        Kind("overdue", "overdue orders", lambda: overdue(store, settings, zone, now)),
        Kind("backlog", "open orders", lambda: backlog(store, settings, zone, now)),
        Kind("cover", "how long stock lasts", lambda: cover(database, store, settings, zone, now)),
        *(
            Kind(f"check-{what}", "what the last check found", partial(_where_permitted, checked(database, what)))
            for what in (TWICE, FEWER, ARCHIVE, FIGURES)
        ),
        Kind("rejected", "rejected rows", lambda: rejected(database)),
        Kind("lag", "the lag", lambda: lag(lag_seconds, settings)),
    ]


def look(kinds: Iterable[Kind]) -> tuple[list[Notice], list[Kind]]:
    """The notices, and the kinds that could not be looked at: such a one hides no other. Raises PyMongoError."""
    found: list[Notice] = []
    not_known: list[Kind] = []
    for kind in kinds:
        try:
            found += kind.notices()
        except PyMongoError:
            raise
        except Exception as error:  # noqa: BLE001 - the others are told
            log.warning("no notice of %s: %s", kind.called, error)
            found.append(Notice(f"untold-{kind.key}", f"{kind.called}: not known now", str(error)))
            not_known.append(kind)
    return found, not_known
