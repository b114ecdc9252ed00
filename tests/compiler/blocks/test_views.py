"""Results that are contiguous parts of an argument share its memory, and no write shows through."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.results import skipped_elements
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.core.values.arrays import part_of

ROWS = np.arange(4 * 64 * 128, dtype=np.float32).reshape(4, 64, 128)


def shares_memory(result, argument):
    return np.shares_memory(result.__array__(copy=False), argument.__array__(copy=False))


CASES = [
    ("unstack", lambda x: tf.unstack(x), list(ROWS), True),
    ("split", lambda x: tf.split(x, 2), [ROWS[:2], ROWS[2:]], True),
    ("slice", lambda x: [x[1:]], [ROWS[1:]], True),
    ("slice of a slice", lambda x: [tf.reshape(x, [-1, 128])[8:][1:]], [ROWS.reshape(-1, 128)[9:]], True),
    ("reshape", lambda x: [tf.reshape(x, [-1])], [ROWS.reshape(-1)], True),
    ("beside a sum", lambda x: [x[:3], x + 1], [ROWS[:3], ROWS + 1], True),
    ("few of the rows", lambda x: [x[1]], [ROWS[1]], False),
    ("columns", lambda x: [x[:, :50]], [ROWS[:, :50]], False),
    ("steps", lambda x: [x[::2]], [ROWS[::2]], False),
    ("last axis", lambda x: [x[..., 1:]], [ROWS[..., 1:]], False),
]  # fmt: skip


@pytest.mark.parametrize(("function", "expected", "is_view"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])  # fmt: skip
def test_contiguous_parts_of_arguments_are_views(function, expected, is_view):
    x = tf.constant(ROWS)
    compiled = tf.function(function)
    for _ in range(3):
        results = compiled(x)
        assert len(results) == len(expected)
        for result, array in zip(results, expected, strict=True):
            np.testing.assert_array_equal(result, array)
        assert shares_memory(results[0], x) == is_view


def test_updates_of_variables_do_not_show_through_views():
    v = tf.Variable(ROWS)
    rows = tf.function(lambda x: tf.unstack(x))(v)
    tf.function(lambda: v.assign_add(tf.ones_like(ROWS)))()
    v.assign_add(tf.ones_like(ROWS))
    np.testing.assert_array_equal(tf.stack(rows), ROWS)
    np.testing.assert_array_equal(v, ROWS + 2)


def test_variables_that_hold_a_view_are_updated_in_their_own_memory():
    x = tf.constant(ROWS)
    v = tf.Variable(tf.zeros([2, 64, 128]))
    v.assign(tf.function(lambda x: x[1:3])(x))
    tf.function(lambda: v.assign_add(tf.ones_like(v)))()
    np.testing.assert_array_equal(x, ROWS)
    np.testing.assert_array_equal(v, ROWS[1:3] + 1)


def test_arrays_of_callers_may_change_after_the_call():
    array = ROWS.copy()
    first = tf.function(lambda x: x[:3])(array)
    array[:] = 0
    np.testing.assert_array_equal(first, ROWS[:3])


def test_arrays_taken_from_a_view_may_be_changed():
    x = tf.constant(ROWS)
    array = tf.function(lambda x: x[:3])(x).numpy()
    array[:] = 0
    np.testing.assert_array_equal(x, ROWS)


def test_gradients_of_views():
    x = tf.constant(ROWS)
    function = tf.function(lambda x: x[1:])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(function(x) * 2)
    expected = np.full_like(ROWS, 2)
    expected[0] = 0
    np.testing.assert_array_equal(tape.gradient(y, x), expected)


def test_parts_of_arrays_with_gaps_are_copies():
    array = np.arange(24).reshape(4, 6).T
    np.testing.assert_array_equal(part_of(array, 3, (2, 3)), array.ravel()[3:9].reshape(2, 3))


@pytest.mark.parametrize(
    ("bounds", "skipped"),
    [
        (((1, 4), (0, 5), (0, 6)), 30),
        (((2, 3), (1, 3), (0, 6)), 66),
        (((2, 3), (1, 2), (2, 5)), 68),
        (((0, 2), (1, 2), (0, 6)), None),
        (((0, 4), (0, 5), (0, 5)), None),
        (((1, 1), (0, 5), (0, 6)), None),
    ],
)
def test_skipped_elements_of_contiguous_slices(bounds, skipped):
    p = LoweringContext()
    x = p.parameter(0, (4, 5, 6), dtypes.float32, "x")
    starts, limits = zip(*bounds, strict=True)
    part = p.slice(x, starts, limits)
    assert skipped_elements(part) == skipped
    if skipped is not None:
        array = np.arange(120).reshape(4, 5, 6)
        inside = array[tuple(slice(*b) for b in bounds)]
        np.testing.assert_array_equal(part_of(array, skipped, inside.shape), inside)
