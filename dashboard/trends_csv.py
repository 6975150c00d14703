"""The trends page's figures as CSV: every row, exact."""

from datetime import timedelta

from dashboard.downloads import ORDER_COLUMNS, cell_of, csv_text, groups_csv
from dashboard.trends import Point, Trends
from dashboard.trends_cards import WEEKDAYS

COURSE = ("orders", "counted_orders", "revenue", "net_sales", "delivered", "late")
COUNTED = ("complete", "counted_from", "counted_until")
"""Whether a bucket is over and all in the span, and when the orders in it were: those that are compared, earlier."""


def trends_csv(name: str, trends: Trends) -> str:
    """All rows of one card. Times are the shop's clock's."""
    match name:
        case "course" | "late":
            rows = (
                [
                    point.start.isoformat(),
                    which,
                    *(cell_of(getattr(point, column)) for column in COURSE),
                    *_counted(point, moved),
                ]
                for which, points, moved in (
                    ("now", trends.now, timedelta(0)),
                    ("before", trends.before, trends.moved),
                )
                for point in points
                if point.asked
            )
            return csv_text(["time", "span", *COURSE, *COUNTED], rows)
        case "categories":
            return csv_text(["time", "category", "quantity", "revenue", *COUNTED], _sold(trends))
        case "rhythm":
            cells = (
                [weekday, hour, int(trends.rhythm[day, hour]), int(trends.rhythm_hours[day, hour])]
                for day, weekday in enumerate(WEEKDAYS)
                for hour in range(24)
            )
            return csv_text(["weekday", "hour", "orders", "hours_in_the_span"], cells)
        case "couriers":
            return groups_csv("courier", trends.couriers, ORDER_COLUMNS)
        case "delivery":
            return csv_text(["days", "orders"], (trends.delivery_days or {}).items())
        case "places":
            days = ([place.start.isoformat(), place.hot, place.archived] for place in trends.places or ())
            return csv_text(["time", "hot", "archived"], days)
    raise ValueError(f"there is no card {name!r}")


def _sold(trends: Trends) -> list[list[object]]:
    return [
        [point.start.isoformat(), category, quantity, cell_of(revenue), *_counted(point, timedelta(0))]
        for at, point in enumerate(trends.now)
        for category, values in sorted(trends.sold.items())
        for quantity, revenue in [values[at]]
        if quantity
    ]


def _counted(point: Point, moved: timedelta) -> list[object]:
    return [point.complete, *((time - moved).isoformat() for time in point.counted)]
