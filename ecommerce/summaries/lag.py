"""How far the summaries are behind what is written."""

from datetime import UTC, datetime

from ecommerce.mongo import MongoDatabase, is_replica_set
from ecommerce.summaries.changes import latest_time
from ecommerce.summaries.state import load_state


def lag_seconds(database: MongoDatabase) -> float:
    """Seconds between what the summaries hold and the server's last write; the age of the last rebuild without a
    replica set; infinite before the first one.

    Idle seconds do not count: the position is written once a minute where nothing changes.
    """
    state = load_state(database)
    if state is None:
        return float("inf")
    if not is_replica_set(database):
        return (datetime.now(UTC) - state.as_of).total_seconds()
    return float(max(0, latest_time(database).time - state.cluster_time.time))
