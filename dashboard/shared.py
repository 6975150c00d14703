"""Values that many threads want and one makes."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

from dashboard.reasons import mistake

log = logging.getLogger(__name__)

Key = TypeVar("Key")
Value = TypeVar("Value")


class Shared(Generic[Key, Value]):
    """Values computed once, however many threads want them at the same time."""

    def __init__(self, make: Callable[[Key], Value]) -> None:
        self._make = make
        self._futures: dict[Key, Future[Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value:
        """The value of a key; whoever asks first makes it, the others wait. A failure is not kept."""
        with self._lock:
            future = self._futures.get(key)
            mine = future is None
            if future is None:
                future = self._futures[key] = Future()
        if mine:
            try:
                future.set_result(self._make(key))
            except BaseException as error:  # noqa: BLE001 - those who wait get it, too
                with self._lock:
                    if self._futures.get(key) is future:
                        del self._futures[key]
                future.set_exception(error)
        return future.result()

    def ready(self, key: Key) -> Value | None:
        """The value of a key where it is made already. Never waits."""
        with self._lock:
            future = self._futures.get(key)
        return future.result() if future is not None and future.done() and not future.exception() else None

    def keep(self, keys: Iterable[Key]) -> None:
        """Forget all values but these."""
        wanted = set(keys)
        with self._lock:
            self._futures = {key: future for key, future in self._futures.items() if key in wanted}


class Aging(Generic[Value]):
    """One value that is made anew when somebody wants it and it is older than `seconds`."""

    def __init__(self, make: Callable[[], Value], seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._made_at = float("-inf")
        self._value: Value | None = None
        self._lock = threading.Lock()

    def get(self) -> Value:
        """The value, at most `seconds` old. Where making it fails the failure is the caller's."""
        with self._lock:
            if self._value is None or time.monotonic() - self._made_at >= self._seconds:
                self._value = self._make()
                self._made_at = time.monotonic()
            return self._value

    def forget(self) -> None:
        """Have it made anew when it is asked for next."""
        with self._lock:
            self._made_at = float("-inf")


class Behind(Generic[Value]):
    """One value that a thread of its own makes anew, so that nobody waits long for it."""

    def __init__(self, make: Callable[[], Value], seconds: float, first: Value, wait_seconds: float = 0.5) -> None:
        """`first` stands for the value until it was made once. Where the value is older than twice its `seconds`, it
        is waited for, for `wait_seconds` from when its making began."""
        self._make = make
        self._seconds = seconds
        self._wait_seconds = wait_seconds
        self._first = self._value = first
        self._forgotten_at = float("-inf")
        self._problem = ""
        self._begun_at = self._made_at = float("-inf")
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Have it made where it is due. Never waits."""
        with self._lock:
            if time.monotonic() - self._begun_at < self._seconds:
                return
            self._begun_at = time.monotonic()
            self._ended = ended = threading.Event()
        threading.Thread(target=self._made, args=(ended,), daemon=True).start()

    def get(self) -> Value:
        """The latest value: at once, but where it is long out of date. Where making it fails the one before stays."""
        self.begin()
        with self._lock:
            ended, now = self._ended, time.monotonic()
            is_old = now - self._made_at > 2 * self._seconds
            # From the beginning of the work: where that hangs, only the first ticks are later by this.
            left = self._begun_at + self._wait_seconds - now
        if is_old and left > 0:
            ended.wait(left)
        return self._value

    def now(self) -> None:
        """Make it and wait for it."""
        with self._lock:
            self._begun_at = time.monotonic()
            self._ended = ended = threading.Event()
        self._made(ended)

    def renew(self) -> None:
        """Have it made anew, and waited for, when it is asked for next."""
        with self._lock:
            self._begun_at = self._made_at = float("-inf")

    def forget(self) -> None:
        """The same, and where that takes longer `first` stands for it again."""
        self.renew()
        with self._lock:
            self._forgotten_at, self._value = time.monotonic(), self._first

    def _made(self, ended: threading.Event) -> None:
        began_at = time.monotonic()
        try:
            value = self._make()
            self._problem = ""
            with self._lock:
                if began_at >= max(self._forgotten_at, self._made_at):  # else a later one is there, or wanted
                    self._value, self._made_at = value, began_at
        except Exception as error:
            problem = repr(error)
            if problem != self._problem:  # it is made again and again while somebody looks
                log.warning("a value could not be brought up to date: %s", problem, exc_info=mistake(error))
            self._problem = problem
        finally:
            ended.set()
