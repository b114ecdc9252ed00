"""Variables by the private class of TensorFlow."""

import pytest

import penstock as tf
from penstock._src.bridge.python.ops.resource_variable_ops import ResourceVariable


@pytest.mark.parametrize("options", [{}, {"shape": (), "dtype": tf.float32}])
def test_variables_of_handles_share_their_value(options):
    first = ResourceVariable(1.0)
    second = ResourceVariable(handle=first.handle, **options)
    assert second.handle is first.handle and second.shape == [] and second.dtype == tf.float32
    second.assign(3.0)
    assert float(first) == 3.0


def test_variables_of_handles_in_graphs():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        first = ResourceVariable(1.0)
        second = ResourceVariable(handle=first.handle, shape=(), dtype=tf.float32)
        session.run(first.initializer)
        assert session.run(second) == 1.0
