"""The last run of each flow, read from Prefect's API over HTTP: the dashboard does not load Prefect."""

import base64
import json
import os
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from ecommerce.settings import Settings

TIMEOUT_SECONDS = 2
RUNS_READ = 200
"""Prefect's largest page. At seven deployments an hour it reaches more than a day back."""

STARTED_STATES = ["PENDING", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CRASHED", "CANCELLING", "CANCELLED"]


@dataclass(frozen=True, slots=True)
class FlowRun:
    """The latest run of a flow."""

    flow: str
    run: str
    state: str
    """As Prefect types it: COMPLETED, FAILED, RUNNING…"""
    started: datetime | None
    seconds: float
    link: str
    """The run's page in Prefect."""


def api_url(settings: Settings) -> str:
    """Prefect's API: PREFECT_API_URL, else the embedded server's."""
    return (os.environ.get("PREFECT_API_URL") or f"http://127.0.0.1:{settings.prefect_port}/api").rstrip("/")


def ui_url(settings: Settings) -> str:
    """Where people look at Prefect: PREFECT_UI_URL, else beside the API."""
    return (os.environ.get("PREFECT_UI_URL") or api_url(settings).removesuffix("/api")).rstrip("/")


def last_runs(settings: Settings) -> list[FlowRun] | None:
    """The latest run of each flow that ever started, by the flow's name; None where Prefect does not answer."""
    started = {"flow_runs": {"state": {"type": {"any_": STARTED_STATES}}}}
    try:
        runs = _post(settings, "/flow_runs/filter", {**started, "sort": "START_TIME_DESC", "limit": RUNS_READ})
        flows = {flow["id"]: flow["name"] for flow in _post(settings, "/flows/filter", {"limit": RUNS_READ})}
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None
    latest: dict[str, FlowRun] = {}
    for run in runs:
        flow = flows.get(run["flow_id"], "a flow that is gone")
        latest.setdefault(flow, _flow_run(flow, run, ui_url(settings)))
    return [latest[flow] for flow in sorted(latest)]


def _flow_run(flow: str, run: dict[str, Any], ui: str) -> FlowRun:
    start = run.get("start_time")
    return FlowRun(
        flow=flow,
        run=run["name"],
        state=run.get("state_type") or "",
        started=datetime.fromisoformat(start) if start else None,
        seconds=float(run.get("total_run_time") or run.get("estimated_run_time") or 0),
        link=f"{ui}/runs/flow-run/{run['id']}",
    )


def _post(settings: Settings, path: str, body: dict[str, Any]) -> Any:
    url = urlsplit(api_url(settings))
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=TIMEOUT_SECONDS)
    try:
        headers = {"Content-Type": "application/json", **_authorization()}
        connection.request("POST", url.path + path, json.dumps(body), headers)
        response = connection.getresponse()
        if response.status != 200:
            raise ValueError(f"Prefect answered {response.status} to {path}")
        return json.loads(response.read())
    finally:
        connection.close()


def _authorization() -> dict[str, str]:
    if login := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    return {}
