"""When somebody had paused the generator's schedule.

Prefect keeps no history of that, so the hourly flows look at the schedule each time they run and write down what they
see; a pause that none of them saw counts as an outage.
"""

from datetime import datetime

from ecommerce.mongo import MongoDatabase

PAUSES = "generator_pauses"
"""{from, until}: spans in which the schedule was paused, `until` null while it lasts; and {_id: "look", at}: the last
look at the schedule."""


def note_schedule(database: MongoDatabase, *, paused: bool, changed: datetime | None, now: datetime) -> None:
    """Write down how the schedule is now.

    `changed`: when a person paused or resumed it last; None where that is not known, and then a pause counts from the
    look before this one, or up to it.
    """
    pauses = database[PAUSES]
    before = pauses.find_one_and_update({"_id": "look"}, {"$set": {"at": now}}, upsert=True)
    when = changed or (before["at"] if before else now)
    open_pause = {"from": {"$exists": True}, "until": None}
    if paused:
        pauses.update_one(open_pause, {"$setOnInsert": {"from": when, "until": None}}, upsert=True)
    else:
        pauses.update_many(open_pause, [{"$set": {"until": {"$max": ["$from", when]}}}])
