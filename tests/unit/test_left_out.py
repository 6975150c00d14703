"""A link says what of it is left out: figures without it would pass for those that were asked for."""

import pytest
from hypothesis import given

from dashboard.left_out import in_words, left_out
from dashboard.state import Choices, View, allowed, view_of_query
from dashboard.views.link_note import LinkNote
from tests.unit.test_dashboard_state import views

CHOICES: Choices = {"payment": {"card": "Card"}, "courier": {3: "Ann"}, "currency": {"USD": "USD"}}


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("?courier=99", ["courier 99"]),
        ("?courier=3&courier=99&courier=x", ["courier 99", "courier x"]),
        ("?from=abc&to=2026-13-01&payment=nonsense", ["from abc", "to 2026-13-01", "payment nonsense"]),
        ("?from=2026-07-01", ["from 2026-07-01"]),
        ("?from=2026-07-01&to=2026-07-03&span=7d", ["span 7d"]),
        ("?page=admin&span=1000y&against=ever", ["page admin", "span 1000y", "against ever"]),
        ("?page=orders&state=gone&order=x&sort=weight", ["state gone", "order x", "sort weight"]),
        ("?page=trends&measure=luck&by=minute", ["measure luck", "by minute"]),
        ("?couriers=3&currency=ABC", ["couriers 3", "currency ABC"]),
        ("?payment=" + "x" * 100, ["payment " + "x" * 39 + "…"]),
        ("?payment=%0A%0A%23+a%0A", ["payment # a"]),
        ("?" + "&".join("a=1" for _ in range(2_000)), ["all of its more than 1,000 parts"]),
        # What is shown, or asks for nothing, is not.
        ("", []),
        ("?page=overview&span=30d&against=before", []),
        ("?from=2026-07-03&to=20260701", []),
        ("?courier=003&payment=card&payment=card&currency=USD", []),
        ("?page=orders&search=+Ann+&order=%23007", []),
        ("?theme=blue&tv=2&payment=&measure=orders&state=late&after=x", []),
    ],
)
def test_what_is_not_known_is_named_and_nothing_else(query: str, parts: list[str]) -> None:
    assert left_out(query, allowed(view_of_query(query), CHOICES)) == parts


@given(views())
def test_a_links_own_view_leaves_nothing_out(view: View) -> None:
    assert left_out(view.query(), view) == []


def test_the_line_is_text_and_goes_with_the_next_change() -> None:
    note = LinkNote()
    note.add([])
    assert not note.visible
    note.add(["payment <img src=x>"])
    note.add(["courier 99"])
    assert "<" not in note._layout.object.replace("\\<", "")  # noqa: SLF001
    assert note.visible and note._layout.object.endswith("without\\.")  # noqa: SLF001
    note.clear()
    assert not note.visible
    many = in_words([f"a {each}" for each in range(10)])
    assert many.startswith("a 0, a 1, a 2, a 3, a 4, a 5, a 6, a 7 and 2 more:")
