"""What is done where something takes too long."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def when_slow(seconds: float, call: Callable[..., object], *arguments: object) -> Iterator[None]:
    """Call it once, in a thread of its own, where the block takes longer than `seconds`."""
    timer = threading.Timer(seconds, call, arguments)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
