"""What still holds a person once they are forgotten, and until when."""

from ecommerce.archive.errors import explain
from ecommerce.archive.files import snapshots_of
from ecommerce.archive.identity import table_known
from ecommerce.archive_location import archive_uri
from ecommerce.mongo import get_database
from ecommerce.settings import Settings

REMAINS = (
    "MongoDB's oplog and its images of changed documents hold the person until they expire (images: 2 days, unless the "
    "server is set otherwise), and backups until you delete them. The table can be asked only as it is from now on"
)


def what_remains(settings: Settings) -> str:
    """The places that no program can empty; HDFS is asked where orders were archived."""
    if table_known(get_database(settings)) is None:
        return REMAINS
    try:
        found = snapshots_of(archive_uri(settings))
    except Exception as error:  # noqa: BLE001 - forgetting does not fail for it
        return f"{REMAINS}. Whether snapshots of HDFS keep removed files cannot be seen: {explain(error)}"
    kept = (f"{folder}: {', '.join(names)}" for folder, names in found.items())
    return REMAINS + "".join(
        f". Snapshots of HDFS keep removed files until somebody deletes them, of {one}" for one in kept
    )
