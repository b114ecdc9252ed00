"""Operators and the Python protocol of tensors."""

import operator

import numpy as np
import pytest

import penstock as tf
from penstock._src.eager import execute


def test_python_numbers_take_the_tensors_type():
    assert (tf.constant([1.0, 2.0]) + 1).dtype == tf.float32
    assert (3 - tf.constant(1, tf.int64)).numpy() == 2


def test_integers_divide_as_float64():
    quotient = tf.constant([1, 2]) / 2
    assert quotient.dtype == tf.float64
    np.testing.assert_array_equal(quotient.numpy(), [0.5, 1.0])


@pytest.mark.parametrize("numerator", [1, 1.0, [1.0, 2.0], np.float32(3)])
def test_numbers_are_divided_by_tensors_of_graphs(numerator):
    x = tf.constant(2.0)
    divided = tf.function(lambda x: numerator / x, autograph=False)
    np.testing.assert_array_equal(divided(x), numerator / x)


def test_sums_of_different_types_are_rejected():
    with pytest.raises(tf.errors.InvalidArgumentError, match="AddV2 as input #1"):
        tf.constant([1]) + 1.5


def test_shapes_that_do_not_broadcast_are_unequal_as_a_whole():
    assert not (tf.constant([1, 2, 3]) == tf.constant([1, 2]))


@pytest.mark.parametrize("other", [2, 2.5, [1, 1], [True, True], np.array([3, 3])], ids=str)
@pytest.mark.parametrize("compiled", [False, True])
def test_products_with_truth_values_are_conjunctions(other, compiled):
    def product():
        return tf.constant([True, False]) * other

    found = tf.function(product)() if compiled else product()
    assert found.dtype == tf.bool
    np.testing.assert_array_equal(found, [True, False])
    assert (tf.constant([2.0, 0.0]) * tf.constant(True)).numpy().tolist() == [True, False]


def test_an_empty_tensor_is_false():
    assert not tf.constant([])
    assert not tf.zeros([0, 3])


def test_folds_begin_with_numbers_of_any_type():
    rows = tf.constant([1.0, 2.0], tf.float64)
    assert tf.foldl(lambda a, x: a + x, rows, 10.0).dtype == tf.float64
    assert tf.foldr(lambda a, x: a + x, tf.constant([1, 2], tf.int64), 0).numpy() == 3
    with pytest.raises(TypeError):
        tf.foldl(lambda a, x: a + x, tf.constant([1, 2]), 10.0)


def test_arrays_keep_their_type_when_scattered():
    with pytest.raises(tf.errors.InvalidArgumentError, match="float64"):
        tf.TensorArray(tf.float32, 4).scatter([0, 3], np.array([1.0, 2.0]))


def test_keys_of_branches_are_ints():
    with pytest.raises(TypeError, match="int64"):
        tf.switch_case(tf.constant(0), {np.int64(0): lambda: 1})


def test_tangents_are_broadcast():
    x = tf.constant([[2.0, 3.0]])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as accumulator:
        y = tf.reduce_sum(x**2)
    assert accumulator.jvp(y).numpy() == 4


def test_a_shape_of_a_scalar_tensor():
    assert tf.TensorShape(tf.constant(3)) == [3]


def test_sparse_gradients_become_dense_beside_tensors():
    """A gradient of a gather, as optimizers that accumulate gradients add it to a variable."""
    slices = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([1]), tf.constant([3, 2]))
    dense = [[0, 0], [1, 1], [0, 0]]
    held = tf.Variable(tf.ones([3, 2]))
    np.testing.assert_array_equal(held + slices, np.add(dense, 1))
    np.testing.assert_array_equal(slices + held, np.add(dense, 1))
    np.testing.assert_array_equal(tf.function(lambda x: x - slices)(held), 1 - np.array(dense))
    np.testing.assert_array_equal(tf.ones([3, 2]) == slices, np.array(dense) == 1)


def test_comparisons_with_numbers_give_their_op_tensors_alone(monkeypatch):
    x, mixed = tf.constant([-1.0, 0.0, 2.0]), []

    def results():
        return [x > 0, x <= 0.5, x == 2, x != 2.0, tf.constant([1, 2]) >= 2]

    results()  # kernels are bound
    monkeypatch.setattr(execute, "_execute_mixed", lambda *call: mixed.append(call))
    assert [r.numpy().tolist() for r in results()] == [
        [False, False, True], [True, True, False], [False, False, True], [True, True, False], [False, True],
    ]  # fmt: skip
    assert not mixed


@pytest.mark.parametrize("compare", [operator.lt, operator.eq, operator.ne])
def test_comparisons_with_numbers_that_the_dtype_does_not_hold(compare):
    with pytest.raises(TypeError, match="Cannot convert 1.5 to EagerTensor of dtype int32"):
        compare(tf.constant([1, 2]), 1.5)
    x = np.array([1.0, np.inf], np.float32)
    for number in (float("nan"), 2.0**40, -1):
        np.testing.assert_array_equal(compare(tf.constant(x), number), compare(x, number))
