"""The two charts over time. HoloViews builds each figure once; afterwards the board puts columns into its source.

A figure that is rebuilt, or whose ranges the server sets, loses the viewer's zoom. Here the ranges are the browser's:
they follow the data until the viewer zooms, and stay where the viewer put them until a reset. The columns go as one
text that all sessions share: 0.05 ms per session, where assigning them in Python costs 0.3 ms and a frame per column,
and sending through a Pipe 10 to 30 ms.
"""

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import hvplot.pandas  # noqa: F401 - adds .hvplot to frames
import numpy as np
import pandas as pd
import panel as pn
from bokeh.models import CustomJSTickFormatter, DataRange1d, HoverTool, NumeralTickFormatter, SaveTool

from dashboard.theme import REVENUE_COLOR
from dashboard.views.time_axis import label_days_below_their_middle

HEIGHT = 250
SIDES = ["left", "bottom", "right", "top"]
TOOLS = ["xpan", "xbox_zoom", "xwheel_zoom", "reset", "save"]

BLANK = [0.0, 1.0]
"""The columns that a figure is made with; it is shown when it has got its own."""


def short_numbers() -> CustomJSTickFormatter:
    """Ticks as headlines have them (`readable.compact`): 1.5 M. Bokeh's own format writes a million as m."""
    return CustomJSTickFormatter(
        code="""
        const unit = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([size]) => Math.abs(tick) >= size)
        return unit ? `${Number((tick / unit[0]).toFixed(2))} ${unit[1]}` : `${Number(tick.toFixed(2))}`
        """
    )


def whole_numbers(figure: Any) -> None:
    """Have the vertical axis count: a tick of half an order would be written as that above it."""
    figure.yaxis.formatter = NumeralTickFormatter(format="0,0")
    figure.yaxis.ticker.min_interval = 1


def status_chart(*, touch: bool) -> pn.pane.Bokeh:
    """Orders over time, stacked by delivery status."""
    tooltips = [("", "@label"), ("", "@status"), ("orders", "@orders{0,0} of @total{0,0}")]
    columns = (*SIDES, "orders", "total", "alpha", "status", "label", "color")
    figure = figure_of(rectangles(times=True), "orders_by_status", columns, tooltips, touch=touch)
    # HoloViews would map a column of names to a colour scale of its own; ours comes with the data.
    figure.renderers[0].glyph.update(fill_color="color", fill_alpha="alpha", hatch_color=None)
    whole_numbers(figure)
    return pane_of(figure)


def revenue_chart(*, touch: bool) -> pn.pane.Bokeh:
    """Revenue over time."""
    tooltips = [("", "@label"), ("revenue", "@revenue{0,0.00}"), ("orders", "@orders{0,0}")]
    columns = ("time", "revenue", "whole", "part", "lone", "orders", "label")
    figure = line_figure("revenue", "revenue", columns, tooltips, touch=touch)
    source = figure.renderers[0].data_source
    whole_and_parts(figure, source, ("whole", "part"), REVENUE_COLOR, 2)
    dots(figure, source, "lone", REVENUE_COLOR)
    figure.varea(x="time", y1=0, y2="revenue", source=source, fill_color=REVENUE_COLOR, fill_alpha=0.12)
    figure.yaxis.formatter = short_numbers()
    return pane_of(figure)


def line_figure(column: str, name: str, columns: Sequence[str], tooltips: list[tuple[str, str]], *, touch: bool) -> Any:
    """The figure of a line over time. That of all buckets is hovered, not seen: see `whole_and_parts`."""
    empty = pd.DataFrame({"time": pd.Series(dtype="datetime64[ms]"), column: pd.Series(dtype="float64")})
    line = empty.hvplot.line(
        x="time", y=column, color=REVENUE_COLOR, line_width=2, hover=False, responsive=True, height=HEIGHT
    )
    figure = figure_of(line, name, columns, tooltips, touch=touch)
    hovered = figure.renderers[0]
    hovered.glyph.line_alpha = 0
    figure.select_one(HoverTool).update(mode="vline", renderers=[hovered])
    return figure


def rectangles(*, times: bool = False) -> hv.Rectangles:
    """Bars; `times`: from left to right."""
    left, right = (np.datetime64("2000-01-01", "ms"), np.datetime64("2000-01-02", "ms")) if times else (0.0, 1.0)
    return hv.Rectangles([(left, 0.0, right, 1.0)]).opts(line_color=None)


def whole_and_parts(figure: Any, source: Any, columns: tuple[str, str], color: str, width: float) -> None:
    """Draw the line of whole buckets, and the dashed one to and from parts (`timeline.dashed`)."""
    for column, dash in zip(columns, ([], [4, 4]), strict=True):
        figure.line(x="time", y=column, source=source, line_color=color, line_width=width, line_dash=dash)


def dots(figure: Any, source: Any, column: str, color: str) -> None:
    """Draw points that stand alone (`lone_points`)."""
    figure.scatter(x="time", y=column, source=source, size=7, fill_color=color, line_color=None)


def figure_of(element: Any, name: str, columns: Sequence[str], tooltips: list[tuple[str, str]], *, touch: bool) -> Any:
    """The Bokeh figure of an element, whose first renderer gets `columns` from the board. `name`: of its picture."""
    options = {
        "responsive": True, "height": HEIGHT, "xlabel": "", "ylabel": "", "title": "", "toolbar": "above",
        "default_tools": [], "tools": TOOLS, "active_tools": [] if touch else ["xbox_zoom"],
    }  # fmt: skip
    plot = hv.renderer("bokeh").get_plot(element.opts(**options))
    figure = plot.state
    plot.document = None  # the session would keep it, and `--warm` fails when it is closed
    figure.renderers[0].data_source.data = dict.fromkeys(columns, BLANK)
    figure.x_range = DataRange1d(range_padding=0.01)
    label_days_below_their_middle(figure, figure.renderers[0].data_source)
    figure.y_range = DataRange1d(start=0, range_padding=0.08, default_span=1)
    # Without a name the browser asks for one.
    figure.select_one(SaveTool).filename = name
    figure.add_tools(HoverTool(tooltips=tooltips, mode="mouse"))
    figure.output_backend = "canvas"
    _calm(figure)
    return figure


def pane_of(figure: Any) -> pn.pane.Bokeh:
    """A figure as a part of the board."""
    # What changes in the browser is the viewer's own. Else it would tell the server all columns in each tick.
    for model in figure.references():
        model.syncable = False
    return pn.pane.Bokeh(figure, sizing_mode="stretch_width", height=HEIGHT, margin=0)


def _calm(figure: Any) -> None:
    """Only what is needed to read the chart: faint horizontal lines, no frame, no ticks."""
    figure.outline_line_color = None
    figure.background_fill_alpha = 0
    figure.border_fill_alpha = 0
    figure.xgrid.grid_line_color = None
    figure.ygrid.grid_line_color = "#8a93a6"  # HoloViews sets none, and an alpha alone draws nothing
    figure.ygrid.grid_line_alpha = 0.25
    figure.min_border_right = 24  # for half of the name of a day that is drawn at the very end
    figure.toolbar.autohide = True
    figure.toolbar.logo = None
    figure.toolbar_inner = True
    for axis in figure.axis:
        axis.axis_line_color = None
        axis.major_tick_line_color = None
        axis.minor_tick_line_color = None
        axis.major_label_text_font_size = "11px"
