"""`rnn_cell_impl._concat`, which cells of other packages (deepctr) call."""

import pytest

import penstock as tf
from penstock._src.bridge.python.ops.rnn_cell_impl import _concat

SHAPE = tf.TensorShape


@pytest.mark.parametrize(
    ("prefix", "suffix", "expected"),
    [
        (2, 3, [2, 3]),
        (2, SHAPE([3, 4]), [2, 3, 4]),
        ([2, 3], [4], [2, 3, 4]),
        (tf.constant(2), 3, [2, 3]),
        (2, tf.constant([3]), [2, 3]),
    ],
)
def test_shapes_are_joined(prefix, suffix, expected):
    assert _concat(prefix, suffix).numpy().tolist() == expected
    assert _concat(prefix, suffix, static=True) == expected


def test_what_is_unknown_stays_unknown_only_in_lists():
    assert _concat(SHAPE([None]), SHAPE([4]), static=True) == [None, 4]
    assert _concat(SHAPE(None), 3, static=True) is None
    with pytest.raises(ValueError, match="prefix or suffix of None: None and 3"):
        _concat(None, 3)
    with pytest.raises(ValueError, match="prefix tensor must be either a scalar or vector"):
        _concat(tf.constant([[2]]), 3)


def test_the_batch_may_be_a_tensor_of_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def zeros(x):
        return tf.zeros(_concat(tf.shape(x)[0], 2))

    assert zeros(tf.ones([4, 3])).shape == (4, 2)
