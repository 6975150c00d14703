"""What a run publishes, sent while it works on: each request takes a Prefect server 20 to 50 ms.

One thread sends, in the order in which it was told to, so that the last word about a step comes last. It uses the run's
own client, which Prefect closes when the run ends: before that, `common.pipeline_flow` waits for what is still to send.
"""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

SENDING = "sending"
"""How the thread's name begins."""

SEND_SECONDS = 5.0
"""For so long a run that failed goes on sending what it published."""

_sender = ThreadPoolExecutor(1, thread_name_prefix=SENDING)
_waiting: defaultdict[str | None, list[Future[Any]]] = defaultdict(list)
"""By the flow run in whose name it is sent; None outside one."""


def send(
    request: Callable[Parameters, Result], /, *arguments: Parameters.args, **named: Parameters.kwargs
) -> Future[Result]:
    """Send something in the name of the current flow or task run, soon. `everything_sent` raises what it raises."""
    context = copy_context()
    future = _sender.submit(lambda: context.run(request, *arguments, **named))
    _waiting[_flow_run()].append(future)
    return future


def everything_sent() -> None:
    """Wait until all that the current flow run published is sent. Raises the error of the first request that failed."""
    sent = _waiting.pop(_flow_run(), [])
    wait(sent)
    for request in sent:
        request.result()


def wait_until_sent(seconds: float) -> None:
    """Wait so long at most until all that the current flow run published is sent or has failed; raise nothing."""
    wait(_waiting.pop(_flow_run(), []), timeout=seconds)


def _flow_run() -> str | None:
    # Commands that wait for a silent server know this module, and not all of them need Prefect.
    from prefect.runtime import flow_run

    run: str | None = flow_run.id
    return run
