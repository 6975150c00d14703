"""Random numbers without a state: each is a hash of what it is for, so any process can draw any of them at any time.

The hash is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014)
over an id and a salt. An order's every figure is drawn by its id, which is what makes the output independent of batch
size, number of processes and restarts, and lets the advance of an order's life agree with its generation.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import xxhash

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_TAIL = 1e-4
"""Probability that the first and last row of a table of quantiles stand for."""
_CURVE_POINTS = 1_024
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


def at_quantile(drawn: Floats, quantiles: tuple[tuple[float, float], ...]) -> Floats:
    """The value at each drawn probability of a (probability, value) table that runs from 0 to 1.

    Between the rows it is as smooth as a log-normal distribution: the logarithm of the value is a monotone cubic of the
    normal score.
    """
    probabilities, values = _curve(quantiles)
    return np.interp(drawn, probabilities, values)


@lru_cache(maxsize=64)
def _curve(quantiles: tuple[tuple[float, float], ...]) -> tuple[Floats, Floats]:
    normal = NormalDist()
    scores = np.array([normal.inv_cdf(min(max(share, _TAIL), 1 - _TAIL)) for share, _ in quantiles])
    logs = np.log([value for _, value in quantiles])
    grid = np.linspace(scores[0], scores[-1], _CURVE_POINTS)
    probabilities = np.array([normal.cdf(score) for score in grid.tolist()])
    return probabilities, np.exp(_monotone_cubic(grid, scores, logs))


def _monotone_cubic(at: Floats, x: Floats, y: Floats) -> Floats:
    """Cubic Hermite interpolation without overshoot (Fritsch and Butland, 1984: harmonic means of the slopes)."""
    steps, slopes = np.diff(x), np.diff(y) / np.diff(x)
    tangents = np.concatenate([slopes[:1], np.zeros(len(slopes) - 1), slopes[-1:]])
    left, right = 2 * steps[1:] + steps[:-1], steps[1:] + 2 * steps[:-1]
    rising = (slopes[:-1] > 0) & (slopes[1:] > 0)
    with np.errstate(divide="ignore"):
        means = (left + right) / (left / slopes[:-1] + right / slopes[1:])
    tangents[1:-1] = np.where(rising, means, 0.0)
    part = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(steps) - 1)
    t = (at - x[part]) / steps[part]
    return (
        y[part] * (1 + 2 * t) * (1 - t) ** 2
        + tangents[part] * steps[part] * t * (1 - t) ** 2
        + y[part + 1] * t**2 * (3 - 2 * t)
        + tangents[part + 1] * steps[part] * t**2 * (t - 1)
    )
