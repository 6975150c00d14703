"""What the headlines say about an answer, beside the days that it is compared with."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.figures import Answer, Question
from dashboard.spans import dates_span, day_of, days_of
from dashboard.state import ORDER_DIMENSIONS, left_out_of_links, not_filtered_note
from dashboard.text import NOTHING, change, change_text, day_text, in_a_line, percent, span_so_far, span_text
from dashboard.theme import status_color
from ecommerce.documents.statuses import FINISHED
from ecommerce.kpis.figures import Kpis
from ecommerce.readable import compact, exact

INCOMPLETE = "incomplete"

NOT_FILLED = "not known yet of all archived orders: `ecommerce upgrade` fills it in"

NO_ORDER_THEN = "no order then"
"""Of days before in which none of the orders is that a figure counts."""

NEEDS_FINISHED = ("delivered", "late_share")
"""Headlines that say something only about orders that are finished."""

OPEN_SHARE_MAX = 0.05

NOTABLE = 0.02

NOTABLE_POINTS = 0.005
"""A change smaller than these is neither good nor bad: a shop's days differ by more."""

BEHIND = {
    "revenue": [["state", "counted"]],
    "average_order_value": [["state", "counted"]],
    "delivered": [["status", "Delivered"], ["status", "Pending"]],
    "late_share": [["state", "late"]],
}
"""What in a link chooses the orders behind a headline, beside span and filters."""

Content = dict[str, Any]

Row = dict[str, Any]


def headlines(answer: Answer, amount: Any, zone: ZoneInfo) -> Content:
    """The card of the headlines, which says which chosen filters do not act on them."""
    kpis, filters = answer.kpis, answer.question.filters
    unfiltered = not_filtered_note(filters, ORDER_DIMENSIONS)
    idle = left_out_of_links(filters, ORDER_DIMENSIONS)
    orders, late = kpis.orders, kpis.late_share
    rows = [
        _headline("orders", "Orders", compact(orders), exact(orders)),
        _amount("revenue", "Revenue", kpis.revenue, amount),
        _amount("average_order_value", "Average order value", kpis.average_order_value, amount),
        _headline(
            "delivered",
            "Delivered / pending",
            compact(kpis.delivered),
            f"{exact(kpis.delivered)} delivered, {exact(kpis.pending)} pending",
        )
        | {
            "small": f" / {compact(kpis.pending)}",
            "share": [
                {"key": name, "size": size, "color": status_color(name, ())}
                for name, size in (("Delivered", kpis.delivered), ("Pending", kpis.pending))
                if size
            ],
        },
        _headline("quantity", "Quantity ordered", compact(kpis.quantity), exact(kpis.quantity)),
        _headline(
            "late_share",
            "Late (of those due)",
            percent(late) if late is not None else INCOMPLETE if "late_share" in kpis.incomplete else NOTHING,
            _lateness(kpis),
        ),
    ]
    before, young_shop = before_text(answer, zone), not_comparable(answer, zone)
    for row in rows:
        key = row["key"]
        row["spark"] = [point if point is None else round(point, 4) for point in answer.timeline.sparks.get(key, ())]
        row["unfiltered"] = unfiltered
        row["orders"] = [*idle, *BEHIND.get(key, [])]
        if (filters.statuses or key in NEEDS_FINISHED) and (still_open := _still_open(answer)):
            # Nothing of theirs is comparable yet: the younger the orders, the fewer are delivered, and the fewer late.
            # So of all that is counted of one status: of 30 days, orders that are delivered "fell" by 28.5 %.
            row["note"] = still_open
        elif young_shop or (answer.before is not None and not answer.before.orders):
            row["note"] = young_shop or NO_ORDER_THEN
        elif answer.done is not None and answer.before is not None:
            row |= _versus(key, getattr(answer.done, key), getattr(answer.before, key), f"vs. {before}")
    rows += [_measure(name, value, amount) | {"unfiltered": unfiltered} for name, value in kpis.measures.items()]
    return {"title": title_of(answer.question, zone), "subtitle": _subtitle(answer, zone), "rows": rows}


def before_text(answer: Answer, zone: ZoneInfo) -> str:
    """The days that an answer is compared with, and their year where it is another; empty where it is compared with
    nothing."""
    compared = answer.question.compared
    days = days_of(compared.before, zone) if compared else None
    if compared is None or days is None:
        return ""
    years = {day.year for day in (*days, *(days_of(compared.done, zone) or ()))}
    return span_text(dates_span(*days, zone), zone, year=len(years) > 1)


