"""tf.types.experimental beside the classes that have these types."""

import penstock as tf


def test_types_of_arguments_are_trace_types():
    trace_type = tf.types.experimental.TraceType
    values = [
        tf.TensorSpec([2]),
        tf.RaggedTensorSpec([None, None]),
        tf.float32,
        tf.TensorShape([2]),
    ]
    assert all(isinstance(value, trace_type) for value in values)
    assert not isinstance(tf.constant(1), trace_type)
