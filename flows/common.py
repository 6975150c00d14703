"""What every flow needs: a described form, its scheduled time, and progress as an artifact that updates in place."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from inspect import getdoc
from typing import Any, TypeVar, cast, get_args, get_type_hints
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.runtime import flow_run
from pydantic.fields import FieldInfo

from ecommerce.progress import Progress, watcher

UPDATE_SECONDS = 2.0
"""Between two updates of an artifact: each one is a request to the Prefect server of 10 to 30 ms."""


Function = TypeVar("Function", bound=Callable[..., Any])


def described(function: Function) -> Function:
    """Put the descriptions of a flow's parameters where Prefect looks for them; stands below `@flow`.

    Prefect 3 makes a form's descriptions from the docstring's `Args:` alone and drops those of `Annotated[…, Field()]`.
    """
    lines = [
        f"    {name}: {field.description}"
        for name, hint in get_type_hints(function, include_extras=True).items()
        for field in get_args(hint)
        if isinstance(field, FieldInfo) and field.description
    ]
    function.__doc__ = "\n".join([getdoc(function) or "", "", "Args:", *lines])
    return function


def scheduled_time() -> datetime:
    """The time for which the current run was scheduled, whenever it really runs; now, outside a run.

    Prefect gives a pendulum time, whose arithmetic with `timedelta` fails, so it is made a plain one here.
    """
    scheduled: datetime | None = flow_run.scheduled_start_time
    return datetime.fromtimestamp(scheduled.timestamp(), UTC) if scheduled else datetime.now(UTC)


@contextmanager
def progress_artifact(name: str) -> Iterator[Progress]:
    """A Progress that keeps a progress artifact called `name` up to date, and tells the terminal if one watches.

    Call it inside a flow or task run. The artifact ends at 100 % when the work ends without an error.
    """
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    # Typed as if it could be awaited too; called from a thread without an event loop it returns the id.
    artifact_id = cast(UUID, create_progress_artifact(0.0, key=key, description=name))
    terminal = watcher()
    updated_at = time.monotonic()
    description = name

    def report(done: int, total: int | None, what: str) -> None:
        nonlocal updated_at, description
        terminal(done, total, what)
        if time.monotonic() - updated_at < UPDATE_SECONDS:
            return
        updated_at = time.monotonic()
        description = f"{name}: {done:,} {what}" + (f" of {total:,}" if total else "")
        percent = min(99.9, 100 * done / total) if total else 0.0
        update_progress_artifact(artifact_id, percent, description)

    yield report
    update_progress_artifact(artifact_id, 100.0, description)
