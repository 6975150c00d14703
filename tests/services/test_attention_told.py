"""What needs attention is told once, when it begins, whoever looks at it at the same time; and when it is over."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from ecommerce.attention.kinds import Kind, Notice, checked, look
from ecommerce.attention.told import ATTENTION, begun_and_over
from ecommerce.mongo import MongoDatabase
from ecommerce.summaries.checked import ARCHIVE, FEWER, FIGURES, TWICE, accept_fewer, note_check, note_fewer

OVERDUE = Notice("overdue", "3 orders are overdue", "not finished and past the promise")
COVER = Notice("cover", "1 product has stock for less than 7 days")


def test_a_notice_is_told_when_it_begins_and_when_it_is_over(database: MongoDatabase) -> None:
    assert begun_and_over(database, [OVERDUE]) == ([OVERDUE], [])
    worse = Notice("overdue", "4 orders are overdue")
    assert begun_and_over(database, [worse, COVER]) == ([COVER], []), "told of already"
    begun, (over,) = begun_and_over(database, [COVER])
    assert (begun, over.key, over.text) == ([], "overdue", OVERDUE.text)
    assert begun_and_over(database, [OVERDUE, COVER]) == ([OVERDUE], []), "it begins anew"


def found(database: MongoDatabase) -> list[Notice]:
    return [notice for what in (ARCHIVE, FIGURES, TWICE, FEWER) for notice in checked(database, what)]


def test_what_a_check_found_needs_attention_until_one_finds_it_mended(database: MongoDatabase) -> None:
    assert found(database) == []
    damaged = "2026-01-02 of the archive is damaged: its 60 orders cannot all be read"
    differs = "revenue of 2026-01-01 is 1, not 2"
    note_check(database, datetime.now(UTC), {FIGURES: [differs, differs], ARCHIVE: [damaged], TWICE: []})
    note_fewer(database, datetime.now(UTC), 3)
    archive, figures, fewer = found(database)
    assert (archive.key, archive.text) == ("check-archive", "1 day of the archive is damaged")
    assert "then run `ecommerce check`" in archive.reason and damaged in archive.reason
    assert (figures.key, figures.text) == ("check-figures", "2 buckets of figures differ from a recomputation")
    assert "`ecommerce check --repair`" in figures.reason
    assert (fewer.key, fewer.text) == ("check-fewer", "3 orders that were counted are gone")
    note_check(database, datetime.now(UTC), {FIGURES: []})
    accept_fewer(database)
    assert [notice.key for notice in found(database)] == ["check-archive"], "this one left the files out"
    note_check(database, datetime.now(UTC), {ARCHIVE: []})
    assert found(database) == []


def test_of_many_that_look_at_once_one_tells_each(database: MongoDatabase) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: begun_and_over(database, [OVERDUE, COVER]), range(40)))
        assert sorted(one.key for begun, _ in found for one in begun) == ["cover", "overdue"]
        ended = list(pool.map(lambda _: begun_and_over(database, []), range(40)))
    assert sorted(one.key for _, over in ended for one in over) == ["cover", "overdue"]
    assert database[ATTENTION].count_documents({}) == 0


def test_a_kind_that_cannot_be_looked_at_is_not_over(database: MongoDatabase) -> None:
    begun_and_over(database, [OVERDUE, COVER])

    def fails() -> list[Notice]:
        raise ValueError("sales are away")

    notices, not_known = look([Kind("overdue", "overdue orders", lambda: [OVERDUE]), Kind("cover", "stock", fails)])
    begun, over = begun_and_over(database, notices, [kind.key for kind in not_known])
    assert ([one.key for one in begun], over) == (["untold-cover"], [])
    assert "sales are away" in begun[0].reason
