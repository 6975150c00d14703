"""What every flow needs: a described form, its scheduled time, limits, and the message that a run ends with."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from inspect import getdoc
from typing import Any, ParamSpec, TypeVar, cast, get_args, get_type_hints

from prefect import Flow, flow
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic.fields import FieldInfo

from ecommerce.errors import EcommerceError
from ecommerce.settings import load_settings
from flows.logs import show_errors_in_one_line, show_what_the_library_says
from flows.sending import SEND_SECONDS, everything_sent, wait_until_sent

show_errors_in_one_line()
show_what_the_library_says()

TASK_SECONDS = load_settings().task_timeout_seconds
"""After this a task that hangs ends as TimedOut, and its run with it."""

RUN_SECONDS = load_settings().run_timeout_seconds
"""After this a run that hangs ends as TimedOut, so that others of its deployment can start."""

_MADE_UP = re.compile("[a-z]+-[a-z]+")
"""As Prefect calls a run that nobody has given a name: berserk-stingray."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def pipeline_flow(
    name: str, run_name: Callable[[dict[str, Any]], str], *, timeout_seconds: float | None = RUN_SECONDS
) -> Callable[[Callable[Parameters, Result]], Flow[Parameters, Result]]:
    """Make a flow whose runs are named by their parameters, whose form is described, and that ends when all is sent."""

    def make(function: Callable[Parameters, Result]) -> Flow[Parameters, Result]:
        _describe(function)
        made = flow(name=name, flow_run_name=_named(run_name), timeout_seconds=timeout_seconds)(function)
        # Not what the flow is made of: Prefect looks there for the file that it stands in.
        made.fn = _sends_before_it_ends(function)
        return made

    return make


def _sends_before_it_ends(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    @wraps(function)
    def run(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        try:
            result = function(*arguments, **named)
        except Exception:
            wait_until_sent(SEND_SECONDS)
            raise
        everything_sent()
        return result

    return run


def _describe(function: Callable[..., Any]) -> None:
    """Put the descriptions of a flow's parameters where Prefect looks for them.

    Prefect 3 makes a form's descriptions from the docstring's `Args:` alone and drops those of `Annotated[…, Field()]`.
    """
    lines = [
        f"    {name}: {field.description}"
        for name, hint in get_type_hints(function, include_extras=True).items()
        for field in get_args(hint)
        if isinstance(field, FieldInfo) and field.description
    ]
    if lines:
        function.__doc__ = "\n".join([getdoc(function) or "", "", "Args:", *lines])


def scheduled_time() -> datetime:
    """The time for which the current run was scheduled, whenever it really runs; now, outside a run.

    Prefect gives a pendulum time, whose arithmetic with `timedelta` fails, so it is made a plain one here.
    """
    scheduled: datetime | None = flow_run.scheduled_start_time
    return datetime.fromtimestamp(scheduled.timestamp(), UTC) if scheduled else datetime.now(UTC)


def _named(name: Callable[[dict[str, Any]], str]) -> Callable[[], str]:
    """A `flow_run_name` made of the run's parameters, where a person gave none.

    Where a parameter or a setting is wrong, it is the flow that refuses it.
    """

    def make() -> str:
        context = FlowRunContext.get()
        if context and context.flow_run and not _MADE_UP.fullmatch(context.flow_run.name):
            return context.flow_run.name
        try:
            return name(dict(context.parameters or {}) if context else {})
        except (EcommerceError, TypeError, ValueError):
            return f"{context.flow.name if context and context.flow else 'run'} with a wrong parameter or setting"

    return make


def finished(result: Result, message: str) -> Result:
    """End the run with a state that says what happened; whoever called the flow gets the result."""
    return cast(Result, Completed(message=message, data=result))
