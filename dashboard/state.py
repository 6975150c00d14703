"""What one viewer looks at, as a value and as the query of a link. Knows nothing of Panel."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast
from urllib.parse import parse_qs, parse_qsl, urlencode
from zoneinfo import ZoneInfo

from dashboard.orders_view import OrdersView, orders_view_of
from dashboard.spans import COMPARISONS, DEFAULT_PRESET, FIRST_DAY, LAST_DAY, PRESET_KEYS, dates_span, preset_span
from dashboard.text import readable_names
from dashboard.trends_view import TrendsView, trends_view_of
from ecommerce.documents.kinds import CURRENCY_PATTERN
from ecommerce.kpis.comparison import Against
from ecommerce.kpis.question import Filters, Span

PAGES = ("overview", "orders", "trends", "pipeline")

DIMENSIONS: Mapping[str, str] = {
    "payment": "payment_types",
    "status": "statuses",
    "courier": "courier_ids",
    "location": "locations",
    "category": "categories",
    "warehouse": "warehouse_ids",
}
"""Name of a filter in a link → field of `Filters`."""

ID_DIMENSIONS = frozenset({"courier", "warehouse"})
"""Filters whose values are ids."""

ITEM_DIMENSIONS = frozenset({"category", "warehouse"})
"""Filters that exist on order items only: they act on item figures, not on figures of whole orders."""

ORDER_DIMENSIONS = frozenset(DIMENSIONS) - ITEM_DIMENSIONS

CURRENCY = "currency"
"""Of all amounts: in links and among the choices."""

VALUES_MAX = 100
"""Most values of one filter that a link may name."""

Choices = Mapping[str, Mapping[str | int, str]]
"""Per filter: the allowed values, and what each is called."""


def not_filtered_by(filters: Filters, obeyed: Collection[str] = ()) -> list[str]:
    """The filters that are set and that figures do not obey which obey only these."""
    return [name for name, field in DIMENSIONS.items() if getattr(filters, field) and name not in obeyed]


def left_out_of_links(filters: Filters, obeyed: Collection[str]) -> list[list[str]]:
    """The same as a link to the orders behind such a figure has them: a name alone is left out of it."""
    return [[name] for name in not_filtered_by(filters, obeyed)]


def not_filtered_note(filters: Filters, obeyed: Collection[str] = ()) -> str:
    """The same for people; empty where no filter that is set is left out."""
    idle = not_filtered_by(filters, obeyed)
    return f"not filtered by {' and '.join(idle)}" if idle else ""


@dataclass(frozen=True, slots=True)
class View:
    """Page, span and filters of one viewer."""

    page: str = "overview"
    preset: str | None = DEFAULT_PRESET
    """None: the dates `first` to `last`."""
    first: date | None = None
    last: date | None = None
    against: Against = "before"
    """What the span is compared with."""
    filters: Filters = Filters()  # noqa: RUF009 - frozen
    dark: bool | None = None
    """None: as the viewer has it elsewhere."""
    tv: bool = False
    """For a screen on the wall: figures alone, larger."""
    orders: OrdersView = OrdersView()  # noqa: RUF009 - frozen
    """What the orders page shows; other pages have none of it in their link."""
    trends: TrendsView = TrendsView()  # noqa: RUF009 - frozen
    """What the trends page shows; likewise."""

    def span(self, now: datetime, zone: ZoneInfo) -> Span:
        """The hours this view is about at `now`."""
        if self.preset is None and self.first and self.last:
            return dates_span(self.first, self.last, zone)
        return preset_span(self.preset or DEFAULT_PRESET, now, zone)

    def with_preset(self, preset: str) -> "View":
        return replace(self, preset=preset, first=None, last=None, orders=self.orders.of_a_span())

    def with_dates(self, first: date, last: date) -> "View":
        earlier, later = min(first, last), max(first, last)
        return replace(self, preset=None, first=earlier, last=later, orders=self.orders.of_a_span())

    def with_against(self, against: Against) -> "View":
        return replace(self, against=against)

    def with_currency(self, currency: str | None) -> "View":
        """With the amounts of a currency; None is the shop's."""
        return replace(self, filters=replace(self.filters, currency=currency))

    def with_page(self, page: str) -> "View":
        """Another page of the same span and filters; the orders page begins anew."""
        return self if page == self.page else replace(self, page=page, orders=OrdersView())

    def with_orders(self, orders: OrdersView) -> "View":
        """The orders page with other orders, sorting or page."""
        return replace(self, page="orders", orders=orders)

    def with_filter(self, dimension: str, values: Iterable[str | int]) -> "View":
        chosen: Any = {DIMENSIONS[dimension]: frozenset(values)}
        return replace(self, filters=replace(self.filters, **chosen), orders=self.orders.first_page())

    def toggled(self, dimension: str, values: frozenset[str | int]) -> "View":
        """With the values taken into a filter, or out of it where they were in."""
        return self.with_filter(dimension, self.chosen(dimension) ^ values)

    def without_filters(self) -> "View":
        return replace(self, filters=Filters(currency=self.filters.currency), orders=self.orders.first_page())

    def chosen(self, dimension: str) -> frozenset[str | int]:
        values: frozenset[str | int] = getattr(self.filters, DIMENSIONS[dimension])
        return values

    @property
    def is_filtered(self) -> bool:
        return any(getattr(self.filters, name) for name in DIMENSIONS.values())

    def query(self) -> str:
        """The query of a link to this view; what is as by default is left out."""
        pairs: list[tuple[str, str]] = []
        if self.page != PAGES[0]:
            pairs.append(("page", self.page))
        if self.preset is None and self.first and self.last:
            pairs += [("from", self.first.isoformat()), ("to", self.last.isoformat())]
        elif self.preset != DEFAULT_PRESET:
            pairs.append(("span", str(self.preset)))
        if self.against != "before":
            pairs.append(("against", self.against))
        if self.filters.currency:
            pairs.append((CURRENCY, self.filters.currency))
        for dimension in DIMENSIONS:
            pairs += [(dimension, str(value)) for value in sorted(self.chosen(dimension), key=str)]
        if self.page == "orders":
            pairs += self.orders.pairs()
        if self.page == "trends":
            pairs += self.trends.pairs()
        if self.tv:
            pairs.append(("tv", "1"))
        if self.dark is not None:
            pairs.append(("theme", "dark" if self.dark else "light"))
        return "?" + urlencode(pairs) if pairs else ""


