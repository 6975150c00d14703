"""What the current run knows of itself.

Prefect's `prefect.runtime` asks the server which deployment a run is of, by a client that it makes for that: 0.1 s of
each run, where the run's own context has it.
"""

from prefect.context import FlowRunContext
from prefect.runtime import deployment
from prefect.settings import get_current_settings

from ecommerce.prefect_api import embedded_api
from ecommerce.settings import load_settings


def deployment_id() -> str | None:
    """The deployment that the current run is of; None where a command runs the flow, or nothing runs."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        found: str | None = deployment.id
        return found
    return str(context.flow_run.deployment_id) if context.flow_run.deployment_id else None


def send_no_heartbeats_at_home() -> None:
    """Have runs that report to this home's own server send no heartbeats.

    There nobody listens to them: `ecommerce up` and the worker see processes end. Elsewhere
    `deployments/automations.py` crashes runs that fell silent. A run waits at its end for the thread that sends them,
    which sleeps for a second at a time: half a second of each run.
    """
    prefect = get_current_settings()
    if str(prefect.api.url).rstrip("/") == embedded_api(load_settings()):
        prefect.flows.heartbeat_frequency = None
