"""What the daemons of the embedded HDFS say of themselves: over JMX, on the HTTP ports that they chose."""

import json
import urllib.request
from collections.abc import Mapping

from ecommerce.services.ports import ANSWER_SECONDS, LOOPBACK, http_answers, listening_ports


def namenode_state(pid: int | None) -> dict[str, object]:
    """What a NameNode process says of itself over JMX: FSState, NumLiveDataNodes, LiveNodes, CapacityRemaining, …

    Empty where it does not answer. It chose its HTTP port freely, so the ports that it listens on are tried.
    """
    for port in listening_ports(pid):
        state = {**_bean(port, "FSNamesystemState"), **_bean(port, "NameNodeInfo")}
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