def view_of_query(query: str) -> View:
    """The view a link asks for. Anything that is not a page, a span, a date or a filter is left out."""
    try:
        values = parse_qs(query.removeprefix("?"), max_num_fields=1_000, errors="replace")
    except ValueError:  # more than a thousand fields are no link of ours
        return View()
    dark = {"dark": True, "light": False}.get(values.get("theme", [""])[0])
    view = View(dark=dark, tv=values.get("tv") == ["1"])
    if (page := values.get("page", [""])[0]) in PAGES:
        view = replace(view, page=page)
    first, last = (date_of(values.get(name, [""])[0]) for name in ("from", "to"))
    if first and last:
        view = view.with_dates(first, last)
    elif (preset := values.get("span", [""])[0]) in PRESET_KEYS:
        view = view.with_preset(preset)
    if (against := values.get("against", [""])[0]) in COMPARISONS:
        view = view.with_against(cast(Against, against))
    if re.fullmatch(CURRENCY_PATTERN, code := values.get(CURRENCY, [""])[0]):
        view = view.with_currency(code)
    for dimension in DIMENSIONS:
        texts = values.get(dimension, [])[:VALUES_MAX]
        if dimension in ID_DIMENSIONS:
            view = view.with_filter(dimension, (int(text) for text in texts if text.isascii() and text.isdigit()))
        else:
            view = view.with_filter(dimension, texts)
    if view.page == "trends":
        view = replace(view, trends=trends_view_of(values))
    return replace(view, orders=orders_view_of(values)) if view.page == "orders" else view


def says_more(query: str, view: View) -> bool:
    """Whether an address asks for something that the view shows nothing of."""
    try:
        asked = parse_qsl(query.removeprefix("?"), max_num_fields=1_000, errors="replace", keep_blank_values=True)
    except ValueError:
        return True
    return not set(asked) <= set(parse_qsl(view.query().removeprefix("?")))


def choices_of(raw: Mapping[str, Any]) -> Choices:
    """The KPI store's choices by the name of the filter."""
    texts = {"payment": "payment_types", "status": "statuses", "location": "locations", "category": "categories"}
    named = {"courier": "couriers", "warehouse": "warehouses"}
    choices = {dimension: {text: text for text in raw[key]} for dimension, key in texts.items()}
    choices["payment"] = readable_names(raw["payment_types"])
    choices[CURRENCY] = {code: code for code in raw["currencies"]}
    return choices | {dimension: dict(raw[key]) for dimension, key in named.items()}


def allowed(view: View, choices: Choices) -> View:
    """The view with only those filter values that exist in the data."""
    for dimension in DIMENSIONS:
        if gone := view.chosen(dimension) - choices.get(dimension, {}).keys():
            view = view.with_filter(dimension, view.chosen(dimension) - gone)
    if view.filters.currency and view.filters.currency not in choices.get(CURRENCY, {}):
        view = view.with_currency(None)
    return view


def date_of(text: str) -> date | None:
    """A day of a link; None where it is none that can be asked for."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None
