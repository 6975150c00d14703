"""The project's wheel, built from this checkout."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def build_wheel(directory: Path) -> Path:
    """Build the wheel into `directory`, with the packages that are installed."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    return wheel
