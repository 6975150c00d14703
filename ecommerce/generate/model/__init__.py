"""What a generated shop is like: its catalog, its demand, its orders and their lives, as numbers."""
