"""How long the server keeps the images of changed documents that the summaries are advanced from."""

from pymongo.errors import OperationFailure

from ecommerce.mongo import MongoDatabase, is_replica_set

IMAGES_KEPT_SECONDS = 2 * 24 * 3600
"""The hourly flow reads them within an hour; two days bridge a weekend's outage, later ones lead to a rebuild."""

# Unauthorized, CommandNotFound (before MongoDB 6), InvalidOptions: this server decides by itself.
REFUSED = {13, 59, 72}


def let_images_expire(database: MongoDatabase) -> bool:
    """Let pre-images expire where the server keeps them without limit and lets us say so. Returns whether they expire.

    It is one setting for the whole server, so one that an administrator made stays as it is.
    """
    if not is_replica_set(database):
        return False
    admin = database.client.admin
    try:
        found = admin.command("getClusterParameter", "changeStreamOptions")["clusterParameters"][0]
        if found["preAndPostImages"]["expireAfterSeconds"] != "off":
            return True
        images = {"preAndPostImages": {"expireAfterSeconds": IMAGES_KEPT_SECONDS}}
        admin.command("setClusterParameter", {"changeStreamOptions": images})
    except OperationFailure as error:
        if error.code in REFUSED:
            return False
        raise
    return True
