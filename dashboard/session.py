"""One viewer: what they look at, and whether they look. Knows nothing of Panel."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dashboard.figures import Question, question_of
from dashboard.state import View


class Session:
    """The watcher that a page registers with the feed. Its methods are called by any thread."""

    def __init__(self, view: View, zone: ZoneInfo, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.view = view
        self.paused = False
        self.hidden = False
        self.zone = zone
        self._clock = clock

    @property
    def is_live(self) -> bool:
        """Whether ticks should reach this viewer."""
        return not (self.paused or self.hidden)

    def asked(self) -> Question:
        """The question of the present view."""
        return question_of(self.view, self._clock(), self.zone)

    def page(self) -> str | None:
        """The page that ticks have to keep up to date; None while it is paused or hidden."""
        return self.view.page if self.is_live else None

    def question(self) -> Question | None:
        """What has to be answered at the next tick."""
        return self.asked() if self.page() == "overview" else None
