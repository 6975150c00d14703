"""`make install` on a machine that lacks something says so in one line, before anything is downloaded."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.compose.compose_file import REPOSITORY


def old_python(directory: Path) -> str:
    """A Python older than 3.11: one of this machine, else this one that says it is 3.10."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*sorted(versions.glob("3.10.*/bin/python3")), *filter(None, [shutil.which("python3.10")])]
    if found:
        return str(found[0])
    stand_in = directory / "python3.10"
    pretend = "import sys; code = sys.argv[1]; sys.version_info = (3, 10, 13); exec(code)"
    stand_in.write_text(f"#!/bin/sh\nshift\nexec '{sys.executable}' -c '{pretend}' \"$@\"\n")
    stand_in.chmod(0o755)
    return str(stand_in)


def test_an_old_python_is_named_with_what_to_do(tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    clone.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(REPOSITORY / name, clone)
    python = old_python(tmp_path)
    # The tests are started by make: a make inside another says first where it is.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    done = subprocess.run(
        ["make", "install", f"PYTHON={python}"],
        cwd=clone,
        env=alone,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout.splitlines()[:1] == [f"error: {python} is older than 3.11: set PYTHON=python3.11 or newer"]
    assert not (clone / ".venv").exists(), "nothing was begun"
