"""How each service is: what `ecommerce status` tells."""

from collections.abc import Callable
from dataclasses import dataclass

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from ecommerce.archive_location import archive_uri, local_path, needs_embedded_hdfs, why_away
from ecommerce.errors import without_topology
from ecommerce.mongo import get_database
from ecommerce.prefect_api import api_url, embedded_api
from ecommerce.services.dashboard import dashboard_url
from ecommerce.services.hdfs_state import namenode_state, takes_writes, why_in_safe_mode
from ecommerce.services.ports import LOOPBACK, http_answers
from ecommerce.services.postgres import NAME as POSTGRES
from ecommerce.services.postgres import postgres_problem
from ecommerce.services.prefect import WORK_POOL, worker_polls
from ecommerce.services.records import ServiceRecord, living_record
from ecommerce.services.stuck import why_no_runs
from ecommerce.services.supervisor import (
    FAILED,
    STARTING,
    Outlook,
    is_stopping,
    outlook_of,
    running_supervisor,
    stopped_up,
    up_state,
    why_stopped,
)
from ecommerce.settings import Settings

DATABASE_SECONDS = 5.0
"""For Prefect's database to answer."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service as it is now."""

    name: str
    address: str
    state: str
    """`up`, `down`, `starting` or `stopping`."""
    reason: str = ""
    """Why it is not up."""

    @property
    def healthy(self) -> bool:
        return self.state == "up"

    def to_dict(self) -> dict[str, str | bool]:
        return {
            "name": self.name,
            "address": self.address,
            "state": self.state,
            "healthy": self.healthy,
            "reason": self.reason,
        }


def service_states(settings: Settings) -> list[ServiceState]:
    """The state of every service that the settings ask for, each looked at by talking to it."""
    states = [_mongodb(settings)]
    if needs_embedded_hdfs(settings):
        states += _hdfs(settings)
    else:
        states.append(_archive(settings))
    if (settings.home_directory / POSTGRES).exists():
        states.append(postgres_state(settings))
    server = f"http://{LOOPBACK}:{settings.prefect_port}"

    def prefect_problem(record: ServiceRecord) -> str | None:
        up = up_state(settings.home_directory)
        # That of a command without `up` is on any port, which the other commands look up.
        asked_for = settings.prefect_port if up.get("supervisor") == record.supervisor else record.port
        other = _other_port(record, asked_for, "ECOMMERCE_PREFECT_PORT")
        return other or _http_problem(f"{record.address}/api/health") or _database_problem(record)

    def problem_of_worker(record: ServiceRecord) -> str | None:
        if not worker_polls(record.pid):
            return "has not asked for runs for a while"
        its_server = living_record(settings.home_directory, "prefect-server")
        # A server on another port than the settings say is named above; it is not asked at the wrong one.
        if its_server is None or its_server.port != settings.prefect_port or why_stopped(its_server):
            return None
        return why_no_runs(settings)

    def dashboard_problem(record: ServiceRecord) -> str | None:
        other = _other_port(record, settings.dashboard_port, "ECOMMERCE_DASHBOARD_PORT")
        return other or _http_problem(f"{record.address}/liveness")

    return [
        *states,
        _recorded(settings, "prefect-server", server, prefect_problem),
        _recorded(settings, "prefect-worker", f"work pool {WORK_POOL}", problem_of_worker),
        _recorded(settings, "dashboard", dashboard_url(settings), dashboard_problem),
    ]


def postgres_state(settings: Settings) -> ServiceState:
    """The state of the embedded Postgres."""
    return _recorded(settings, POSTGRES, LOOPBACK, lambda _: postgres_problem(settings.home_directory))


def notes(settings: Settings) -> list[str]:
    """What is not a service's state and should be known: a line each."""
    found = []
    home = settings.home_directory
    runs = any(living_record(home, name) for name in ("mongod", "prefect-server", "dashboard"))
    if up_state(home).get("supervisor") and runs and not running_supervisor(home):
        found.append(
            "`ecommerce up` of these services was killed: nothing that ends is started again → `ecommerce down`, then "
            "`ecommerce up`"
        )
    if stopped := stopped_up(home):
        found.append(" → ".join(stopped))
    if api_url(settings) != embedded_api(settings):
        found.append(f"commands use the Prefect server {api_url(settings)}, as PREFECT_API_URL says")
    return found


def _mongodb(settings: Settings) -> ServiceState:
    if settings.mongo_uri is None:
        port = settings.mongo_port

        def mongod_problem(record: ServiceRecord) -> str | None:
            return _other_port(record, port, "ECOMMERCE_MONGO_PORT") or _mongo_problem(settings)

        return _recorded(settings, "mongod", f"{LOOPBACK}:{port}", mongod_problem)
    try:
        nodes = parse_uri(settings.mongo_uri.get_secret_value(), validate=False)["nodelist"]
        address = ",".join(f"{host}:{port}" for host, port in nodes)
    except (PyMongoError, ValueError, OSError):
        address = "ECOMMERCE_MONGO_URI"
    problem = _mongo_problem(settings)
    return ServiceState("mongodb", address, "down" if problem else "up", problem or "")


