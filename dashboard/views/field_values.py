"""Whether the value of a field was chosen by the viewer, put there by the server, or sent again by a slow browser.

A field of Panel Material UI says what it shows whenever it is left, even where nobody typed. Left before a value of the
server's has arrived, it asks for the one before it: who chose 7 days and went on by Tab was back at 30.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import param

SHOWN_STILL_SECONDS = 3.0
"""How long a browser may still show what was replaced. To choose that very value again takes a person about as long."""


class FieldValues:
    """The values of some fields of a page."""

    def __init__(self) -> None:
        self._setting = False
        self._replaced: dict[param.Parameterized, tuple[Any, float]] = {}

    @contextmanager
    def setting(self) -> Iterator[None]:
        """What changes meanwhile is not chosen by the viewer."""
        self._setting = True
        try:
            yield
        finally:
            self._setting = False

    def put(self, field: Any, value: Any) -> None:
        """Set a field that is typed into, and so sends its value when it is left, to a value of the server's."""
        if field.value != value:
            self._replaced[field] = field.value, monotonic()
            with self.setting():
                field.value = value

    def is_chosen(self, event: param.parameterized.Event) -> bool:
        """Whether the viewer chose the value of an event. A browser that sent an old one is told the present one."""
        if self._setting:
            return False
        value, since = self._replaced.get(event.obj, (None, 0.0))
        if event.new != value or monotonic() - since > SHOWN_STILL_SECONDS:
            self._replaced.pop(event.obj, None)
            return True
        with self.setting():
            event.obj.value = event.old
        return False
