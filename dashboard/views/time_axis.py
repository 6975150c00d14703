"""The time axis of a chart: days, weeks and months are named below their middle, hours where they begin.

Bokeh's own names a day below its first moment, which is the edge between two bars.
"""

from pathlib import Path
from typing import Any

from bokeh.models import CustomJSTicker, CustomJSTickFormatter, DatetimeAxis

_CODE = Path(__file__).with_name("time_axis.js").read_text(encoding="utf-8")


def label_days_below_their_middle(figure: Any, source: Any) -> None:
    """Have the time axes of a figure labelled so; the others stay.

    Where the columns `left` and `right` of `source` are the sides of weeks or months, these are named.
    """
    for axis in figure.select({"type": DatetimeAxis}):
        axis.ticker = CustomJSTicker(
            args={"source": source},
            major_code=f"{_CODE}\nreturn placed(cb_data.start, cb_data.end, bucket(source))",
            minor_code="return []",
        )
        axis.formatter = CustomJSTickFormatter(
            args={"source": source}, code=f"{_CODE}\nreturn label(tick, index, ticks, bucket(source))"
        )
