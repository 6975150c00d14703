"""The Java that Spark and HDFS run on: an installed one where it will do, else one fetched into the cache."""

import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from ecommerce.errors import ServiceError
from ecommerce.jvm import changed_environment, java_environment
from ecommerce.settings import Settings

JAVA_VERSION_MIN = 17
FETCHED_VERSION = "17"
VECTOR_MODULE = "jdk.incubator.vector"
"""Spark 4 adds this module to every JVM it starts; trimmed runtimes lack it and cannot start Spark."""

_PROPERTY = re.compile(r"^\s*(java\.home|java\.specification\.version) = (.+)$", re.MULTILINE)


def java_home(settings: Settings) -> Path:
    """Home of a Java that can run Spark and HDFS: JAVA_HOME, else `java` on PATH, else one fetched into the cache.

    Raises ServiceError that says what was found and what to install where there is none.
    """
    return _java_home(os.environ.get("JAVA_HOME"), shutil.which("java"), settings.cache.expanduser().absolute())


@lru_cache(maxsize=4)
def _java_home(from_environment: str | None, on_path: str | None, cache: Path) -> Path:
    problems = []
    candidates = {f"JAVA_HOME={from_environment}": Path(from_environment) / "bin" / "java"} if from_environment else {}
    if on_path:
        candidates[on_path] = Path(on_path)
    for name, binary in candidates.items():
        home, problem = _examine(binary)
        if home is not None:
            return home
        problems.append(f"{name} {problem}")
    try:
        return _fetch(cache)
    except ServiceError as error:
        found = "; ".join(problems) or "no java on PATH and JAVA_HOME is not set"
        raise ServiceError(
            f"Java {JAVA_VERSION_MIN} or newer is needed ({found}; {error}): "
            f"install a JDK {JAVA_VERSION_MIN} or set JAVA_HOME to one"
        ) from None


def _examine(binary: Path) -> tuple[Path | None, str]:
    """The home of a Java that will do, else why it will not."""
    try:
        done = subprocess.run(
            [str(binary), f"--add-modules={VECTOR_MODULE}", "-XshowSettings:properties", "-version"],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env=changed_environment(java_environment()),
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"cannot be run ({error})"
    output = done.stderr + done.stdout
    if done.returncode != 0:
        if VECTOR_MODULE in output:
            return None, f"lacks the module {VECTOR_MODULE}"
        # Java 8 knows neither modules nor this option.
        return None, f"is older than {JAVA_VERSION_MIN} or broken"
    properties = dict(_PROPERTY.findall(output))
    version = properties.get("java.specification.version", "").strip()
    if not version.isdigit() or int(version) < JAVA_VERSION_MIN:
        return None, f"is version {version or 'unknown'}"
    return Path(properties["java.home"].strip()), ""


def _fetch(cache: Path) -> Path:
    import cjdk

    try:
        home = cjdk.java_home(vendor="temurin", version=FETCHED_VERSION, cache_dir=cache / "java")
    except Exception as error:  # noqa: BLE001 - whatever the library meets, the network above all, the answer is the same
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ServiceError(f"none could be fetched: {reason[:200]}") from None
    examined, problem = _examine(Path(home) / "bin" / "java")
    if examined is None:
        raise ServiceError(f"the one fetched into {home} {problem}")
    return examined
