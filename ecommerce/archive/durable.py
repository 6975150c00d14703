"""What was written to a folder reaches the disk before anything that relies on it is done."""

import os

from ecommerce.archive_location import local_path


def make_durable(uri: str) -> None:
    """Wait until the files of an archive in a folder are on the disk.

    HDFS does that on its DataNodes (dfs.datanode.synconclose).
    """
    if local_path(uri) is not None:
        os.sync()
