"""What an error of the archive's services says: the setting that may be wrong, and only commands that there are."""

import socket
from collections.abc import Iterator

import pytest

from ecommerce.archive.errors import ArchiveError, explain, failures_explained
from ecommerce.archive.files import require_datanodes
from ecommerce.services.hdfs_state import why_in_safe_mode
from ecommerce.settings import get_settings

FULL = (
    "Resources are low on NN. Please add or free up more resourcesthen turn off safe mode manually. NOTE:  If you turn "
    "off safe mode before adding resources, the NN will immediately return to safe mode. "
    'Use "hdfs dfsadmin -safemode leave" to turn safe mode off.'
)
BY_HAND = 'It was turned on manually. Use "hdfs dfsadmin -safemode leave" to turn safe mode off.'
REPORTS = "The reported blocks 0 needs additional 12 blocks to reach the threshold 0.9990 of total blocks 12."


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address that ECOMMERCE_ARCHIVE_URI names."""
    address = "hdfs://nowhere:8020/archive"
    monkeypatch.setenv("ECOMMERCE_ARCHIVE_URI", address)
    get_settings.cache_clear()
    yield address
    get_settings.cache_clear()


@pytest.mark.parametrize(
    "error",
    [
        "java.net.ConnectException: Connection refused",
        "failed to lookup address information: Name or service not known",
        "java.net.UnknownHostException: nowhere",
    ],
)
def test_an_hdfs_that_is_not_reached_is_named_with_its_setting(named: str, error: str) -> None:
    said = explain(OSError(error))
    assert said.startswith(f"HDFS cannot be reached: start it, or correct ECOMMERCE_ARCHIVE_URI, which is {named} (")


def test_the_embedded_one_has_no_setting_to_correct() -> None:
    assert explain(OSError("Connection refused")).startswith("HDFS cannot be reached: start it (")


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (FULL, "the disk of its NameNode is full; it leaves that by itself when there is room"),
        (BY_HAND, "somebody turned it on; `ecommerce down`, then `ecommerce up` turns it off"),
        (REPORTS, REPORTS),
    ],
)
def test_no_command_is_named_that_there_is_not(said: str, means: str) -> None:
    assert why_in_safe_mode({"FSState": "safeMode", "Safemode": said}) == means
    explained = explain(OSError(f"SafeModeException: Cannot create file. Name node is in safe mode.\n{said}"))
    assert explained.startswith("HDFS is in safe mode: ")
    assert "dfsadmin" not in explained


DATANODES_FAILED = (
    'DataTransferError("All DataNodes failed: [DatanodeInfoProto {{ id: DatanodeIdProto {{ ip_addr: \\"127.0.0.1\\", '
    'host_name: \\"localhost\\", datanode_uuid: \\"1\\", xfer_port: {port}, info_port: 1, ipc_port: 1 }} }}]")'
)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (DATANODES_FAILED.format(port=1), "no DataNode takes or gives data: start it"),
        ('RPCError("org.apache.hadoop.security.AccessControlException", "Permission denied: user=x")', "no permission"),
        ('RPCError("org.apache.hadoop.ipc.RetriableException", "Name node is in safe mode")', "HDFS is in safe mode"),
        ("ChecksumError", "ChecksumError"),
    ],
)
def test_an_error_of_the_hdfs_client_without_a_jvm_is_explained(said: str, means: str) -> None:
    """Most of them are a plain RuntimeError: each command that reads the archive ended in a traceback."""
    with pytest.raises(ArchiveError, match=means), failures_explained("restoring", "Run it again."):
        raise RuntimeError(said)


def test_a_mistake_of_the_program_is_not() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"), failures_explained("restoring", "Run it again."):
        raise RuntimeError("no running event loop")


def test_a_file_is_not_damaged_where_its_datanodes_are_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as datanode:
        failed = RuntimeError(DATANODES_FAILED.format(port=datanode.getsockname()[1]))
        require_datanodes(failed)
        require_datanodes(RuntimeError("ChecksumError"))
    with pytest.raises(RuntimeError, match="All DataNodes failed"):
        require_datanodes(failed)
