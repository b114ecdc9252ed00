"""Comparisons: their shapes."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        ([None, 1], [], [None, 1]),
        ([None, 3], [3], [None, 3]),
        ([None], [None], [None]),
        ([None], [3], None),
        ([0, 3], [None, 3], None),
        ([2, None, 3], [None, 1], [2, None, 3]),
    ],
)
def test_shapes_of_equality_are_known_where_they_must_broadcast(x, y, found):
    function = tf.function(lambda x, y: x == y, [tf.TensorSpec(x), tf.TensorSpec(y)])
    shape = function.get_concrete_function().output_shapes
    assert shape.rank is None if found is None else shape.as_list() == found


def test_a_focal_loss_by_equal_labels():
    @tf.function(input_signature=[tf.TensorSpec([None, 1]), tf.TensorSpec([None, 1])])
    def loss(y, p):
        return tf.reduce_mean(-tf.math.log(tf.where(y == 1, p, 1 - p)), axis=-1)

    found = loss(tf.constant([[1.0], [0.0]]), tf.constant([[0.25], [0.25]]))
    np.testing.assert_allclose(found, -np.log([0.25, 0.75]), rtol=1e-6)


@pytest.mark.parametrize(
    "shapes", [((60, 6), (60, 6)), ((60, 6), ()), ((1, 1), (60, 6)), ((60, 6), (6,))]
)
def test_many_strings_are_compared_by_their_bytes(shapes):
    words = np.array([b"", b"a", b"ab", b"a\0", b"a\0b", b"long enough", "\u00e9".encode()], object)
    rng = np.random.default_rng(0)
    x, y = (words[rng.integers(0, len(words), shape)] for shape in shapes)
    copies = np.array([bytes(bytearray(t)) for t in np.ravel(y)], object).reshape(np.shape(y))
    expected = np.equal(x, copies).astype(bool)
    assert expected.any() and not expected.all()
    np.testing.assert_array_equal(tf.equal(x, copies), expected)
    np.testing.assert_array_equal(tf.not_equal(x, copies), ~expected)
