"""The first archive run: a newcomer finds an archive with orders in it, and the run of Prefect that put them there."""

import threading

from ecommerce.generate.first import DAYS
from ecommerce.prefect_api import PrefectError, run_url
from ecommerce.services.command_runs import FINAL
from ecommerce.services.logs import Say
from ecommerce.services.prefect import post
from ecommerce.settings import Settings

DEPLOYMENT = "archive-orders/daily"
OLDER_THAN_DAYS = DAYS // 2
LOOK_SECONDS = 0.5
WAIT_SECONDS = 120.0
"""A first run takes about 20 s. One that takes longer goes on while the shop can be looked at."""


def archive_first_data(settings: Settings, say: Say, stopping: threading.Event) -> None:
    """Have the worker archive the older half of the first data, and wait for it. Safe to ask for again.

    The shop is complete without it, so what goes wrong is said and ends nothing.
    """
    try:
        deployment = post(settings, f"/deployments/name/{DEPLOYMENT}", None, "GET")
        key = f"first-archive-{settings.database}"
        asked = {"parameters": {"older_than_days": OLDER_THAN_DAYS}, "idempotency_key": key}
        run = post(settings, f"/deployments/{deployment['id']}/create_flow_run", asked)
        page = run_url(settings, run["id"])
        say(f"archiving the older half of the first orders: {page}")
        waited = 0.0
        while waited < WAIT_SECONDS and not stopping.wait(LOOK_SECONDS):
            waited += LOOK_SECONDS
            state = post(settings, f"/flow_runs/{run['id']}", None, "GET")["state"]
            if state["type"] in FINAL:
                if state["type"] != "COMPLETED":
                    say(f"the first orders were not archived ({state['name']}: {state['message']}): {page}")
                return
    except PrefectError as error:
        say(f"the first orders were not archived, as Prefect did not answer: {error}")
