"""The embedded HDFS is a real one: what it took it still has after a kill, and it is reached from this machine only."""

from pathlib import Path

import psutil
import pytest

from ecommerce.errors import ServiceError
from ecommerce.java import java_home
from ecommerce.services.hdfs import Hdfs, embedded_hdfs, hdfs_shell
from ecommerce.services.hdfs_state import damaged_files, namenode_state
from ecommerce.settings import Settings
from tests.ports import free_port
from tests.programs import wait_until

pytestmark = pytest.mark.slow


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


def test_a_file_with_a_block_that_was_cut_is_named_until_it_is_back_and_hdfs_was_started_again(tmp_path: Path) -> None:
    settings = Settings()
    its_home = tmp_path / "home"
    its_home.mkdir()
    hdfs = embedded_hdfs(its_home, free_port(), java_home(settings), settings.cache).start()
    try:
        (tmp_path / "part").write_text("orders\n" * 1000)
        shell(hdfs, "-put", str(tmp_path / "part"), "/order.parquet")
        (block,) = (one for one in (its_home / "hdfs" / "data").rglob("blk_*") if one.suffix != ".meta")
        whole = block.read_bytes()
        block.write_bytes(whole[:1000])
        with pytest.raises(ServiceError):
            shell(hdfs, "-cat", "/order.parquet")
        assert damaged_files(namenode_state(hdfs.namenode.pid)) == ["/order.parquet"]
        block.write_bytes(whole)
        hdfs.stop()
        hdfs.start()
        wait_until(lambda: damaged_files(namenode_state(hdfs.namenode.pid)) == [], 60)
        assert shell(hdfs, "-cat", "/order.parquet") == "orders\n" * 1000
    finally:
        hdfs.stop()


def test_blocks_without_their_metadata_are_never_formatted_over(tmp_path: Path) -> None:
    (tmp_path / "hdfs" / "data" / "current" / "BP-1-127.0.0.1-1").mkdir(parents=True)
    settings = Settings()
    with pytest.raises(ServiceError, match=r"has blocks in .*data but its metadata .*name is gone"):
        embedded_hdfs(tmp_path, free_port(), java_home(settings), settings.cache).start()
    assert not (tmp_path / "hdfs" / "name").exists()
