"""`ecommerce kpis`: the figures as tables or as JSON."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from cli.runtime import services
from cli.summaries import print_aside
from ecommerce.errors import InputError
from ecommerce.iso_4217 import minor_digits
from ecommerce.mongo import get_database
from ecommerce.readable import counted, printable
from ecommerce.shop import require_same_shop

if TYPE_CHECKING:
    from ecommerce.hours import Hours
    from ecommerce.kpis import ItemGroup, Kpis, OrderGroup, Span
    from ecommerce.kpis.figures import Sales

_HOURS = ["%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_ROWS = 12

ABOUT_FIGURES = ("as_of", "time_zone", "currency")
"""What `--json` says of the figures: a line below the table, as it is no figure."""

REVENUES = (
    "revenue is of all orders but cancelled and returned ones, with shipping and tax; item revenue, of warehouses and "
    "categories, is of their items after discount, without shipping, and without tax that is not in the prices"
)


class Against(StrEnum):
    """What figures of a span are shown beside."""

    BEFORE, WEEK, YEAR = "before", "week", "year"


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
        print_kpis(figures, earlier, span_title(span, store.hours))


def span_title(span: "Span", hours: "Hours") -> str:
    """What the column of a span's figures is called."""
    from ecommerce.kpis.comparison import span_dates

    if span.start and span.end:
        return span_dates(span, hours)
    limits = {"from": span.start, "before": span.end}
    texts = [f"{word} {limit.astimezone(hours.zone):%Y-%m-%d %H:%M}" for word, limit in limits.items() if limit]
    return texts[0] if texts else "value"


def require_currency(found: Sequence[str], wanted: str | None) -> None:
    """Raise InputError where no order is in the currency that is asked for."""
    if wanted and wanted not in found:
        raise InputError(f"--currency {wanted}: no order is in it; orders are in {', '.join(found) or 'none'}")


class Amounts:
    """Writes money with as many decimals as its currency has, so that the amounts of a column stand below each other.

    `rounded` says whether an amount had more of them, as the discount of an item may give it.
    """

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self.rounded = False

    def text(self, amount: Decimal, currency: str = "") -> str:
        """An amount, grouped; of the currency of the figures where none is named."""
        digits = minor_digits(currency or self._currency)
        shown = f"{amount:,.{digits}f}"
        self.rounded = self.rounded or Decimal(shown.replace(",", "")) != amount
        return shown.lstrip("-") if not any(digit in shown for digit in "123456789") else shown


def print_kpis(figures: "Kpis", earlier: "tuple[str, Kpis] | None" = None, title: str = "value") -> None:
    """Print the figures as tables, beside those that they are compared with, under the dates of these.

    `title` is that of the figures' column: the dates of their span. What is of all of the shop, whatever the span,
    stands below the table.
    """
    from ecommerce.kpis.figures import SHOP_FIGURES

    console, amounts = Console(highlight=False), Amounts(figures.currency)
    columns = [(title, figures), *([earlier] if earlier else [])]
    table = _table("figure", *(of for of, _ in columns))
    for name, value in figures.to_json_dict().items():
        if isinstance(value, int | float | str | None) and name not in (*SHOP_FIGURES, *ABOUT_FIGURES):
            table.add_row(name, *(figure_text(one, name, amounts) for _, one in columns))
    console.print(table)
    _say(
        console,
        f"amounts are in {figures.currency}, hours those of {figures.time_zone}, figures as of "
        f"{figures.as_of:%Y-%m-%d %H:%M:%S} UTC",
    )
    _say(console, shop_sentence(figures))
    if figures.sales:
        _print_sales(console, amounts, columns)
    if figures.incomplete:
        _say(console, f"incomplete: {', '.join(figures.incomplete)}; `ecommerce upgrade` fills them from the archive")
    _print_counts(console, "status", figures.by_status)
    _print_orders(console, amounts, "payment type", figures.by_payment_type)
    _print_orders(console, amounts, "courier", figures.by_courier)
    _print_orders(console, amounts, "location", figures.by_location)
    _print_items(console, amounts, "warehouse", figures.by_warehouse)
    _print_items(console, amounts, "category", figures.by_category)
    products = _table("top products", "quantity")
    for product in figures.top_products:
        products.add_row(_plain(product.name), f"{product.quantity:,}")
    console.print(products)
    _say(console, REVENUES)
    if amounts.rounded:
        _say(console, "amounts are rounded to the decimals of their currency; --json has them exactly")


