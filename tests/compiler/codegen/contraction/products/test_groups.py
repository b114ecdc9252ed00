"""Products by dot products of neighboring k, of operands that are repeated along some axis."""

import numpy as np
import pytest

import penstock as tf

DEPTH = 8
PRODUCTS = {
    "bfloat16": lambda a, b: tf.matmul(a, b),
    "int8": lambda a, b: tf.matmul(a, b, output_type=tf.int32),
}


def _whole_numbers(seed, shape, dtype):
    return tf.cast(np.random.default_rng(seed).integers(-3, 4, shape), dtype)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (2, 2), (8, 8), (16, 32), (5, 3)])
@pytest.mark.parametrize("repeated", ["row of the left", "row of the right", "columns", "both"])
@pytest.mark.parametrize("dtype", PRODUCTS)
def test_repeated_rows_and_columns_are_read_as_such(dtype, repeated, shape):
    rows, columns = shape
    row, column = _whole_numbers(1, [columns], dtype), _whole_numbers(2, [rows], dtype)

    def product(a, b, row, column):
        left = tf.transpose(tf.broadcast_to(column, [DEPTH, rows]))  # does not move along k
        right = tf.broadcast_to(row, [DEPTH, columns])
        if repeated == "columns":
            b = tf.broadcast_to(b[:, :1], [DEPTH, columns])
        a = left if repeated in ("row of the left", "both") else a
        b = right if repeated in ("row of the right", "both") else b
        return PRODUCTS[dtype](a, b)

    a, b = _whole_numbers(3, [rows, DEPTH], dtype), _whole_numbers(4, [DEPTH, columns], dtype)
    compiled = tf.function(product)(a, b, row, column)
    np.testing.assert_array_equal(compiled, product(a, b, row, column))
