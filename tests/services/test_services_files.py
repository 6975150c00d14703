"""Java and jars: what is missing is fetched whole or not at all, and said in one line where it cannot be had."""

import os
import shutil
from pathlib import Path

import pytest

from ecommerce.archive_location import archive_uri, needs_embedded_hdfs, record_archive_kind
from ecommerce.errors import ServiceError
from ecommerce.jars import ARCHIVE_JARS, HADOOP_DAEMONS, Jar, fetch_jars, missing_jars
from ecommerce.java import java_home
from ecommerce.services import disks
from ecommerce.services.archive_choice import choose_archive
from ecommerce.settings import Settings
from tests.runbook import row_of


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network for the tools that fetch: their proxies lead to a port where nobody listens."""
    java = java_home(Settings())
    # Without Maven on PATH, Ivy is what fetches.
    monkeypatch.setenv("PATH", str(java / "bin"))
    nowhere = "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9 -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=9"
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", nowhere)
    monkeypatch.setenv("CJDK_INDEX_URL", "http://127.0.0.1:9/index.json")


def home(tmp_path: Path, **values: object) -> Settings:
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache", **values)  # type: ignore[arg-type]


def test_a_jar_in_the_cache_is_used_without_any_network(tmp_path: Path, offline: None) -> None:
    (tmp_path / "jars").mkdir()
    jars = (HADOOP_DAEMONS, *ARCHIVE_JARS)
    assert missing_jars(tmp_path) == [jar.file_name for jar in jars]
    for jar in jars:
        (tmp_path / "jars" / jar.file_name).touch()
    assert [path.name for path in fetch_jars(jars, tmp_path)] == [jar.file_name for jar in jars]
    assert missing_jars(tmp_path) == []


def test_a_jar_with_another_content_is_refused_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    maven = tools / "mvn"
    maven.write_text(
        '#!/bin/sh\nfor a in "$@"; do case "$a" in -DoutputDirectory=*) echo x > "${a#*=}/thing-1.jar";; esac; done\n'
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    thing = Jar("example", "thing", "1", "0" * 64)
    with pytest.raises(ServiceError, match=r"thing-1.jar was fetched with sha256 [0-9a-f]{64}, not 0+: ") as raised:
        fetch_jars([thing], tmp_path / "cache")
    assert row_of(str(raised.value)) == "… was fetched with sha256 …, not …: …"
    assert [path.name for path in (tmp_path / "cache" / "jars").iterdir()] == [".lock"]


@pytest.mark.drill
@pytest.mark.parametrize("tool", ["Maven", "Ivy"])
def test_jars_are_fetched_by_maven_and_without_it_by_ivy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    java = java_home(Settings())
    if tool == "Ivy":
        monkeypatch.setenv("PATH", str(java / "bin"))
    sha256 = "698b2b9a10fdd49a3ed99ad2b7bcc8e797639c8c4a5c974de7f6fc8654bda655"
    smallest = Jar("org.mongodb", "bson-record-codec", "5.1.4", sha256)
    (jar,) = fetch_jars([smallest], tmp_path / "cache", java)
    assert jar == tmp_path / "cache" / "jars" / smallest.file_name
    assert jar.stat().st_size == 11_794


def test_without_the_jar_the_archive_is_a_folder_and_stays_one_that_holds_runs(
    tmp_path: Path, offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home(tmp_path)
    choice = choose_archive(settings)
    assert not choice.embedded_hdfs
    assert choice.remark is not None
    assert choice.remark.startswith(f"no HDFS, the archive is in {tmp_path}/home/archive instead: ")
    assert "\n" not in choice.remark
    assert archive_uri(settings) == f"file://{tmp_path}/home/archive"

    (tmp_path / "home" / "archive" / "orders").mkdir(parents=True)
    (tmp_path / "home" / "archive" / "orders" / "part.parquet").touch()
    monkeypatch.undo()
    with_network = Settings(home=tmp_path / "home")
    assert not choose_archive(with_network).embedded_hdfs
    assert not needs_embedded_hdfs(with_network)


def test_an_archive_on_hdfs_is_not_left_behind_silently(tmp_path: Path, offline: None) -> None:
    settings = home(tmp_path)
    record_archive_kind(settings, "hdfs")
    with pytest.raises(
        ServiceError, match=r"archived orders may be on HDFS, which cannot run: hadoop-client-minicluster"
    ):
        choose_archive(settings)
    assert archive_uri(settings) == "hdfs://127.0.0.1:9800/archive"


def test_the_setting_overrides_both(tmp_path: Path, offline: None) -> None:
    settings = home(tmp_path, archive_uri="hdfs://archive.example:8020/orders/")
    assert not choose_archive(settings).embedded_hdfs
    assert archive_uri(settings) == "hdfs://archive.example:8020/orders"


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ('echo "Unrecognized option: --add-modules" >&2; exit 1', "is older than 17 or broken"),
        ('echo "Error: module jdk.incubator.vector not found" >&2; exit 1', "lacks the module jdk.incubator.vector"),
        ('echo "    java.specification.version = 11"; echo "    java.home = /opt/java"', "is version 11"),
    ],
)
def test_a_java_that_will_not_do_is_named_with_what_it_lacks(
    tmp_path: Path, offline: None, monkeypatch: pytest.MonkeyPatch, script: str, complaint: str
) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        ServiceError, match=rf"Java 17 or newer is needed \(JAVA_HOME=\S+ {complaint}; none could be"
    ) as e:
        java_home(home(tmp_path))
    assert "install a JDK 17 or set JAVA_HOME" in str(e.value)


def test_a_disk_that_is_nearly_full_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks, "START_BYTES_MIN", shutil.disk_usage(tmp_path).total * 2)
    with pytest.raises(
        ServiceError, match=r"the disk of .* has [\d.,]+ .?B left, .*free some space or set ECOMMERCE_HOME"
    ):
        disks.require_space(tmp_path)
