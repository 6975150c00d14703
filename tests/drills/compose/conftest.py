"""docker-compose.yml on a real engine, once for all files beside this one; they run in the order of their names.

The engine is the one that answers, else one that the drill starts and takes away (Debian: docker.io debootstrap).
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from ecommerce.settings import Settings
from tests.compose.engine import Engine, an_engine
from tests.compose.machine import left, state
from tests.compose.prometheus import start_prometheus
from tests.compose.shop import archive_some_orders
from tests.compose.stack import Stack
from tests.compose.stand_ins import make_images, remove_images, wanted_images
from tests.programs import wait_until

MEASURED: dict[str, str] = {}
"""Shown at the end of the run."""

PROFILES = {"monitoring"}


@contextmanager
def measured(name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    MEASURED[name] = f"{time.monotonic() - started:.0f} s"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MEASURED:
        terminalreporter.section("measured")
    for name, value in MEASURED.items():
        terminalreporter.write_line(f"{name}: {value}")


LEAVE_SECONDS = 60


@pytest.fixture(scope="package")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with every image that is not ours. Afterwards the machine is as it was before, or the drill fails."""
    directory = tmp_path_factory.mktemp("engine")
    cache = Settings().cache / "compose"
    images = wanted_images(PROFILES)
    before = state(pulled=images)
    with an_engine(directory / "engine", cache) as engine:
        with measured("images that are not ours"):
            made = make_images(engine.environment, images, directory, cache)
        MEASURED["could not be pulled and were made"] = ", ".join(made) or "none"
        yield engine
        remove_images(engine.environment, made)
    # On an engine that stays, the processes of removed containers take a moment to end.
    wait_until(
        lambda: left(before, state(pulled=images)) == {}, LEAVE_SECONDS, lambda: left(before, state(pulled=images))
    )
    MEASURED["left on the machine"] = "nothing"


@pytest.fixture(scope="package")
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory, command_lines: set[str]) -> Iterator[Stack]:
    """Every service without a profile, healthy."""
    stack = Stack(engine, tmp_path_factory.mktemp("project"))
    try:
        with measured("build of our image"):
            stack.compose("build", timeout=1500)
        base = next(image for image in wanted_images(set()) if image.startswith("python:"))
        whole, of_base = (
            int(engine.docker("image", "inspect", "--format", "{{.Size}}", it)) for it in (stack.image, base)
        )
        MEASURED["our image"] = f"{whole / 1e6:,.0f} MB, of which {base} {of_base / 1e6:,.0f} MB"
        with measured("a container of it that says its version"):
            engine.docker("run", "--rm", stack.image, "ecommerce", "--version")
        with measured("up --wait in empty volumes"):
            stack.up()
        yield stack
    finally:
        stack.close()


@pytest.fixture(scope="package")
def command_lines() -> Iterator[set[str]]:
    """What the process list has shown since the first service started, runs and Spark's executors included."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(1):
            seen.update(" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))

    watching = threading.Thread(target=watch)
    watching.start()
    yield seen
    ended.set()
    watching.join()


@pytest.fixture(scope="package")
def shop(stack: Stack) -> Stack:
    """The stack with orders of two days, archived on the Spark cluster by runs of deployments."""
    archive_some_orders(stack)
    return stack


@pytest.fixture(scope="package")
def watched(shop: Stack) -> Stack:
    """The shop, and Prometheus that looks at it."""
    start_prometheus(shop)
    return shop
