"""The last run of each flow, read from Prefect's API over HTTP: the dashboard does not load Prefect."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecommerce.prefect_api import PrefectError, api_url, call, run_url
from ecommerce.settings import Settings

TIMEOUT_SECONDS = 2
RUNS_READ = 200
"""Prefect's largest page. At seven deployments an hour it reaches more than a day back."""

BAD_STATES = ("FAILED", "CRASHED")
_EXCEPTION = re.compile(r"^Flow run encountered an exception: ")

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
    reason: str = ""
    """Why it did not end well, in Prefect's words without their beginning; empty where it did."""


def last_runs(settings: Settings) -> list[FlowRun] | None:
    """The latest run of each flow that ever started, by the flow's name; None where Prefect does not answer."""
    started = {"flow_runs": {"state": {"type": {"any_": STARTED_STATES}}}}
    try:
        newest = {**started, "sort": "START_TIME_DESC", "limit": RUNS_READ}
        runs = call(api_url(settings), "/flow_runs/filter", newest, timeout_seconds=TIMEOUT_SECONDS)
        found = call(api_url(settings), "/flows/filter", {"limit": RUNS_READ}, timeout_seconds=TIMEOUT_SECONDS)
        flows = {flow["id"]: flow["name"] for flow in found}
    except (PrefectError, KeyError, TypeError):
        return None
    latest: dict[str, FlowRun] = {}
    for run in runs:
        flow = flows.get(run["flow_id"], "a flow that is gone")
        latest.setdefault(flow, _flow_run(flow, run, run_url(settings, run["id"])))
    return [latest[flow] for flow in sorted(latest)]


def _flow_run(flow: str, run: dict[str, Any], link: str) -> FlowRun:
    start = run.get("start_time")
    return FlowRun(
        flow=flow,
        run=run["name"],
        state=run.get("state_type") or "",
        started=datetime.fromisoformat(start) if start else None,
        seconds=float(run.get("total_run_time") or run.get("estimated_run_time") or 0),
        link=link,
        reason=_EXCEPTION.sub("", (run.get("state") or {}).get("message") or "no reason given")
        if run.get("state_type") in BAD_STATES
        else "",
    )
