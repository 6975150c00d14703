"""The one way by which orders come into `orders`: accept_orders, whoever brings them."""