def not_comparable(answer: Answer, zone: ZoneInfo) -> str:
    """Why no figure of the shop is compared, where it had no order when the days that it is compared with began."""
    compared, first = answer.question.compared, answer.first_day
    if compared is None or compared.before.start is None or compared.before.end is None:
        return ""
    if first is None or compared.before.end <= first:
        return NO_ORDER_THEN
    return f"orders only since {day_text(day_of(first, zone))}" if compared.before.start < first else ""


def _measure(name: str, value: Decimal | int | None, amount: Any) -> Row:
    """The headline of a measure that is a figure of its own."""
    label = name.replace("_", " ").capitalize()
    if value is None:
        return _headline(name, label, INCOMPLETE, NOT_FILLED)
    if isinstance(value, Decimal):
        return _amount(name, label, value, amount)
    return _headline(name, label, compact(value), exact(value))


def _lateness(kpis: Kpis) -> str:
    """Of which orders the late share is, or why there is none."""
    if kpis.late_share is None or kpis.due is None:
        return NOT_FILLED if "late_share" in kpis.incomplete else "nothing was due"
    late, overdue = (kpis.due_late or 0), (kpis.overdue or 0)
    counts = f"{exact(late + overdue)} of {exact(kpis.due)} due, {exact(overdue)} of them overdue"
    return f"{percent(kpis.late_share, 4)}: {counts}"


def _still_open(answer: Answer) -> str:
    """Which share of the orders is not finished, where that is too large for a comparison; empty where it is not.

    It is of the orders that the figure above counts. Where of those few are open, of the full hours, which are
    compared: after minutes of many orders these were 100 % open, and the figures above them 28 %.
    """
    if answer.question.filters.statuses:
        share = _open_share(answer.of_card("status"))
        return f"{percent(share, 0)} of all statuses still open" if share > OPEN_SHARE_MAX else ""
    compared, shown = _open_share(answer.done or answer.kpis), _open_share(answer.kpis)
    if compared <= OPEN_SHARE_MAX:
        return ""
    if shown > OPEN_SHARE_MAX:
        return f"{percent(shown, 0)} still open"
    return f"{percent(compared, 0)} of the full hours still open"


def _open_share(kpis: Kpis) -> float:
    """The share of orders, of whatever status, that are not finished."""
    finished = sum(kpis.by_status.get(status, 0) for status in FINISHED)
    return 1 - finished / kpis.orders if kpis.orders else 0.0


def title_of(question: Question, zone: ZoneInfo) -> str:
    """The span in words; what it shows of the present is not over."""
    text = span_so_far(question.span, question.running, zone)
    return text[0].upper() + text[1:]


def comparison_text(question: Question, zone: ZoneInfo) -> str:
    """With which days a span is compared, in words; empty where it is compared with nothing."""
    return f"compared with {span_text(question.compared.before, zone)}" if question.compared else ""


def _subtitle(answer: Answer, zone: ZoneInfo) -> str:
    question, text = answer.question, comparison_text(answer.question, zone)
    if question.compared is None:
        start, running = question.span.start, question.running
        begun = start is not None and (running is None or start <= running)
        return "changes are shown from the first full hour on" if begun else ""
    text = in_a_line(text, not_comparable(answer, zone))
    done = question.compared.done
    if done == question.span:
        return text
    assert done.end is not None  # noqa: S101 - of a comparison both ends are known
    return f"the full hours until {done.end.astimezone(zone):%H:%M} {text}"


def _headline(key: str, label: str, value: str, exact_text: str) -> Row:
    return {"key": key, "label": label, "value": value, "exact": exact_text, "note": ""}


def _amount(key: str, label: str, value: Decimal, amount: Any) -> Row:
    return _headline(key, label, amount(value, short=True), amount(value, short=False))


def _versus(key: str, now: Any, before: Any, note: str) -> Row:
    if key == "late_share":
        if now is None or before is None:
            return {"note": "nothing to compare with"}
        text = f"{abs(now - before) * 100:.1f} points"
        return _tone(now - before, text, note, notable=NOTABLE_POINTS, rising_is_good=False)
    relative = change(now, before)
    if before < 0:
        return {"note": "nothing to compare with"}
    if relative is None:
        return {"change": "new" if now else "unchanged", "note": note}
    # Fewer delivered may only mean that the orders are young: neither good nor bad.
    rising_is_good = None if key == "delivered" else True
    return _tone(relative, change_text(relative), note, notable=NOTABLE, rising_is_good=rising_is_good)


def _tone(rise: float, text: str, note: str, *, notable: float, rising_is_good: bool | None) -> Row:
    if abs(rise) < 0.0005:
        return {"change": "unchanged", "note": note}
    arrow = "▲" if rise > 0 else "▼"
    tone = "" if rising_is_good is None or abs(rise) < notable else "good" if (rise > 0) is rising_is_good else "bad"
    return {"change": f"{arrow} {text}", "tone": tone, "note": note}
