"""Matrices: the rounding of what packed rows are multiplied by."""

import dataclasses

import numpy as np
import pytest

import penstock as tf
from penstock._src.language.families.hugging_face import architecture_of
from penstock._src.language.network.cache import Attention
from penstock._src.language.weights.operands import (
    BFLOAT16_ROWS,
    PAIR_ROWS,
    Matrix,
    _bfloat16_rows,
    tensor_of,
)
from penstock._src.native import target
from tests.language.tiny import weights_of
from tests.ops.quantized.test_packed import packed


@pytest.mark.parametrize("rows", [1, PAIR_ROWS - 1, PAIR_ROWS, BFLOAT16_ROWS - 1, BFLOAT16_ROWS])
def test_int8_means_bfloat16_for_prompts_where_that_is_faster(rows):
    values = packed("Q8_0", 7, 2)
    matrix = Matrix(7, 64, tensor_of(values), "Q8_0", "int8")
    x = np.random.default_rng(0).normal(size=(1, rows, 64)).astype(np.float32)
    host = target.host()
    least = BFLOAT16_ROWS if host.multiplies_matrices else PAIR_ROWS
    is_faster = rows >= least and host.multiplies_pairs
    wanted = tf.raw_ops.PackedMatMul(
        x=x, weights=values, format="Q8_0", activations="bfloat16" if is_faster else "int8"
    )
    np.testing.assert_allclose(matrix.product(x), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("features", "least"),
    [
        ("+avx512bf16,+avx512vl,+avx512bw,+amx-tile,+amx-bf16,+amx-int8", BFLOAT16_ROWS),
        ("+avx512bf16,+avx512vl", PAIR_ROWS),
        ("+avx512vnni,+avx512vl", 0),
    ],
)
def test_rows_that_are_rounded_to_bfloat16_follow_from_the_processor(features, least, monkeypatch):
    there = dataclasses.replace(target.host(), features=features, vector_bytes=64)
    monkeypatch.setattr(target, "host", lambda: there)
    assert _bfloat16_rows("int8") == least
    assert _bfloat16_rows("float32") == _bfloat16_rows("bfloat16") == 0


@pytest.mark.parametrize("activations", ["float32", "int8", "bfloat16"])
def test_attention_is_rounded_between_rounded_products_where_that_is_faster(activations):
    values = tensor_of(packed("Q8_0", 7, 2))
    is_faster = activations != "float32" and target.host().multiplies_matrices
    matrix = Matrix(7, 64, values, "Q8_0", activations)
    assert matrix.attention_rows == (BFLOAT16_ROWS if is_faster else 0)
    assert Matrix(7, 64, values, "", activations).attention_rows == 0


def test_attention_of_at_least_so_many_queries_is_rounded():
    weights = weights_of("llama")
    a, random = architecture_of(weights.metadata, weights.path), np.random.default_rng(1)
    query, keys, values = (
        random.normal(size=(1, *shape, a.head_size)).astype(np.float32)
        for shape in ((9, a.heads), (a.kv_heads, 9), (a.kv_heads, 9))
    )
    unseen = np.zeros((1, 1, 1, 9, 9), bool)

    def attended(rows, *operands):
        return Attention(a, np.zeros((1, 9), np.int32), rows)(*operands, unseen).numpy()

    rounded = (tf.cast(tf.cast(x, tf.bfloat16), tf.float32) for x in (query, keys, values))
    exact, of_rounded = attended(0, query, keys, values), attended(0, *rounded)
    np.testing.assert_array_equal(attended(10, query, keys, values), exact)
    off = np.abs(attended(9, query, keys, values) - of_rounded).max()
    # Probabilities are rounded, too.
    assert 0 < off < 2**-8 * np.abs(values).max()
