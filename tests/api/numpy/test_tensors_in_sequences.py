"""Variables and tensors of graphs in sequences: as values, and as extents of shapes."""

import numpy as np
import pytest

import penstock as tf

tnp = tf.experimental.numpy
MATRIX = tf.TensorSpec([None, None], tf.float32)


@pytest.mark.parametrize(
    "function", [lambda v, w: tnp.asarray([v, w]), lambda v, w: tnp.add([v, 1.0], [w, 2.0])]
)
def test_variables_in_lists_are_read_in_graphs_and_by_tapes(function):
    v, w = (tf.Variable(x, dtype=tf.float64) for x in (2.0, 3.0))
    with tf.GradientTape() as tape:
        expected = function(v, w)
    assert [float(g) for g in tape.gradient(expected, [v, w])] == [1.0, 1.0]
    np.testing.assert_array_equal(tf.function(lambda: function(v, w))(), expected)


@pytest.mark.parametrize(
    "traced, plain",
    [
        (lambda x: tnp.reshape(x, [tf.shape(x)[1], -1]), lambda x: np.reshape(x, [3, -1])),
        (lambda x: tnp.reshape(x, tf.size(x)), lambda x: np.reshape(x, 6)),
        (
            lambda x: tnp.reshape(x, (tf.shape(x)[1], 2), order="F"),
            lambda x: np.reshape(x, (3, 2), order="F"),
        ),
        (
            lambda x: tnp.broadcast_to(x, [2, tf.shape(x)[0], 3]),
            lambda x: np.broadcast_to(x, [2, 2, 3]),
        ),
        (lambda x: tnp.full(tf.shape(x), 2.0), lambda x: np.full([2, 3], 2.0)),
        (lambda x: tnp.tile(x, tf.shape(x)), lambda x: np.tile(x, [2, 3])),
        (lambda x: tnp.tile(x, tf.shape(x)[0]), lambda x: np.tile(x, 2)),
        (lambda x: tnp.tile(x[0], [2, tf.shape(x)[0]]), lambda x: np.tile(x[0], [2, 2])),
        (
            lambda x: tnp.pad(x, [[0, tf.shape(x)[0]], [1, 0]], "constant"),
            lambda x: np.pad(x, [[0, 2], [1, 0]]),
        ),
    ],
)
def test_extents_may_be_tensors_of_a_graph(traced, plain):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = tf.function(traced, input_signature=[MATRIX])(x)
    np.testing.assert_array_equal(found, plain(x))
    np.testing.assert_array_equal(traced(tf.constant(x)), plain(x))


def test_a_number_of_repetitions_that_is_not_known():
    spec = tf.TensorSpec([None], tf.int32)
    tiled = tf.function(lambda reps: tnp.tile([[1.0, 2.0]], reps), input_signature=[spec])
    for reps in ([2], [3, 1], [2, 1, 2]):
        np.testing.assert_array_equal(tiled(reps), np.tile([[1.0, 2.0]], reps))
