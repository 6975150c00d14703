"""The picture of a generated month: `python -m benchmarks.olist_plot` draws docs/images/generator.svg."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.curves import pyplot
from benchmarks.olist import DAYS, START, all_columns, month
from ecommerce.documents.kinds import DAY_MS, HOUR_MS
from ecommerce.generate.model.windows import span

TARGET = Path("docs/images/generator.svg")
VALUES = {"median": 105, "mean": 161, "p95": 453, "p99": 1076}
"""Value of an order at Olist."""
DELIVERIES = {"p5": 3.0, "p25": 6.8, "median": 10.2, "p75": 15.7, "p95": 29.2}
"""Days from order to delivery at Olist."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
OLIST_COLOR = "#d9480f"


def draw(path: Path) -> None:
    """Draw a week by the hour, a year by the day, order values and delivery times beside Olist's quantiles."""
    plt = pyplot()
    figure, ((week, year), (value, delivery)) = plt.subplots(2, 2, figsize=(12, 6.5), layout="constrained")
    columns = all_columns(month(), START + timedelta(days=DAYS + 90))

    hours = np.bincount((columns.order_time - month().start_ms) // HOUR_MS, minlength=DAYS * 24)
    # The month begins on a Sunday; the week is shown from Monday.
    week.bar(np.arange(7 * 24), np.roll(hours.reshape(DAYS // 7, 7 * 24).mean(axis=0), -24), width=1)
    week.set(title="Orders by hour of the week", xticks=np.arange(7) * 24 + 12, xticklabels=WEEKDAYS)

    whole_year = span(
        datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), 300_000, seed=7, preset="marketplace"
    )
    days = np.bincount((whole_year.times(0, whole_year.orders) - whole_year.start_ms) // DAY_MS, minlength=365)
    year.bar(np.arange(365), days, width=1)
    year.set(title="Orders by day of a year", xticks=(np.arange(12) + 0.5) * 365 / 12, xticklabels=MONTHS)

    value.hist(columns.total_amount / 10_000, bins=np.geomspace(5, 4_000, 91))
    value.set(title="Order value (log scale), beside the quantiles of Olist", xscale="log")
    value.xaxis.set_major_formatter("{x:g}")

    delivered = columns.actual_time > 0
    delivery.hist((columns.actual_time - columns.order_time)[delivered] / DAY_MS, bins=45, range=(0, 45))
    delivery.set(title="Days from order to delivery, beside the quantiles of Olist")

    for axes, quantiles in ((value, VALUES), (delivery, DELIVERIES)):
        axes.set_ylim(top=1.6 * axes.get_ylim()[1])  # room for the labels above the bars
        for number, (name, at) in enumerate(quantiles.items()):
            # Further right is lower, so that no line crosses a label.
            height = 0.93 - 0.07 * number
            axes.axvline(at, ymax=height + 0.04, color=OLIST_COLOR, linestyle="--", linewidth=1)
            axes.text(at, height, f" {name} {at}", color=OLIST_COLOR, transform=axes.get_xaxis_transform())
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    draw(TARGET)
    print(f"drew {TARGET}")


if __name__ == "__main__":
    main()
