"""What a check found: each bucket whose figures differ from a recomputation, and by how much."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl

from ecommerce.check.places import Deleted, Twice
from ecommerce.errors import EcommerceError
from ecommerce.hours import UTC_HOURS, Hours, time_of
from ecommerce.kpis.figures import amount_of, money_text, time_text
from ecommerce.readable import counted
from ecommerce.summaries.aside import REMEDY, SetAside, aside_sentence
from ecommerce.summaries.cells.sales import net_sales
from ecommerce.summaries.cells.table import CellTable

NAMED = 5
"""Buckets that the error names; the report has all of them."""

BRING_BACK = (
    "Bring them back from a backup (docs/backup.md), or import their files again, or leave it so; then "
    "`ecommerce check --accept-lost` closes this"
)

REMOVES_COPIES = "`ecommerce check --repair` removes from `orders` what the archive has with the same content. "

OF_OTHER_CONTENT = (
    "Where the content is another one, delete the order from `orders` in a MongoDB shell and run `ecommerce check "
    "--repair`; a later version of an archived order comes in by import"
)

LISTED = 500
"""Rows of the page."""

Source = Literal["summaries", "rollups", "archive"]
"""summaries: cells against documents and archive records. rollups: those of a month against its cells. archive: what
the purges recorded against the Parquet files."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A bucket that is not what it should be; the numbers are what it has too much."""

    source: Source
    bucket: str
    """`order cells of 2026-03-01 14:00`, or `rollup of 2026-03`."""
    cells: int
    """Cells, or rows of a rollup, that differ."""
    orders: int
    """Orders too many; order items for item cells."""
    amount: str
    """Amount too much; revenue for item cells."""

    def __str__(self) -> str:
        return f"{self.bucket}: {self.cells} differ, {self.orders:+d} orders or items, {self.amount} ({self.source})"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was compared, what differs, and what was done about it."""

    as_of: datetime
    hot_orders: int
    """Orders recomputed from documents."""
    archived_orders: int
    """Orders recomputed from Parquet files."""
    archive_checked: bool
    """False where there is no archive, or it was left out."""
    aside: int
    """Documents of `orders` that are no orders."""
    set_aside: tuple[SetAside, ...]
    """The first of them."""
    damaged: tuple[str, ...]
    """Days of archive runs whose files are not what the run wrote: a sentence for each, with what to put back."""
    differences: tuple[Difference, ...]
    repaired: bool
    """Whether what is wrong was mended as far as it could be, and a second check found no difference."""
    seconds: float
    twice: tuple[Twice, ...] = ()
    """Orders that are in MongoDB and in the archive, so that they count twice; after a repair those that it left."""
    gone: tuple[Deleted, ...] = ()
    """Orders that were counted and that somebody deleted. Looked for where figures differ."""
    fewer: int = 0
    """Orders that were counted and are not there any more, as rebuilds found, until a person accepts it."""
    accepted: int = 0
    """How many of them the person accepted who asked for this check."""

    @property
    def is_good(self) -> bool:
        """Whether every figure is, now, what a full recomputation gives, and nothing lies outside of all figures."""
        outside = self.aside or self.damaged or self.twice or self.fewer
        return (self.repaired or not self.differences) and not outside

    @property
    def lost(self) -> tuple[str, ...]:
        """What is said of orders that were counted and are no longer there, a sentence each."""
        named = ", ".join(map(str, self.gone[:NAMED]))
        more = f", and {len(self.gone) - NAMED:,} more" if len(self.gone) > NAMED else ""
        said = [f"somebody deleted {named}{more}: counted and in neither place"] if self.gone else []
        if self.fewer:
            said.append(f"{counted(self.fewer, 'order was', 'orders were')} counted once and not found again since")
        return (*said, BRING_BACK) if self.fewer or (said and not self.accepted) else tuple(said)

    @property
    def said_of_twice(self) -> tuple[str, ...]:
        """What is said of orders that are in both places, a sentence each, with what to do."""
        if not self.twice:
            return ()
        rest = len(self.twice) - NAMED
        more = [f"and {counted(rest, 'more order')}"] if rest > 0 else []
        named = "; ".join([*map(str, self.twice[:NAMED]), *more])
        other = OF_OTHER_CONTENT if any(not one.same for one in self.twice) else ""
        return (f"{named}: counted twice. {'' if self.repaired else REMOVES_COPIES}{other}".strip(),)

    def to_json_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {
            "as_of": time_text(self.as_of),
            "good": self.is_good,
            "set_aside": [
                {"_id": one.identity, "reason": one.reason, "noticed_at": time_text(one.noticed_at)}
                for one in self.set_aside
            ],
            "gone": [{"order_id": one.order_id, "deleted_at": time_text(one.at)} for one in self.gone],
            "seconds": round(self.seconds, 3),
        }


class FiguresDiffer(EcommerceError):
    """Some figure is not what a full recomputation gives. Has the report."""

    def __init__(self, report: CheckReport) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        report, said = self.report, []
        if found := () if report.repaired else report.differences:
            named = "; ".join(map(str, found[:NAMED]))
            more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
            count = counted(len(found), "bucket differs", "buckets differ")
            said.append(f"{count} from a recomputation: {named}{more}. `ecommerce check --repair` mends that")
        if report.aside:
            said.append(aside_sentence(report.aside, report.set_aside[:NAMED]))
        said += [*report.said_of_twice, *report.lost]
        rest = len(report.damaged) - NAMED
        are = "is" if rest == 1 else "are"
        others = [f"And {counted(rest, 'more day')} of the archive {are} damaged"] if rest > 0 else []
        return ". ".join([*said, *report.damaged[:NAMED], *others])


def report_markdown(report: CheckReport) -> str:
    """A page about a check. What came with a document stands as code in it."""
    checked = f"{counted(report.hot_orders, 'order')} from documents"
    if report.archive_checked:
        checked += f", {report.archived_orders:,} from the archive's files"
    state = "mended" if report.repaired else "they differ" if report.differences or report.twice else "all equal"
    lines = ["# Figures against a full recomputation", "", f"**{state}**: {checked}, in {report.seconds:.1f} s", ""]
    if report.differences:
        lines += ["| bucket | where | cells | too many | amount too much |", "| --- | --- | ---: | ---: | ---: |"]
        lines += [
            f"| {found.bucket} | {found.source} | {found.cells} | {found.orders} | {found.amount} |"
            for found in report.differences[:LISTED]
        ]
    if len(report.differences) > LISTED:
        lines += ["", f"and {len(report.differences) - LISTED:,} more"]
    if report.aside:
        documents = counted(report.aside, "document that is no order", "documents that are no orders")
        lines += ["", f"## {documents}", "", f"In no figure: {REMEDY}.", ""]
        lines += [f"- `{str(one).replace('`', chr(39))}`" for one in report.set_aside]
    if report.twice:
        orders = counted(len(report.twice), "order that is", "orders that are")
        lines += ["", f"## {orders} in MongoDB and in the archive", ""]
        lines += [f"- {one}" for one in report.twice[:LISTED]]
    if report.lost:
        lines += ["", "## Orders that were counted and are not there", "", *(f"- {one}" for one in report.lost)]
    if report.damaged:
        lines += ["", "## Days whose files are not what was written", "", *(f"- {one}" for one in report.damaged)]
    return "\n".join(lines)


def differences_of(source: Source, too_much: CellTable, shown: Hours = UTC_HOURS) -> Iterator[Difference]:
    """The hours in which cells differ; `too_much` is what was kept minus what was recomputed.

    The amount of cells of sales is net sales.
    """
    for name, frame, count, amount in (
        ("order cells", too_much.orders, "orders", "amount"),
        ("item cells", too_much.items, "order_items", "revenue"),
        ("sales cells", net_sales(too_much.sales), "orders", "net"),
        ("promises", too_much.promises, "orders", "amount"),
    ):
        summed = pl.col(amount).sum() if amount in frame.columns else pl.lit(0, pl.Int128).alias(amount)
        hours = frame.group_by("hour").agg(pl.len().alias("cells"), pl.col(count).sum(), summed)
        for hour, cells, orders, scaled in hours.sort("hour").iter_rows():
            bucket = f"{name} of {time_of(hour).astimezone(shown.zone):%Y-%m-%d %H:%M}"
            yield Difference(source, bucket, cells, orders, money_text(amount_of(scaled)))
