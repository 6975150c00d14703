"""Files that are written whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DEVICES = ("/dev", "/proc")
"""A file that is named here, such as /dev/stdout, is an open one: nobody would read another in its place."""


@contextmanager
def whole_file(path: Path, mode: str = "wb", **how: Any) -> Iterator[Any]:
    """A file to write, which takes its name once all is written; until then, and after an error, the one before stays.

    It grows beside it, under its name with `.part`. What is no regular file, such as a pipe, is written directly. `how`
    is that of `open`. Raises OSError.
    """
    if (path.exists() and not path.is_file()) or any(path.absolute().is_relative_to(root) for root in _DEVICES):
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
