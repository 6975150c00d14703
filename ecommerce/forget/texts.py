"""Texts that name a person: rejected rows, and logs of the home."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from ecommerce.forget.records import Person
from ecommerce.importing.loading.ledger import FORGOTTEN_ROW
from ecommerce.importing.loading.rejected_rows import raw_of, shape_of_row
from ecommerce.importing.mentions import mentions, texts_matcher
from ecommerce.mongo import REJECTED_ROWS, Document, MongoDatabase

WRITTEN_AT_ONCE = 1_000


class Looked:
    """A person who is looked for in texts (`mentions.Wanted`)."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._emails = {email.casefold() for email in person.emails}

    def knows_user(self, user_id: int) -> bool:
        return user_id in self.person.user_ids

    def knows_email(self, email: str) -> bool:
        return email.casefold() in self._emails

    def knows_text(self, text: str) -> bool:
        return bool(self._texts and self._texts.search(text))

    @cached_property
    def _texts(self) -> "re.Pattern[str] | None":
        return texts_matcher(self.person.texts)


def rejected_rows_of(database: MongoDatabase, person: Person) -> Iterator[Any]:
    """`_id` of each rejected row whose text or reason names the person."""
    looked = Looked(person)
    for row in database[REJECTED_ROWS].find():
        raw, shape = raw_of(row), shape_of_row(row)
        if mentions(raw, shape, looked) or mentions(row["reason"].encode(), shape, looked):
            yield row["_id"]


def empty_rejected_rows(database: MongoDatabase, identities: Iterable[Any]) -> int:
    """Keep that these rows were rejected, and nothing of what was in them; returns how many there were."""
    emptied: Document = {"raw": "", "raw_complete": False, "reason": FORGOTTEN_ROW}
    waiting = [*identities]
    for at in range(0, len(waiting), WRITTEN_AT_ONCE):
        some = {"_id": {"$in": waiting[at : at + WRITTEN_AT_ONCE]}}
        database[REJECTED_ROWS].update_many(some, {"$set": emptied})
    return len(waiting)


def blacken_logs(folder: Path, person: Person) -> int:
    """Write `x` over e-mails, names and external ids in the logs; returns in how many files.

    In place and as long as they were: the programs that write them have them open.
    """
    matcher = texts_matcher([*person.emails, *person.texts])
    if matcher is None or not folder.is_dir():
        return 0
    patterns = re.compile(matcher.pattern.encode(), re.IGNORECASE)
    return sum(_blacken(path, patterns) for path in sorted(folder.rglob("*")) if path.is_file())


def _blacken(path: Path, pattern: "re.Pattern[bytes]") -> bool:
    found = False
    at = 0
    with path.open("r+b") as log:
        for line in iter(log.readline, b""):
            for hit in pattern.finditer(line):
                found = True
                log.seek(at + hit.start())
                log.write(b"x" * (hit.end() - hit.start()))
            at += len(line)
            if found:
                log.seek(at)
    return found
