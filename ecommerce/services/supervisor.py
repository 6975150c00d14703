"""The process of `ecommerce up` that runs the services of a home, and what to do where one of them is missing.

It starts again what ends and deploys again what was deleted; who calls `up` a second time learns that it runs already.
"""

from pathlib import Path
from typing import Any

import psutil

from ecommerce.services.records import process_of, read_json
from ecommerce.settings import Settings

STATE = "up.json"


def up_state(home: Path) -> dict[str, Any]:
    """What the `up` of a home wrote down of itself; nothing where it was stopped, or never ran."""
    return read_json(home / "run" / STATE) or {}


def running_supervisor(home: Path) -> psutil.Process | None:
    """The process that runs the stack of a home."""
    return process_of(str(up_state(home).get("supervisor", "")))


def up_mends(settings: Settings, without: str, seconds: int) -> str:
    """What to do: nothing where `up` runs, which mends it within so many seconds; else what is said."""
    supervisor = running_supervisor(settings.home_directory)
    if supervisor is None:
        return without
    return (
        f"wait: `ecommerce up`, which runs (process {supervisor.pid}), mends it within {seconds} s as a rule. "
        "Where it does not, `ecommerce down`, then `ecommerce up`"
    )


def start_it(settings: Settings) -> str:
    """What to do where a service does not run."""
    return up_mends(settings, "start it: `ecommerce up`", 60)
