"""Rules of arrays with one element in each group that is not zero: they hold only where indices, windows and shapes agree."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function

F, I = dtypes.float32, dtypes.int32
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.standard_normal((4, 6)).astype(np.float32)
OTHER = RANDOM.standard_normal((4, 6)).astype(np.float32)
INDEX = np.int32([[0, 3, -1], [2, 1, 7]])  # two that are outside
GIVEN = RANDOM.standard_normal((2, 3)).astype(np.float32)


def made(build, rules):
    """The uses of rules, and the result of what `build` makes of an image, another, indices and values."""
    p = Builder(rules=rules)
    values = [IMAGE, OTHER, INDEX, GIVEN]
    given = [p.parameter(i, v.shape, dtypes.as_dtype(v.dtype)) for i, v in enumerate(values)]
    function = Function("f", tuple(given), (build(p, *given),))
    return p.hits, interpreter.run(function, values)[0][0]


def applies(build, rule):
    """Whether a rule applies; the result has to be the same with and without it."""
    (hits, found), (_, expected) = made(build, True), made(build, False)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    return rule in hits


# -- sums


def hot(p, index, given, count=4, numbers=None, turned=False):
    """float32[2, 3, count]: `given` at the index of each group."""
    shape = (2, 3, count)
    known = np.arange(count, dtype=np.int32) if numbers is None else np.int32(numbers)
    sides = [p.broadcast(index, shape, (0, 1)), p.broadcast(p.constant(known), shape, (2,))]
    test = p.make("compare", sides[::-1] if turned else sides, op="eq")
    return p.select(test, p.broadcast(given, shape, (0, 1)), p.full(shape, 0, F))


SUM = "sum(one_hot(i, g)) -> sum(g)"
SUMS = {
    "over the groups": lambda p, i, g: p.reduce_sum(hot(p, i, g), [2]),
    "over groups and more": lambda p, i, g: p.reduce_sum(hot(p, i, g), [0, 2]),
    "over everything": lambda p, i, g: p.reduce_sum(hot(p, i, g), [0, 1, 2]),
    "with numbers on the left": lambda p, i, g: p.reduce_sum(hot(p, i, g, turned=True), [2]),
    "of joined groups": lambda p, i, g: p.reduce_sum(p.reshape(hot(p, i, g), [2, 12]), [1]),
    "of all that is joined": lambda p, i, g: p.reduce_sum(p.reshape(hot(p, i, g), [24]), [0]),
    "of what is padded at the end": lambda p, i, g: p.reduce_sum(
        p.pad(hot(p, i, g), [0, 0, 0], [0, 0, 3]), [2]
    ),
    "of what is joined and padded": lambda p, i, g: p.reduce_sum(
        p.pad(p.reshape(hot(p, i, g), [2, 12]), [0, 0], [0, 1]), [1]
    ),
}
NO_SUMS = {
    "over another axis": lambda p, i, g: p.reduce_sum(hot(p, i, g), [1]),
    "over another axis than the padded one": lambda p, i, g: p.reduce_sum(
        p.pad(hot(p, i, g), [0, 0, 0], [0, 1, 0]), [2]
    ),
    "of what is padded in front": lambda p, i, g: p.reduce_sum(
        p.pad(hot(p, i, g), [0, 0, 1], [0, 0, 0]), [2]
    ),
    "of what is padded by ones": lambda p, i, g: p.reduce_sum(
        p.pad(hot(p, i, g), [0, 0, 0], [0, 0, 1], 1.0), [2]
    ),
    "of what is padded inside": lambda p, i, g: p.reduce_sum(
        p.pad(hot(p, i, g), [0, 0, 0], [0, 0, 0], 0.0, [0, 0, 1]), [2]
    ),
    "of what is cut off": lambda p, i, g: p.reduce_sum(
        p.pad(hot(p, i, g), [0, 0, 0], [0, 0, -1]), [2]
    ),
    "of groups that are joined in part": lambda p, i, g: p.reduce_sum(
        p.reshape(hot(p, i, g), [2, 6, 2]), [2]
    ),
    "of joined groups that are kept": lambda p, i, g: p.reduce_sum(
        p.reshape(hot(p, i, g), [2, 12]), [0]
    ),
    "of other numbers": lambda p, i, g: p.reduce_sum(hot(p, i, g, numbers=[3, 2, 1, 1]), [2]),
    "of numbers from one on": lambda p, i, g: p.reduce_sum(hot(p, i, g, numbers=[1, 2, 3, 4]), [2]),
    "of the maxima": lambda p, i, g: p.reduce_max(hot(p, i, g), [2]),
}  # fmt: skip


@pytest.mark.parametrize("name", SUMS)
def test_sums_over_one_hot_rows_are_recognized(name):
    assert applies(lambda p, x, y, i, g: SUMS[name](p, i, g), SUM)


@pytest.mark.parametrize("name", NO_SUMS)
def test_other_sums_are_not_taken_for_one_hot_rows(name):
    assert not applies(lambda p, x, y, i, g: NO_SUMS[name](p, i, g), SUM)


def one_of(p, i, g, **changed):
    """The sum of groups, of which one part is another than in `hot`."""
    shape = (2, 3, 4)
    parts = {
        "op": "eq",
        "index": p.broadcast(i, shape, (0, 1)),
        "numbers": p.broadcast(p.constant(np.arange(4, dtype=np.int32)), shape, (2,)),
        "given": p.broadcast(g, shape, (0, 1)),
        "other": p.full(shape, 0, F),
        **changed,
    }
    test = p.make("compare", [parts["index"], parts["numbers"]], op=parts["op"])
    return p.reduce_sum(p.select(test, parts["given"], parts["other"]), [2])


OTHERS = {
    "another comparison": lambda p, i, g: {"op": "lt"},
    "no zeros beside": lambda p, i, g: {"other": p.full((2, 3, 4), 1, F)},
    "values that differ in a group": lambda p, i, g: {
        "given": p.sin(p.cast(p.iota((2, 3, 4), 2, I), F))
    },
    "an index that differs in a group": lambda p, i, g: {"index": p.iota((2, 3, 4), 1, I)},
    "numbers that are not known": lambda p, i, g: {
        "numbers": p.broadcast(p.slice(p.reshape(i, [6]), [0], [4]), (2, 3, 4), (2,))
    },
    "an index along another axis": lambda p, i, g: {
        "index": p.broadcast(p.slice(i, [0, 0], [1, 3]), (2, 3, 4), (0, 1))
    },
    "an index of fewer axes": lambda p, i, g: {
        "index": p.broadcast(p.reshape(p.slice(i, [0, 0], [1, 3]), [3]), (2, 3, 4), (1,))
    },
    "values of fewer axes": lambda p, i, g: {
        "given": p.broadcast(p.reshape(p.slice(g, [0, 0], [1, 3]), [3]), (2, 3, 4), (1,))
    },
}


@pytest.mark.parametrize("name", OTHERS)
def test_parts_that_are_others(name):
    assert not applies(lambda p, x, y, i, g: one_of(p, i, g, **OTHERS[name](p, i, g)), SUM)


# -- masks of windows


MASK = "select(x > c, reshape(one_hot(i, g)), 0) -> reshape(one_hot(i, select(x[i] > c, g, 0)))"


def masked(p, x, by=None, *, numbers=None, limit=0.1, otherwise=0.0, first="min", compare="gt"):
    """An image, zero but for the largest of each window, of which those below a limit are left out."""
    size = (2, 3)
    windows = p.windows(x, [0, 1], size, size, [1, 1], [0, 0], [0, 0], [1, 1])
    rows, columns = windows.shape[:2]
    largest = p.reduce_max(windows, [2, 3])
    held = np.arange(6, dtype=np.int32).reshape(size)
    at_largest = p.eq(windows, p.broadcast(largest, windows.shape, [0, 1]))
    choices = p.select(at_largest, p.broadcast(p.constant(held), windows.shape, [2, 3]), p.full(windows.shape, 6, I))  # fmt: skip
    places = p.reduce_min(choices, [2, 3]) if first == "min" else p.reduce_max(choices, [2, 3])
    tiles = [rows, size[0], columns, size[1]]
    known = p.constant(held if numbers is None else np.int32(numbers).reshape(size))
    here = p.eq(p.broadcast(places, tiles, [0, 2]), p.broadcast(known, tiles, [1, 3]))
    joined = p.select(here, p.broadcast(p.exp(largest), tiles, [0, 2]), p.full(tiles, 0, F))
    image = p.reshape(joined, [rows * size[0], columns * size[1]])
    above = p.make("compare", [x if by is None else by, p.full(image.shape, limit, F)], op=compare)
    return p.select(above, image, p.full(image.shape, otherwise, F))


@pytest.mark.parametrize("compare", ["gt", "lt"])
def test_mask_before_the_largest(compare):
    assert applies(lambda p, x, *_: masked(p, x, compare=compare), MASK)


NO_MASKS = {
    "another image": lambda p, x, y: masked(p, x, y),
    "something else than zeros": lambda p, x, y: masked(p, x, otherwise=2.0),
    "other numbers": lambda p, x, y: masked(p, x, numbers=[5, 4, 3, 2, 1, 0]),
    "the last of the largest": lambda p, x, y: masked(p, x, first="max"),
}


@pytest.mark.parametrize("name", NO_MASKS)
def test_no_mask_before_the_largest(name):
    assert not applies(lambda p, x, y, *_: NO_MASKS[name](p, x, y), MASK)


# -- indices of other types


@pytest.mark.parametrize(
    "indices, numbers",
    [
        (np.uint8([0, 5, 255]), np.arange(256, dtype=np.uint8)),
        (np.int8([0, -1, 127]), np.arange(128, dtype=np.int8)),
        (np.float32([0, 0.5, 3]), np.arange(4, dtype=np.float32)),
        (np.uint8([0, 5, 255]), np.arange(0, dtype=np.uint8)),
    ],
)
def test_sums_hold_for_numbers_that_fill_their_type_and_for_fractions(indices, numbers):
    values = np.float32([1, 5, 2])

    def summed(rules):
        p = Builder(rules=rules)
        index = p.parameter(0, indices.shape, dtypes.as_dtype(indices.dtype))
        given = p.parameter(1, values.shape, F)
        shape = [indices.size, numbers.size]
        here = p.eq(p.broadcast(index, shape, [0]), p.broadcast(p.constant(numbers), shape, [1]))
        total = p.reduce_sum(p.select(here, p.broadcast(given, shape, [0]), 0.0), [1])
        return interpreter.run(Function("f", (index, given), (total,)), [indices, values])[0][0]

    np.testing.assert_array_equal(summed(True), summed(False))
