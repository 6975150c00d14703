"""The page of one session: shell, navigation, and the flow from a tick or a click to what is drawn."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable, Viewer

from dashboard import live
from dashboard.browser import Browser
from dashboard.feed import Tick
from dashboard.first_paint import first_paint
from dashboard.orders_cards import failed_cards
from dashboard.orders_content import orders_content
from dashboard.reasons import why
from dashboard.session import Session
from dashboard.state import CURRENCY, Choices, View, allowed, view_of_query
from dashboard.trends import TrendsQuestion
from dashboard.trends_cards import failed_cards as failed_trends
from dashboard.trends_cards import trends_cards
from dashboard.views.filters import FilterPanel
from dashboard.views.freshness import FreshnessLine, ProblemBanner
from dashboard.views.orders import OrdersPage
from dashboard.views.overview import OverviewPage
from dashboard.views.part import Part
from dashboard.views.pipeline import PipelinePage
from dashboard.views.shell import NOT_PRINTED, navigation, shell
from dashboard.views.span_picker import SpanPicker
from dashboard.views.trends import TrendsPage
from dashboard.views.window import Window
from ecommerce.mongo import get_database
from ecommerce.settings import Settings


class DashboardPage(Viewer):
    """Everything one viewer sees. Lives as long as its browser tab."""

    def __init__(self, settings: Settings, query: str, browser: Browser, *, customers: bool) -> None:
        """`customers`: the viewer may see names and e-mails."""
        super().__init__()
        self._settings = settings
        self._customers = customers
        self._browser = self._told = browser
        self._is_live = False
        self._feed = live.the_feed()
        self._currency = self._feed.currency
        self._zone = self._feed.zone
        self._session = Session(view_of_query(query), self._zone)
        view = self._session.view
        self._window = Window(query, on_link=self._stepped, on_browser=self._seen)
        self._line = FreshnessLine(interval=settings.refresh_seconds, zone=self._zone.key)
        self._banner = ProblemBanner(self._zone)
        self._navigation = navigation(view.page)
        self._span = SpanPicker(view, self.change, self._zone, self._currency)
        self._filters = FilterPanel(self.change, lambda: self._overview.save_headlines(self._session.asked()))
        self._overview = OverviewPage(self._pick, self._show_pipeline, self._follow, touch=browser.narrow)
        self._pipeline: PipelinePage | None = None
        self._orders: OrdersPage | None = None
        self._trends: TrendsPage | None = None
        self._parts: dict[str, Part] = {"overview": self._overview}
        self._content = pn.Column(self._overview, sizing_mode="stretch_width", margin=0)
        self._page = shell(
            [
                self._banner,
                self._window.note,
                pmui.FlexBox(self._navigation, self._span, gap="12px", align_items="center", stylesheets=[NOT_PRINTED]),
                self._filters,
                self._content,
            ],
            header=[self._line, self._window],
            dark=browser.shows_dark(view),
            tv=view.tv,
        )
        self._choices: Choices | None = None
        self._line.param.watch(self._watching, ["paused", "hidden"])
        self._navigation.param.watch(lambda event: self.change(lambda now: now.with_page(event.new)), "value")
        self._page.param.watch(lambda event: self._toggled_theme(dark=event.new), "dark_theme")

    def start(self) -> None:
        """Draw what is known already, and go live as soon as the browser has drawn that: Panel loses changes before."""
        self._show_view()
        if live.is_rehearsal(pn.state.curdoc):
            live.rehearse(self._session.asked())
        if (known := self._feed.ready(self._session.asked())) is not None:
            self._overview.show(known)
        if beside := self._feed.beside():
            self._overview.show_beside(beside)
        view, last = self._session.view, self._feed.last
        cards = known.cards if known and view.page == "overview" else last.cards.get(view.page)
        paint = first_paint(view, self._browser, cards or {}, last.freshness.as_of, self._zone)
        pn.state.curdoc.template_variables["first_paint"] = paint
        pn.state.onload(self._go_live)

    def _go_live(self) -> None:
        """Join the feed."""
        if live.is_rehearsal(pn.state.curdoc):
            return
        live.join(self._session, pn.state.curdoc, self._ticked)
        pn.state.on_session_destroyed(lambda _: live.leave(self._session))
        self._is_live = True
        self._seen(self._told)
        self._ticked(self._feed.last)
        self._draw()

    def change(self, next_of: Callable[[View], View]) -> None:
        """Go to another view: address, widgets, figures."""
        if self._enter(next_of(self._session.view)):
            self._window.go_to(self._session.view.query())
            self._draw()

    def _stepped(self, query: str) -> None:
        """The browser stepped to a link of its history."""
        if self._enter(view_of_query(query)):
            self._draw()
        self._window.correct(self._session.view)

    def _enter(self, view: View) -> bool:
        """Take a view, without values of filters that the data has not; returns whether it is another one."""
        if self._feed.last.choices:
            view = allowed(view, self._feed.last.choices)
        before, self._session.view = self._session.view, view
        return view != before

    def _draw(self) -> None:
        if self._is_live:
            self._show_view()
            self._ask()

    def _pick(self, dimension: str, name: str) -> None:
        """A bar was pressed: its values are taken into the filter, or out of it."""
        labels = self._feed.last.choices.get(dimension, {})
        values = frozenset(value for value, label in labels.items() if label == name)
        self.change(lambda view: view.toggled(dimension, values))

    def _follow(self, query: str) -> None:
        """A link within the page was followed; one to the page itself reads it again."""
        if view_of_query(query) == self._session.view:
            self._draw()
        self.change(lambda _: view_of_query(query))

    def _show_days(self, first: date, last: date) -> None:
        self.change(lambda view: view.with_dates(first, last))

    def _show_pipeline(self) -> None:
        self.change(lambda view: view.with_page("pipeline"))

    def _seen(self, told: Browser) -> None:
        """The browser told of itself: at first, and when its window or the system's colours changed."""
        self._told = told
        if self._is_live:
            self._browser = told
            self._page.dark_theme = told.shows_dark(self._session.view)

    def _toggled_theme(self, *, dark: bool) -> None:
        if dark == self._browser.shows_dark(self._session.view):  # set from here
            return
        self._browser = replace(self._browser, dark=dark)
        self._window.remember_theme(dark=dark)
        self.change(lambda view: replace(view, dark=dark))

    def _watching(self, _: Any) -> None:
        was_live = self._session.is_live
        self._session.paused, self._session.hidden = self._line.paused, self._line.hidden
        if self._is_live and self._session.is_live and not was_live:
            self._ticked(self._feed.last)
            self._ask()

    def _ask(self) -> None:
        """Draw what the present view needs: now where it is known, else as soon as it is."""
        page, question = self._session.view.page, self._session.asked()
        if ask := {"orders": self._ask_orders, "trends": self._ask_trends}.get(page):
            ask()
            return
        if page == "overview":
            if (known := self._feed.ready(question)) is None:
                self._overview.wait(True)
                # At once: what needs attention is above the figures, and would push them down.
                self._in_thread(lambda: (self._feed.answer(question), self._feed.cards(page)), self._answered)
                return
            self._overview.show(known)
        self._in_thread(lambda: self._feed.cards(page), self._drawn_beside)

    def _in_thread(self, read: Callable[[], Any], then: Callable[[Any], None]) -> None:
        live.in_thread(read, then, pn.state.curdoc)

    def _ask_orders(self) -> None:
        view, database = self._session.view, get_database(self._settings)
        if self._orders is not None:
            self._orders.wait()
        self._in_thread(
            lambda: orders_content(database, self._settings, self._feed, self._session, customers=self._customers),
            lambda result: self._read_orders(view, result),
        )

    def _ask_trends(self) -> None:
        view = self._session.view
        if self._trends is not None:
            self._trends.wait()
        asked = TrendsQuestion(self._session.asked(), view.trends.grain)
        self._in_thread(lambda: self._feed.trends(asked), lambda result: self._read_trends(view, result))

    def _read_trends(self, view: View, result: Any) -> None:
        if view != self._session.view or self._trends is None:
            return
        if isinstance(result, Exception):
            self._trends.show(None, failed_trends(why(result)))
        else:
            self._trends.show(result, trends_cards(result, view, self._zone))

    def _read_orders(self, view: View, result: Any) -> None:
        if view == self._session.view and self._orders is not None:
            self._orders.show(view, failed_cards(result) if isinstance(result, Exception) else result)

    def _answered(self, result: Any) -> None:
        if isinstance(result, Exception):
            self._overview.wait(False)
        else:
            self._overview.show_beside(result[1])
            if result[0].answer.question == self._session.asked():
                self._overview.show(result[0])
        self._freshen(self._feed.last)

    def _drawn_beside(self, cards: Any) -> None:
        if isinstance(cards, Exception):
            self._freshen(self._feed.last)
        elif "stock" in cards:
            self._overview.show_beside(cards)
        elif self._pipeline is not None:
            self._pipeline.show(cards)

    def _ticked(self, tick: Tick) -> None:
        if not self._session.is_live:
            return
        if (self._feed.zone, self._feed.currency) != (self._zone, self._currency):
            self._move_to(self._feed.zone, self._feed.currency)
        if (overview := tick.answers.get(self._session.asked())) is not None:
            self._overview.show(overview)
        if (cards := tick.cards.get(self._session.view.page)) is not None:
            self._drawn_beside(cards)
        self._freshen(tick)

    def _move_to(self, zone: ZoneInfo, currency: str) -> None:
        """The shop has another zone or currency now: its days or amounts are others, and so is what this page asks."""
        self._currency = self._span.shop_currency = currency
        self._zone = self._session.zone = self._banner.zone = self._span.zone = zone
        self._line.zone = zone.key
        self._ask()

    def _freshen(self, tick: Tick) -> None:
        self._span.show(self._session.view, tick.choices.get(CURRENCY, {}))
        self._line.show(tick.freshness)
        self._banner.show(tick.freshness)
        if tick.choices is self._choices:
            return
        self._choices = tick.choices
        if tick.choices and (view := allowed(self._session.view, tick.choices)) != self._session.view:
            self._session.view = view
            self._ask()
        self._window.correct(self._session.view)
        self._filters.show(self._session.view, tick.choices)

    def _show_view(self) -> None:
        view = self._session.view
        self._navigation.value = view.page
        self._span.show(view, self._feed.last.choices.get(CURRENCY, {}))
        self._navigation.visible = not view.tv
        self._span.visible = view.page != "pipeline" and not view.tv
        self._filters.visible = view.page != "pipeline" and (view.is_filtered or not view.tv)
        self._filters.show(view, self._feed.last.choices)
        self._page.dark_theme = self._browser.shows_dark(view)
        # Pages are hidden, not taken out: a chart that comes back keeps its data and its zoom.
        if view.page not in self._parts:
            self._parts[view.page] = self._made(view.page)
            self._content.append(self._parts[view.page].__panel__())
        for name, part in self._parts.items():
            part.visible = name == view.page

    def _made(self, page: str) -> Part:
        """A page that is opened for the first time."""
        if page == "orders":
            self._orders = OrdersPage(self.change, self._follow)
            return self._orders
        if page == "trends":
            self._trends = TrendsPage(self._follow, self._show_days, touch=self._browser.narrow)
            return self._trends
        self._pipeline = PipelinePage()
        return self._pipeline

    def __panel__(self) -> Viewable:
        return self._page
