"""Orders that look real: a catalog and orders in the shape of a real shop, repeatable by their seed.

`presets` say what a shop looks like; `model` works out columns of numbers from ids; `into_files` and `into_mongodb`
write them; `first`, `live` and `request` are what one asks for.
"""
