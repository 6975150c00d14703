"""One refresh of the figures for everybody who watches. Knows nothing of Panel.

A tick brings the summaries up to date and answers each distinct question of the watchers once. Watchers are held
weakly: one whose browser is gone disappears, and with the last one the work ends.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from weakref import WeakSet
from zoneinfo import ZoneInfo

from pymongo.errors import ConnectionFailure

from dashboard.attention import attention_card
from dashboard.beside import Beside
from dashboard.cards import overview_cards
from dashboard.content import Content
from dashboard.figures import Answer, Question, compute
from dashboard.first_paint import RECENT
from dashboard.pipeline import Pipeline, Stock
from dashboard.pipeline_cards import failed_cards, pipeline_cards, stock_card
from dashboard.reasons import mistake, why
from dashboard.session import Session
from dashboard.shared import Aging, Shared
from dashboard.state import Choices, choices_of
from dashboard.trends import Trends, TrendsQuestion
from ecommerce.attention.kinds import Notice
from ecommerce.errors import EcommerceError
from ecommerce.kpis.figures import Kpis
from ecommerce.kpis.store import KpiStore

log = logging.getLogger(__name__)

CHOICES_SECONDS = 60
"""How old the values of the filters may be where the store says of none that it is new: one may have gone."""

PIPELINE_SECONDS = 4
TRENDS_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the feed gets what it tells."""

    open_store: Callable[[], KpiStore]
    read_pipeline: Callable[[], Pipeline]
    read_low_stock: Callable[[KpiStore], Stock]
    read_notices: Callable[[KpiStore, float], tuple[Notice, ...]] = lambda _store, _lag: ()
    """Gets how many seconds the store's figures are behind."""
    read_trends: Callable[[TrendsQuestion, Callable[[], Kpis]], Trends] | None = None
    """Gets the question, and what makes the figures of its span."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the figures are, and what is wrong."""

    tick: int = 0
    as_of: datetime | None = None
    """When the figures were last known to be right."""
    lag_seconds: float = 0.0
    took_seconds: float = 0.0
    problem: str | None = None
    """A sentence for the viewer while the figures cannot be brought up to date."""
    aside: int = 0
    """Documents of `orders` that are no orders: the figures are without them."""


@dataclass(frozen=True, slots=True)
class Overview:
    """An answer and what the cards say about it, made once for all who ask the same."""

    answer: Answer
    cards: Content


@dataclass(frozen=True, slots=True)
class Tick:
    """What a refresh found, for all watchers."""

    freshness: Freshness
    answers: Mapping[Question, Overview] = field(default_factory=dict)
    cards: Mapping[str, Content] = field(default_factory=dict)
    """Cards beside the figures, by page."""
    choices: Choices = field(default_factory=dict)


