"""The embedded HDFS is a real one: what it took it still has after a kill, and it is reached from this machine only."""

from pathlib import Path

import psutil
import pytest

from ecommerce.errors import ServiceError
from ecommerce.java import java_home
from ecommerce.services.hdfs import Hdfs, hdfs_shell, start_hdfs
from ecommerce.settings import Settings
from tests.ports import free_port


def shell(hdfs: Hdfs, *arguments: str) -> str:
    settings = Settings()
    return hdfs_shell(hdfs.configuration, java_home(settings), settings.cache, *arguments)


def test_what_was_written_is_there_after_both_daemons_were_killed(hdfs: Hdfs, tmp_path: Path) -> None:
    (tmp_path / "part").write_text("orders\n" * 1000)
    shell(hdfs, "-put", str(tmp_path / "part"), "/part")
    hdfs.datanode.kill()
    hdfs.namenode.kill()
    hdfs.start()
    assert shell(hdfs, "-cat", "/part") == "orders\n" * 1000


def test_daemons_are_two_processes_that_listen_on_loopback_only(hdfs: Hdfs) -> None:
    assert hdfs.namenode.pid != hdfs.datanode.pid
    for daemon in (hdfs.namenode, hdfs.datanode):
        connections = psutil.Process(daemon.pid).net_connections(kind="inet")
        listening = {c.laddr[0].removeprefix("::ffff:") for c in connections if c.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}


def test_blocks_without_their_metadata_are_never_formatted_over(tmp_path: Path) -> None:
    (tmp_path / "hdfs" / "data" / "current" / "BP-1-127.0.0.1-1").mkdir(parents=True)
    settings = Settings()
    with pytest.raises(ServiceError, match=r"has blocks in .*data but its metadata .*name is gone"):
        start_hdfs(tmp_path, free_port(), java_home(settings), settings.cache)
    assert not (tmp_path / "hdfs" / "name").exists()
