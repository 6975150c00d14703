"""A person is forgotten while something else is under way: later versions that wait, an archive run that was left."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.approval import APPROVED, REFUSED, Requested, note_answer
from ecommerce.archive.archiver import archive_orders, begin_run, finish
from ecommerce.archive.context import archive_context
from ecommerce.archive.edits import edit_rows
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.maintain import is_due, merge_days
from ecommerce.archive.reading import read
from ecommerce.archive.selection import Selection
from ecommerce.forget.forget import finish_requests, forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.forget.steps import anonymous_rows
from ecommerce.mongo import ARCHIVED_CHANGES, MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import an_order, insert, power_cut_at
from tests.drilled import drilled_but
from tests.import_samples import a_row
from tests.runbook import row_of
from tests.services.test_forget import (
    EMAIL,
    NAME,
    PERSON,
    assert_forgotten,
    figures,
    import_from_inbox,
    import_rows,
    rows,
    shop,
    where,
)

pytestmark = pytest.mark.slow

__all__ = ["shop"]

OLD: dict[str, Any] = {"status": "Delivered", "location": "Kiruna", "order": {"order_time": "2024-03-02T10:00:00Z"}}
MOVED = {"archived_orders": 0, "hot_orders": 0}
"""What an archive run changes in the figures."""

REFUND = {"refund_id": 2, "refund_time": "2024-04-02T08:00:00Z", "amount": "1"}


def later_versions() -> list[dict[str, Any]]:
    """Archived orders that come again with one refund more: two of the person's, one of somebody else's."""
    old = rows()
    mine = [old[at] | {"refunds": [*old[at]["refunds"], REFUND | {"reason": f"{NAME} again"}]} for at in (4, 12)]
    return [*mine, old[5] | {"refunds": [REFUND | {"reason": "too small"}]}]


@pytest.mark.parametrize(
    "moment", drilled_but(("", "export:done", "verify:recorded", "publish:done", "commit:left"), "publish:done")
)
def test_later_versions_that_wait_or_are_being_applied_become_anonymous_too(
    shop: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    assert import_rows(shop, database, later_versions()).changed == 3
    before = figures(database)
    assert "archived_changes" in where(shop, database)
    if moment:
        power_cut_at(monkeypatch, shop, moment)
    forget(shop, ask_to_forget(shop, user_id=PERSON).run_id)
    assert where(shop, database) == set()
    assert figures(database) == before
    archive_orders(shop)
    assert database[ARCHIVED_CHANGES].count_documents({}) == 0
    refunds = {row["order"]["order_id"]: row["refunds"] for row in read(settings=shop).to_pylist()}
    assert [len(refunds[1000 + at]) for at in (4, 12, 5, 8)] == [2, 2, 1, 1]
    assert [refund["reason"] for at in (4, 5) for refund in refunds[1000 + at]] == [None, None, "too small"]
    assert_forgotten(shop, database, before)
    assert import_rows(shop, database, later_versions()).unchanged == 3
    assert_forgotten(shop, database, before)


@pytest.mark.parametrize("moment", drilled_but(("export:done", "purge:after-chunk", "publish:done")))
def test_an_archive_run_that_was_left_is_finished_first(
    shop: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    new = [a_row(2000 + at, user_id=PERSON, warehouse_id=3, attributes={"contact": EMAIL}, **OLD) for at in range(6)]
    assert import_rows(shop, database, new).accepted == 6
    before = figures(database)
    power_cut_at(monkeypatch, shop, moment)
    done = forget(shop, ask_to_forget(shop, user_id=PERSON).run_id)
    assert (done.state, done.done["archived_orders"]) == ("committed", 13)
    assert figures(database) | MOVED == before | MOVED
    assert_forgotten(shop, database, figures(database))


@pytest.mark.parametrize("answer", drilled_but((REFUSED, APPROVED), REFUSED))
def test_a_run_that_waits_for_a_person_s_word_is_answered_before(
    archive: Settings, database: MongoDatabase, spark: SparkSession, answer: str
) -> None:
    """Refused, it leaves files of a branch behind, in a table whose `main` never had a snapshot."""
    import_from_inbox(archive, database)
    before = figures(database)
    with archive_context(archive) as context:
        planned = begin_run(context, Selection(), requested=Requested(approve=True))
        assert planned
        run = finish(context, planned)
    assert run.state == "verified"
    assert any(place.endswith(".parquet") for place in where(archive, database))
    request = ask_to_forget(archive, user_id=PERSON)
    for _ in range(2):
        with pytest.raises(
            ArchiveError, match=r"waits for a person's word.*answer it with `ecommerce archive --approve`"
        ) as raised:
            forget(archive, request.run_id)
        row_of(str(raised.value))
    note_answer(database, run, answer)
    (done,) = finish_requests(archive)
    assert (done.state, done.done["archived_orders"]) == ("committed", 7 if answer == APPROVED else 0)
    assert where(archive, database) == set()
    assert figures(database) | MOVED == before | MOVED
    archive_orders(archive)
    assert_forgotten(archive, database, figures(database))


def test_days_that_many_requests_have_touched_are_merged_by_the_daily_run(
    archive: Settings, database: MongoDatabase, spark: SparkSession
) -> None:
    insert(database, [an_order(at, day=at % 2, user_id=at % 5) for at in range(20)])
    archive_orders(archive)
    with archive_context(archive) as context:
        for user in range(3):
            assert not is_due(context, 4)
            edit_rows(context, f"forget-{user}", f"`order`.user_id = {user}", anonymous_rows(1000 + user))
        assert is_due(context, 4)
        merged = merge_days(context, 4)
        assert (len(merged.days), merged.files_before, merged.files_after) == (2, 8, 2)
        assert not is_due(context, 2)
    users = read(settings=archive, columns=["order.user_id"])["order.user_id"].to_pylist()
    assert sorted(users) == sorted([3, 4, 1000, 1001, 1002] * 4)