def shop_sentence(figures: "Kpis") -> str:
    """What the whole shop has now: no figure of a span, nor of one currency."""
    aside = f", {counted(figures.aside, 'document')} of them no order and set aside" if figures.aside else ""
    hot = f"{counted(figures.hot_orders, 'hot order')}{aside}"
    return f"in all of the shop now, whatever the span: {hot}; {counted(figures.archived_orders, 'archived order')}"


def figure_text(figures: "Kpis", name: str, amounts: Amounts) -> str:
    """One figure that is a single value."""
    if name in figures.incomplete:
        return "incomplete"
    return _text(figures.measures[name] if name in figures.measures else getattr(figures, name), amounts)


def _print_sales(console: Console, amounts: Amounts, columns: "Sequence[tuple[str, Kpis]]") -> None:
    figures = columns[0][1]
    table = _table(f"sales, {figures.currency}", *(of for of, _ in columns))
    for name in figures.sales.__slots__ if figures.sales else ():
        table.add_row(name, *(sales_text(one.sales, name, amounts) for _, one in columns))
    console.print(table)
    for title, groups in (("currency", figures.by_currency), ("channel", figures.by_channel)):
        if groups and len(groups) > 1:
            table = _table(title, "orders", "revenue", "net sales", "total sales")
            for name, group in sorted(groups.items(), key=lambda one: -one[1].orders)[:_ROWS]:
                currency = name if title == "currency" else ""
                found = (group.revenue, group.net_sales, group.total_sales)
                table.add_row(_plain(name), f"{group.orders:,}", *(amounts.text(one, currency) for one in found))
            _say_rest(table, len(groups))
            console.print(table)


def sales_text(sales: "Sales | None", name: str, amounts: Amounts) -> str:
    """A figure of sales; cost and margin of goods of which no cost is known are not zero."""
    if sales and name in ("cost", "margin") and not sales.cost_known_share:
        return "not known"
    return _text(getattr(sales, name, None), amounts)


def _print_counts(console: Console, title: str, counts: Mapping[str, int]) -> None:
    table = _table(title, "orders")
    for name, orders in counts.items():
        table.add_row(_plain(name), f"{orders:,}")
    console.print(table)


def _print_orders(console: Console, amounts: Amounts, title: str, groups: "Mapping[str, OrderGroup]") -> None:
    table = _table(title, "orders", "revenue", "late")
    for name, group in sorted(groups.items(), key=lambda pair: -pair[1].orders)[:_ROWS]:
        late = "incomplete" if group.late is None else "" if group.late_share is None else f"{group.late_share:.1%}"
        table.add_row(_plain(name), f"{group.orders:,}", amounts.text(group.revenue), late)
    _say_rest(table, len(groups))
    console.print(table)


def _print_items(console: Console, amounts: Amounts, title: str, groups: "Mapping[str, ItemGroup]") -> None:
    table = _table(title, "order items", "quantity", "item revenue")
    for name, group in sorted(groups.items(), key=lambda pair: -pair[1].quantity)[:_ROWS]:
        revenue = "incomplete" if group.revenue is None else amounts.text(group.revenue)
        table.add_row(_plain(name), f"{group.order_items:,}", f"{group.quantity:,}", revenue)
    _say_rest(table, len(groups))
    console.print(table)


def _table(first: str, *numbers: str) -> Table:
    """A table whose columns after the first are numbers."""
    return Table(first, *(Column(title, justify="right") for title in numbers))


def _say_rest(table: Table, groups: int) -> None:
    """A last row that says how many groups the table leaves out."""
    if groups > _ROWS:
        table.add_row(f"and {groups - _ROWS:,} more")


def _say(console: Console, sentence: str) -> None:
    console.print(Text(printable(sentence)))


def _plain(text: str) -> str:
    """Text that came with orders, not to be read as Rich's markup or as terminal control."""
    return escape(printable(text))


def _text(value: Any, amounts: Amounts) -> str:
    if value is None:
        return "–"
    if isinstance(value, Decimal):
        return amounts.text(value)
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}"
