"""What the cards of a page say, and what of it is news to a viewer."""

from collections.abc import Mapping


class Content(dict[str, str]):
    """Name of a card → what it says, as JSON. Made once, drawn by everybody who asked the same, never changed."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(texts)
        self._news: dict[tuple[str, ...], str] = {}

    def news(self, shown: Mapping[str, str]) -> str:
        """The cards that differ from what a viewer sees, as one JSON object; empty where none does.

        The text is made once for all viewers who lack the same cards, so a tick writes a session one shared string.
        """
        names = tuple(name for name, text in self.items() if shown.get(name) != text)
        if names not in self._news:
            self._news[names] = whole({name: self[name] for name in names}) if names else ""
        return self._news[names]


def whole(texts: Mapping[str, str]) -> str:
    """All these cards as one JSON object."""
    return "{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}"
