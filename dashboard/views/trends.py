"""The trends page: charts over time, read when it is opened and not by ticks."""

from collections.abc import Callable, Mapping
from datetime import date

from dashboard.content import Content
from dashboard.trends import Trends
from dashboard.trends_buckets import days_between
from dashboard.trends_csv import trends_csv
from dashboard.views.board import Board, card, stack
from dashboard.views.part import Part
from dashboard.views.trend_charts import trend_charts

STACKS = [
    stack("full", card("trends", "links"), card("grain", "links")),
    stack("full", card("course", "legend", "course_chart")),
    stack("wide", card("rhythm", "legend", "rhythm_chart")),
    stack("third", card("delivery", "legend", "delivery_chart")),
    stack("wide", card("categories", "legend", "categories_chart")),
    stack("third", card("places", "legend", "places_chart")),
    stack("wide", card("couriers", "legend", "couriers_chart")),
    stack("third", card("late", "legend", "late_chart")),
]


class TrendsPage(Part):
    """Built when it is first opened; `show` feeds it."""

    def __init__(self, on_link: Callable[[str], None], on_days: Callable[[date, date], None], *, touch: bool) -> None:
        """`on_link` leads to the view of a link's query, `on_days` to that of days, both included."""
        super().__init__()
        self._trends: Trends | None = None
        self._on_days = on_days
        charts = trend_charts(self._chosen, touch=touch)
        self._layout: Board = Board(stacks=STACKS, charts=charts, on_link=on_link, csv=self._csv, visible=False)

    def wait(self) -> None:
        """Show that others are on their way."""
        self._layout.wait(True)

    def show(self, trends: Trends | None, cards: Mapping[str, str]) -> None:
        """Draw trends, or say why there are none."""
        self._trends = trends
        self._layout.show(Content(cards))
        self._layout.wait(False)

    def _chosen(self, left: float, right: float) -> None:
        """A piece of a chart's time was chosen, in milliseconds as it draws them: its days are shown."""
        if days := days_between(self._trends.now if self._trends else (), left, right):
            self._on_days(*days)

    def _csv(self, name: str) -> tuple[str, str]:
        return f"{name}.csv", trends_csv(name, self._trends) if self._trends else ""
