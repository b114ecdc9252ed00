"""Walks over the operations of a graph."""

import pytest

import penstock as tf
from penstock._src.bridge.python.ops import op_selector


def test_a_walk_goes_back_to_what_stops_it():
    with tf.Graph().as_default():
        a, b = tf.constant(1.0), tf.constant(2.0)
        c = a + b
        d = c * a
    assert set(op_selector.get_backward_walk_ops(d.op)) == {a.op, b.op, c.op, d.op}
    assert op_selector.get_backward_walk_ops(d.op, stop_at_ts=[c, a]) == [d.op]
    without = op_selector.get_backward_walk_ops(
        d.op, inclusive=False, within_ops_fn=lambda op: op is not b.op
    )
    assert set(without) == {a.op, c.op}
    assert op_selector.get_consuming_ops([a, b]) == [c.op, d.op]


def test_tensors_of_two_graphs_have_no_common_one():
    tensors = []
    for _ in range(2):
        with tf.Graph().as_default():
            tensors.append(tf.constant(1.0))
    with pytest.raises(ValueError, match="does not belong"):
        op_selector.get_unique_graph(tensors)
    with pytest.raises(ValueError, match="same graph"):
        op_selector.check_graphs(*tensors)
