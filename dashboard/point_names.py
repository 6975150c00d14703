"""Where the names of points stand in a scatter chart, so that none lies on another."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 460.0, 150.0
"""Of the space for points in pixels, where it is narrow; where there is more, names are further from each other."""
LETTER, LINE, GAP = 6.5, 14.0, 8.0
"""How wide a letter, how high a name and how far from the middle of its point it is, in pixels."""


class Placed(NamedTuple):
    """A name as it is written: how many pixels from its point, right and down, and which of its ends is there."""

    text: str
    across: float
    down: float
    align: str


NOT_WRITTEN = Placed("", 0.0, 0.0, "left")

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def placed(points: Sequence[tuple[float, float, str]], x_end: float, y_end: float) -> list[Placed]:
    """Where each name goes; the axes go from zero to these ends. One for which there is no place is not written: the
    first ones come first."""
    at = [(WIDTH * x / (x_end or 1), HEIGHT * (1 - y / (y_end or 1))) for x, y, _ in points]
    taken: list[Box] = [(x - GAP / 2, y - GAP / 2, x + GAP / 2, y + GAP / 2) for x, y in at]
    found = []
    for (x, y), (_, _, text) in zip(at, points, strict=True):
        for place, box in _places(x, y, text):
            if box[0] >= 0 and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                found.append(place)
                break
        else:
            found.append(NOT_WRITTEN)
    return found


def _places(x: float, y: float, text: str) -> Iterator[tuple[Placed, Box]]:
    length = LETTER * len(text)
    for align, left in (("left", x + GAP), ("right", x - GAP - length)):
        for down in (-4.0, LINE):
            bottom = y + down
            across = GAP if align == "left" else -GAP
            yield Placed(text, across, down, align), (left, bottom - LINE, left + length, bottom)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
