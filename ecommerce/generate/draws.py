"""Random numbers without a state: each is a hash of what it is for, so any process can draw any of them at any time.

The hash is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014)
over an id and a salt. An order's every figure is drawn by its id, which is what makes the output independent of batch
size, number of processes and restarts, and lets the advance of an order's life agree with its generation.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import xxhash

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_GOLDEN = 0x9E3779B97F4A7C15
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


def key_of(*parts: object) -> int:
    """A 64-bit key of some values, the same on every machine."""
    return xxhash.xxh64_intdigest("|".join(str(part) for part in parts).encode())


@cache
def _salt_key(salt: str) -> np.uint64:
    return np.uint64(key_of("salt", salt))


def uniform(ids: Ints, salt: str, key: int = 0) -> Floats:
    """A number in [0, 1) for each id; `salt` names what it is for, `key` the series where ids alone do not."""
    bits = ids.astype(np.uint64)
    bits *= np.uint64(_GOLDEN)
    bits += _salt_key(salt) ^ np.uint64(key)
    bits ^= bits >> np.uint64(30)
    bits *= _M1
    bits ^= bits >> np.uint64(27)
    bits *= _M2
    bits ^= bits >> np.uint64(31)
    bits >>= np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


def pick(drawn: Floats, shares: Sequence[float]) -> Ints:
    """The index into `shares` for each drawn number, chosen with those relative frequencies."""
    bounds = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.searchsorted(bounds[:-1] / bounds[-1], drawn, side="right")


def at_quantile(drawn: Floats, quantiles: Sequence[tuple[float, float]]) -> Floats:
    """The value at each drawn probability of a (probability, value) table, log-linear between its rows."""
    table = np.asarray(quantiles, dtype=np.float64)
    return np.exp(np.interp(drawn, table[:, 0], np.log(table[:, 1])))
