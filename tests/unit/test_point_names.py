"""Names of points in a scatter chart do not lie on each other."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.point_names import GAP, HEIGHT, LETTER, LINE, NOT_WRITTEN, WIDTH, placed

shares = st.floats(0, 100)
points = st.lists(st.tuples(shares, shares, st.text("abc", min_size=1, max_size=18)), max_size=12)


@given(points)
def test_no_two_names_overlap(found: list[tuple[float, float, str]]) -> None:
    boxes = []
    for (x, y, text), place in zip(found, placed(found, 135, 120), strict=True):
        if place == NOT_WRITTEN:
            continue
        assert place.text == text
        left = WIDTH * x / 135 + place.across - (LETTER * len(text) if place.align == "right" else 0)
        bottom = HEIGHT * (1 - y / 120) + place.down
        boxes.append((left, bottom - LINE, left + LETTER * len(text), bottom))
    for one, other in combinations(boxes, 2):
        assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]


def test_the_second_of_two_that_are_close_is_written_below_and_a_far_one_as_usual() -> None:
    names = placed([(50, 50, "Rider"), (51, 50, "Courier 4"), (90, 10, "Far")], 135, 120)
    assert names[0] == ("Rider", GAP, -4, "left")
    assert names[1] == ("Courier 4", GAP, LINE, "left")
    assert names[2] == ("Far", GAP, -4, "left")


def test_the_first_is_always_written_and_of_many_in_one_place_some_are_not() -> None:
    names = placed([(50, 50, f"Courier {number}") for number in range(9)], 135, 120)
    assert names[0].text == "Courier 0"
    assert 1 < sum(name != NOT_WRITTEN for name in names) < 9
    assert placed([], 135, 120) == []
