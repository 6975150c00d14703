"""`ecommerce summarize`, `ecommerce kpis` and `ecommerce check`."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.json_output import AsJson, print_json
from cli.runtime import run_flow, services
from ecommerce.errors import InputError
from ecommerce.mongo import get_database
from ecommerce.readable import counted, exact
from ecommerce.shop import require_same_shop

if TYPE_CHECKING:
    from ecommerce.check import CheckReport
    from ecommerce.kpis import ItemGroup, Kpis, OrderGroup
    from ecommerce.mongo import MongoDatabase

_HOURS = ["%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_ROWS = 12

ASIDE_SHOWN = 20
"""Documents that are no orders and that a check prints; `--json` has more."""


def print_aside(database: "MongoDatabase") -> None:
    """Name the documents that are set aside in one line on standard error, where there are any."""
    from ecommerce.summaries.aside import all_aside, aside_sentence

    count, named = all_aside(database)
    if count:
        print(f"warning: {_printable(aside_sentence(count, named))}", file=sys.stderr)


class Against(StrEnum):
    """What figures of a span are shown beside."""

    BEFORE, WEEK, YEAR = "before", "week", "year"


def summarize(as_json: AsJson = False) -> None:
    """Bring the summaries up to date now, compact them and report their lag."""
    with services(prefect=True) as settings:
        from flows.summarize_orders import summarize_orders

        done = run_flow(summarize_orders)
        print_aside(get_database(settings))
    if as_json:
        print_json(done)
        return
    print(f"{done.mode}: {counted(done.changes, 'change')}" + (f" ({done.reason})" if done.reason else ""))
    print(f"compacted: {counted(done.compacted_deltas, 'delta')}, {counted(done.merged_parts, 'part')} merged")
    print(f"lag: {done.lag_seconds:.1f} s, figures as of {done.as_of:%Y-%m-%d %H:%M:%S} UTC")


def kpis(
    as_json: Annotated[bool, typer.Option("--json", help="All figures as one JSON document.")] = False,
    start: Annotated[datetime | None, typer.Option(formats=_HOURS, help="First hour, of the shop's clock.")] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=_HOURS, help="End, of the shop's clock; itself not in the span.")
    ] = None,
    against: Annotated[
        Against, typer.Option(help="Show beside them: as many days before, the same a week, or a year before.")
    ] = Against.BEFORE,
    currency: Annotated[str | None, typer.Option(help="Show amounts of this currency, not of the shop's.")] = None,
) -> None:
    """Show the figures of all orders, or of those whose order time is in a span of whole hours."""
    from ecommerce.kpis import Filters, KpiStore, Span
    from ecommerce.kpis.comparison import compared_with, span_dates

    filters = Filters(currency=currency.upper() if currency else None)
    with services() as settings:
        database = get_database(settings)
        require_same_shop(database, settings)
        store = KpiStore(database)
        store.refresh()
        span = Span(start and store.hours.instant(start), end and store.hours.instant(end))
        require_currency(store.choices()["currencies"], filters.currency)
        figures = store.kpis(span, filters)
        like = None if as_json else compared_with(span, store.hours, against.value)
        earlier = (span_dates(like, store.hours), store.kpis(like, filters)) if like else None
        if figures.aside:
            print_aside(database)
    if as_json:
        print(json.dumps(figures.to_json_dict(), indent=2, ensure_ascii=False))
    else:
        print_kpis(figures, earlier)


def require_currency(found: Sequence[str], wanted: str | None) -> None:
    """Raise InputError where no order is in the currency that is asked for."""
    if wanted and wanted not in found:
        raise InputError(f"--currency {wanted}: no order is in it; orders are in {', '.join(found) or 'none'}")


def check(
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON document.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what differs, then check again.")] = False,
    archive: Annotated[bool, typer.Option(help="Read the archive's Parquet files too.")] = True,
    accept_lost: Annotated[
        bool, typer.Option("--accept-lost", help="Take orders that were counted and are gone for deleted on purpose.")
    ] = False,
) -> None:
    """Recompute every figure from documents and archive, and compare; exit code 1 where one differs."""
    from ecommerce.check import has_archive
    from ecommerce.check.report import FiguresDiffer

    with services() as settings:
        reads_files = archive and has_archive(get_database(settings))
        with services(hdfs=reads_files, prefect=True):
            from flows.check_orders import check_orders

            try:
                report = run_flow(check_orders, repair=repair, archive=archive, accept_lost=accept_lost)
            except FiguresDiffer as error:
                report = error.report
    if as_json:
        print_json(report.to_json_dict())
    else:
        print_report(report)
    if not report.is_good:
        raise typer.Exit(1)


def print_kpis(figures: "Kpis", earlier: "tuple[str, Kpis] | None") -> None:
    """Print the figures as tables, beside those that they are compared with, under the dates of these."""
    console = Console()
    table = Table("figure", "value")
    if earlier:
        table.add_column(earlier[0])
    values, before = figures.to_json_dict(), earlier[1].to_json_dict() if earlier else {}
    for name, value in values.items():
        if isinstance(value, int | float | str | None):
            # Text that came with orders is printed as it is, never as Rich's markup.
            shown = "incomplete" if name in figures.incomplete else _text(value)
            table.add_row(name, shown, *([_text(before[name])] if earlier else []))
    console.print(table)
    if figures.sales:
        _print_sales(console, figures, earlier)
    if figures.incomplete:
        console.print(f"incomplete: {', '.join(figures.incomplete)}; `ecommerce upgrade` fills them from the archive")
    _print_counts(console, "status", figures.by_status)
    _print_orders(console, "payment type", figures.by_payment_type)
    _print_orders(console, "courier", figures.by_courier)
    _print_orders(console, "location", figures.by_location)
    _print_items(console, "warehouse", figures.by_warehouse)
    _print_items(console, "category", figures.by_category)
    products = Table("top products", "quantity")
    for product in figures.top_products:
        products.add_row(_plain(product.name), f"{product.quantity:,}")
    console.print(products)


def _print_sales(console: "Console", figures: "Kpis", earlier: "tuple[str, Kpis] | None") -> None:
    table = Table(f"sales, {figures.currency}", "value")
    if earlier:
        table.add_column(earlier[0])
    values = figures.sales.to_json_dict() if figures.sales else {}
    before = earlier[1].sales.to_json_dict() if earlier and earlier[1].sales else {}
    for name in values:
        table.add_row(name, *(sales_text(each, name) for each in ([values, before] if earlier else [values])))
    console.print(table)
    for title, groups in (("currency", figures.by_currency), ("channel", figures.by_channel)):
        if groups and len(groups) > 1:
            table = Table(title, "orders", "revenue", "net sales", "total sales")
            for name, group in sorted(groups.items(), key=lambda one: -one[1].orders)[:_ROWS]:
                amounts = (group.revenue, group.net_sales, group.total_sales)
                table.add_row(_plain(name), f"{group.orders:,}", *map(_amount, amounts))
            _say_rest(table, len(groups))
            console.print(table)


def sales_text(sales: Mapping[str, Any], name: str) -> str:
    """A figure of sales; cost and margin of goods of which no cost is known are not zero."""
    if name in ("cost", "margin") and not sales.get("cost_known_share"):
        return "not known"
    return _text(sales.get(name))


def _amount(amount: Decimal) -> str:
    """All digits of an amount, which has two decimals at least."""
    from ecommerce.kpis.figures import money_text

    return exact(Decimal(money_text(amount)))


def _print_counts(console: Console, title: str, counts: Mapping[str, int]) -> None:
    table = Table(title, "orders")
    for name, orders in counts.items():
        table.add_row(_plain(name), f"{orders:,}")
    console.print(table)


def _print_orders(console: Console, title: str, groups: "Mapping[str, OrderGroup]") -> None:
    table = Table(title, "orders", "revenue", "late")
    most = sorted(groups.items(), key=lambda pair: -pair[1].orders)
    for name, group in most[:_ROWS]:
        late = "incomplete" if group.late is None else "" if group.late_share is None else f"{group.late_share:.1%}"
        table.add_row(_plain(name), f"{group.orders:,}", _amount(group.revenue), late)
    _say_rest(table, len(groups))
    console.print(table)


def _print_items(console: Console, title: str, groups: "Mapping[str, ItemGroup]") -> None:
    table = Table(title, "order items", "quantity", "revenue")
    for name, group in sorted(groups.items(), key=lambda pair: -pair[1].quantity)[:_ROWS]:
        revenue = "incomplete" if group.revenue is None else _amount(group.revenue)
        table.add_row(_plain(name), f"{group.order_items:,}", f"{group.quantity:,}", revenue)
    _say_rest(table, len(groups))
    console.print(table)


def _say_rest(table: Table, groups: int) -> None:
    """A last row that says how many groups the table leaves out."""
    if groups > _ROWS:
        table.add_row(f"and {groups - _ROWS:,} more")


def print_report(report: "CheckReport") -> None:
    """Print what a check found, a line per bucket that differs."""
    from ecommerce.summaries.aside import aside_sentence

    for difference in report.differences:
        print(difference)
    for damaged in report.damaged:
        print(damaged)
    if report.aside:
        print(_printable(aside_sentence(report.aside, report.set_aside[:ASIDE_SHOWN])))
    for said in (*report.said_of_twice, *report.lost):
        print(said)
    checked = f"{counted(report.hot_orders, 'order')} from documents"
    if report.archive_checked:
        checked += f" and {report.archived_orders:,} from the archive's files"
    if report.accepted:
        print(f"accepted as gone: {counted(report.accepted, 'order')}")
    state = "mended" if report.repaired else counted(len(report.differences), "bucket differs", "buckets differ")
    if not report.differences and not report.repaired:
        state = "all figures of the orders equal" if report.aside else "all figures equal"
        if report.damaged:
            state = "the archive is damaged; the figures of the orders that can be read are equal"
    if not report.is_good and (report.repaired or report.twice or report.fewer):
        state += ", but for what is said above"
    print(f"{state}: {checked}, {report.seconds:.1f} s")


def _plain(text: str) -> str:
    """Text that came with orders, not to be read as Rich's markup or as terminal control."""
    from rich.markup import escape

    return escape(_printable(text))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)


def _text(value: object) -> str:
    return "–" if value is None else _plain(f"{value:,}" if isinstance(value, int) else str(value))
