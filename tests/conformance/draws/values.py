"""Strategies of shapes and arrays: no elements, single ones, odd and larger extents; types; kinds of values."""

import json
import pathlib

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

import penstock._src.api.load  # noqa: F401  (ops are found once this is loaded)
from penstock._src.core import registry

EXTENT = st.sampled_from([0, 1, 1, 2, 3, 5, 8, 17])
SOME = st.sampled_from([1, 1, 2, 3, 5, 8, 17])
# More elements than a vector, a tile or a thread's share, with a tail.
LARGE = st.sampled_from(
    [(1237,), (4099,), (33, 67), (2, 1025), (1031, 3), (5, 17, 31), (7, 1, 259)]
)
SEED = st.integers(0, 2**16)
HALVES = st.sampled_from([np.float16, ml_dtypes.bfloat16])
FLOATS = st.sampled_from([np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
WIDE = st.sampled_from([np.float32, np.float64])
INDEX = st.sampled_from([np.int32, np.int64])
INTEGERS = st.sampled_from([np.int32, np.int64, np.int8, np.uint8, np.int16, np.uint16, np.uint32])
NUMBERS = st.one_of(WIDE, INDEX)
COMPLEX = st.sampled_from([np.complex64, np.complex128])
ANY = st.one_of(NUMBERS, FLOATS, INTEGERS, COMPLEX, st.sampled_from([np.bool_, np.int8]))

TYPES = {
    dtype.name: dtype
    for dtype in map(
        np.dtype,
        "float32 float64 float16 int32 int64 int16 int8 uint8 uint16 uint32 uint64 bool complex64 complex128".split(),
    )
} | {"bfloat16": np.dtype(ml_dtypes.bfloat16)}  # fmt: skip


# {op: {attribute: the types of TensorFlow's kernels}}, where kernels differ by types.
KERNELS = json.loads(pathlib.Path(__file__).parents[1].joinpath("kernels.json").read_text())


def types(op, attr="T", without=""):
    """Any of the types of numbers for which an op has a kernel, float32 and float64 more often than others."""
    declared = registry.find(op).traits.type_sets.get(attr)
    names = {dtype.name for dtype in declared} if declared else set(TYPES)
    allowed = names & set(KERNELS.get(op, {}).get(attr) or names) - set(without.split())
    found = [dtype for name, dtype in TYPES.items() if name in allowed]
    wide = [dtype for dtype in found if dtype.name in ("float32", "float64")]
    return st.sampled_from(wide * 3 + found)


@st.composite
def shapes(draw, least=0, most=4, extent=EXTENT):
    """A shape of so many extents, of a few thousand elements at most."""
    if extent in (EXTENT, SOME) and draw(st.integers(0, 9)) == 9:
        shape = draw(LARGE)
        return (1,) * (least - len(shape)) + shape if len(shape) <= most else (shape[0],) * most
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
        least = max(0, int(np.ceil(low))) if dtype.kind == "u" else int(np.ceil(low))
        return random.integers(least, max(least, int(high)) + 1, shape).astype(dtype)
    found = random.uniform(low, high, shape)
    if dtype.kind == "c":
        found = found + 1j * random.uniform(low, high, shape)
    return np.asarray(found).astype(dtype)


def whole(seed, shape, low, high, dtype=np.int32):
    """Integers from `low` up to, and without, `high`."""
    return np.asarray(np.random.default_rng(seed).integers(low, high, shape)).astype(dtype)


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
    return np.array([a - rank if draw(st.booleans()) else a for a in chosen], draw(INDEX))


def drawn(table):
    """Returns the decorator that enters a strategy of calls into a table, under the name of its op."""

    def enter(function):
        table[function.__name__] = st.composite(function)()
        return function

    return enter


LAYOUTS = st.sampled_from(["plain", "plain", "turned", "stepped", "backwards", "shifted"])


def laid_out(array, layout):
    """Returns an equal array that lies in memory in another way."""
    if not isinstance(array, np.ndarray) or array.dtype == object or not array.ndim:
        return array
    if layout == "turned":
        return np.asfortranarray(array)
    if layout == "stepped":
        room = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        room[..., ::2] = array
        return room[..., ::2]
    if layout == "backwards":
        return array[::-1].copy()[::-1]
    if layout == "shifted":  # by one element: no vector of it is aligned
        room = np.empty(array.size + 1, array.dtype)
        room[1:] = array.ravel()
        return room[1:].reshape(array.shape)
    return array
