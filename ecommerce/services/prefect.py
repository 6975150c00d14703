"""The embedded Prefect: server, work pool, deployments and one process worker. Their files are under `home`/prefect."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ecommerce.errors import ServiceError
from ecommerce.jvm import Changes
from ecommerce.prefect_api import PrefectError, call, embedded_api
from ecommerce.services.daemons import Daemon
from ecommerce.services.jobs import Job
from ecommerce.services.logs import Say
from ecommerce.services.ports import LOOPBACK, free_port, http_answers, listening_ports, listens, require_free_port
from ecommerce.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
PREFECT_FILE = Path("deployments/prefect.yaml")
AUTOMATIONS = Path("deployments/automations.py")
SERVER = "prefect-server"
WORK_POOL = "ecommerce"
WORKER_LIMIT = 4
"""Flow runs at once. Each is a Python process of 120 to 240 MB, the archiver a JVM besides."""

POST_ATTEMPTS = 5
EXISTS, LOCKED = 409, 503
TEMPLATE_SECONDS = 60
"""For a worker to make itself known to the server after its start, which takes a second."""

PREFECT = (sys.executable, "-P", "-m", "prefect")
"""The program of this Python environment, whatever PATH says and wherever it lies: a script's first line has limits."""


def server(settings: Settings, environment: Changes) -> Daemon:
    """The Prefect server, not started yet. The first start makes its tables: 7 s on two idle cores."""
    require_free_port(settings.prefect_port, "ECOMMERCE_PREFECT_PORT", "the Prefect server")
    return _server(settings, settings.prefect_port, environment)


def temporary_server(settings: Settings, environment: Changes) -> Daemon:
    """A server for commands where none runs, not started yet: on any port, without pages, and it schedules nothing."""
    port = free_port()
    api = f"http://{LOOPBACK}:{port}/api"
    its = {**environment, "PREFECT_API_URL": api, "PREFECT_UI_API_URL": api}
    return _server(settings, port, its, "--no-ui", "--no-scheduler", "--no-late-runs")


def _server(settings: Settings, port: int, environment: Changes, *options: str) -> Daemon:
    address = f"http://{LOOPBACK}:{port}"
    start = [*PREFECT, "--no-prompt", "server", "start", "--host", LOOPBACK, "--port", str(port), *options]
    return Daemon(
        SERVER,
        start,
        home=settings.home_directory,
        address=address,
        ready=lambda _: http_answers(f"{address}/api/ready"),
        answers=lambda _: listens(f"{address}/api/health"),
        start_timeout_seconds=240,
        environment=environment,
    )


def worker(settings: Settings, environment: Changes) -> Daemon:
    """A process worker on the work pool, not started yet. Its health check is on a port that it chooses."""
    return Daemon(
        "prefect-worker",
        [
            *PREFECT, "--no-prompt", "worker", "start", "--pool", WORK_POOL, "--type", "process",
            "--name", "ecommerce", "--limit", str(WORKER_LIMIT), "--with-healthcheck", "--install-policy", "never",
        ],
        home=settings.home_directory,
        address=f"work pool {WORK_POOL}",
        ready=lambda it: worker_polls(it.pid),
        # It says that it is not well where its server is silent, which starting it again does not mend.
        answers=lambda it: any(listens(f"http://{LOOPBACK}:{port}/health") for port in listening_ports(it.pid)),
        environment=environment,
        cwd=settings.home_directory,
        # Its runs end with a worker that is killed, and nobody else would say so.
        before_launch=lambda: close_stranded_runs(settings),
    )  # fmt: skip


def worker_polls(pid: int | None) -> bool:
    """Whether a worker process says that it asks for runs."""
    return any(http_answers(f"http://{LOOPBACK}:{port}/health") for port in listening_ports(pid))


def ensure_work_pool(settings: Settings) -> None:
    """Create the process work pool; the worker gives it its template."""
    try:
        post(settings, "/work_pools/", {"name": WORK_POOL, "type": "process"})
    except PrefectError as error:
        if error.status != EXISTS:
            raise ServiceError(f"the work pool {WORK_POOL} cannot be made: {error}") from None


