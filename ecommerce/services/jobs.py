"""Programs that run to their end as part of starting the services."""

import os
import signal
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ecommerce.errors import ServiceError
from ecommerce.jvm import Changes, changed_environment
from ecommerce.services.logs import log_excerpt
from ecommerce.services.marks import marks


class Job:
    """A program that runs to its end as part of starting the services; ended with them where it has not finished."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        home: Path,
        environment: Changes | None = None,
        cwd: Path | None = None,
        timeout_seconds: float = 300,
    ) -> None:
        self.name = name
        self.log = home / "logs" / f"{name}.log"
        self._timeout_seconds = timeout_seconds
        self._environment = changed_environment({**(environment or {}), **marks(home, name)})
        self._command = list(command)
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            output.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {self.name} begins\n".encode())
            output.flush()
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def finish(self) -> None:
        """Wait for its end. Raises ServiceError with what its log says where it failed."""
        assert self._process is not None  # noqa: S101 - callers start it first
        try:
            code = self._process.wait(self._timeout_seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise ServiceError(f"{self.name} took longer than {self._timeout_seconds:.0f} s; see {self.log}") from None
        if code != 0:
            raise ServiceError(f"{self.name} ended with code {code}: {log_excerpt(self.log)}; see {self.log}")

    def stop(self) -> None:
        """End it and what it started, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
