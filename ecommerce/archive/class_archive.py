"""The JVM's class-data archive: Spark's classes, loaded and verified once, are mapped from a file by later starts.

`leave_classes` writes it, never a run: that is a minute's work of a busy machine. Without it Spark's start takes 16 s
of processor time, with it 4. A JVM that finds it unfit (another Java) does without. There is one of 190 MB for each
installation; those that nobody has used for a month go when one is written.
"""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from ecommerce.jars import ARCHIVE_JARS
from ecommerce.settings import Settings

_QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")
"""Else the JVM lists every class that it cannot keep."""

UNUSED_SECONDS = 30 * 86_400
"""Archives that were last used longer ago belong to installations that are gone."""


def has_class_archive(settings: Settings, java_home: Path) -> bool:
    """Whether there is one for this installation, or can be none, as the cache of a container cannot be written."""
    archive = _place(settings, java_home)
    with suppress(OSError):
        archive.parent.mkdir(parents=True, exist_ok=True)
    return archive.exists() or not os.access(archive.parent, os.W_OK)


def class_archive_options(
    settings: Settings, java_home: Path, scratch: Path, *, leave: bool = False
) -> tuple[str, ...]:
    """Options for a JVM to use the archive; none without one. With `leave`, to write one into `scratch` when it ends.

    `scratch` is a folder under a plain name.
    """
    if leave:
        return (*_QUIET, f"-XX:ArchiveClassesAtExit={scratch / _place(settings, java_home).name}")
    archive = _place(settings, java_home)
    if not archive.exists():
        return ()
    with suppress(OSError):
        os.utime(archive)  # the time of its last use
    # By a link beside what Spark writes: the cache may lie where a Java option cannot name it.
    link = scratch / "used.jsa"
    link.unlink(missing_ok=True)
    link.symlink_to(archive)
    return (*_QUIET, f"-XX:SharedArchiveFile={link}")


def keep_class_archive(settings: Settings, java_home: Path, scratch: Path) -> None:
    """Move what a JVM that ended well has written into the cache; nothing happens where it wrote none."""
    archive = _place(settings, java_home)
    written = scratch / archive.name
    if not written.exists():
        return
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        # The cache may be another file system; whoever looks meanwhile finds the whole file or none.
        moving = archive.with_suffix(f".{os.getpid()}")
        moving.write_bytes(written.read_bytes())
        moving.replace(archive)
        _remove_unused(archive.parent)
    except OSError:
        return  # a cache that cannot be written costs seconds, nothing else
    finally:
        written.unlink(missing_ok=True)


def _remove_unused(folder: Path) -> None:
    for archive in folder.glob("spark-*.jsa"):
        if archive.stat().st_mtime < time.time() - UNUSED_SECONDS:
            archive.unlink(missing_ok=True)


def _place(settings: Settings, java_home: Path) -> Path:
    """A name for each Java and each Spark, so that neither's update meets the other's archive."""
    import pyspark

    spark_jars = Path(pyspark.__file__).parent / "jars"
    ours = [jar.file_name for jar in ARCHIVE_JARS]
    parts = [str(java_home.resolve()), str(spark_jars), str(spark_jars.stat().st_mtime_ns), *ours]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return settings.cache.expanduser().absolute() / "classes" / f"spark-{pyspark.__version__}-{key}.jsa"