def start_runs_directly(settings: Settings) -> None:
    """Make the worker, which has been started, start a run's process by this Python.

    Without a command Prefect starts one process to prepare a checkout, one to look what it needs and one for the run:
    each imports Prefect, for a second. Ours come from the installed packages.
    """
    pool, deadline = f"/work_pools/{WORK_POOL}", time.monotonic() + TEMPLATE_SECONDS
    while not (template := post(settings, pool, None, "GET")["base_job_template"]):
        if time.monotonic() > deadline:
            raise ServiceError(f"the worker has not given the work pool {WORK_POOL} its template")
        time.sleep(0.2)
    command = template["variables"]["properties"]["command"]
    ours = shlex.join([sys.executable, "-P", "-m", "flows.run_process"])
    if command.get("default") != ours:
        command["default"] = ours
        post(settings, pool, {"base_job_template": template}, "PATCH")


def close_stranded_runs(settings: Settings) -> None:
    """Call runs crashed that a worker left unfinished. Call it only while no worker runs.

    They would stay `Running` for ever, and hold the one place that their deployment has.
    """
    unfinished = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
    ours = {"name": {"any_": [WORK_POOL]}}
    crashed = {"type": "CRASHED", "message": "The services were stopped while it ran."}
    try:
        for run in post(settings, "/flow_runs/filter", {"flow_runs": unfinished, "work_pools": ours}):
            post(settings, f"/flow_runs/{run['id']}/set_state", {"state": crashed, "force": True})
    except PrefectError as error:
        raise ServiceError(f"unfinished runs cannot be closed: {error}") from None


def post(settings: Settings, path: str, body: Mapping[str, Any] | None, method: str = "POST") -> Any:
    """Post to a path of the embedded server's API, and return the answer; again where SQLite was locked."""
    for attempt in range(1, POST_ATTEMPTS + 1):
        try:
            return call(embedded_api(settings), path, body, method=method, timeout_seconds=60)
        except PrefectError as error:
            # SQLite was locked for too long, which passes.
            if error.status != LOCKED or attempt == POST_ATTEMPTS:
                raise
        time.sleep(attempt)
    return None


def wanted_deployments(document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The deployments of the project's file, or of another document of this kind, by `flow/name`."""
    document = document or yaml.safe_load((REPOSITORY / PREFECT_FILE).read_text())
    return {f"{_flow_name(entry)}/{entry['name']}": entry for entry in document["deployments"]}


def _flow_name(entry: Mapping[str, Any]) -> str:
    """The last part of the entrypoint is the flow function, whose flow is called the same with dashes, as a rule."""
    return str(entry.get("flow_name") or entry["entrypoint"].rpartition(".")[2].replace("_", "-"))


def deployed(request: Callable[[str, Any], Any]) -> dict[str, Any]:
    """The deployments on a server by `flow/name`; `request` posts a body to a path of its API."""
    flows = {flow["id"]: flow["name"] for flow in request("/flows/filter", {"limit": 200})}
    return {f"{flows.get(one['flow_id'])}/{one['name']}": one for one in request("/deployments/filter", {"limit": 200})}


@contextmanager
def parameters_kept(settings: Settings, say: Say) -> Iterator[None]:
    """Keep what a person set as a deployment's parameters in the UI, where the block deploys everything anew.

    Deploying sets them to what the file says, which is none.
    """
    request = partial(post, settings)
    before = {name: one["parameters"] for name, one in deployed(request).items() if one["parameters"]}
    yield
    wanted = wanted_deployments()
    for name, now in deployed(request).items():
        if name not in before or name not in wanted or wanted[name].get("parameters") or now["parameters"]:
            continue
        try:
            post(settings, f"/deployments/{now['id']}", {"parameters": before[name]}, "PATCH")
        except PrefectError as error:
            say(f"parameters of {name} that were set in Prefect do not fit any more: {before[name]}: {error}")


def deployment(settings: Settings, environment: Changes, file: Path = PREFECT_FILE) -> Job:
    """The job that deploys all that a deployments file lists, not started yet."""
    if not (REPOSITORY / PREFECT_FILE).exists():
        raise ServiceError(f"{REPOSITORY / PREFECT_FILE} is missing: run `ecommerce up` from a checkout of the project")
    return Job(
        "prefect-deploy",
        [*PREFECT, "--no-prompt", "deploy", "--all", "--prefect-file", str(file)],
        home=settings.home_directory,
        environment=environment,
        cwd=REPOSITORY,
    )


def automations(settings: Settings, environment: Changes) -> Job:
    """The job that tells the server what to do by itself, not started yet."""
    return Job(
        "prefect-automations",
        [sys.executable, str(AUTOMATIONS), "--one-machine"],
        home=settings.home_directory,
        environment=environment,
        cwd=REPOSITORY,
    )
