"""The two charts over time. HoloViews builds each figure once; afterwards only its columns are sent.

A figure that is rebuilt, or whose ranges the server sets, loses the viewer's zoom. Here the ranges are the browser's:
they follow the data until the viewer zooms, and stay where the viewer put them until a reset. The columns go as one
text that all sessions share and the browser puts into the figure's source: 0.05 ms per session, where assigning them in
Python costs 0.3 ms and a frame per column, and sending through a Pipe 10 to 30 ms.
"""

import json
from typing import Any

import holoviews as hv
import hvplot.pandas  # noqa: F401 - adds .hvplot to frames
import numpy as np
import pandas as pd
import panel as pn
from bokeh.models import ColumnDataSource, CustomJS, DataRange1d, HoverTool, NumeralTickFormatter, SaveTool
from panel.viewable import Viewer

from dashboard.figures import NO_BARS, NO_REVENUE
from dashboard.spans import HOUR
from ecommerce.kpis.question import Span

HEIGHT = 250
TOOLS = ["xpan", "xbox_zoom", "xwheel_zoom", "reset", "save"]

_FEED = """
const cut = source.name.indexOf("|"), span = source.name.slice(0, cut)
source.data = JSON.parse(source.name.slice(cut + 1))
if (source.shown !== span) { source.shown = span; figure.reset.emit() }
"""
"""In the browser: draw the columns, and all of them where another span is asked for."""

_TIME = {"@time": "datetime"}


class TimeChart(Viewer):
    """A figure over time that is fed columns."""

    def __init__(
        self,
        element: Any,
        name: str,
        blank: str,
        tooltips: list[tuple[str, str]],
        *,
        touch: bool,
        **parameters: Any,
    ) -> None:
        super().__init__(**parameters)
        options = {
            "responsive": True, "height": HEIGHT, "xlabel": "", "ylabel": "", "title": "", "toolbar": "above",
            "default_tools": [], "tools": TOOLS, "active_tools": [] if touch else ["xbox_zoom"],
        }  # fmt: skip
        self.figure = hv.render(element.opts(**options), backend="bokeh")
        self.source: ColumnDataSource = self.figure.renderers[0].data_source
        self.source.data = json.loads(blank)
        # The text travels as the source's name: a property that may hold models, such as tags, costs a walk through the
        # whole document for each change, 300 ms.
        self.source.js_on_change("name", CustomJS(args={"source": self.source, "figure": self.figure}, code=_FEED))
        self.figure.x_range = DataRange1d(range_padding=0.01)
        self.figure.y_range = DataRange1d(start=0, range_padding=0.08, default_span=1)
        # Without a name the browser asks for one.
        self.figure.select_one(SaveTool).filename = name
        self.figure.add_tools(HoverTool(tooltips=tooltips, formatters=_TIME, mode="mouse"))
        self.figure.output_backend = "canvas"
        _calm(self.figure)
        pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_width", height=HEIGHT, margin=(0, 8, 4, 8))
        self._layout = pn.Column(pane, sizing_mode="stretch_width", margin=0, visible=False)
        self._spans = 0
        self._shown: Any = None
        self._span: Span | None = None

    def feed(self, columns: str, span: Span) -> None:
        """Draw these columns (JSON), unless they are what is drawn already. Another span is shown whole."""
        if columns is self._shown:
            return
        # A preset moves with the clock, an hour at a time, but a viewer who zoomed has not asked for another span.
        moved = self._span and self._span.start and span.start and span.start - self._span.start == HOUR
        if span != self._span and not moved:
            self._spans += 1
        self._layout.visible = columns not in (NO_BARS, NO_REVENUE)
        if self.figure.document is None:
            self.source.data = json.loads(columns)
        else:
            self.source.name = f"{self._spans}|{columns}"
        self._shown, self._span = columns, span

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


def status_chart(*, touch: bool) -> TimeChart:
    """Orders over time, stacked by delivery status."""
    sides = ["left", "bottom", "right", "top"]
    day, next_day = (np.array([f"2000-01-0{number}"], dtype="datetime64[ms]") for number in (1, 2))
    blank = dict(zip(sides, (day, [0.0], next_day, [1.0]), strict=True))
    bars = hv.Rectangles(blank, sides).opts(line_color=None)
    tooltips = [("", "@status"), ("orders", "@orders{0,0}"), ("", "@time{%F %H:%M}")]
    chart = TimeChart(bars, "orders_by_status", NO_BARS, tooltips, touch=touch)
    # HoloViews would map a column of names to a colour scale of its own; ours comes with the data.
    chart.figure.renderers[0].glyph.update(fill_color="color", hatch_color=None)
    chart.figure.yaxis.formatter = NumeralTickFormatter(format="0,0")
    return chart


def revenue_chart(currency: str, *, touch: bool) -> TimeChart:
    """Revenue over time."""
    empty = pd.DataFrame({"time": pd.Series(dtype="datetime64[ms]"), "revenue": pd.Series(dtype="float64")})
    line = empty.hvplot.line(
        x="time", y="revenue", color="#5b6ee1", line_width=2, hover=False, responsive=True, height=HEIGHT
    )
    tooltips = [(currency, "@revenue{0,0.00}"), ("orders", "@orders{0,0}"), ("", "@time{%F %H:%M}")]
    chart = TimeChart(line, "revenue", NO_REVENUE, tooltips, touch=touch)
    chart.figure.varea(x="time", y1=0, y2="revenue", source=chart.source, fill_color="#5b6ee1", fill_alpha=0.12)
    chart.figure.select_one(HoverTool).update(mode="vline", renderers=[chart.figure.renderers[0]])
    chart.figure.yaxis.formatter = NumeralTickFormatter(format="0.[0] a")
    return chart


def _calm(figure: Any) -> None:
    """Only what is needed to read the chart: faint horizontal lines, no frame, no ticks."""
    figure.outline_line_color = None
    figure.background_fill_alpha = 0
    figure.border_fill_alpha = 0
    figure.xgrid.grid_line_color = None
    figure.ygrid.grid_line_alpha = 0.25
    figure.toolbar.autohide = True
    figure.toolbar.logo = None
    figure.toolbar_inner = True
    for axis in figure.axis:
        axis.axis_line_color = None
        axis.major_tick_line_color = None
        axis.minor_tick_line_color = None
        axis.major_label_text_font_size = "11px"
