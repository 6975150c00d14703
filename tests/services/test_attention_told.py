"""What needs attention is told once, when it begins, whoever looks at it at the same time; and when it is over."""

from concurrent.futures import ThreadPoolExecutor

from ecommerce.attention.kinds import Kind, Notice, look
from ecommerce.attention.told import ATTENTION, begun_and_over
from ecommerce.mongo import MongoDatabase

OVERDUE = Notice("overdue", "3 orders are overdue", "not finished and past the promise")
COVER = Notice("cover", "1 product has stock for less than 7 days")


def test_a_notice_is_told_when_it_begins_and_when_it_is_over(database: MongoDatabase) -> None:
    assert begun_and_over(database, [OVERDUE]) == ([OVERDUE], [])
    worse = Notice("overdue", "4 orders are overdue")
    assert begun_and_over(database, [worse, COVER]) == ([COVER], []), "told of already"
    begun, (over,) = begun_and_over(database, [COVER])
    assert (begun, over.key, over.text) == ([], "overdue", OVERDUE.text)
    assert begun_and_over(database, [OVERDUE, COVER]) == ([OVERDUE], []), "it begins anew"


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
