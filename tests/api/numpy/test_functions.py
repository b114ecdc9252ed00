"""NumPy's functions as `tf.experimental.numpy` gives them: types of lists, of truth values, and odd corners."""

import numpy as np
import pytest

import penstock as tf

tnp = tf.experimental.numpy
SINGLE = tf.constant([1.0, 2.0])


def _is(result, dtype, values):
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, values)


def test_numbers_in_lists_take_the_type_of_arrays():
    _is(tnp.add(SINGLE, [1.5, 2]), tf.float32, [2.5, 4.0])
    _is(tnp.multiply([1, 2], np.array([3, 4], np.int8)), tf.int8, [3, 8])
    assert tnp.result_type([1, 2], np.uint8) == tf.uint8


def test_lists_to_be_joined_have_types_of_their_own():
    _is(tnp.append(SINGLE, [1.5]), tf.float64, [1.0, 2.0, 1.5])
    assert tnp.hstack([SINGLE, 3]).dtype == tf.float64
    assert tnp.vstack([[1.5, 2.0], SINGLE]).dtype == tf.float64


def test_truth_values():
    both = np.array([True, False])
    _is(tnp.add(both, both), tf.bool, [True, False])
    _is(tnp.mod(both, True), tf.int8, [0, 0])
    _is(tnp.greater(both, False), tf.bool, [True, False])
    _is(tnp.outer(both, both), tf.bool, [[True, False], [False, False]])
    _is(tnp.dot(both, True), tf.bool, [True, False])
    _is(tnp.diagflat(True, k=-1), tf.bool, [[False, False], [True, False]])


def test_small_integers():
    _is(tnp.divide(np.array([1, 2], np.int8), 2), tf.float32, [0.5, 1.0])
    assert tnp.divide(1, 2).dtype == tf.float64
    _is(tnp.cumsum(np.array([200, 100], np.uint8)), tf.int64, [200, 300])


def test_closeness():
    infinite = [np.nan, 1.0, np.inf]
    _is(tnp.isclose(infinite, infinite), tf.bool, [False, True, False])
    _is(tnp.isclose(infinite, infinite, equal_nan=True), tf.bool, [True, True, False])
    _is(tnp.isclose([1, 2], [1, 3], atol=5.0), tf.bool, [True, False])
    assert not tnp.allclose(np.array([1, 2]), np.array([1, 2, 3]))


def test_upper_bounds_come_first():
    np.testing.assert_array_equal(tnp.clip(SINGLE, 3.0, 0.0), [3.0, 3.0])


def test_ends_of_spaces_are_exact():
    _is(tnp.geomspace(0, 10.0, 3), tf.float64, [0.0, np.nan, 10.0])
    assert tnp.geomspace(1, 8, 4, dtype=float).dtype == tf.float32
    assert tnp.linspace(0, 1, 3, dtype=tf.int32).dtype == tf.float64
    assert tnp.logspace(SINGLE, 3).dtype == tf.float32


def test_numbers_beyond_the_finite_ones():
    np.testing.assert_array_equal(tnp.logaddexp(np.inf, np.inf), np.inf)
    np.testing.assert_array_equal(tnp.heaviside(np.nan, 0.5), 0.5)
    assert tnp.isinf(tf.constant([1, 2])) is False
    np.testing.assert_allclose(tnp.sign(np.array([3 + 4j])), [0.6 + 0.8j])


def test_variances_with_fewer_degrees_of_freedom():
    np.testing.assert_allclose(tnp.var([1.0, 2.0, 4.0], ddof=1), np.var([1.0, 2.0, 4.0], ddof=1))
    values = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(tnp.var(values, 1, ddof=1), np.var(values, 1, ddof=1))


def test_scalars_as_arrays():
    _is(tnp.argsort(2.5), tf.int64, [0])
    _is(tnp.polyval(3, [1, 2]), tf.int64, [3, 3])
    _is(tnp.concatenate(3), tf.int64, 3)
    _is(tnp.fliplr(2.5), tf.float64, 2.5)
    _is(tnp.where(3)[0], tf.int64, [0])
    assert isinstance(tnp.size(SINGLE), np.int64)
    assert isinstance(tnp.rad2deg(np.array([1.0])), np.ndarray)


@pytest.mark.parametrize("kind", ["mergesort", None])
def test_ways_of_sorting(kind):
    with pytest.raises(ValueError, match="kind"):
        tnp.sort([2, 1], kind=kind)


def test_orders_are_of_real_numbers():
    with pytest.raises(TypeError, match="complex"):
        tnp.argsort([1j])


def test_triangles_are_of_matrices():
    with pytest.raises(ValueError, match="rank at least 2"):
        tnp.tril([1, 2])


def test_take_refuses_the_mode_raise():
    _is(tnp.take([1, 2, 3], [5, -1], mode="clip"), tf.int64, [3, 1])
    with pytest.raises(ValueError, match="'raise' is not supported"):
        tnp.take([1, 2, 3], [5], mode="raise")


def test_axes_in_tensors_of_any_number_type():
    for axis in (tf.constant(1.0), tf.constant([1.0], tf.float64), tf.constant(1, tf.int8)):
        _is(tnp.sum([[1, 2], [3, 4]], axis=axis), tf.int64, [3, 7])
        _is(tnp.amax([[1, 2], [3, 4]], axis=axis), tf.int64, [2, 4])
        np.testing.assert_array_equal(tnp.std([[1.0, 3.0]], axis=axis), [1.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Tidx"):
        tnp.any([[True, False]], axis=tf.constant(1.0))  # as TensorFlow refuses it


def test_gradients_of_extremes_of_nan_go_to_the_second():
    # as in TensorFlow 2.21
    x, y = tf.constant([np.nan, 1.0, 2.0]), tf.constant([1.0, np.nan, 3.0])
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        greatest = tnp.maximum(x, y)
    np.testing.assert_array_equal(greatest, [np.nan, np.nan, 3.0])
    by_x, by_y = tape.gradient(greatest, [x, y])
    assert (by_x.numpy().tolist(), by_y.numpy().tolist()) == ([0, 0, 0], [1, 1, 1])


def test_bfloat16_is_no_float_of_numpys():
    x = tf.constant([2.0, 3.0], tf.bfloat16)
    _is(tnp.sqrt(x), tf.float64, np.sqrt([2.0, 3.0]))
    _is(tnp.hypot(x, x), tf.float64, np.sqrt([8.0, 18.0]))
    assert tnp.logaddexp(x, x).dtype == tf.float64
    assert tnp.mean(x).dtype == tf.bfloat16


def test_empty_lists_count_for_nothing_in_promotion():
    assert tnp.multiply(tf.constant([1j], tf.complex64), []).dtype == tf.complex64
    assert tnp.minimum([], -1).dtype == tf.int64
    assert tnp.add([], []).dtype == tf.float64


def test_sums_and_products_of_dtype_bool():
    _is(tnp.sum([[1, 0], [0, 0]], axis=0, dtype=bool), tf.bool, [True, False])
    _is(tnp.prod([[1.0, 0.0], [2.0, 3.0]], axis=0, dtype="bool"), tf.bool, [True, False])


def test_traces_of_matrices_keep_their_dtype():
    x = np.array([[100, 0], [0, 100]], np.int8)
    _is(tnp.trace(x), tf.int8, -56)
    _is(tnp.trace(np.stack([x, x], -1)), tf.int64, [200, 200])


def test_cumulative_sums_of_uint64_are_floats():
    _is(tnp.cumsum(np.array([1, 2], np.uint64)), tf.float64, [1.0, 3.0])
