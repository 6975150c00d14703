"""The overview's cards beside its figures, which obey no question: what needs attention, and low stock."""

from collections.abc import Callable

from dashboard.attention import attention_card
from dashboard.content import Content
from dashboard.pipeline_cards import STOCK_NOT_READ
from dashboard.shared import Behind

STOCK_SECONDS = 30
ATTENTION_SECONDS = 30

OTHER_SHARE = 0.01
"""Where the shop's orders are more or fewer by this share than when the cards were made, they are made anew at once. A
new shop had 115 overdue orders of 2,098 in them for half a minute, above figures of all its orders."""

WRONG_SHARE = 0.1
"""From this share on the cards before are not shown meanwhile, either."""


class Beside:
    """Both cards, made behind the tick. Every method may be called by any thread."""

    def __init__(self, read_attention: Callable[[], str], read_stock: Callable[[], str]) -> None:
        self._made: dict[str, Behind[str]] = {
            "attention": Behind(read_attention, ATTENTION_SECONDS, attention_card(())),
            "stock": Behind(read_stock, STOCK_SECONDS, STOCK_NOT_READ),
        }
        self._orders = 0
        self.last = Content({})
        """The cards as they were asked for last."""

    def now(self) -> None:
        """Make the cards and wait for them."""
        for card in self._made.values():
            card.now()
        self.cards()

    def forget(self) -> None:
        """Have the cards made anew, and not show those of before."""
        for card in self._made.values():
            card.forget()

    def count(self, orders: int) -> None:
        """Say how many orders the shop has: with many others than before the cards are made anew."""
        others = abs(orders - self._orders) / max(orders, self._orders, 1)
        if others < OTHER_SHARE:
            return
        self._orders = orders
        for card in self._made.values():
            if others >= WRONG_SHARE:
                card.forget()
            else:
                card.renew()

    def cards(self) -> Content:
        """The cards; where nothing in them changed the same ones, which sessions know."""
        for card in self._made.values():  # at the same time: both may be waited for
            card.begin()
        texts = {name: card.get() for name, card in self._made.items()}
        if texts != self.last:
            self.last = Content(texts)
        return self.last
