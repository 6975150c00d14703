"""Files of the archive for PyIceberg, read without a JVM: on HDFS by a client in Rust, in a folder as they are."""

import re
import socket
from collections.abc import Mapping
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pyiceberg.io import FileIO, InputFile, OutputFile

from ecommerce.archive_location import HDFS, local_path

if TYPE_CHECKING:
    import pyarrow as pa
    from hdfs_native import Client


class ArchiveFiles(FileIO):
    """What PyIceberg opens files with. It only reads: Spark writes the table, and its workers by `write_file`."""

    def new_input(self, location: str) -> InputFile:
        return ArchiveFile(location)

    def new_output(self, location: str) -> OutputFile:
        raise NotImplementedError(f"{location}: PyIceberg only reads the archive")

    def delete(self, location: Any) -> None:
        raise NotImplementedError(f"{location}: PyIceberg only reads the archive")


class ArchiveFile(InputFile):
    """A file by its address, which is taken literally, as Hadoop does: `%` and blanks stand for themselves."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self._local = local_path(location)

    def __len__(self) -> int:
        return self._local.stat().st_size if self._local else int(self.client().get_file_info(self.path()).length)

    def exists(self) -> bool:
        try:
            return len(self) >= 0
        except FileNotFoundError:
            return False

    def open(self, seekable: bool = True) -> Any:
        return self._local.open("rb") if self._local else self.client().read(self.path())

    def client(self) -> "Client":
        """The client of its HDFS."""
        server = urlsplit(self.location)
        return _client(f"{server.scheme}://{server.netloc}")

    def path(self) -> str:
        """Its path on that HDFS."""
        # Not `urlsplit`: a `?` or `#` of a name would end the path.
        return "/" + self.location.partition("://")[2].partition("/")[2]


def write_file(location: str, content: "pa.Buffer", options: Mapping[str, str]) -> None:
    """A new file and the folders above it; on HDFS with the replication and block size of Hadoop's options, if any."""
    file = ArchiveFile(location)
    if (local := local_path(location)) is not None:
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(content)
        return
    from hdfs_native import WriteOptions

    block_size, replication = (int(options[name]) if name in options else None for name in _WRITE_OPTIONS)
    with file.client().create(file.path(), WriteOptions(block_size, replication, create_parent=True)) as output:
        output.write(content.to_pybytes())  # of other buffers the client takes one byte after the other


_WRITE_OPTIONS = ("dfs.blocksize", "dfs.replication")


def remove_file(location: str) -> None:
    """Remove a file, if it is there."""
    if (local := local_path(location)) is not None:
        local.unlink(missing_ok=True)
    else:
        file = ArchiveFile(location)
        file.client().delete(file.path())


def names_in(folder: str) -> list[str]:
    """The names of the files in a folder; none where there is no such folder."""
    local = local_path(folder)
    try:
        if local:
            return [file.name for file in local.iterdir()]
        of_folder = ArchiveFile(folder)
        return [file.path.rpartition("/")[2] for file in of_folder.client().list_status(of_folder.path())]
    except FileNotFoundError:
        return []


def snapshots_of(folder: str) -> dict[str, list[str]]:
    """Names of HDFS's own snapshots that hold a folder, by the directory that they were made of."""
    found: dict[str, list[str]] = {}
    scheme, _, path = folder.partition("://")
    server, *names = path.split("/")
    for count in range(len(names) + 1) if scheme == HDFS else ():
        directory = f"{scheme}://{'/'.join((server, *names[:count]))}"
        try:
            snapshots = names_in(f"{directory}/.snapshot")
        except Exception as error:
            if "SnapshotException" not in str(error):  # nobody may make snapshots of it
                raise
        else:
            found |= {directory: snapshots} if snapshots else {}
    return found


def require_datanodes(error: Exception) -> None:
    """Raise the error where it is that none of the DataNodes with a block can be reached: no file is damaged then."""
    if (named := _DATANODES.findall(str(error))) and not any(_answers(*one) for one in named):
        raise error


def _answers(address: str, port: str) -> bool:
    try:
        socket.create_connection((address, int(port)), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


@cache
def verify_pages() -> None:
    """Have PyIceberg verify the checksums of Parquet's pages, for which it has no option.

    Of 300 flipped bits in pages it read 297 as other orders, without a word. Reading each file once more with Arrow
    alone doubled the time.
    """
    from pyiceberg.io import pyarrow as reader

    reader._get_file_format = partial(  # type: ignore[assignment]  # noqa: SLF001 - of PyIceberg 0.12; a test flips bits
        reader._get_file_format,  # noqa: SLF001
        page_checksum_verification=True,
    )


_DATANODES = re.compile(r'ip_addr: \\*"([^"\\]+)\\*".{,400}?xfer_port: (\d+)', re.DOTALL)
"""Address and port of each DataNode in what the client says when all that have a block failed it."""

_CONNECT_SECONDS = 5.0

_CLIENT_OPTIONS = {"dfs.client.failover.max.attempts": "5"}
"""By default the client asks a NameNode that is down 15 times, for more than two minutes."""


@lru_cache(maxsize=8)
def _client(server: str) -> "Client":
    from hdfs_native import Client

    return Client(server, _CLIENT_OPTIONS)
