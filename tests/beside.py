"""Work that goes on beside a test, over and over."""

import threading
from collections.abc import Callable
from types import TracebackType


class Beside(threading.Thread):
    """Does something again and again until the block ends, which fails where it raised or never came to an end."""

    def __init__(self, work: Callable[[], object], every_seconds: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.times = 0
        self.raised: list[BaseException] = []
        self._work, self._every_seconds = work, every_seconds
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(self._every_seconds):
            try:
                self._work()
            except BaseException as error:
                self.raised.append(error)
                raise
            self.times += 1

    def __enter__(self) -> "Beside":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self.join()
        assert self.raised == []
        assert self.times
