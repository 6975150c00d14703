"""The JVM's class-data archive in the cache: used, replaced, and removed when nobody uses it."""

import os
import time
from pathlib import Path

from ecommerce.archive.class_archive import (
    UNUSED_SECONDS,
    class_archive_options,
    has_class_archive,
    keep_class_archive,
)
from ecommerce.settings import Settings

JAVA = Path("/usr")


def _written(settings: Settings, scratch: Path) -> Path:
    """What a JVM that was given the options would have written when it ended."""
    scratch.mkdir(exist_ok=True)
    (option,) = (
        one for one in class_archive_options(settings, JAVA, scratch, leave=True) if "ArchiveClassesAtExit" in one
    )
    path = Path(option.partition("=")[2])
    path.write_bytes(b"classes")
    return path


def test_what_a_jvm_left_is_used_by_later_ones(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache")
    written = _written(settings, tmp_path / "scratch")
    keep_class_archive(settings, JAVA, written.parent)
    (archive,) = (tmp_path / "cache" / "classes").iterdir()
    assert archive.read_bytes() == b"classes" and not written.exists()
    assert f"-XX:SharedArchiveFile={tmp_path}/scratch/used.jsa" in class_archive_options(settings, JAVA, written.parent)
    assert (written.parent / "used.jsa").resolve() == archive


def test_archives_that_nobody_used_for_a_month_go(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache")
    classes = tmp_path / "cache" / "classes"
    classes.mkdir(parents=True)
    gone, used, foreign = (classes / name for name in ("spark-3.jsa", "spark-4.jsa", "notes.txt"))
    long_ago = time.time() - UNUSED_SECONDS - 60
    for path in (gone, used, foreign):
        path.touch()
        os.utime(path, (long_ago, long_ago))
    os.utime(used)
    keep_class_archive(settings, JAVA, _written(settings, tmp_path / "scratch").parent)
    assert not gone.exists() and used.exists() and foreign.exists()
    assert len(list(classes.glob("spark-*.jsa"))) == 2


def test_using_an_archive_keeps_it(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache")
    keep_class_archive(settings, JAVA, _written(settings, tmp_path / "scratch").parent)
    (archive,) = (tmp_path / "cache" / "classes").iterdir()
    os.utime(archive, (0, 0))
    class_archive_options(settings, JAVA, tmp_path)
    assert archive.stat().st_mtime > time.time() - 3600


def test_a_run_never_writes_one(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache")
    assert not has_class_archive(settings, JAVA)
    assert class_archive_options(settings, JAVA, tmp_path) == ()


def test_a_cache_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    settings = Settings(cache=tmp_path / "cache")
    assert has_class_archive(settings, JAVA), "nobody tries to write one"
    assert class_archive_options(settings, JAVA, tmp_path) == ()
