"""Make the archive's directory on HDFS for its one user, once blocks can be written. Again: no change.

By Hadoop's own commands that was four JVMs, on a busy machine a minute of every start.
"""

import json
import time
from urllib.request import urlopen

from hdfs_native import Client

STATE = "http://namenode:9870/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"


def main() -> None:
    # Blocks that were written before have to be reported first: until then HDFS is in safe mode.
    while state() != "Operational":
        time.sleep(0.5)
    client = Client("hdfs://namenode:9800")
    client.mkdirs("/archive", 0o750, create_parent=False)
    client.set_owner("/archive", "archiver", "archive")
    client.set_permission("/archive", 0o750)


def state() -> str:
    with urlopen(STATE, timeout=10) as answer:
        return str(json.load(answer)["beans"][0]["FSState"])


if __name__ == "__main__":
    main()
