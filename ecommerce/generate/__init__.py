"""Orders that look real: a catalog and orders in the shape of a real shop, repeatable by their seed.

For the first start of the services there is `first_start(database) -> int`: it makes a small catalog and five days of
orders up to now, in the state that they have by now, and returns how many orders it added. It takes about two seconds,
and running it again adds nothing but the orders of the time since.

The modules: `presets` say what a shop looks like; `rhythm`, `catalog`, `life` and `orders` work out columns of numbers
from ids (`draws`); `encode` and `text` turn columns into BSON, JSON and CSV; `store`, `files` and `live` put them where
they belong; `advance` and `stock` are what happens afterwards.
"""

from ecommerce.generate.first import first_start

__all__ = ["first_start"]
