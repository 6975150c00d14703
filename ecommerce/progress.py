"""How long work tells its caller how far it is; the CLI draws it and the flows put it into an artifact."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Progress(Protocol):
    """Called now and then (a few times a second at most) by the thread that called the work."""

    def __call__(self, done: int, total: int | None, what: str, /) -> None:
        """`done` of `total` (None: unknown) units of `what`, a plural noun such as "orders"."""


def silent(done: int, total: int | None, what: str) -> None:
    """A Progress for callers that do not look."""


_watcher: ContextVar[Progress] = ContextVar("watcher", default=silent)


@contextmanager
def watched_by(progress: Progress) -> Iterator[None]:
    """Within it, whoever reports to `watcher()` reports to `progress`: how a terminal follows a flow that it runs."""
    token = _watcher.set(progress)
    try:
        yield
    finally:
        _watcher.reset(token)


def watcher() -> Progress:
    """The Progress that watches the current context; `silent` where nobody does."""
    return _watcher.get()
