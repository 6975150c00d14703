"""Files that are written whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_OPEN_FILES = ("/proc", "/dev/fd")
"""What is named here, as by the link /dev/stdout, is open already: nobody would read another file in its place. Not all
of /dev: /dev/shm is a folder as others."""


@contextmanager
def whole_file(path: Path, mode: str = "wb", **how: Any) -> Iterator[Any]:
    """A file to write, which takes its name once all is written; until then, and after an error, the one before stays.

    It grows beside it, under its name with `.part`. What is no regular file, such as a pipe, is written directly. `how`
    is that of `open`. Raises OSError.
    """
    if path.exists() and (not path.is_file() or _is_open(path)):
        with path.open(mode, **how) as file:
            yield file
        return
    target = path.resolve()  # a link stays one
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open(mode, **how) as file:
            if target.exists():
                shutil.copymode(target, part)
            yield file
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _is_open(path: Path) -> bool:
    """Whether an existing path names a file that is open, itself or by links."""
    while True:
        folder = path.parent.resolve()
        if any(folder.is_relative_to(root) for root in _OPEN_FILES):
            return True
        if not path.is_symlink():
            return False
        path = folder / path.readlink()
