"""A folder for what one process of the tests makes and the others copy."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_VARIABLE = "TESTS_SHARED_FOLDER"


def shared_folder() -> Path:
    """The folder, empty at first. The process that asks first removes it at its end; those it starts inherit it."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="ecommerce-tests-")
        atexit.register(shutil.rmtree, os.environ[_VARIABLE], ignore_errors=True)
    return Path(os.environ[_VARIABLE])
