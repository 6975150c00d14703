"""The inbox: a folder from which files are imported, and from which they move once their rows are safe."""

import time
from datetime import UTC, datetime
from pathlib import Path

from ecommerce.errors import ServiceError
from ecommerce.importing.files import DONE, FAILED, known_suffix
from ecommerce.importing.loading.report import FileReport


def waiting_files(inbox: Path, settle_seconds: float) -> list[Path]:
    """The files that wait in the inbox, which is made if need be.

    A file that was written to in the last `settle_seconds` may not be complete yet: the next run takes it.
    """
    inbox.mkdir(parents=True, exist_ok=True)
    complete_before = time.time() - settle_seconds
    return sorted(
        path
        for path in inbox.iterdir()
        if path.is_file()
        and not path.name.startswith(".")
        and known_suffix(path)
        and path.stat().st_mtime <= complete_before
    )


def put_away(path: Path, report: FileReport) -> Path:
    """Move an imported file to done/ or failed/ beside it, under a name that is free there. Returns where it is now.

    Call it after the import has returned: whoever dies before this imports the file again, which changes nothing.
    """
    folder = path.parent / (FAILED if report.error else DONE)
    target = folder / path.name
    try:
        folder.mkdir(exist_ok=True)
        if target.exists():
            target = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{path.name}"
        path.rename(target)
    except FileNotFoundError:
        if path.exists():
            raise
    except OSError as error:
        raise ServiceError(f"{path} is imported but cannot be moved to {folder}: {error.strerror}") from None
    return target
