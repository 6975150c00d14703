"""Whether the embedded archive is on HDFS or in the folder that stands in for it: decided once per home."""

from dataclasses import dataclass
from pathlib import Path

from ecommerce.archive_location import FILE, HDFS, archive_kind, file_archive, record_archive_kind
from ecommerce.errors import ServiceError
from ecommerce.jars import hadoop_jars
from ecommerce.java import java_home
from ecommerce.settings import Settings


@dataclass(frozen=True, slots=True)
class ArchiveChoice:
    """What the archive of a home needs, and what the user should hear about it."""

    java: Path
    embedded_hdfs: bool
    remark: str | None = None


def choose_archive(settings: Settings) -> ArchiveChoice:
    """Decide, record and return where the archive is; fetches Java and HDFS's jar where they are missing.

    HDFS where its jar can be had. The folder else, unless orders may already be on HDFS: an archive is never left
    behind silently. Raises ServiceError where there is no Java or such an archive cannot be reached.
    """
    java = java_home(settings)
    if settings.archive_uri:
        return ArchiveChoice(java, embedded_hdfs=False)
    recorded = archive_kind(settings)
    if recorded == FILE and _holds_runs(file_archive(settings)):
        remark = f"the archive stays in {file_archive(settings)}, where archived orders are"
        return ArchiveChoice(java, embedded_hdfs=False, remark=remark)
    try:
        hadoop_jars(settings.cache, java)
    except ServiceError as error:
        if recorded == HDFS:
            raise ServiceError(f"archived orders may be on HDFS, which cannot run: {error}") from None
        if recorded != FILE:
            record_archive_kind(settings, FILE)
        remark = f"no HDFS, the archive is in {file_archive(settings)} instead: {error}"
        return ArchiveChoice(java, embedded_hdfs=False, remark=remark)
    if recorded != HDFS:
        record_archive_kind(settings, HDFS)
    return ArchiveChoice(java, embedded_hdfs=True)


def _holds_runs(archive: Path) -> bool:
    return any(path.is_file() for path in archive.rglob("*"))
