"""What a person halted in Prefect, so that runs are due and do not start: a pause, or a limit of no run at once.

Each was set by somebody, and nothing mends it but the command that is named.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ecommerce.prefect_api import PrefectError, prefect_command
from ecommerce.services.prefect import WORK_POOL

Request = Callable[[str, Any], Any]
"""Posts a body to a path of Prefect's API, and returns the answer; without a body it gets."""

Problem = tuple[str, str]
"""A sentence, and the command that mends it."""

GONE = 404


def halted(request: Request, deployments: Mapping[str, Any], wanted: Mapping[str, Any], api: str) -> list[Problem]:
    """What keeps runs of the deployments in `wanted` from starting though nothing is broken.

    `deployments` are those that `deployed` returns.
    """
    return [*_of_the_pool(request, api), *_of_deployments(deployments, wanted, api)]


def _of_the_pool(request: Request, api: str) -> list[Problem]:
    try:
        pool = request(f"/work_pools/{WORK_POOL}", None)
        queues = request(f"/work_pools/{WORK_POOL}/queues/filter", {})
    except PrefectError as error:
        if error.status != GONE:
            raise
        return []  # that it was deleted is found elsewhere
    found: list[Problem] = []
    in_pool = [("work-queue", queue, (queue["name"], "--pool", WORK_POOL)) for queue in queues]
    for kind, state, named in [("work-pool", pool, (WORK_POOL,)), *in_pool]:
        what = f"the {kind.replace('-', ' ')} {named[0]!r}"
        if state.get("is_paused"):
            found.append((f"{what} is paused", prefect_command(api, kind, "resume", *named)))
        if state.get("concurrency_limit") == 0:
            clear = prefect_command(api, kind, "clear-concurrency-limit", *named)
            found.append((f"{what} has a concurrency limit of 0", clear))
    return found


def _of_deployments(deployments: Mapping[str, Any], wanted: Mapping[str, Any], api: str) -> list[Problem]:
    found = []
    for name, deployment in sorted(deployments.items()):
        limit = deployment.get("global_concurrency_limit")
        if name in wanted and limit and limit.get("active") and limit.get("limit") == 0:
            usual = (wanted[name].get("concurrency_limit") or {}).get("limit") or 1
            update = ("global-concurrency-limit", "update", limit["name"], "--limit", str(usual))
            found.append((f"{name} has a concurrency limit of 0", prefect_command(api, *update)))
    return found


def sleeping(deployments: Mapping[str, Any], wanted: Mapping[str, Any], api: str) -> list[Problem]:
    """Deployments in `wanted` that have a schedule and do not run by themselves, of those `deployed` returns."""
    found = []
    for name, entry in wanted.items():
        if not entry.get("schedules") or name not in deployments:
            continue
        deployment = deployments[name]
        schedules = deployment.get("schedules", [])
        commands = []
        if deployment.get("paused"):
            commands.append(prefect_command(api, "api", "POST", f"/deployments/{deployment['id']}/resume_deployment"))
        if not any(schedule.get("active") for schedule in schedules):
            resume = ("deployment", "schedule", "resume", name)
            commands += [prefect_command(api, *resume, schedule["id"]) for schedule in schedules]
            if not schedules:
                commands.append("`ecommerce up`, which deploys it with its schedule")
        if commands:
            found.append((name, " and ".join(commands)))
    return found
