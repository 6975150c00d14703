"""The charts of the trends page, in the order of its cards. See charts.py for how they get their columns."""

from collections.abc import Callable
from typing import Any

import hvplot.pandas  # noqa: F401 - adds .hvplot to frames
import pandas as pd
import panel as pn
from bokeh.events import SelectionGeometry, Tap
from bokeh.models import (
    BoxSelectTool,
    BoxZoomTool,
    DataRange1d,
    FixedTicker,
    HoverTool,
    NumeralTickFormatter,
    PrintfTickFormatter,
)

from dashboard.theme import ACCENTS, COMPARED_COLOR, REVENUE_COLOR
from dashboard.views.charts import (
    HEIGHT,
    SIDES,
    dots,
    figure_of,
    line_figure,
    pane_of,
    rectangles,
    short_numbers,
    whole_and_parts,
    whole_numbers,
)

LATE_COLOR = "#c9707f"
BY_TIME = ("course", "categories", "late")
"""Charts in which time can be chosen."""
WEEKDAYS = ("Sun", "Sat", "Fri", "Thu", "Wed", "Tue", "Mon")
"""From below."""


Chosen = Callable[[float, float], None]


def trend_charts(on_time: Chosen, *, touch: bool) -> list[pn.pane.Bokeh]:
    """The charts of all cards. `on_time` gets the ends of a piece of time that was dragged over or clicked."""
    figures = {
        "course": course_figure(touch=touch),
        "rhythm": rhythm_figure(touch=touch),
        "delivery": delivery_figure(touch=touch),
        "categories": bars_figure("sales_by_category", touch=touch),
        "places": bars_figure("hot_and_archived", touch=touch),
        "couriers": couriers_figure(touch=touch),
        "late": late_figure(touch=touch),
    }
    if not touch:  # there a finger scrolls, and shows what is under it
        for name in BY_TIME:
            _choosing(figures[name], on_time)
    return [pane_of(figure) for figure in figures.values()]


def _choosing(figure: Any, on_time: Chosen) -> None:
    """Have a drag, or a click, choose time instead of zooming into it; the wheel still zooms."""
    select = BoxSelectTool(dimensions="width", persistent=False)
    figure.tools = [*(tool for tool in figure.tools if not isinstance(tool, BoxZoomTool)), select]
    figure.toolbar.active_drag = select
    # Otherwise the ranges would stretch to the box that was dragged last, of another span.
    figure.x_range.renderers = figure.y_range.renderers = figure.renderers
    for renderer in figure.renderers:
        renderer.nonselection_glyph = renderer.selection_glyph = None

    def dragged(event: SelectionGeometry) -> None:
        if event.final and event.geometry.get("type") == "rect":
            on_time(event.geometry["x0"], event.geometry["x1"])

    figure.on_event(SelectionGeometry, dragged)
    figure.on_event(Tap, lambda event: on_time(event.x, event.x + 1))


def course_figure(*, touch: bool) -> Any:
    """A measure over time, and over the span that it is compared with."""
    columns = (
        "left",
        "right",
        "time",
        "now",
        "whole",
        "part",
        "before",
        "part_before",
        "lone",
        "lone_before",
        "zero",
        "label",
        "now_text",
        "before_text",
    )
    tooltips = [("", "@label"), ("this span", "@now_text"), ("compared with", "@before_text")]
    figure = line_figure("now", "trend", columns, tooltips, touch=touch)
    source = figure.renderers[0].data_source
    # Net sales of a day on which more came back than was sold are below it.
    figure.y_range = DataRange1d(range_padding=0.08, default_span=1)
    figure.line(x="time", y="zero", source=source, line_color=COMPARED_COLOR, line_width=1, line_alpha=0.5)
    whole_and_parts(figure, source, ("before", "part_before"), COMPARED_COLOR, 1.5)
    whole_and_parts(figure, source, ("whole", "part"), REVENUE_COLOR, 2)
    dots(figure, source, "lone_before", COMPARED_COLOR)
    dots(figure, source, "lone", REVENUE_COLOR)
    figure.yaxis.formatter = short_numbers()
    return figure


