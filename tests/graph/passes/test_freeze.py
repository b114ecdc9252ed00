"""Freezing of functions for files: what reads a variable reads a constant."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.graph.passes.freeze import freeze


@pytest.mark.parametrize("batch_dims", [0, 1])
def test_rows_of_variables_are_gathered_along_the_same_axis(batch_dims):
    value = np.arange(24, dtype=np.float32).reshape(2, 6, 2)
    v = tf.Variable(value)

    @tf.function(input_signature=[tf.TensorSpec([2, 3], tf.int32)])
    def rows(at):
        return tf.raw_ops.ResourceGather(
            resource=v.handle, indices=at, dtype=tf.float32, batch_dims=batch_dims
        )

    at = np.int32([[0, 1, 1], [1, 0, 0]])
    function = rows.get_concrete_function().graph_function
    frozen = freeze(function, {len(function.inputs) - 1: value})
    np.testing.assert_array_equal(frozen.run([at])[0], rows(at))
