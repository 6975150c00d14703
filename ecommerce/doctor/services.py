"""What `ecommerce up` runs on this machine: the process itself, and services that no other check asks."""

from ecommerce.doctor.findings import Problem, raise_all
from ecommerce.services.health import ServiceState, postgres_state, service_states
from ecommerce.services.postgres import NAME as POSTGRES
from ecommerce.services.records import living_record
from ecommerce.services.supervisor import is_stopping, running_supervisor, start_it, stopped_up, up_state
from ecommerce.settings import Settings

OF_UP = ("prefect-worker", "dashboard")
"""Services that nobody but `up` starts."""


def services(settings: Settings) -> str:
    """The `up` of this home, where there is one, can do its work, and what it alone starts answers."""
    home = settings.home_directory
    supervisor = running_supervisor(home)
    if supervisor is None:
        if error := up_state(home).get("error"):
            raise Problem(f"`ecommerce up` failed: {error}", "do what the message says, then `ecommerce up`")
        return "`ecommerce up` does not run here"
    process = f"process {supervisor.pid}"
    if is_stopping(home):
        raise Problem(f"the services are being stopped ({process})", "`ecommerce up` when that has ended, if need be")
    if stopped := stopped_up(home):
        raise Problem(*stopped)
    _require_well(settings, [state for state in service_states(settings) if state.name in OF_UP])
    return f"`ecommerce up` runs them ({process})"


def postgres(settings: Settings) -> str:
    """The embedded Postgres, with Prefect's history and the archive's catalog in it, takes connections."""
    home = settings.home_directory
    if not (home / POSTGRES).exists():
        return "none is used here"
    if running_supervisor(home) is None and living_record(home, POSTGRES) is None:
        return "is started by `ecommerce up`, or by a command that needs it"
    state = postgres_state(settings)
    _require_well(settings, [state])
    return f"answers on {state.address}"


def _require_well(settings: Settings, states: list[ServiceState]) -> None:
    unwell = [state for state in states if not state.healthy]
    raise_all([(f"{one.name} is {one.state}: {one.reason}", start_it(settings, one.name)) for one in unwell])
