"""Ports on loopback: who listens, who answers, what is taken."""

import contextlib
import http.client
import socket
import time
import urllib.error
import urllib.request

import psutil

from ecommerce.errors import ServiceError
from ecommerce.services.marks import HOME_MARK

LOOPBACK = "127.0.0.1"
NO_ANSWER = (OSError, ValueError, http.client.HTTPException)
"""Errors of who asks over HTTP and gets no answer, or one in no such words."""
ANSWER_SECONDS = 10.0
"""For a service that was ready before to answer, on a machine that has more to do than it can."""
CLOSING_SECONDS = 5.0
"""A port of a process that was just ended may look taken for so long; nobody owns it."""


def answers(port: int) -> bool:
    """Whether something accepts connections on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def listens(url: str, timeout_seconds: float = ANSWER_SECONDS) -> bool:
    """Whether somebody answers at a URL, be it with a refusal."""
    try:
        urllib.request.urlopen(url, timeout=timeout_seconds).close()  # noqa: S310 - callers give http URLs
    except urllib.error.HTTPError:
        return True
    except NO_ANSWER:
        return False
    return True


def listening_ports(pid: int | None) -> list[int]:
    """The TCP ports that a process of ours listens on; none where there is no process."""
    if pid is None:
        return []
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return []
    return sorted({c.laddr[-1] for c in connections if c.status == psutil.CONN_LISTEN})


def require_free_port(port: int, setting: str, service: str) -> None:
    """Raise ServiceError that names the owner where a port is taken."""
    deadline = time.monotonic() + CLOSING_SECONDS
    while not _is_free(port):
        owner = _owner_of(port)
        if owner or time.monotonic() > deadline:
            raise ServiceError(f"port {port} for {service} is taken{owner}: stop that, or set {setting} to a free port")
        time.sleep(0.1)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port in TIME_WAIT is free, one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _owner_of(port: int) -> str:
    # Other users' processes may not be looked at.
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.pid and port in connection.laddr:
                process = psutil.Process(connection.pid)
                home = process.environ().get(HOME_MARK)
                of_home = f", of the services of {home}: is ECOMMERCE_HOME another one by mistake?" if home else ""
                return f" by {process.name()} (process {connection.pid}{of_home})"
    return ""


def http_answers(url: str, timeout_seconds: float = 2) -> bool:
    """Whether a URL answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_seconds) as answer:  # noqa: S310 - callers give http URLs
            return bool(answer.status == 200)
    except NO_ANSWER:
        return False
