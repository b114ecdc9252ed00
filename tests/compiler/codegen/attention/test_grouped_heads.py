"""Attention whose heads of queries share heads of keys and values, by the axes that these lack; also of operands in bfloat16."""

import numpy as np
import pytest

import penstock as tf

BATCH, SHARED, GROUP, ROWS, COLUMNS, SIZE = 2, 3, 4, 40, 56, 16
LATER = np.arange(COLUMNS) > np.arange(ROWS)[:, None] + (COLUMNS - ROWS)


def operands(keys_lack, values_lack):
    random = np.random.default_rng(7)

    def drawn(length, *groups):
        shape = (BATCH, SHARED, *groups, length, SIZE)
        return random.standard_normal(shape).astype(np.float32)

    of = {True: (1,), False: (GROUP,)}
    return drawn(ROWS, GROUP), drawn(COLUMNS, *of[keys_lack]), drawn(COLUMNS, *of[values_lack])


def attention(query, key, value):
    scores = tf.matmul(query, key, transpose_b=True) * 0.25
    later = tf.range(COLUMNS) > tf.range(ROWS)[:, None] + (COLUMNS - ROWS)
    return tf.nn.softmax(tf.where(later, -1e30, scores)) @ value


def expected(query, key, value):
    query, key, value = (each.astype(np.float64) for each in (query, key, value))
    scores = query @ np.swapaxes(key, -1, -2) * 0.25
    exps = np.exp(np.where(LATER, -np.inf, scores) - scores.max(-1, keepdims=True))
    return exps / exps.sum(-1, keepdims=True) @ value


@pytest.mark.parametrize("lacking", [(True, True), (True, False), (False, True)], ids=str)
def test_shared_heads_have_a_kernel_that_stores_no_scores(lacking):
    arrays = operands(*lacking)
    function = tf.function(attention, autograph=False)
    np.testing.assert_allclose(function(*arrays), expected(*arrays), rtol=2e-5, atol=2e-5)
    assert "attention[" in str(function.explain(*arrays))


def check_gradients(attention, arrays):
    def slopes(*operands):
        with tf.GradientTape() as tape:
            tape.watch(operands)
            loss = tf.reduce_sum(attention(*operands) ** 2)
        return tape.gradient(loss, operands)

    compiled = tf.function(slopes, autograph=False)(*arrays)
    for gradient, eager in zip(compiled, slopes(*arrays), strict=True):
        np.testing.assert_allclose(gradient, eager, rtol=1e-4, atol=1e-4)


def test_gradients_of_shared_heads_are_sums_over_those_that_share_them():
    check_gradients(attention, [tf.constant(each) for each in operands(True, True)])


@pytest.mark.parametrize("lacking", [(True, True), (True, False), (False, True)], ids=str)
def test_gradients_of_shared_heads_have_kernels_that_store_no_scores(lacking):
    arrays = [tf.constant(each) for each in operands(*lacking)]

    def slopes(*operands):
        with tf.GradientTape() as tape:
            tape.watch(operands)
            loss = tf.reduce_sum(attention(*operands) ** 2)
        return tape.gradient(loss, operands)

    compiled = tf.function(slopes, autograph=False)
    for gradient, eager in zip(compiled(*arrays), slopes(*arrays), strict=True):
        np.testing.assert_allclose(gradient, eager, rtol=1e-4, atol=1e-4)
    explained = str(compiled.explain(*arrays))
    assert "attention[" in explained and "attention backward[" in explained


def test_gradients_of_one_head_that_is_repeated_for_all_are_summed_over_them():
    random = np.random.default_rng(7)
    shapes = [(BATCH, ROWS, GROUP, SIZE), (BATCH, COLUMNS, 1, SIZE), (BATCH, COLUMNS, 1, SIZE)]

    def repeated(query, key, value):
        key, value = (tf.repeat(each, GROUP, axis=2) for each in (key, value))
        scores = tf.einsum("bthd,bshd->bhts", query, key)
        return tf.einsum("bhts,bshd->bthd", tf.nn.softmax(scores), value)

    check_gradients(repeated, [tf.constant(random.random(each, np.float32)) for each in shapes])


def rounded(x):
    return tf.cast(tf.cast(x, tf.bfloat16), tf.float32)


@pytest.mark.parametrize("is_rounded", [True, False], ids=["rounded", "exact"])
def test_widened_operands_are_read_as_they_were_before(is_rounded):
    def attention_of_rounded(query, key, value):
        query, key, value = rounded(query), rounded(key), rounded(value)
        scores = tf.matmul(query, key, transpose_b=True) * 0.25
        weights = tf.nn.softmax(tf.where(LATER, -1e30, scores))
        return tf.matmul(rounded(weights) if is_rounded else weights, value)

    arrays = operands(True, True)
    function = tf.function(attention_of_rounded, autograph=False)
    wanted = expected(*[rounded(each).numpy() for each in arrays])
    # Probabilities are rounded only where the function rounds them.
    tolerance = 2**-8 * np.abs(arrays[2]).max() if is_rounded else 2e-5
    np.testing.assert_allclose(function(*arrays), wanted, rtol=0, atol=tolerance)
    explained = str(function.explain(*arrays))
    assert "attention[" in explained
    assert f"stores bfloat16[{BATCH}, {SHARED}, {GROUP}, {ROWS}, {SIZE}]" in explained
