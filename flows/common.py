"""What every flow needs: progress as an artifact that updates in place."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from ecommerce.progress import Progress, watcher

UPDATE_SECONDS = 2.0
"""Between two updates of an artifact: each one is a request to the Prefect server of 10 to 30 ms."""


@contextmanager
def progress_artifact(name: str) -> Iterator[Progress]:
    """A Progress that keeps a progress artifact called `name` up to date, and tells the terminal if one watches.

    Call it inside a flow or task run. The artifact ends at 100 % when the work ends without an error.
    """
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    artifact_id = create_progress_artifact(0.0, key=key, description=name)
    terminal = watcher()
    updated_at = time.monotonic()
    description = name

    def report(done: int, total: int | None, what: str) -> None:
        nonlocal updated_at, description
        terminal(done, total, what)
        if time.monotonic() - updated_at < UPDATE_SECONDS:
            return
        updated_at = time.monotonic()
        description = f"{name}: {done:,} {what}" + (f" of {total:,}" if total else "")
        percent = min(99.9, 100 * done / total) if total else 0.0
        update_progress_artifact(artifact_id, percent, description)

    yield report
    update_progress_artifact(artifact_id, 100.0, description)