def _other_port(record: ServiceRecord, port: int, setting: str) -> str | None:
    """Why commands with these settings do not find a service that runs."""
    return None if record.port == port else f"runs, but {setting} is {port} here: set it to {record.port}"


def _mongo_problem(settings: Settings) -> str | None:
    try:
        hello = get_database(settings).client.admin.command("hello")
    except PyMongoError as error:
        return without_topology(error)[:200]
    if hello.get("isWritablePrimary") or hello.get("msg") == "isdbgrid":
        return None
    return "takes no writes: it is not primary"


def _hdfs(settings: Settings) -> list[ServiceState]:
    namenode = living_record(settings.home_directory, "namenode")
    state = namenode_state(namenode.pid) if namenode and not why_stopped(namenode) else {}

    def namenode_problem(record: ServiceRecord) -> str | None:
        if other := _other_port(record, settings.namenode_port, "ECOMMERCE_NAMENODE_PORT"):
            return other
        if not state:
            return "does not answer"
        return None if state.get("FSState") == "Operational" else f"in safe mode: {why_in_safe_mode(state)}"

    def datanode_problem(record: ServiceRecord) -> str | None:
        if namenode is not None and not state:
            return "whether it takes writes is not known, as the NameNode does not answer"
        if takes_writes(namenode.pid if namenode else None, record.pid):
            return None
        return "is not registered with the NameNode"

    uri = f"hdfs://{LOOPBACK}:{settings.namenode_port}"
    return [
        _recorded(settings, "namenode", uri, namenode_problem),
        _recorded(settings, "datanode", LOOPBACK, datanode_problem),
    ]


def _archive(settings: Settings) -> ServiceState:
    """The archive where it is not on the embedded HDFS."""
    uri, problem = archive_uri(settings), why_away(settings)
    if (place := local_path(uri)) is not None and not place.parent.exists():
        problem = f"neither {place} nor its parent folder exists"
    return ServiceState("archive", uri, "down" if problem else "up", problem)


def _recorded(
    settings: Settings, name: str, address: str, problem_of: Callable[[ServiceRecord], str | None]
) -> ServiceState:
    """The state of a service that this home runs itself."""
    home = settings.home_directory
    record = living_record(home, name)
    if is_stopping(home):
        reason = "" if record else "has ended already"
        return ServiceState(name, record.address if record else address, "stopping", reason)
    if record is None:
        return ServiceState(name, address, *_why_not_running(settings, name))
    problem = why_stopped(record) or problem_of(record)
    if problem is None:
        return ServiceState(name, record.address, "up")
    outlook = outlook_of(home, name)
    state = STARTING if outlook.starting or _is_starting(settings) else "down"
    return ServiceState(name, record.address, state, problem + _outlook_text(settings, outlook))


def _outlook_text(settings: Settings, outlook: Outlook) -> str:
    """What the `up` that runs does about a service that is not well; nothing where it does nothing."""
    home = settings.home_directory
    if outlook == Outlook() or running_supervisor(home) is None or stopped_up(home):
        return ""
    error = f" (last error: {outlook.error})" if outlook.error else ""
    return f"; `ecommerce up` {outlook.in_words()}{error}"


def _why_not_running(settings: Settings, name: str) -> tuple[str, str]:
    if _is_starting(settings):
        return STARTING, "not started yet"
    state = up_state(settings.home_directory)
    if state.get("state") == FAILED:
        return "down", f"`ecommerce up` failed: {state.get('error')}"
    if running_supervisor(settings.home_directory):
        log = settings.home_directory / "logs" / f"{name}.log"
        outlook = outlook_of(settings.home_directory, name)
        what_next = _outlook_text(settings, outlook)
        return STARTING if outlook.starting else "down", f"its process ended{what_next}; see {log}"
    return "down", "not started: `ecommerce up` starts it"


def _is_starting(settings: Settings) -> bool:
    home = settings.home_directory
    return up_state(home).get("state") == STARTING and running_supervisor(home) is not None


def _database_problem(record: ServiceRecord) -> str | None:
    """Why a Prefect server that answers can do nothing."""
    if http_answers(f"{record.address}/api/ready", DATABASE_SECONDS):
        return None
    return f"answers, but its database does not: see postgres and the space on its disk; {record.log} has more"


def _http_problem(url: str) -> str | None:
    return None if http_answers(url) else "its process runs but does not answer"
