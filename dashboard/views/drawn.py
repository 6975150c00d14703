"""Components that learn of new values by message: Panel resolves a component's design for each change of a parameter,
0.42 ms for each session.
"""

from typing import Any

import param
from panel.custom import JSComponent


class Drawn(JSComponent):
    """A component whose parameters hold what the browser draws first; what comes later are messages, `{set: values}`.

    The browser says which version it has drawn, when it listens. Where that is not the latest, it gets all values.
    """

    version = param.Integer(default=0, doc="Of the values that the parameters hold.")

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._latest = self.version
        self._values: dict[str, Any] = {}
        self.is_drawn = False
        """Whether the browser listens."""

    def tell(self, **values: Any) -> None:
        """Have the browser draw these values. Call it with the document's lock."""
        self._latest += 1
        self._values |= values
        if self.is_drawn:
            self._send_msg({"set": values})
        else:
            self.param.update(version=self._latest, **values)

    def values(self) -> dict[str, Any]:
        """All that was told, for a browser that has not heard of it."""
        return self._values

    def _handle_msg(self, message: Any) -> None:
        if isinstance(message, dict) and isinstance(version := message.get("drawn"), int):
            self.is_drawn = True
            if version != self._latest:
                self._send_msg({"set": self.values()})
