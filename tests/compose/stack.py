"""The project of docker-compose.yml on an engine: brought up, asked, its parts killed, and taken away again."""

import json
import secrets
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.compose.compose_file import COMPOSE_FILE, REPOSITORY, dotenv
from tests.compose.engine import Engine
from tests.ports import free_port

PORTS = ("DASHBOARD_PORT", "PREFECT_PORT", "METRICS_PORT", "PROMETHEUS_PORT", "METABASE_PORT")


class Stack:
    """One project with names, ports and passwords of its own, so that it meets no other on the same engine."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.engine = engine
        self.directory = directory
        self.name = f"ecommerce-drill-{secrets.token_hex(4)}"
        self.variables = {name: secrets.token_hex(12) for name in dotenv((REPOSITORY / ".env.example").read_text())}
        self.variables["PREFECT_AUTH"] = f"admin:{secrets.token_hex(12)}"
        self.ports = {name: free_port() for name in PORTS}
        self._file = directory / ".env"
        given = self.variables | {name: str(port) for name, port in self.ports.items()}
        # An image of its own: the one of a running project stays as it is.
        given["PIPELINE_VERSION"] = self.name
        self._file.write_text("".join(f"{name}={value}\n" for name, value in given.items()))
        self._file.chmod(0o600)
        self.services: Mapping[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())["services"]

    @property
    def image(self) -> str:
        return f"ecommerce-pipeline:{self.name}"

    def compose(self, *arguments: str, given: bytes | None = None, timeout: float = 900) -> str:
        """`docker compose` for this project; returns what it says. Raises RuntimeError with what it said."""
        return self.engine.compose(REPOSITORY, *self._options, *arguments, given=given, timeout=timeout)

    @property
    def _options(self) -> list[str]:
        return ["--project-name", self.name, "--env-file", str(self._file), "--file", str(COMPOSE_FILE)]

    def shell(self, script: str, timeout: float = 600) -> str:
        """Run commands of a page as somebody types them beside `.env`: their `docker compose` is this project's."""
        program = self.directory / "bin" / "docker"
        program.parent.mkdir(exist_ok=True)
        compose = shlex.join([*self.engine.compose_command, *self._options])
        program.write_text(f'#!/bin/bash\n[ "$1" = compose ] && shift && exec {compose} "$@"\nexit 64\n')
        program.chmod(0o755)
        environment = dict(self.engine.environment)
        environment["PATH"] = f"{program.parent}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{script}\nexit code {done.returncode}: {(done.stdout + done.stderr)[-4000:]}")
        return done.stdout

    def up(self, *arguments: str) -> None:
        """Start what does not run, and wait until all is healthy. Raises with the logs of what is not."""
        try:
            self.compose("up", "--detach", "--wait", *arguments)
        except RuntimeError as error:
            states = self.states()
            bad = [name for name, state in states.items() if "healthy" not in state and "Exited (0)" not in state]
            logs = "\n".join(f"--- {name}\n{self.log(name)[-1500:]}" for name in bad)
            raise RuntimeError(f"{error}\n{states}\n{logs}") from None

    def start(self, *services: str) -> None:
        """Start these and nothing else, and wait until they are healthy: the others find them again by themselves."""
        self.compose("up", "--detach", "--wait", "--no-deps", *services)

    def execute(self, service: str, *command: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a command in a running service, as its user: `docker compose exec`. Returns its output."""
        given = [part for name, value in (environment or {}).items() for part in ("--env", f"{name}={value}")]
        return self.compose("exec", "--no-TTY", *given, service, *command)

    def states(self) -> dict[str, str]:
        """How each service is, in Docker's words, as `Up 3 minutes (healthy)`."""
        listed = self.compose("ps", "--all", "--format", "{{.Service}}\t{{.Status}}").splitlines()
        return {line.split("\t")[0]: line.split("\t")[1] for line in listed}

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        number = self.compose("ps", "--all", "--quiet", service).strip()
        found: list[dict[str, Any]] = json.loads(self.engine.docker("inspect", number))
        return found[0]

    def kill(self, *services: str) -> None:
        """kill -9 of services, all at the same time."""
        self.engine.docker("kill", *(self.inspect(service)["Id"] for service in services))

    def log(self, service: str) -> str:
        return self.compose("logs", "--no-color", service)

    def volume(self, name: str) -> Path:
        """Where the engine keeps a volume. Only root can look there."""
        found = json.loads(self.engine.docker("volume", "inspect", f"{self.name}_{name}"))
        return Path(found[0]["Mountpoint"])

    def address(self, service: str) -> str:
        """Where this machine reaches a service, its internal networks too."""
        networks = self.inspect(service)["NetworkSettings"]["Networks"].values()
        return next(str(network["IPAddress"]) for network in networks if network["IPAddress"])

    def remove(self) -> None:
        """Take away containers, networks and volumes: the next `up` begins with nothing."""
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "1", "--remove-orphans")

    def close(self) -> None:
        """Take away everything, the image too."""
        self.remove()
        self.engine.docker("image", "rm", "--force", self.image)
