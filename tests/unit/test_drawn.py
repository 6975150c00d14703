"""A component gets what is told before it is drawn as parameters, and what comes later as messages; nothing is lost."""

from typing import Any

import param
import pytest

from dashboard.views.drawn import Drawn


class Line(Drawn):
    """A component of two values that keeps what it would send."""

    text = param.String()
    state = param.String()
    _esm = "export function render() {}"

    def __init__(self) -> None:
        self.sent: list[Any] = []
        super().__init__()

    def _send_msg(self, data: Any) -> None:
        self.sent.append(data)

    def hear(self, message: Any) -> None:
        """What the browser says."""
        self._handle_msg(message)


@pytest.fixture
def line() -> Line:
    made = Line()
    made.tell(text="a", state="b")
    return made


def test_what_is_told_before_is_drawn_first(line: Line) -> None:
    assert (line.text, line.state, line.sent) == ("a", "b", [])
    line.hear({"drawn": line.version})
    assert line.sent == []


def test_later_values_are_messages(line: Line) -> None:
    line.hear({"drawn": line.version})
    line.tell(text="c")
    assert line.sent == [{"set": {"text": "c"}}]
    assert line.text == "a", "a parameter is not changed: that is what costs"


def test_what_was_told_while_the_browser_drew_comes_then(line: Line) -> None:
    drawn = line.version
    line.tell(text="c")
    line.hear({"drawn": drawn})
    assert line.sent == [{"set": {"text": "c", "state": "b"}}]


def test_a_component_that_is_drawn_anew_gets_all_that_it_missed(line: Line) -> None:
    line.hear({"drawn": line.version})
    line.tell(state="d")
    line.hear({"drawn": line.version})
    assert line.sent[1:] == [{"set": {"text": "a", "state": "d"}}]


@pytest.mark.parametrize("message", [None, "drawn", {"drawn": "x"}, {"other": 1}, []])
def test_nothing_else_is_taken_for_it(line: Line, message: Any) -> None:
    line.hear(message)
    assert (line.is_drawn, line.sent) == (False, [])