def late_figure(*, touch: bool) -> Any:
    """The share of late deliveries over time, in percent."""
    tooltips = [("", "@label"), ("late", "@text of @delivered{0,0} delivered")]
    columns = ("left", "right", "time", "late", "whole", "part", "zero", "lone", "label", "text", "delivered")
    figure = line_figure("late", "delivered_late", columns, tooltips, touch=touch)
    source = figure.renderers[0].data_source
    # As long as the span, of whose last days nothing may be delivered yet.
    figure.line(x="time", y="zero", source=source, line_color=COMPARED_COLOR, line_width=1, line_alpha=0.5)
    whole_and_parts(figure, source, ("whole", "part"), LATE_COLOR, 2)
    dots(figure, source, "lone", LATE_COLOR)
    figure.yaxis.formatter = PrintfTickFormatter(format="%g %%")
    return figure


def couriers_figure(*, touch: bool) -> Any:
    """Couriers by how many orders they have and which share comes late."""
    blank = pd.DataFrame({"orders": [0.0, 1.0], "late": [0.0, 1.0]})
    points = blank.hvplot.scatter(
        x="orders", y="late", color=ACCENTS["courier"], hover=False, responsive=True, height=HEIGHT
    )
    tooltips = [("", "@name"), ("orders", "@orders{0,0}"), ("late", "@late{0.0} %"), ("", "@delay")]
    columns = ("orders", "late", "name", "short", "across", "down", "align", "delay")
    figure = figure_of(points, "couriers", columns, tooltips, touch=touch)
    drawn = figure.renderers[0]
    drawn.glyph.update(size=11, fill_alpha=0.85, line_color=None)
    figure.text(
        x="orders", y="late", text="short", source=drawn.data_source,
        x_offset="across", y_offset="down", text_align="align", text_font_size="11px", text_color=COMPARED_COLOR,
    )  # fmt: skip
    figure.select_one(HoverTool).renderers = [drawn]
    figure.x_range.update(start=0, range_padding=0.35)
    figure.y_range.range_padding = 0.2
    figure.xaxis.formatter = short_numbers()
    figure.yaxis.formatter = NumeralTickFormatter(format="0.[0]")
    figure.xaxis.axis_label, figure.yaxis.axis_label = "orders", "% late"
    for axis in figure.axis:
        axis.axis_label_text_font_size, axis.axis_label_text_font_style = "11px", "normal"
    return figure


def rhythm_figure(*, touch: bool) -> Any:
    """Orders by weekday and hour: the more of them, the darker."""
    tooltips = [("", "@label"), ("orders an hour", "@mean"), ("orders in all", "@orders{0,0}")]
    columns = (*SIDES, "alpha", "label", "mean", "orders")
    figure = figure_of(rectangles(), "orders_by_weekday_and_hour", columns, tooltips, touch=touch)
    figure.renderers[0].glyph.update(fill_color=REVENUE_COLOR, fill_alpha="alpha", hatch_color=None)
    figure.x_range.range_padding = figure.y_range.range_padding = 0
    figure.yaxis.ticker = FixedTicker(ticks=[place + 0.5 for place in range(7)])
    figure.yaxis.major_label_overrides = {place + 0.5: name for place, name in enumerate(WEEKDAYS)}
    hours = range(0, 25, 6 if touch else 3)
    figure.xaxis.ticker = FixedTicker(ticks=[*hours])
    figure.xaxis.major_label_overrides = {hour: f"{hour}:00" for hour in hours}
    figure.ygrid.grid_line_color = None
    return figure


def delivery_figure(*, touch: bool) -> Any:
    """How many orders were delivered within how many days."""
    tooltips = [("", "@label"), ("orders", "@top{0,0}"), ("", "@share")]
    figure = figure_of(rectangles(), "delivery_days", (*SIDES, "label", "share"), tooltips, touch=touch)
    figure.renderers[0].glyph.update(fill_color=ACCENTS["category"], hatch_color=None)
    figure.xaxis.axis_label = "days"
    figure.xaxis.axis_label_text_font_size, figure.xaxis.axis_label_text_font_style = "11px", "normal"
    whole_numbers(figure)
    return figure


def bars_figure(name: str, *, touch: bool) -> Any:
    """Bars over time that stand on each other, each in its colour."""
    columns = (*SIDES, "name", "color", "value", "label", "alpha")
    tooltips = [("", "@label"), ("", "@name"), ("", "@value")]
    figure = figure_of(rectangles(times=True), name, columns, tooltips, touch=touch)
    figure.renderers[0].glyph.update(fill_color="color", fill_alpha="alpha", hatch_color=None)
    figure.yaxis.formatter = short_numbers()
    return figure
