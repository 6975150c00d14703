"""The dashboard's server: `panel serve` on loopback."""

import sys
from collections.abc import Mapping
from pathlib import Path

from ecommerce.errors import ServiceError
from ecommerce.services.daemons import Daemon
from ecommerce.services.ports import LOOPBACK, http_answers, require_free_port
from ecommerce.services.prefect import REPOSITORY
from ecommerce.settings import Settings

APP = Path("dashboard/app.py")


def dashboard(settings: Settings, environment: Mapping[str, str]) -> Daemon:
    """The dashboard, not started yet."""
    if not (REPOSITORY / APP).exists():
        raise ServiceError(f"{REPOSITORY / APP} is missing: run `ecommerce up` from a checkout of the project")
    port = settings.dashboard_port
    require_free_port(port, "ECOMMERCE_DASHBOARD_PORT", "the dashboard")
    origins = [part for host in (LOOPBACK, "localhost") for part in ("--allow-websocket-origin", f"{host}:{port}")]
    return Daemon(
        "dashboard",
        [
            sys.executable, "-m", "panel", "serve", str(APP), "--address", LOOPBACK, "--port", str(port),
            *origins, "--liveness", "--index", APP.stem,
        ],
        home=settings.home_directory,
        address=dashboard_url(settings),
        ready=lambda _: http_answers(f"http://{LOOPBACK}:{port}/liveness"),
        environment=environment,
        cwd=REPOSITORY,
    )  # fmt: skip


def dashboard_url(settings: Settings) -> str:
    """Where a browser finds the dashboard."""
    return f"http://{LOOPBACK}:{settings.dashboard_port}"
