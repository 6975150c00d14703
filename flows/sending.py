"""What a run publishes, sent while it works on: each request takes a Prefect server 20 to 50 ms.

One thread sends, in the order in which it was told to, so that the last word about a step comes last.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

SENDING = "sending"
"""How the thread's name begins."""

_sender = ThreadPoolExecutor(1, thread_name_prefix=SENDING)
_waiting: list[Future[object]] = []


def send(
    request: Callable[Parameters, Result], /, *arguments: Parameters.args, **named: Parameters.kwargs
) -> Future[Result]:
    """Send something in the name of the current flow or task run, soon. `everything_sent` raises what it raises."""
    context = copy_context()
    future = _sender.submit(lambda: context.run(request, *arguments, **named))
    _waiting.append(future)  # type: ignore[arg-type]
    return future


def everything_sent() -> None:
    """Wait until all of it was sent. Raises what the first request raised that failed."""
    while _waiting:
        _waiting.pop(0).result()


def wait_until_sent(seconds: float) -> None:
    """Wait until all of it was sent or failed, but no longer than this: where the run has failed already."""
    wait(_waiting, timeout=seconds)
    _waiting.clear()
