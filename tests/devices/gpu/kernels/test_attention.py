"""Attention on the emulated GPU: forward and gradients, masks, widths, narrow floats."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.devices.gpu.kernels.generator import CudaGenerator
from penstock._src.devices.gpu.target import target_of
from tests.devices.gpu.emulated import by_reference, launches, on_gpu

RANDOM = np.random.default_rng(5)


def normal(*shape):
    return tf.constant(RANDOM.standard_normal(shape).astype(np.float32))


def attention(q, k, v, mask=None, scale=0.3):
    wide = tf.float32 if q.dtype.size < 4 else q.dtype
    scores = tf.cast(tf.matmul(q, k, transpose_b=True), wide) * tf.cast(scale, wide)
    return tf.cast(tf.nn.softmax(scores if mask is None else mask(scores)), q.dtype) @ v


def causal(scores):
    rows, columns = scores.shape[-2:]
    seen = tf.range(columns)[None, :] <= tf.range(rows)[:, None] + (columns - rows)
    return tf.where(seen, scores, tf.constant(-np.inf, scores.dtype))


def with_gradients(function):
    def both(q, k, v, *rest):
        with tf.GradientTape() as tape:
            tape.watch([q, k, v])
            y = function(q, k, v, *rest)
            loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 2)
        return y, tape.gradient(loss, [q, k, v])

    return both


def operands(batch, rows, columns, depth, width, dtype=tf.float32):
    shapes = (*batch, rows, depth), (*batch, columns, depth), (*batch, columns, width)
    return [tf.cast(normal(*s), dtype) for s in shapes]


def close(function, arguments, tolerance, kernels=3):
    with launches() as made:
        found = on_gpu(function, *arguments)
    own = [r for r in made if r.label.startswith("attention")]
    assert len(own) == kernels and all(r.code.threads > 1 for r in own), [r.label for r in made]
    wanted = by_reference(function, *arguments)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        a, b = a.astype(np.float64), b.astype(np.float64)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max()))


@pytest.mark.parametrize("mask", [None, causal], ids=["plain", "causal"])
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16, tf.float16], ids=lambda d: d.name)
def test_gradients_are_what_the_interpreter_says(dtype, mask):
    arguments = operands((2,), 70, 70, 16, 16, dtype)
    tolerance = {tf.float32: 1e-4, tf.bfloat16: 4e-2, tf.float16: 4e-3}[dtype]
    close(with_gradients(lambda q, k, v: attention(q, k, v, mask)), arguments, tolerance)


BIAS = normal(2, 1, 17, 19)


def test_heads_that_share_keys_and_values():
    query, key, value = normal(2, 3, 4, 33, 16), normal(2, 3, 1, 50, 16), normal(2, 3, 1, 50, 16)
    close(lambda q, k, v: attention(q, k, v, causal), [query, key, value], 1e-4, kernels=1)


VARIANTS = {
    "a bias": (lambda scores: scores + BIAS, ((2, 3), 17, 19, 12, 20)),
    "more columns than rows, causal": (causal, ((1, 2), 33, 65, 8, 8)),
    "few rows": (None, ((3,), 16, 40, 64, 64)),
    "wide rows": (None, ((1,), 20, 20, 96, 130)),
    "very wide rows": (None, ((1,), 20, 17, 256, 250)),
    "odd rows": (causal, ((1, 1), 17, 17, 5, 3)),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(name):
    mask, shapes = VARIANTS[name]
    close(with_gradients(lambda q, k, v: attention(q, k, v, mask)), operands(*shapes), 1e-4)


def test_wide_rows_by_tensor_cores():
    close(with_gradients(attention), operands((1,), 40, 70, 128, 72, tf.bfloat16), 4e-2)


def test_heads_beside_one_another():
    def function(q, k, v):
        p = tf.nn.softmax(tf.einsum("btnh,bsnh->bnts", q, k) * 0.3)
        return tf.einsum("bnts,bsnh->btnh", p, v)

    arguments = [normal(2, t, 3, 8) for t in (20, 30, 30)]
    close(with_gradients(function), arguments, 1e-4)


@pytest.mark.parametrize("width", [10, 72])
def test_doubles(width):
    close(with_gradients(attention), operands((2,), 19, 23, 12, width, tf.float64), 1e-11)


def scores_in_float(q, k, v):
    scores = tf.cast(tf.matmul(q, k, transpose_b=True), tf.float32) * 0.25
    return tf.cast(tf.nn.softmax(scores), q.dtype) @ v


def test_doubles_whose_scores_are_floats():
    """Their products are summed as doubles, which an attention of floats would not do."""
    arguments = operands((2,), 19, 23, 12, 16, tf.float64)
    close(with_gradients(scores_in_float), arguments, 1e-4, kernels=0)


def test_narrow_floats_without_tensor_cores(monkeypatch):
    generator = CudaGenerator(target_of("sm_75"))
    monkeypatch.setattr(type(DEVICE), "generator", property(lambda _: generator))
    arguments = operands((2,), 19, 23, 12, 16, tf.float16)
    close(with_gradients(scores_in_float), arguments, 4e-3)


def test_hidden_rows_are_nan_and_infinities_stay_apart():
    q, k, v = operands((1,), 40, 40, 8, 8)
    hidden = np.zeros((40, 40), bool)
    hidden[3], hidden[:, :35] = True, True

    def function(q, k, v):
        return attention(q, k, v, lambda s: tf.where(hidden, tf.constant(-np.inf), s))

    found = on_gpu(function, q, k, v)
    assert np.isnan(found[0, 3]).all() and np.isfinite(np.delete(found[0], 3, 0)).all()
    close(function, [q, k, v], 1e-4, kernels=1)


@pytest.mark.parametrize("width", [256, 200])
def test_rows_of_wide_doubles_ask_for_more_shared_memory(width):
    arguments = operands((1,), 16, 20, width, width, tf.float64)
    function = with_gradients(attention)
    with launches() as made:
        on_gpu(function, *arguments)
    assert any(r.code.dynamic for r in made if r.label.startswith("attention"))
    close(function, arguments, 1e-10)


def test_rows_too_wide_for_shared_memory_are_done_by_tasks(monkeypatch):
    generator = CudaGenerator(target_of("sm_75"))  # which has 64 KB at most
    monkeypatch.setattr(type(DEVICE), "generator", property(lambda _: generator))
    arguments = operands((1,), 16, 20, 256, 256, tf.float64)
    function = with_gradients(attention)
    with launches() as made:
        found = on_gpu(function, *arguments)
    assert [r.code.threads for r in made if r.label.startswith("attention")] == [64, 1]
    wanted = by_reference(function, *arguments)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_a_kernel_serves_all_lengths():
    spec = tf.TensorSpec([1, None, 8])
    function = tf.function(attention, input_signature=[spec] * 3)
    for length in (18, 64, 100):
        q, k, v = operands((1,), length, length, 8, 8)
        found, wanted = on_gpu(function, q, k, v), by_reference(attention, q, k, v)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


# a busy machine draws slowly
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    sizes=st.tuples(*[st.integers(16, 80)] * 2, *[st.integers(1, 40)] * 2),
    dtype=st.sampled_from([tf.float32, tf.bfloat16]),
    mask=st.sampled_from([None, causal]),
)
def test_any_sizes(sizes, dtype, mask):
    rows, columns, depth, width = sizes
    columns = max(rows, columns) if mask else columns  # a row without columns is NaN
    arguments = operands((2,), rows, columns, depth, width, dtype)
    function = with_gradients(lambda q, k, v: attention(q, k, v, mask))
    close(function, arguments, 1e-4 if dtype == tf.float32 else 5e-2)
