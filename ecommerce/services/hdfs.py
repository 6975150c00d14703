"""The embedded HDFS: a real NameNode and a real DataNode, separate processes, loopback only, formatted once.

Both run in `home`/hdfs and know only paths relative to it. Hadoop cuts lists at commas, expands `${…}`, reads `%20` in
some paths and URIs in others, and log4j reads `%`: where the home lies they would otherwise all have to be escaped.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ecommerce.errors import ServiceError
from ecommerce.jars import hadoop_jars
from ecommerce.jvm import changed_environment, class_path, java_environment
from ecommerce.services.daemons import Daemon
from ecommerce.services.hdfs_configuration import CONFIGURATION, HOSTS, require_path_for_hadoop, write_configuration
from ecommerce.services.hdfs_state import namenode_state, says_anything, takes_writes
from ecommerce.services.logs import log_excerpt
from ecommerce.services.ports import LOOPBACK, answers, require_free_port

NAMENODE_CLASS = "org.apache.hadoop.hdfs.server.namenode.NameNode"
DATANODE_CLASS = "org.apache.hadoop.hdfs.server.datanode.DataNode"
SHELL_CLASS = "org.apache.hadoop.fs.FsShell"

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


def embedded_hdfs(home: Path, namenode_port: int, java_home: Path, cache: Path) -> Hdfs:
    """The embedded HDFS with its data under `home`/hdfs, formatted but not started yet.

    Raises ServiceError where a jar cannot be had or the port is taken.
    """
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
