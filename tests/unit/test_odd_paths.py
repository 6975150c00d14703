"""Addresses and options that are built from paths name that very path, whatever characters it has."""

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from ecommerce.archive_location import archive_uri, local_path, record_archive_kind
from ecommerce.errors import ServiceError, SettingsError
from ecommerce.jvm import PlainFolder, class_path
from ecommerce.services.hdfs_configuration import require_path_for_hadoop
from ecommerce.services.prefect_database import HistoryChoice, history_environment
from ecommerce.settings import Settings, load_settings

ODD = 'My Shop #1 100%20s ö=x, "q" $HOME ${user.name} {a} [b]* & ?;:'
"""What separates, expands, quotes or ends something in a URI, a shell, a list, a class path, a pattern or a format."""


def test_the_folder_that_stands_in_for_hdfs_is_named_as_hadoop_reads_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / ODD)
    record_archive_kind(settings, "file")
    assert archive_uri(settings) == f"file://{tmp_path}/{ODD}/archive"
    assert local_path(archive_uri(settings)) == tmp_path / ODD / "archive"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("file:here/My archive %41", "file:{cwd}/here/My archive %41"),
        ("file:/there", "file:/there"),
        ("file:///there", "file:///there"),
    ],
)
def test_a_relative_file_archive_is_one_folder_for_all_processes(
    monkeypatch: pytest.MonkeyPatch, given: str, used: str
) -> None:
    monkeypatch.setenv("ECOMMERCE_ARCHIVE_URI", given)
    assert load_settings().archive_uri == used.format(cwd=Path.cwd())


def test_a_host_in_a_file_archive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOMMERCE_ARCHIVE_URI", "file://tmp/archive")
    with pytest.raises(SettingsError, match=r"ECOMMERCE_ARCHIVE_URI='file://tmp/archive'.* has no host: write file:/"):
        load_settings()


def test_prefects_history_is_the_very_file_that_was_meant(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / ODD)
    (settings.home / "prefect").mkdir(parents=True)
    url = history_environment(settings, HistoryChoice(postgres=False))["PREFECT_API_DATABASE_CONNECTION_URL"]
    engine = create_engine(make_url(url).set(drivername="sqlite"))
    with engine.begin() as connection:
        connection.execute(text("create table t (a int)"))
    engine.dispose()
    assert [path.name for path in (settings.home / "prefect").iterdir()] == ["prefect.db"]


def test_options_of_spark_get_a_plain_name_for_the_home(tmp_path: Path) -> None:
    place = tmp_path / ODD
    place.mkdir()
    folder = PlainFolder(place)
    assert re.fullmatch(r"[\w./-]+", str(folder.path), re.ASCII)
    (folder.path / "file").touch()
    assert (place / "file").exists()
    folder.close()
    assert not folder.path.exists() and (place / "file").exists()
    assert PlainFolder(tmp_path).path == tmp_path


@pytest.mark.parametrize("name", ["jürgen's shop", "shop 😀"])
def test_a_home_that_hadoop_cannot_use_is_named_with_the_character(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        ServiceError, match=r"HDFS cannot run in .*: Hadoop cannot use a path with ['😀]; set ECOMMERCE_HOME"
    ):
        require_path_for_hadoop(tmp_path / name)


def test_a_jar_that_java_cannot_find_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"Java cannot load '.*a:b/x.jar': its path holds ':'"):
        class_path("conf", tmp_path / "a:b" / "x.jar")
