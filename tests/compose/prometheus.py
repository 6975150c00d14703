"""Prometheus of the profile `monitoring`, asked as its pages ask it."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.compose.stack import Stack

PROFILE = ("--profile", "monitoring")


def start_prometheus(stack: Stack) -> None:
    stack.compose(*PROFILE, "up", "--detach", "--wait", "--no-deps", "prometheus")


def ask(stack: Stack, path: str, **parameters: str) -> Any:
    where = f"http://127.0.0.1:{stack.ports['PROMETHEUS_PORT']}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(where, timeout=10) as answer:
        return json.load(answer)["data"]


def firing(stack: Stack) -> set[str]:
    return {alert["labels"]["alertname"] for alert in ask(stack, "alerts")["alerts"] if alert["state"] == "firing"}


def wait_for(what: str, seconds: float, asked: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(1)