class Feed:
    """The figures of one process. Every method may be called by any thread."""

    def __init__(self, sources: Sources, zone: ZoneInfo, currency: str) -> None:
        self._sources = sources
        self.zone, self.currency = zone, currency
        """The shop's, as of the latest tick."""
        self._store: KpiStore | None = None
        self._version = 0
        self._watchers: WeakSet[Session] = WeakSet()
        self._tick_lock = threading.Lock()
        self._answers: Shared[tuple[int, Question], Overview] = Shared(self._compute)
        self._trends: Shared[tuple[int, TrendsQuestion], Trends] = Shared(self._read_trends)
        self._names: Choices = {}
        self._choices_seen = 0
        self._choices = Aging(lambda: choices_of(self._opened().choices()), CHOICES_SECONDS)
        self._beside = Beside(
            lambda: attention_card(sources.read_notices(self._opened(), self.last.freshness.lag_seconds)),
            lambda: stock_card(sources.read_low_stock(self._opened())),
        )
        pipeline, self._pipeline_problem = Aging(self._pipeline_cards, PIPELINE_SECONDS), ""
        self._cards: dict[str, Callable[[], Content]] = {"overview": self._beside.cards, "pipeline": pipeline.get}
        self.last = Tick(Freshness())
        """The latest tick; what it tells may be old where the database is away."""

    def join(self, watcher: Session) -> None:
        self._watchers.add(watcher)

    def leave(self, watcher: Session) -> None:
        self._watchers.discard(watcher)

    @property
    def watched(self) -> bool:
        """Whether anybody looks: without, a tick is not worth its work."""
        return any(watcher.page() for watcher in list(self._watchers))

    @property
    def is_old(self) -> bool:
        """Whether nobody has looked for so long that these figures are not shown to a newcomer before the next tick."""
        freshness = self.last.freshness
        if freshness.as_of is None or freshness.problem:
            return False
        return datetime.now(UTC) - freshness.as_of > RECENT

    @property
    def _is_due(self) -> bool:
        return self._version == 0 or self.is_old

    def ready(self, question: Question) -> Overview | None:
        """The answer to a question that somebody asks; while a tick makes its own, the one before. Never waits."""
        if self.is_old:
            return None
        return self._answers.ready((self._version, question)) or self.last.answers.get(question)

    def answer(self, question: Question) -> Overview:
        """The answer to a question as of the latest tick, at once; where that is old, as of a new one.

        Raises PyMongoError or EcommerceError while the database is away.
        """
        if self._is_due:
            with self._tick_lock:
                if self._is_due:  # else another who came at the same time has done it
                    self.last = self._ticked()
        if self._version == 0:
            raise EcommerceError(self.last.freshness.problem or "there are no figures yet")
        return self._answers.get((self._version, question))

    def prepare(self, question: Question) -> None:
        """Have an answer ready for the first viewer, where the database is there."""
        try:
            self.answer(question)
            self._beside.now()
        except Exception as error:
            # The page comes without figures and asks again.
            log.warning("there are no figures to begin with: %s", why(error), exc_info=mistake(error))

    def beside(self) -> Content:
        """The overview's cards beside its figures as they were made last; empty where that is too long ago."""
        return Content({}) if self.is_old else self._beside.last

    def cards(self, page: str) -> Content:
        """The cards of a page beside its figures. Raises as `answer` does."""
        return self._cards[page]()

    def trends(self, asked: TrendsQuestion) -> Trends:
        """The trends of a question, at most TRENDS_SECONDS old. Raises as `answer` does."""
        period = int(time.monotonic() // TRENDS_SECONDS)
        found = self._trends.get((period, asked))
        self._trends.keep([(period, asked)])
        return found

    def _read_trends(self, key: tuple[int, TrendsQuestion]) -> Trends:
        assert self._sources.read_trends is not None  # noqa: S101 - only tests of the feed have none
        return self._sources.read_trends(key[1], lambda: self.answer(key[1].question).answer.kpis)

    def tick(self) -> Tick:
        """Bring the figures up to date for all watchers. Two at once are one after the other."""
        with self._tick_lock:
            self.last = self._ticked()
            return self.last

    def says(self, problem: str) -> Tick:
        """The latest tick, with what keeps the next one from its end until that is there."""
        self.last = replace(self.last, freshness=replace(self.last.freshness, problem=problem))
        return self.last

    def _ticked(self) -> Tick:
        started = time.monotonic()
        last = self.last
        number = last.freshness.tick + 1
        watchers = list(self._watchers)
        try:
            store = self._opened()
            refresh = store.refresh()
            moved, self.zone = store.hours.zone != self.zone, store.hours.zone
            renamed, self.currency = store.currency != self.currency, store.currency
            if moved or renamed or self.is_old:  # else it comes after the figures, and pushes them down
                self._beside.forget()
                self._trends.keep(())
            self._beside.count(refresh.orders)
            if refresh.choices != self._choices_seen:
                self._choices.forget()
            self._choices_seen = refresh.choices
            if (choices := self._choices.get()) != self._names:
                self._names = choices
                self._answers.keep(())  # their rows carry names, and say which of them can be chosen
            self._version = refresh.version
            # In the tick in which the shop moves, pages still ask for days of its old zone. They see it, and ask anew.
            questions = set() if moved else _asked(watchers)
            answers = {question: self._answers.get((refresh.version, question)) for question in questions}
            pages = {watcher.page() for watcher in watchers}
            cards = {page: make() for page, make in self._cards.items() if page in pages}
        except Exception as error:
            # Whatever it is, the page says it and goes on: a tick that only raised left a green dot over old figures.
            problem = why(error)
            if problem != last.freshness.problem:  # every tick until it is mended would be the same line
                log.warning("the figures could not be brought up to date: %s", problem, exc_info=mistake(error))
            log.debug("the tick failed", exc_info=error)
            took = time.monotonic() - started
            freshness = replace(last.freshness, tick=number, took_seconds=took, problem=problem)
            return Tick(freshness, last.answers, last.cards, last.choices)
        # Who came during the tick has had an answer as well, and others may come with the same question.
        self._answers.keep((refresh.version, question) for question in questions | _asked(self._watchers))
        took = time.monotonic() - started
        freshness = Freshness(number, refresh.as_of.astimezone(UTC), refresh.lag_seconds, took, aside=refresh.aside)
        return Tick(freshness, answers, cards, self._names)

    def _opened(self) -> KpiStore:
        if self._store is None:
            self._store = self._sources.open_store()
        return self._store

    def _compute(self, key: tuple[int, Question]) -> Overview:
        version, question = key
        answer = compute(self._opened(), question, version, self.zone)
        return Overview(answer, Content(overview_cards(answer, self._names, self.zone)))

    def _pipeline_cards(self) -> Content:
        """What cannot be read or drawn is said in its place: the figures of other pages do not fail by it."""
        freshness, problem = self.last.freshness, ""
        lag, took = freshness.lag_seconds, freshness.took_seconds
        try:
            cards = pipeline_cards(self._sources.read_pipeline(), lag, took, self.zone)
        except ConnectionFailure:
            raise  # the figures cannot be read, either
        except Exception as error:
            # Records are whatever somebody wrote.
            cards = failed_cards(problem := why(error, "The pipeline could not be read"))
            if problem != self._pipeline_problem:
                log.warning("the pipeline page could not be drawn: %s", problem, exc_info=mistake(error))
        self._pipeline_problem = problem
        return Content(cards)


def _asked(watchers: Iterable[Session]) -> set[Question]:
    return {question for watcher in list(watchers) if (question := watcher.question())}
