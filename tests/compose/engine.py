"""A Docker engine for the compose drill: the one that answers, else one of our own that leaves nothing behind.

Our own is `dockerd` with its data, state, socket and bridge in a directory of the test. Needs root on Linux and Docker
installed (Debian: docker.io iptables).
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compose.go_programs import docker_compose
from tests.compose.machine import firewall, put_back_firewall

START_SECONDS = 60
BRIDGE = "ecommerce-test0"
SUBNET = "10.213.0.1/24"
DEFAULT_POOL = "base=10.214.0.0/16,size=24"
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


class Engine:
    """Where an engine answers, and the program that reads compose files."""

    def __init__(self, host: str | None, compose: list[str]) -> None:
        self.host = host
        """DOCKER_HOST of an engine of our own; None: the one that everybody here uses."""
        self.compose_command = compose

    @property
    def environment(self) -> dict[str, str]:
        return dict(os.environ) | ({"DOCKER_HOST": self.host} if self.host else {})

    def docker(self, *arguments: str, given: bytes | None = None, timeout: float = 600) -> str:
        """A command of Docker's; returns what it says. Raises RuntimeError with what it said when it fails."""
        return self._run(["docker", *arguments], Path.cwd(), given, timeout)

    def compose(self, project: Path, *arguments: str, given: bytes | None = None, timeout: float = 900) -> str:
        """`docker compose` in a project's directory; returns what it says."""
        return self._run([*self.compose_command, *arguments], project, given, timeout)

    def _run(self, command: list[str], where: Path, given: bytes | None, timeout: float) -> str:
        done = subprocess.run(
            command,
            cwd=where,
            env=self.environment,
            input=given if given is not None else b"",
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise RuntimeError(f"{' '.join(command[:6])}: exit code {done.returncode}: {said[-4000:]}")
        return done.stdout.decode(errors="replace")


@contextmanager
def an_engine(directory: Path, cache: Path) -> Iterator[Engine]:
    """The engine that answers here, else one of our own in `directory`; compose is built once into `cache`."""
    compose = find_compose(cache)
    if _answers(None):
        yield Engine(None, compose)
        return
    with _own_engine(directory) as host:
        yield Engine(host, compose)


COMPOSE_VERSION_MIN = (2, 24)
"""A machine may still have docker-compose 1.29, which refuses a file without `version`."""


def compose_version(command: list[str]) -> tuple[int, ...]:
    """Major and minor version of an installed compose; empty where there is none."""
    if not shutil.which(command[0]):
        return ()
    said = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


def installed_compose() -> list[str] | None:
    """The command of an installed compose that knows the file."""
    known = (["docker", "compose"], ["docker-compose"])
    return next((command for command in known if compose_version(command) >= COMPOSE_VERSION_MIN), None)


def find_compose(cache: Path) -> list[str]:
    """The installed compose, else one built from its Go module: two minutes, once."""
    if command := installed_compose():
        return command
    return [str(docker_compose(cache))]


def _answers(host: str | None) -> bool:
    if shutil.which("docker") is None:
        return False
    given = ["--host", host] if host else []
    asked = subprocess.run(
        ["docker", *given, "info", "--format", "{{.ServerVersion}}"], capture_output=True, check=False
    )
    return asked.returncode == 0 and asked.stdout.strip() != b""


@contextmanager
def _own_engine(directory: Path) -> Iterator[str]:
    """`dockerd` of our own; yields its address. Afterwards no process, mount, bridge or rule of it is left."""
    lacking = [name for name in ("dockerd", "docker", "iptables", "ip") if shutil.which(name) is None]
    if lacking or os.getuid() != 0:
        raise RuntimeError(f"no Docker engine answers, and none can be started: as root, install {lacking or 'it'}")
    directory.mkdir(parents=True, exist_ok=True)
    rules = firewall()
    forwarded = FORWARD.read_text()
    host = f"unix://{directory / 'docker.sock'}"
    _said(["ip", "link", "add", BRIDGE, "type", "bridge"])
    _said(["ip", "addr", "add", SUBNET, "dev", BRIDGE])
    command = [
        "dockerd", "--data-root", str(directory / "data"), "--exec-root", str(directory / "exec"),
        "--pidfile", str(directory / "pid"), "--host", host, "--bridge", BRIDGE, "--default-address-pool", DEFAULT_POOL,
    ]  # fmt: skip
    with (directory / "log").open("wb") as log:
        engine = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(host):
            if engine.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"dockerd did not start:\n{(directory / 'log').read_text()[-3000:]}")
            time.sleep(0.2)
        yield host
    finally:
        engine.send_signal(signal.SIGTERM)
        try:
            engine.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(engine.pid, signal.SIGKILL)
            engine.wait()
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            place = line.split()[1]
            if place.startswith(str(directory)):
                subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
        _said(["ip", "link", "del", BRIDGE])
        put_back_firewall(rules)
        FORWARD.write_text(forwarded)
        shutil.rmtree(directory / "data", ignore_errors=True)
        shutil.rmtree(directory / "exec", ignore_errors=True)


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
