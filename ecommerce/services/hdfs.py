"""The embedded HDFS: a real NameNode and a real DataNode, separate processes, loopback only, formatted once.

Both run in `home`/hdfs and know only paths relative to it. Hadoop cuts lists at commas, expands `${…}`, reads `%20` in
some paths and URIs in others, and log4j reads `%`: where the home lies they would otherwise all have to be escaped.
"""

import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from xml.etree.ElementTree import Element, ElementTree, SubElement

from ecommerce.archive_location import CLIENT_OPTIONS
from ecommerce.errors import ServiceError
from ecommerce.jars import hadoop_jars
from ecommerce.jvm import changed_environment, class_path, java_environment
from ecommerce.services.daemons import Daemon
from ecommerce.services.logs import log_excerpt
from ecommerce.services.ports import (
    ANSWER_SECONDS,
    LOOPBACK,
    answers,
    http_answers,
    listening_ports,
    require_free_port,
)

NAMENODE_CLASS = "org.apache.hadoop.hdfs.server.namenode.NameNode"
DATANODE_CLASS = "org.apache.hadoop.hdfs.server.datanode.DataNode"
SHELL_CLASS = "org.apache.hadoop.fs.FsShell"

_WORKING_DIRECTORY = Path("/proc/self/cwd")

CONFIGURATION = "conf"
"""Folder of the daemons' configuration under `home`/hdfs."""

HOSTS = "hosts"
"""In it, the only names of machines that the daemons know."""

# 195 and 177 MB resident with these heaps; files in the archive are few and large, so the NameNode needs little.
# The first compiler alone: 3.8 s to answering instead of 7.9 on two busy cores; what they do is wait for the disk.
_JVM_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true")


