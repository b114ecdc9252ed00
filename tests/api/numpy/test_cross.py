"""`cross` of vectors of two and three, of known and unknown extents."""

import itertools

import numpy as np
import pytest

import penstock as tf

cross = tf.experimental.numpy.cross
SPECS = {"rank": tf.TensorSpec(None), "extents": tf.TensorSpec([None, None])}


def _vectors(size, first):
    return np.arange(first, first + 2 * size, dtype=np.float32).reshape(2, size) ** 2


@pytest.mark.parametrize("unknown", SPECS)
@pytest.mark.parametrize("sizes", list(itertools.product([2, 3], repeat=2)))
def test_unknown_extents(sizes, unknown):
    a, b = _vectors(sizes[0], 1), _vectors(sizes[1], 4)
    run = tf.function(lambda a, b: cross(a, b), input_signature=[SPECS[unknown]] * 2)
    np.testing.assert_array_equal(run(a, b), cross(a, b))


def test_axes_of_an_unknown_rank():
    run = tf.function(
        lambda a, b: cross(a, b, axisa=0, axisb=1, axisc=0), input_signature=[SPECS["rank"]] * 2
    )
    result = run(np.ones((3, 2), np.float32), np.arange(6, dtype=np.float32).reshape(2, 3))
    np.testing.assert_array_equal(result, [[1, 1], [-2, -2], [1, 1]])


@pytest.mark.parametrize("sizes", [(4, 2), (5, 3), (2, 4)])
def test_vectors_of_other_sizes_are_refused(sizes):
    a, b = (tf.ones([2, size]) for size in sizes)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Incompatible shapes"):
        cross(a, b)
    with pytest.raises(ValueError, match="must be equal"):
        tf.function(cross)(a, b)


def test_raw_products_of_other_sizes_are_refused():
    with pytest.raises(tf.errors.FailedPreconditionError):
        tf.linalg.cross(tf.ones([4]), tf.ones([4]))
    with pytest.raises(ValueError, match="3-element vectors"):
        tf.function(tf.linalg.cross)(tf.ones([4]), tf.ones([4]))
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.linalg.cross(1.0, 2.0)
