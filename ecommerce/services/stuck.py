"""What would keep flow runs from starting for ever: found for `status` and `doctor`; `mending.py` mends it.

Prefect leaves each of these as it is. A run that stays between Pending and Running holds the one place of its
deployment. Deployments whose work pool was deleted have none any more, also when the pool is made again. A deployment
that was deleted takes its schedule with it.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ecommerce.prefect_api import PrefectError, call, embedded_api, prefect_command
from ecommerce.services.halted import Request, halted
from ecommerce.services.prefect import WORK_POOL, deployed, wanted_deployments
from ecommerce.services.supervisor import up_mends
from ecommerce.settings import Settings

PENDING_SECONDS_MAX = 120
"""A run that its worker took is Running after 5 to 20 s; on a busy machine after less than this."""

CRASH_PENDING_SECONDS = 300
"""After this a run that is still Pending is called crashed."""

DEPLOY = ("--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
MENDED_SECONDS = 40
"""After this an `up` that runs has deployed again, as a rule: it looks every 20 s, and deploying takes 4 to 20."""
WORKER_SECONDS = 60
"""After this the worker has made itself known to a work pool that was made anew: it does so every 30 s."""

ANSWER_SECONDS = 5.0
"""For the server to answer each question of `status`."""


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run that will not start by itself."""

    run_id: str
    name: str
    seconds: float = field(compare=False)
    """For how long it has been so."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """What is stuck; all empty where nothing is."""

    missing: tuple[str, ...] = ()
    """Deployments that were deleted."""
    detached: tuple[str, ...] = ()
    """Deployments without a work pool."""
    pending: tuple[Run, ...] = ()
    without_pool: tuple[Run, ...] = ()
    """Runs that are due and whose work pool is gone."""
    workers: tuple[str, ...] = ()
    """Those that are online, where runs are Pending."""

    def problems(self, settings: Settings, api: str) -> list[tuple[str, str]]:
        """Each as a sentence, and what mends it at the server of an API."""
        found, deploy = [], deploy_again(settings, api)
        if self.missing:
            found.append((f"not deployed: {', '.join(self.missing)}, so that nothing of it runs", deploy))
        if self.detached:
            says = f"the work pool of {', '.join(self.detached)} was deleted, so that their runs do not start"
            found.append((says, deploy))
        for run in self.pending:
            online = f"{', '.join(self.workers)} online" if self.workers else "none online"
            says = (
                f"run {run.name!r} is Pending for {run.seconds:,.0f} s and holds the place of others: it was taken to "
                f"be run and has not begun (workers: {online})"
            )
            delete = prefect_command(api, "flow-run", "delete", run.run_id)
            minutes = CRASH_PENDING_SECONDS // 60
            found.append((says, f"{delete}; a running `ecommerce up` ends it after {minutes} minutes"))
        if self.without_pool:
            names = ", ".join(repr(run.name) for run in self.without_pool)
            says = f"{len(self.without_pool)} late run(s) will not start, as their work pool was deleted: {names}"
            cancels = up_mends(settings, "`ecommerce up` cancels them", MENDED_SECONDS)
            found.append((says, f"{cancels}; run what is needed again"))
        return found


def find_stuck(
    request: Request, found: Mapping[str, Any], wanted: Collection[str], pending_seconds: float | None = None
) -> Stuck:
    """Look at the deployments named in `wanted`, of those `deployed` returned, and at their runs.

    What is Pending for so many seconds counts.
    """
    longest = PENDING_SECONDS_MAX if pending_seconds is None else pending_seconds
    ids = {found[name]["id"]: name for name in wanted if name in found}
    states = {"state": {"type": {"any_": ["PENDING", "SCHEDULED"]}}}
    pending, without_pool = [], []
    for run in request("/flow_runs/filter", {"flow_runs": states, "sort": "EXPECTED_START_TIME_ASC"}):
        if run.get("deployment_id") not in ids:
            continue
        if run["state_type"] == "PENDING":
            seconds = _seconds_since(run["state"]["timestamp"])
            if seconds > longest:
                pending.append(Run(run["id"], run["name"], seconds))
        elif run.get("work_pool_name") is None and (seconds := _seconds_since(run["expected_start_time"])) > 0:
            without_pool.append(Run(run["id"], run["name"], seconds))
    detached = sorted(name for name in ids.values() if found[name].get("work_pool_name") is None)
    missing = sorted(set(wanted) - set(found))
    workers: list[str] = []
    if pending:
        with suppress(PrefectError):  # where the pool was deleted nobody can be online
            workers = workers_online(request)
    return Stuck(tuple(missing), tuple(detached), tuple(pending), tuple(without_pool), tuple(workers))


def deploy_again(settings: Settings, api: str) -> str:
    """What to do where something was deleted in Prefect."""
    by_hand = f"deploy again: `ecommerce up` does, or {prefect_command(api, *DEPLOY)}"
    return up_mends(settings, by_hand, MENDED_SECONDS)


def worker_problems(request: Request, settings: Settings, api: str) -> list[tuple[str, str]]:
    """That no worker asks the work pool for runs, as a sentence, and what mends it; nothing where one does."""
    if workers_online(request):
        return []
    start = f"start one: `ecommerce up`, or {prefect_command(api, 'worker', 'start', '--pool', WORK_POOL)}"
    remedy = up_mends(settings, start, WORKER_SECONDS, "prefect-worker")
    return [(f"no worker takes runs of the work pool {WORK_POOL!r}", remedy)]


def workers_online(request: Request) -> list[str]:
    """The names of the workers that ask the work pool for runs."""
    found = request(f"/work_pools/{WORK_POOL}/workers/filter", {})
    return sorted(worker["name"] for worker in found if worker.get("status") == "ONLINE")


def why_no_runs(settings: Settings) -> str | None:
    """Why flow runs do not start though the worker's process runs, in one line with its remedy.

    Something is stuck, or halted, or the server knows of no worker. None where runs start, or Prefect does not say.
    """
    api, wanted = embedded_api(settings), wanted_deployments()
    request = partial(call, api, timeout_seconds=ANSWER_SECONDS)
    try:
        found = deployed(request)
        problems = (
            find_stuck(request, found, wanted).problems(settings, api)
            or halted(request, found, wanted, api)
            or worker_problems(request, settings, api)
        )
    except PrefectError:
        return None
    return ": ".join(problems[0]) if problems else None


def _seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
