"""The time axis of a chart: days and months are named below their middle, hours where they begin.

Bokeh's own names a day below its first moment, which is the edge between two bars.
"""

from pathlib import Path
from typing import Any

from bokeh.models import CustomJSTicker, CustomJSTickFormatter, DatetimeAxis

_CODE = Path(__file__).with_name("time_axis.js").read_text(encoding="utf-8")


def label_days_below_their_middle(figure: Any) -> None:
    """Have the time axes of a figure labelled so; the others stay."""
    for axis in figure.select({"type": DatetimeAxis}):
        axis.ticker = CustomJSTicker(
            major_code=f"{_CODE}\nreturn placed(cb_data.start, cb_data.end)", minor_code="return []"
        )
        axis.formatter = CustomJSTickFormatter(code=f"{_CODE}\nreturn label(tick, index, ticks)")
