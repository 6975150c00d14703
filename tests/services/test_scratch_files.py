"""What Spark's JVM unpacks lies in the home, and is gone with the next start: the machine's folder for temporary files
held hundreds of MB that killed JVMs had left.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from ecommerce.settings import Settings
from tests.programs import clean_environment, new_settings

pytestmark = pytest.mark.slow

WORK = """
import sys
from ecommerce.archive.spark import spark_session
from ecommerce.settings import get_settings
with spark_session(get_settings()) as spark:
    spark.range(1000).repartition(3).count()  # what is shuffled is compressed by native code
    print("works", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["home", "My Shop ü 100%"])
def test_a_killed_jvm_leaves_nothing_outside_of_the_home(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    settings = new_settings(tmp_path / name)
    process = started(settings)
    scratch = settings.home / "spark" / str(process.pid)
    try:
        (jvm,) = [one for one in psutil.Process(process.pid).children() if one.name() == "java"]
        loaded = (Path(one.path) for one in jvm.memory_maps() if one.path.startswith(tempfile.gettempdir()))
        unpacked = {path for path in loaded if path.suffix == ".so"}
        assert unpacked, "nothing was unpacked: the test looks in the wrong place"
        assert {path.parent.resolve() for path in unpacked} == {scratch}
        arguments = " ".join(jvm.cmdline())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert f"spark/{process.pid}" in arguments
    assert list(scratch.glob("spark-*")), "Spark's own folders"
    other = started(settings)
    assert not scratch.exists()
    other.communicate("", timeout=60)
    assert list((settings.home / "spark").rglob("*.so")) == []


def started(settings: Settings) -> "subprocess.Popen[str]":
    """A process in which Spark has worked and goes on."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK],
        env=clean_environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "works\n"
    return process
