"""Prefect: the server answers, everything is deployed and scheduled, and somebody takes the runs."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ecommerce.doctor.findings import Problem
from ecommerce.prefect_api import REFUSED, NotPrefect, PrefectError, api_url, call, embedded_api, require_prefect
from ecommerce.services.prefect import WORK_POOL, deployed, wanted_deployments
from ecommerce.services.stuck import deploy_again, find_stuck, worker_problems, workers_online
from ecommerce.services.supervisor import start_it
from ecommerce.settings import Settings


def prefect(settings: Settings) -> str:
    """The server answers, and lets us in."""
    api, error = api_url(settings), PrefectError("")
    try:
        if isinstance(_request(settings, "/admin/version"), str):
            return api
    except PrefectError as raised:
        error = raised
    if error.status in REFUSED:
        raise Problem(f"the Prefect server {api} refuses us", "set PREFECT_API_AUTH_STRING to its name:password")
    try:
        require_prefect(api)
    except NotPrefect as other:
        what, _, remedy = str(other).partition(". ")
        raise Problem(what, remedy) from None
    if error.status is not None:
        raise Problem(f"the Prefect server {api} answers {error.status}", "look at its log")
    is_other = api != embedded_api(settings)
    correct = f"correct PREFECT_API_URL, or unset it to use {embedded_api(settings)}, this home's own"
    raise Problem(f"the Prefect server {api} does not answer: {error}", correct if is_other else start_it(settings))


def deployments(settings: Settings) -> str:
    """Every deployment of deployments/prefect.yaml is there."""
    wanted = wanted_deployments()
    missing = sorted(set(wanted) - set(_deployed(settings)))
    if missing:
        raise Problem(f"not deployed: {', '.join(missing)}", deploy_again(settings))
    return f"{len(wanted)} deployed"


def schedules(settings: Settings) -> str:
    """What should run by itself does."""
    deployed = _deployed(settings)
    asleep = []
    for name, entry in wanted_deployments().items():
        if not entry.get("schedules") or name not in deployed:
            continue
        active = [schedule for schedule in deployed[name].get("schedules", []) if schedule.get("active")]
        if deployed[name].get("paused") or not active:
            asleep.append(name)
    if asleep:
        raise Problem(
            f"not running by themselves: {', '.join(sorted(asleep))} (paused, or without an active schedule)",
            "resume them in the UI or with `prefect deployment schedule resume`",
        )
    return "active"


def workers(settings: Settings) -> str:
    """Somebody asks the work pool for runs."""
    try:
        pool: Any = _request(settings, f"/work_pools/{WORK_POOL}")
    except PrefectError as error:
        raise Problem(f"the work pool {WORK_POOL!r} cannot be had ({error.status})", deploy_again(settings)) from None
    if pool.get("is_paused"):
        raise Problem(f"the work pool {WORK_POOL!r} is paused", f"`prefect work-pool resume {WORK_POOL}`")
    request = partial(_request, settings)
    for says, remedy in worker_problems(request, settings):
        raise Problem(says, remedy)
    return f"online: {', '.join(workers_online(request))}"


def stuck(settings: Settings) -> str:
    """Nothing keeps runs from starting for ever."""
    found = find_stuck(partial(_request, settings), wanted_deployments())
    problems = replace(found, missing=()).problems(settings)  # `deployments` says those
    if problems:
        raise Problem("; ".join(says for says, _ in problems), "; ".join(remedy for _, remedy in problems))
    return "every deployment has its work pool, no run is left Pending"


def late_runs(settings: Settings) -> str:
    """No run waits for a long time."""
    filters = {"flow_runs": {"state": {"name": {"any_": ["Late"]}}}}
    late: int = _request(settings, "/flow_runs/count", filters)
    if late:
        raise Problem(
            f"{late} run(s) are late", "see that a worker is online and not at its limit; runs execute oldest first"
        )
    return "none late"


def _deployed(settings: Settings) -> dict[str, Any]:
    return deployed(partial(_request, settings))


def _request(settings: Settings, path: str, body: Mapping[str, Any] | None = None) -> Any:
    return call(api_url(settings), path, body)
