"""What an `ecommerce up` that runs mends in Prefect: deployments that were deleted, runs that will not start."""

from collections.abc import Callable
from functools import partial
from threading import Event

from ecommerce.errors import ServiceError, in_one_line
from ecommerce.prefect_api import PrefectError, embedded_api
from ecommerce.services.command_runs import close_killed_runs
from ecommerce.services.halted import Request
from ecommerce.services.logs import Say
from ecommerce.services.prefect import deployed, ensure_work_pool, post, wanted_deployments
from ecommerce.services.stuck import CRASH_PENDING_SECONDS, Run, find_stuck
from ecommerce.services.supervisor import MENDING
from ecommerce.settings import Settings

MEND_SECONDS = 20.0
"""Between two looks for flow runs that cannot start: three requests of 10 ms."""


def mend_again_and_again(
    settings: Settings, say: Say, deploy: Callable[[], None], note_failure: Callable[[str, str], None], ended: Event
) -> None:
    """Mend until `ended` is set, and note for `status` and `doctor` how the last attempt went."""
    while not ended.wait(MEND_SECONDS):
        try:
            mend(settings, say, deploy)
            note_failure(MENDING, "")
        except PrefectError as error:
            # A server that is started again at this moment answers the next time.
            note_failure(MENDING, f"Prefect: {error}")
        except ServiceError as error:
            if not ended.is_set():
                note_failure(MENDING, str(error))
                say(str(error))
        except Exception as error:  # noqa: BLE001 - such as a MongoDB that is started again: the next time it answers
            if not ended.is_set():
                note_failure(MENDING, in_one_line(error))
                say(f"mending in Prefect: {in_one_line(error)}")


def mend(settings: Settings, say: Say, deploy: Callable[[], None]) -> None:
    """Deploy again what was deleted or lost its work pool, and close the runs that will not start. Says what it did."""
    request = partial(post, settings)
    for name in close_killed_runs(settings.home_directory, embedded_api(settings)):
        say(f"run {name!r} is called crashed: the process of its command was killed")
    stuck = find_stuck(request, deployed(request), wanted_deployments(), CRASH_PENDING_SECONDS)
    if stuck.missing or stuck.detached:
        ensure_work_pool(settings)
        deploy()
    if stuck.missing:
        say(f"{', '.join(stuck.missing)} had been deleted; it was deployed again, with its schedule")
    if stuck.detached:
        say(f"the work pool of {', '.join(stuck.detached)} had been deleted; they were deployed again")
    for run in stuck.pending:
        _close(request, run, "CRASHED", f"It was Pending for {run.seconds:,.0f} s and did not begin.")
        say(f"run {run.name!r} was Pending for {run.seconds:,.0f} s; it is called crashed, so that others can start")
    for run in stuck.without_pool:
        _close(request, run, "CANCELLED", "Its work pool was deleted before it started.")
        say(f"run {run.name!r} was cancelled, as its work pool had been deleted; run it again if it is needed")


def _close(request: Request, run: Run, state: str, message: str) -> None:
    request(f"/flow_runs/{run.run_id}/set_state", {"state": {"type": state, "message": message}, "force": True})
