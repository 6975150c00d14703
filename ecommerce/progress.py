"""How long work tells its caller how far it is; the CLI draws it and the flows put it into an artifact."""

from typing import Protocol


class Progress(Protocol):
    """Called now and then (a few times a second at most) by the thread that called the work."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """`done` of `total` (None: unknown) units of `what`, a plural noun such as "orders"."""


def silent(done: int, total: int | None, what: str) -> None:
    """A Progress for callers that do not look."""
