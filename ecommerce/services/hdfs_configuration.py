"""The whole configuration of the embedded HDFS's daemons, so that nothing depends on the machine's own."""

import socket
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement

from ecommerce.archive_location import CLIENT_OPTIONS
from ecommerce.errors import ServiceError
from ecommerce.services.ports import LOOPBACK

_WORKING_DIRECTORY = Path("/proc/self/cwd")

CONFIGURATION = "conf"
"""Folder of the daemons' configuration under `home`/hdfs."""

HOSTS = "hosts"
"""In it, the only names of machines that the daemons know."""


def write_configuration(directory: Path, namenode_port: int) -> Path:
    """Write the daemons' whole configuration under `directory`/conf, so that nothing depends on the machine's own."""
    configuration = directory / CONFIGURATION
    configuration.mkdir(parents=True, exist_ok=True)
    _write_site(
        configuration / "core-site.xml",
        {
            "fs.defaultFS": f"hdfs://{LOOPBACK}:{namenode_port}",
            "hadoop.tmp.dir": "tmp",
            # A DataNode that boots faster than its NameNode looks for it five times a second, not once.
            "ipc.client.connect.retry.interval": "200",
            "ipc.client.connect.max.retries": "50",
        },
    )
    _write_site(
        configuration / "hdfs-site.xml",
        CLIENT_OPTIONS
        | {
            "dfs.namenode.name.dir": "name",
            "dfs.datanode.data.dir": str(_data_folder(directory)),
            "dfs.namenode.rpc-bind-host": LOOPBACK,
            "dfs.namenode.http-address": f"{LOOPBACK}:0",
            "dfs.datanode.address": f"{LOOPBACK}:0",
            "dfs.datanode.http.address": f"{LOOPBACK}:0",
            "dfs.datanode.ipc.address": f"{LOOPBACK}:0",
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            "dfs.permissions.enabled": "true",
            # Off by default; a power cut could then lose a block that was closed and whose orders were purged.
            "dfs.datanode.synconclose": "true",
            # Blocks are waited for all the same; the 30 s on top are for clusters whose DataNodes come one by one.
            "dfs.namenode.safemode.extension": "0",
            # With fewer than a thousand blocks the threshold of 99.9 % rounds to one less, which is none of one.
            "dfs.namenode.safemode.min.datanodes": "1",
            # A dead DataNode is called dead after 50 s, not after 10 minutes.
            "dfs.namenode.heartbeat.recheck-interval": "10000",
        },
    )
    (configuration / "daemon-log4j2.properties").write_text(_LOGGING)
    # The daemons ask for the address of the machine's name, which a laptop on a VPN may not have, and end without it.
    (configuration / HOSTS).write_text(f"{LOOPBACK} localhost {socket.gethostname()}\n")
    return configuration


def _data_folder(directory: Path) -> Path:
    """Where the DataNode finds its folder. It takes its absolute path for a format string, so there is no `%` in it."""
    return _WORKING_DIRECTORY / "data" if "%" in str(directory) else Path("data")


def require_path_for_hadoop(directory: Path) -> None:
    """Raise ServiceError where Hadoop cannot work in a folder: for what its path holds."""
    # The NameNode asks `df` for the free space in a shell, with the path between apostrophes; Java's class loader does
    # not find a folder whose name has characters beyond the basic plane.
    text = str(directory)
    bad = "'" if "'" in text else next((character for character in text if ord(character) > 0xFFFF), "")
    if not bad and "%" in text and not _WORKING_DIRECTORY.exists():
        bad = "%"
    if bad:
        raise ServiceError(
            f"HDFS cannot run in {directory}: Hadoop cannot use a path with {bad}; "
            "set ECOMMERCE_HOME to one without it, or ECOMMERCE_ARCHIVE_URI to another archive"
        )


def _write_site(path: Path, values: Mapping[str, str]) -> None:
    root = Element("configuration")
    for name, value in values.items():
        entry = SubElement(root, "property")
        SubElement(entry, "name").text = name
        SubElement(entry, "value").text = value
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


_LOGGING = """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${sys:ecommerce.log}
appender.file.filePattern = ${sys:ecommerce.log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS}{UTC}Z %p %c{1}: %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""
