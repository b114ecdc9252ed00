"""Strategies of shapes and arrays: no elements, single ones, odd and larger extents; types; kinds of values."""

import numpy as np
from hypothesis import strategies as st

EXTENT = st.sampled_from([0, 1, 1, 2, 3, 5, 8, 17])
SOME = st.sampled_from([1, 1, 2, 3, 5, 8, 17])
SEED = st.integers(0, 2**16)
FLOATS = st.sampled_from([np.float32, np.float64, np.float16])
WIDE = st.sampled_from([np.float32, np.float64])
INTEGERS = st.sampled_from([np.int32, np.int64, np.int8, np.uint8, np.int16])
NUMBERS = st.one_of(WIDE, st.sampled_from([np.int32, np.int64]))
ANY = st.one_of(NUMBERS, st.sampled_from([np.bool_, np.float16, np.int8]))


@st.composite
def shapes(draw, least=0, most=4, extent=EXTENT):
    """A shape of so many extents, of a few thousand elements at most."""
    shape = tuple(draw(st.lists(extent, min_size=least, max_size=most)))
    while np.prod(shape, dtype=np.int64) > 4096:
        shape = tuple(max(1, n // 2) for n in shape)
    return shape


def numbers(seed, shape, dtype, low=-3.0, high=3.0):
    """Numbers between bounds; no two are equal in float64, so that the largest is one."""
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype == np.bool_:
        return random.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        return random.integers(0 if dtype.kind == "u" else int(low), int(high) + 1, shape).astype(
            dtype
        )
    return random.uniform(low, high, shape).astype(dtype)


@st.composite
def arrays(draw, dtype=FLOATS, shape=None, low=-3.0, high=3.0):
    """An array: its type from a strategy, its shape given, from a strategy, or any."""
    kind = draw(dtype)
    extents = (
        draw(shapes()) if shape is None else shape if isinstance(shape, tuple) else draw(shape)
    )
    return numbers(draw(SEED), extents, kind, low, high)


@st.composite
def broadcast_pairs(draw):
    """Two shapes that broadcast."""
    whole = draw(shapes())

    def part():
        cut = whole[draw(st.integers(0, len(whole))) :]
        return tuple(1 if draw(st.booleans()) else n for n in cut)

    pair = [whole, part()]
    return pair if draw(st.booleans()) else pair[::-1]


@st.composite
def axes_of(draw, rank):
    """Some axes of so many, each once, some counted from the end."""
    chosen = draw(st.permutations(range(rank)))[: draw(st.integers(0, rank))]
    return np.array([a - rank if draw(st.booleans()) else a for a in chosen], np.int32)