@dataclass(frozen=True, slots=True)
class Hdfs:
    """An embedded HDFS. Its daemons may be killed and started again one by one."""

    uri: str
    configuration: Path
    """Directory for HADOOP_CONF_DIR or a class path."""
    namenode: Daemon
    datanode: Daemon

    def start(self) -> Self:
        """Start both and wait until they take writes."""
        try:
            # Both JVMs boot at once, which saves two seconds; the DataNode tries again until its NameNode is there.
            self.namenode.launch()
            self.datanode.launch()
            self.namenode.await_ready()
            self.datanode.await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End both daemons, the DataNode first, as it would otherwise look for its NameNode."""
        self.datanode.stop()
        self.namenode.stop()


def start_hdfs(home: Path, namenode_port: int, java_home: Path, cache: Path) -> Hdfs:
    """Start NameNode and DataNode on the data under `home`/hdfs and wait until they take writes.

    Raises ServiceError where a jar cannot be had, the port is taken or a daemon does not come up.
    """
    return embedded_hdfs(home, namenode_port, java_home, cache).start()


def embedded_hdfs(home: Path, namenode_port: int, java_home: Path, cache: Path) -> Hdfs:
    """The embedded HDFS, formatted but not started yet."""
    home = home.expanduser().absolute()
    jars = class_path(CONFIGURATION, *hadoop_jars(cache, java_home))
    require_path_for_hadoop(home)
    require_free_port(namenode_port, "ECOMMERCE_NAMENODE_PORT", "the HDFS NameNode")
    directory = home / "hdfs"
    configuration = write_configuration(directory, namenode_port)
    java = str(java_home / "bin" / "java")
    _format_once(directory, java, jars, home)
    # Each daemon unpacks its web pages into a new directory, and one that is killed leaves it behind.
    scratch = directory / "tmp" / "java"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)

    def daemon(name: str, main_class: str, address: str, ready: Callable[[Daemon], bool]) -> Daemon:
        options = (
            *_JVM_OPTIONS,
            f"-Djava.io.tmpdir={scratch.relative_to(directory)}",
            f"-Djdk.net.hosts.file={CONFIGURATION}/{HOSTS}",
            *_logging(f"{name}.log"),
        )
        command = [java, *options, "-cp", jars, main_class]
        return Daemon(
            name,
            command,
            home=home,
            address=address,
            ready=ready,
            answers=lambda it: says_anything(it.pid),
            environment=java_environment(),
            cwd=directory,
        )

    uri = f"hdfs://{LOOPBACK}:{namenode_port}"
    namenode = daemon(
        "namenode", NAMENODE_CLASS, uri, lambda it: answers(namenode_port) and namenode_state(it.pid) != {}
    )
    datanode = daemon("datanode", DATANODE_CLASS, LOOPBACK, lambda it: takes_writes(namenode.pid, it.pid))
    return Hdfs(uri, configuration, namenode, datanode)


def namenode_state(pid: int | None) -> dict[str, object]:
    """What a NameNode process says of itself over JMX: FSState, NumLiveDataNodes, LiveNodes, CapacityRemaining, …

    Empty where it does not answer. It chose its HTTP port freely, so the ports that it listens on are tried.
    """
    for port in listening_ports(pid) if pid else []:
        state: dict[str, object] = {}
        for bean in ("FSNamesystemState", "NameNodeInfo"):
            state |= _bean(port, bean)
        if "FSState" in state:
            return state
    return {}


_web_ports: dict[int, int] = {}


def says_anything(pid: int | None) -> bool:
    """Whether a NameNode or a DataNode answers over HTTP, whatever the state of HDFS."""
    if pid is None:
        return False
    # Asked on its other ports, which it chose as freely, a daemon writes lines into its log.
    ports, known = listening_ports(pid), _web_ports.get(pid)
    for port in (known,) if known is not None and known in ports else ports:
        if http_answers(f"http://{LOOPBACK}:{port}/jmx?qry=Hadoop:service=none", ANSWER_SECONDS):
            _web_ports[pid] = port
            return True
    return False


def damaged_files(state: Mapping[str, object]) -> list[str]:
    """The files with a block that HDFS found damaged or gone, by what a NameNode says of itself.

    It learns of one from a reader in Java or from a DataNode, and forgets it when the DataNode has reported its blocks.
    """
    # Each is a block, how many there are of it, and its file, between tabs.
    listed = json.loads(str(state.get("CorruptFiles") or "[]"))
    return sorted({str(one).rpartition("\t")[2] for one in listed})


def _bean(port: int, name: str) -> Mapping[str, object]:
    url = f"http://{LOOPBACK}:{port}/jmx?qry=Hadoop:service=NameNode,name={name}"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            beans = json.load(answer)["beans"]
    except (OSError, ValueError, KeyError):
        return {}
    return beans[0] if beans else {}


def why_in_safe_mode(state: Mapping[str, object]) -> str:
    """Why a NameNode, by what it says of itself, is in safe mode, and what ends that.

    It names `hdfs dfsadmin`, which is no command of the embedded HDFS.
    """
    said = str(state.get("Safemode") or state.get("FSState"))
    if "Resources are low" in said:
        return "the disk of its NameNode is full; it leaves that by itself when there is room"
    if "manually" in said:
        return "somebody turned it on; `ecommerce down`, then `ecommerce up` turns it off"
    return said


def takes_writes(namenode_pid: int | None, datanode_pid: int | None) -> bool:
    """Whether the NameNode is out of safe mode, and this very DataNode process is registered with it."""
    state = namenode_state(namenode_pid)
    if state.get("FSState") != "Operational" or datanode_pid is None:
        return False
    nodes = json.loads(str(state.get("LiveNodes", "{}"))).values()
    registered = {int(node["xferaddr"].rpartition(":")[2]) for node in nodes}
    return bool(registered & set(listening_ports(datanode_pid)))


def hdfs_shell(configuration: Path, java_home: Path, cache: Path, *arguments: str) -> str:
    """Run one command of Hadoop's own file system shell (`-ls /`, `-du -s /archive`, …) and return its output."""
    done = subprocess.run(
        [
            str(java_home / "bin" / "java"), *_JVM_OPTIONS,
            "-cp", class_path(".", *hadoop_jars(cache, java_home)), SHELL_CLASS, *arguments,
        ],
        cwd=configuration,
        env=changed_environment(java_environment()),
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        raise ServiceError(f"hdfs {' '.join(arguments)}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def _format_once(directory: Path, java: str, jars: str, home: Path) -> None:
    """Make the NameNode's metadata where there is none; whole or not at all, however this process ends."""
    name = directory / "name"
    if name.exists():
        return
    if any((directory / "data").glob("current/BP-*")):
        raise ServiceError(
            f"HDFS has blocks in {directory / 'data'} but its metadata {name} is gone: "
            f"put that directory back, or move {directory / 'data'} away to start empty"
        )
    scratch = directory / "name.formatting"
    shutil.rmtree(scratch, ignore_errors=True)
    log = home / "logs" / "namenode-format.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        done = subprocess.run(
            [
                java, *_JVM_OPTIONS, *_logging(log.name), "-cp", jars,
                NAMENODE_CLASS, f"-Ddfs.namenode.name.dir={scratch.name}", "-format", "-nonInteractive",
            ],
            cwd=directory,
            env=changed_environment(java_environment()),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )  # fmt: skip
    if done.returncode != 0:
        raise ServiceError(f"HDFS cannot be formatted in {scratch}: {log_excerpt(log)}; see {log}")
    scratch.rename(name)


def _logging(log: str) -> tuple[str, str]:
    return f"-Dlog4j2.configurationFile={CONFIGURATION}/daemon-log4j2.properties", f"-Decommerce.log=../logs/{log}"


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
