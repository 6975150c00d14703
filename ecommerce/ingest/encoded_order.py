"""An order as it is handed to ingest. Apart, so that decoding processes start without a MongoDB client."""

from msgspec import Struct


class EncodedOrder(Struct, frozen=True, array_like=True, gc=False):
    """An order as canonical BSON (`bson_codec.encode_order`) and its id."""

    order_id: int
    bson: bytes
    timed: bool = False
    """The source itself named `updated_at`."""
    filled: bytes = b""
    """What the catalog gave because the source left it open: 1 or 0 for the location, then for each item's warehouse.
    Empty: nothing."""
    anonymous: bool = False
    """Its person was forgotten, so it came without what identifies them."""
