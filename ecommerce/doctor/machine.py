"""This machine: packages, Java, jars, space, folders."""

import os
import shlex
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from ecommerce.doctor.findings import Problem
from ecommerce.errors import ServiceError
from ecommerce.jars import missing_jars
from ecommerce.java import java_home
from ecommerce.readable import counted
from ecommerce.services.disks import deletable, space_of_disks
from ecommerce.settings import Settings
from ecommerce.sizes import size_text

SHARE_OF_A_DISK = 5
"""Of a folder's own disk a fifth: a mongod that a full one of 700 MB ended left 102 MB, and did not start with that."""

PROJECT = "ecommerce-pipeline"
EXTRAS = ("archive", "dashboard", "flows", "services")
"""Whose packages need not be there, but where they are, must be of the right version."""

FREE_BYTES_MIN = 2_000_000_000
"""Below it an archive run of a million orders, which spills half of that, may not fit beside MongoDB's journal."""


def packages(settings: Settings) -> str:
    """The installed packages are of the versions that work together."""
    try:
        wanted = [Requirement(text) for text in metadata.requires(PROJECT) or ()]
    except metadata.PackageNotFoundError:
        # In the image the code is not installed; what it needs is, from the lock.
        return "installed from the lock, the project itself is not a package here"
    wrong = []
    checked = 0
    for requirement in wanted:
        always, with_extra = (
            requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
            for extras in (("",), EXTRAS)
        )
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            if always:
                wrong.append(f"{requirement.name} is missing")
            continue
        if not always and not with_extra:
            continue
        checked += 1
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, needed is {requirement.specifier}")
    if wrong:
        raise Problem("; ".join(wrong), "run `make install`, which installs the versions of requirements.lock")
    return f"{checked} packages as needed"


def java(settings: Settings) -> str:
    """A Java that Spark and HDFS run on."""
    try:
        return str(java_home(settings))
    except ServiceError as error:
        raise Problem(str(error), "install a JDK 17 and set JAVA_HOME to it") from None


def jars(settings: Settings) -> str:
    """The jars that PyPI does not carry."""
    missing = missing_jars(settings.cache)
    if missing:
        raise Problem(
            f"{', '.join(missing)} not in {settings.cache / 'jars'}",
            "run `python -m ecommerce.services.fetch` with a network, or set ECOMMERCE_CACHE to where they are",
        )
    return f"complete in {settings.cache / 'jars'}"


def home(settings: Settings) -> str:
    """The home directory can be written, or made."""
    place = settings.home_directory
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise Problem(
            f"{existing} cannot be written by this user" if existing.is_dir() else f"{existing} is not a directory",
            "set ECOMMERCE_HOME to a directory of yours",
        )
    return str(place)


def space(settings: Settings) -> str:
    """Room on the disk of the home directory, and on those of folders that have their own."""
    place = settings.home_directory
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    disks = space_of_disks(existing)
    for folder, (free, size) in disks.items():
        least = FREE_BYTES_MIN if folder == existing else min(FREE_BYTES_MIN, size // SHARE_OF_A_DISK)
        if free < least:
            raise Problem(
                f"{size_text(free)} are free at {folder}, {size_text(least)} are the least",
                _what_frees_space(settings, folder),
            )
    return ", ".join(f"{size_text(free)} free at {folder}" for folder, (free, _) in disks.items())


def _what_frees_space(settings: Settings, disk: Path) -> str:
    """What makes room on the disk of a folder; to archive does not, as it is widely believed."""
    home = settings.home_directory
    found = deletable(home, settings.inbox_directory, disk)
    delete = f"delete {' or '.join(found)}" if found else f"nothing under {home} can be deleted without loss"
    return (
        f"{delete}; or make the disk larger, or move {home} to another one while nothing runs and set ECOMMERCE_HOME "
        "to it. `ecommerce archive` frees room inside MongoDB's files, for new orders, and none on the disk"
    )


def inbox(settings: Settings) -> str:
    """The folder that the hourly import scans: usable, and nothing waits in failed/."""
    from ecommerce.importing.left_out import left_out_text
    from ecommerce.importing.loading.inbox import left_in_inbox, why_no_place

    place = settings.inbox_directory
    if why := why_no_place(place):
        raise Problem(why, "move it away")
    if not place.exists():
        return f"{place} is made by `ecommerce up`, or by the first import"
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        raise Problem(
            f"{place} cannot be read and written by this user", f"give this user the right: chown or chmod {place}"
        )
    failed = sorted(path.name for path in (place / "failed").glob("*"))
    left = left_in_inbox(place)
    has = f"; it has what no import takes: {left_out_text(left)}" if left else ""
    if failed:
        one = shlex.quote(str(place / "failed" / failed[0]))
        raise Problem(
            f"in {place / 'failed'}: {counted(len(failed), 'file')} that could not be imported, such as {failed[0]!r}"
            + has.replace("; it has", "; the inbox has"),
            f"`ecommerce import --check {one}` says why, and so does the table Imports of the dashboard's page "
            "Pipeline; mend them and move them back into the inbox, or remove them",
        )
    return f"{place}{has}"
