"""Sorting, searching and where the extremes stand."""

import numpy as np
import pytest

import penstock as tf

MATRIX = tf.constant([[3.0, 1.0], [2.0, 5.0]])


@pytest.mark.parametrize("axis", [True, 1.5, np.int64(1), tf.constant(1)])
def test_axes_are_cut_to_integers(axis):
    np.testing.assert_array_equal(tf.sort(MATRIX, axis), [[1, 3], [2, 5]])


@pytest.mark.parametrize("axis", [None, "a", [0], np.array([0])])
def test_axes_are_scalars(axis):
    with pytest.raises(ValueError):
        tf.sort(MATRIX, axis)


@pytest.mark.parametrize("axis", [2, -3])
def test_axes_are_in_range(axis):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.argsort(MATRIX, axis)


def test_searches_compare_one_type():
    with pytest.raises(tf.errors.InvalidArgumentError, match="LowerBound"):
        tf.searchsorted(tf.constant([1.0, 2.0]), tf.constant([1], tf.int64))


def test_searches_take_the_same_steps_in_unsorted_rows():
    found = tf.searchsorted([7, -7, 8, -8, 0], [2, 2, -3, -3, 5], "right")
    np.testing.assert_array_equal(found, [2, 2, 2, 2, 2])
    nan = float("nan")
    row = [1.0, 2.0, nan, np.inf]
    np.testing.assert_array_equal(tf.searchsorted(row, [1.0, 3.0, nan]), [0, 2, 0])
    np.testing.assert_array_equal(tf.searchsorted(row, [1.0, 3.0, nan], "right"), [3, 3, 4])


def test_a_list_is_no_axis_of_argmax():
    with pytest.raises(TypeError, match="axis must be int"):
        tf.argmax(MATRIX, [0])


def test_approximate_maxima_take_a_float_k():
    assert tf.math.approx_max_k(tf.constant([1.0, 3.0, 2.0]), 2.0)[0].numpy().tolist() == [3, 2]


def test_reductions_of_truth_convert_python_values():
    assert tf.reduce_all(np.array([1.0, 2.0])).numpy()
    with pytest.raises(TypeError, match="dtype bool"):
        tf.reduce_any([1, 2])


@pytest.mark.parametrize("value", [1, 0, 1.0, np.True_, None])
def test_switches_of_ops_are_bools(value):
    if value is None:  # the default
        np.testing.assert_array_equal(tf.cumsum([1, 2], exclusive=value), [1, 3])
    else:
        with pytest.raises(TypeError, match="bool"):
            tf.cumsum([1, 2], exclusive=value)


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_any_axis_is_sorted_though_the_rank_is_unknown(axis):
    rows = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]], np.float32)
    both = tf.function(
        lambda x: (tf.sort(x, axis), tf.argsort(x, axis)), input_signature=[tf.TensorSpec(None)]
    )
    for found, expected in zip(
        both(rows), (np.sort(rows, axis), np.argsort(rows, axis)), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
