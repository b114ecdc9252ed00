"""tf.xla.experimental, against TensorFlow 2.21."""

import pytest

import penstock as tf

compile_ = tf.xla.experimental.compile


def test_results_are_lists_of_tensors():
    (doubled,) = compile_(lambda x: x * 2, [tf.constant(1.0)])
    assert float(doubled) == 2.0
    with pytest.raises(ValueError, match="must all either be Operations"):
        compile_(lambda x: [x, None], [tf.constant(1.0)])


def test_graphs_keep_operations_and_structure():
    with tf.Graph().as_default():
        x = tf.constant(1.0)
        assert compile_(lambda: None).type == "NoOp"
        assert set(compile_(lambda x: {"a": x}, [x])) == {"a"}
        (same,) = compile_(lambda x: (x, tf.no_op()), [x])
        assert [op.type for op in same.op.control_inputs] == ["NoOp"]
        with tf.xla.experimental.jit_scope():
            tf.constant(2.0)
    with pytest.raises(RuntimeError, match="not supported when eager"):
        with tf.xla.experimental.jit_scope():
            pass
