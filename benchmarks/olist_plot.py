"""The picture of a generated month: `python -m benchmarks.olist_plot` draws docs/images/generator.svg.

Plain SVG, so that the same month is the same file and no browser is needed to draw it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.olist import DAYS, START, all_columns, month
from ecommerce.generate.draws import Floats
from ecommerce.generate.rhythm import DAY_MS, HOUR_MS
from ecommerce.generate.windows import span

TARGET = Path("docs/images/generator.svg")
WIDTH, HEIGHT = 1200, 620
BAR, MARK, TEXT = "#3b7dd8", "#d9480f", "#343a40"


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "middle", color: str = TEXT) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{color}">{text}</text>'


def panel(
    box: tuple[float, float, float, float],
    title: str,
    heights: Floats,
    ticks: Sequence[tuple[float, str]],
    marks: Sequence[tuple[float, str]] = (),
) -> str:
    """Bars in a box (x, y, width, height); ticks and marks are (position as a share of the width, label)."""
    left, top, width, height = box
    bar = width / len(heights)
    scale = (height - 40) / float(np.max(heights))
    floor = top + height
    parts = [_text(left, top - 8, title, 15, "start")]
    for at, bar_height in enumerate(heights.tolist()):
        parts.append(
            f'<rect x="{left + at * bar:.1f}" y="{floor - bar_height * scale:.1f}" width="{max(bar - 0.6, 0.5):.1f}" '
            f'height="{bar_height * scale:.1f}" fill="{BAR}"/>'
        )
    parts.append(f'<line x1="{left}" y1="{floor}" x2="{left + width}" y2="{floor}" stroke="{TEXT}"/>')
    for share, label in ticks:
        parts.append(_text(left + share * width, floor + 18, label))
    for number, (share, label) in enumerate(marks):
        x = left + share * width
        # Further right is lower, so that no line crosses a label.
        end = top + 8 + 16 * number
        parts.append(
            f'<line x1="{x:.1f}" y1="{end:.1f}" x2="{x:.1f}" y2="{floor}" stroke="{MARK}" stroke-dasharray="4 3"/>'
        )
        parts.append(_text(x + 4, end + 8, label, 11, "start", MARK))
    return "\n".join(parts)


def picture() -> str:
    """The SVG of the month: a week by the hour, a year by the day, order values and delivery times beside Olist's."""
    columns = all_columns(month(), START + timedelta(days=DAYS + 90))
    hours = np.bincount((columns.order_time - month().start_ms) // HOUR_MS, minlength=DAYS * 24)
    week = hours.reshape(DAYS // 7, 7 * 24).mean(axis=0)
    # The month begins on a Sunday; the week is shown from Monday.
    week = np.roll(week, -24)
    year = span(
        datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), 300_000, seed=7, preset="marketplace"
    )
    days = np.bincount((year.times(0, year.orders) - year.start_ms) // DAY_MS, minlength=365).astype(np.float64)
    value = columns.total_amount / 10_000
    low, high = np.log(5), np.log(4_000)
    values, _ = np.histogram(np.log(value), bins=90, range=(low, high))
    delivered = columns.actual_time > 0
    delivery = (columns.actual_time - columns.order_time)[delivered] / DAY_MS
    deliveries, _ = np.histogram(delivery, bins=45, range=(0, 45))
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    panels = [
        panel(
            (40, 50, 520, 200), "Orders by hour of the week", week, [((at + 0.5) / 7, n) for at, n in enumerate(names)]
        ),
        panel(
            (640, 50, 520, 200), "Orders by day of a year", days, [((at + 0.5) / 12, n) for at, n in enumerate(months)]
        ),
        panel(
            (40, 350, 520, 220),
            "Order value (log scale), with the quantiles of Olist",
            values.astype(np.float64),
            [((np.log(at) - low) / (high - low), str(at)) for at in (10, 30, 100, 300, 1000, 3000)],
            [
                ((np.log(at) - low) / (high - low), f"{name} {at}")
                for name, at in (("median", 105), ("mean", 161), ("p95", 453), ("p99", 1076))
            ],
        ),
        panel(
            (640, 350, 520, 220),
            "Days from order to delivery, with the quantiles of Olist",
            deliveries.astype(np.float64),
            [(at / 45, str(at)) for at in (0, 10, 20, 30, 40)],
            [
                (at / 45, f"{name} {at}")
                for name, at in (("p5", 3.0), ("p25", 6.8), ("median", 10.2), ("p75", 15.7), ("p95", 29.2))
            ],
        ),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
    )
    return head + "\n".join(panels) + "\n</svg>\n"


def main() -> None:
    """Draw the picture."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(picture())
    print(f"drew {TARGET}")


if __name__ == "__main__":
    main()
