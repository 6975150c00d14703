"""Progress of a step as an artifact that updates in place; between two updates the run's state is looked at."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.runtime import flow_run
from prefect.states import Cancelled

from ecommerce.progress import Progress, watcher
from flows.own_run import deployment_id
from flows.sending import send

UPDATE_SECONDS = 2.0
"""Between two updates of an artifact and two looks at the run's state: requests of 10 to 30 ms each."""


class RunEnded(Abort):
    """Somebody ended the run while its process worked; the state that they gave it stays."""


def stop_if_ended() -> None:
    """Raise RunEnded where somebody cancelled the current run, or closed it.

    A worker ends the process of a run that is cancelled while it is Running. Nobody ends one that was suspended and
    then cancelled, or that runs without a worker.
    """
    if flow_run.id is None:
        return
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(flow_run.id)).state
        if state is not None and state.is_cancelling() and deployment_id() is None:
            cancelled: State[None] = Cancelled(message="Its process saw that it was cancelled, and stopped.")
            state = client.set_flow_run_state(UUID(flow_run.id), cancelled, force=True).state
    if state is not None and state.is_final():
        raise RunEnded(f"the run was ended from outside, as {state.name}: it stops where it is")


@contextmanager
def progress_artifact(step: str, about: str = "") -> Iterator[Progress]:
    """A Progress that keeps the progress artifact of a step up to date, and tells the terminal if one watches.

    Call it inside a flow or task run. The artifact's key is made of the flow and the step alone, so that keys do not
    grow with files and days; `about` says which file or days, in the text. It ends at 100 % with the last numbers when
    the work ends without an error, and one line with them goes to the log.
    """
    name = f"{step} {about}".strip()
    key = re.sub(r"[^a-z0-9]+", "-", f"{flow_run.flow_name} {step}".lower()).strip("-")
    # Typed as if it could be awaited too; called from a thread without an event loop it returns the id.
    artifact = cast(Future[UUID], send(create_progress_artifact, 0.0, key=key, description=name))
    terminal = watcher()
    begun = updated_at = time.monotonic()
    last: tuple[int, int | None, str] = (0, None, "")

    def text() -> str:
        done, total, what = last
        of_total = f" of {total:,}" if total and total != done else ""
        return f"{name}: {done:,}{of_total} {what}" if what else name

    def report(done: int, total: int | None, what: str) -> None:
        nonlocal updated_at, last
        last = (done, total, what)
        terminal(done, total, what)
        if time.monotonic() - updated_at < UPDATE_SECONDS:
            return
        updated_at = time.monotonic()
        update_progress_artifact(artifact.result(), min(99.9, 100 * done / total) if total else 0.0, text())
        stop_if_ended()

    yield report
    seconds = time.monotonic() - begun
    send(lambda: update_progress_artifact(artifact.result(), 100.0, text()))
    get_run_logger().info("%s in %.1f s%s", text(), seconds, rate_text(last[0], seconds))


def rate_text(done: int, seconds: float) -> str:
    """How many in a second, for the end of a line; nothing where that says nothing."""
    if not done or seconds <= 0.1:
        return ""
    rate = done / seconds
    return f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
