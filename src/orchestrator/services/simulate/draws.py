"""Random numbers by counter: the same key gives the same draw, whatever was drawn before it."""

import hashlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Truths: TypeAlias = NDArray[np.bool_]
_Words: TypeAlias = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_RESOLUTION = 2.0**-53


def uniforms(seed: int, purpose: str, customers: Integers, *counters: Integers | int) -> Floats:
    """
    Return one number in (0, 1) for each customer, the same for the same key, always.

    The key is the seed, the purpose, the customer and the counters (a wave, an occurrence, the
    number of an order): who is asked first, or at all, changes no other draw. The mixing is that
    of SplitMix64.
    """
    digest = hashlib.blake2b(f"{seed}:{purpose}".encode(), digest_size=8).digest()
    words = np.full(customers.shape, int.from_bytes(digest, "big"), dtype=np.uint64)
    for key in (customers, *counters):
        words = _mixed(words + np.asarray(key, dtype=np.int64).astype(np.uint64) * _STEP)
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * _RESOLUTION


def exponentials(uniform: Floats, mean: Floats | float) -> Floats:
    drawn: Floats = -np.log1p(-uniform) * mean
    return drawn


def normals(uniform: Floats) -> Floats:
    drawn: Floats = special.ndtri(uniform)
    return drawn


def gammas(uniform: Floats, shape: float, rate: Floats | float) -> Floats:
    drawn: Floats = special.gammaincinv(shape, uniform) / rate
    return drawn


def betas(uniform: Floats, a: float, b: float) -> Floats:
    drawn: Floats = special.betaincinv(a, b, uniform)
    return drawn


def picks(uniform: Floats, shares: Floats) -> Integers:
    """Return the position of each pick, by the shares (which need not add up to 1)."""
    bounds = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(bounds, uniform, side="right"), len(shares) - 1).astype(
        np.int64
    )


def _mixed(words: _Words) -> _Words:
    words = words + _STEP
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
