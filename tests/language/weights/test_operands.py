"""Matrices: the rounding of what packed rows are multiplied by."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.language.weights.operands import BFLOAT16_ROWS, Matrix, tensor_of
from penstock._src.native import target
from tests.ops.quantized.test_packed import packed


@pytest.mark.parametrize("rows", [1, BFLOAT16_ROWS - 1, BFLOAT16_ROWS])
def test_int8_means_bfloat16_for_prompts_where_that_is_faster(rows):
    values = packed("Q8_0", 7, 2)
    matrix = Matrix(7, 64, tensor_of(values), "Q8_0", "int8")
    x = np.random.default_rng(0).normal(size=(1, rows, 64)).astype(np.float32)
    is_faster = rows >= BFLOAT16_ROWS and target.host().multiplies_matrices
    wanted = tf.raw_ops.PackedMatMul(
        x=x, weights=values, format="Q8_0", activations="bfloat16" if is_faster else "int8"
    )
    np.testing.assert_allclose(matrix.product(x), wanted, rtol=1e-5, atol=1e-5)
