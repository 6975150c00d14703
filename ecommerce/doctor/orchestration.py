"""Prefect: the server answers, everything is deployed and scheduled, and somebody takes the runs."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ecommerce.doctor.findings import OF_PREFECT, Problem, raise_all
from ecommerce.prefect_api import REFUSED, NotPrefect, PrefectError, api_url, call, embedded_api, require_prefect
from ecommerce.services.generator_schedule import SCHEDULE, is_known_without_generator
from ecommerce.services.halted import halted, sleeping
from ecommerce.services.prefect import SERVER, WORK_POOL, deployed, wanted_deployments
from ecommerce.services.records import read_record
from ecommerce.services.stuck import deploy_again, find_stuck, worker_problems, workers_online
from ecommerce.services.supervisor import start_it, why_stopped
from ecommerce.settings import Settings

MISSING = 404


def prefect(settings: Settings) -> str:
    """The server answers, and lets us in."""
    api, error = api_url(settings), PrefectError("")
    try:
        if isinstance(_request(settings, "/admin/version"), str):
            _require_its_database(settings, api)
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
        raise Problem(f"the Prefect server {api} answers {error.status}: {error}", OF_PREFECT)
    if api != embedded_api(settings):
        correct = f"correct PREFECT_API_URL, or unset it to use {embedded_api(settings)}, this home's own"
        raise Problem(f"the Prefect server {api} does not answer: {error}", correct)
    why = why_stopped(read_record(settings.home_directory, SERVER)) or error
    raise Problem(f"the Prefect server {api} does not answer: {why}", start_it(settings, SERVER))


def _require_its_database(settings: Settings, api: str) -> None:
    """A server answers what needs no database when it has none."""
    try:
        _request(settings, "/ready")
    except PrefectError as error:
        if error.status == MISSING:
            return  # not one of Prefect's own
        raise Problem(f"the Prefect server {api} answers, but its database does not: {error}", OF_PREFECT) from None


def deployments(settings: Settings) -> str:
    """Every deployment of deployments/prefect.yaml is there."""
    wanted = wanted_deployments()
    missing = sorted(set(wanted) - set(_deployed(settings)))
    if missing:
        raise Problem(f"not deployed: {', '.join(missing)}", deploy_again(settings, api_url(settings)))
    return f"{len(wanted)} deployed"


def schedules(settings: Settings) -> str:
    """What should run by itself does."""
    asleep = sorted(sleeping(_deployed(settings), wanted_deployments(), api_url(settings)))
    meant = [name for name, _ in asleep if name == SCHEDULE and is_known_without_generator(settings)]
    asleep = [(name, command) for name, command in asleep if name not in meant]
    if asleep:
        names = ", ".join(name for name, _ in asleep)
        raise Problem(
            f"not running by themselves: {names} (paused, or without an active schedule)",
            f"where nobody meant that, resume them in the UI, or: {'; '.join(command for _, command in asleep)}",
        )
    return f"active, but {SCHEDULE}: this shop has no made-up orders" if meant else "active"


def workers(settings: Settings) -> str:
    """Somebody asks the work pool for runs, and nobody paused it, one of its queues, or set a limit of 0."""
    api, request = api_url(settings), partial(_request, settings)
    try:
        request(f"/work_pools/{WORK_POOL}")
    except PrefectError as error:
        again = deploy_again(settings, api)
        raise Problem(f"the work pool {WORK_POOL!r} cannot be had ({error.status})", again) from None
    raise_all(
        [*halted(request, deployed(request), wanted_deployments(), api), *worker_problems(request, settings, api)]
    )
    return f"online: {', '.join(workers_online(request))}"


def stuck(settings: Settings) -> str:
    """Nothing keeps runs from starting for ever."""
    found = find_stuck(partial(_request, settings), _deployed(settings), wanted_deployments())
    raise_all(replace(found, missing=()).problems(settings, api_url(settings)))  # `deployments` says those
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
