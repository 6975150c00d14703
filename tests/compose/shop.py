"""What a shop does with a running stack: runs of deployments, and figures as an operator asks for them."""

import json
import shlex
from typing import Any

from tests.compose.stack import Stack

FIGURES = ("orders", "revenue", "quantity", "by_status", "by_payment_type", "by_category", "late_share")
SPAN = {"start": "2026-01-01T00:00:00", "end": "2026-01-03T00:00:00"}
"""Days to which the hourly schedule adds nothing."""
ORDERS = 2000


def run_deployment(stack: Stack, name: str, **parameters: object) -> None:
    """Start a deployment as an operator would, and wait for the worker to have done it."""
    output = try_deployment(stack, name, **parameters)
    # "Completed" alone is said of tasks, too, in a run that failed.
    assert "Flow run finished successfully" in output, output


def try_deployment(stack: Stack, name: str, **parameters: object) -> str:
    """The same for a run that may end badly; what was said of it."""
    given = [part for key, value in parameters.items() for part in ("-p", f"{key}={value}")]
    words = shlex.join(["prefect", "--no-prompt", "deployment", "run", name, *given, "--watch"])
    return stack.execute("worker", "bash", "-c", f"{words} 2>&1 || true")


def kpis(stack: Stack, service: str = "worker") -> dict[str, Any]:
    """Of the days of SPAN."""
    days = ("--start", "2026-01-01", "--end", "2026-01-03")
    found: dict[str, Any] = json.loads(stack.execute(service, "ecommerce", "kpis", "--json", *days))
    return found


def figures(stack: Stack) -> dict[str, Any]:
    """Those that do not change whatever happens to a service, or to an order's place."""
    found = kpis(stack)
    return {name: found[name] for name in FIGURES}


def archive_some_orders(stack: Stack) -> None:
    run_deployment(stack, "generate-orders/backfill", orders=ORDERS, **SPAN)
    before = kpis(stack)
    assert (before["orders"], before["archived_orders"]) == (ORDERS, 0)
    run_deployment(stack, "archive-orders/daily")
    after = kpis(stack)
    assert after["archived_orders"] > ORDERS * 0.95
    assert {name: after[name] for name in FIGURES} == {name: before[name] for name in FIGURES}


def check(stack: Stack) -> dict[str, Any]:
    """What `check` found: it reads every order of both places. Fails where it is not good."""
    report: dict[str, Any] = json.loads(stack.execute("archiver", "ecommerce", "check", "--json"))
    assert report["archive_checked"] and report["good"], report
    return report


def doctor(stack: Stack, service: str) -> dict[str, Any]:
    """What the doctor says there, by check."""
    script = "ecommerce doctor --json || true"
    return {found["check"]: found for found in json.loads(stack.execute(service, "bash", "-c", script))}
