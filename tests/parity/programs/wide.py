"""Largest elements of rows too wide to be sorted; gradients of gathered rows and of sparse factors."""

import numpy as np

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.integers(0, 9, (3, 100)).astype(np.float32)
WITH_INFINITIES = ROWS.copy()
WITH_INFINITIES[0, 3], WITH_INFINITIES[1, 4:60] = np.inf, -np.inf


def largest(tf, tmp):
    rows = (
        ROWS,
        WITH_INFINITIES,
        ROWS.astype(np.int32),
        ROWS.astype(np.uint8),
        ROWS.astype(np.float16),
    )
    return [list(tf.math.top_k(x, k)) for x in rows for k in (0, 1, 3, 20, 100)]


def of_a_rank(tf, tmp):
    raw = tf.raw_ops
    return [
        raw.NthElement(input=ROWS, n=n, reverse=turned)
        for n in (0, 5, 99)
        for turned in (False, True)
    ] + [
        raw.InTopKV2(predictions=x, targets=np.array([5, 7, 99], np.int32), k=np.int32(k))
        for x in (ROWS, WITH_INFINITIES)
        for k in (3, 40)
    ]


def _ragged(tf, splits, indices):
    found = tf.raw_ops.RaggedGather(
        params_nested_splits=[np.array(s, np.int64) for s in splits],
        params_dense_values=np.arange(5.0), indices=np.array(indices, np.int64),
        OUTPUT_RAGGED_RANK=len(splits) + np.ndim(indices) - 1,
    )  # fmt: skip
    return [*found[0], found[1]]


def rows_of_rows(tf, tmp):
    return [
        _ragged(tf, [[0, 2, 2, 5]], [2, 0]),
        _ragged(tf, [[0, 2, 2, 5]], [[2, 0], [1, 2]]),
        _ragged(tf, [[0, 1, 3], [0, 2, 2, 5]], [1, 1, 0]),
    ]


def gradients_of_factors(tf, tmp):
    places = {
        "sp_indices": np.array([[0, 1], [1, 0], [2, 2]], np.int64),
        "sp_shape": np.array([3, 3], np.int64),
    }
    made = []
    for name in ("SparseDenseCwiseMul", "SparseDenseCwiseDiv"):
        op = getattr(tf.raw_ops, name)
        for dense in (
            np.arange(1.0, 10).reshape(3, 3),
            np.arange(1.0, 4),
            np.array([[2.0], [3], [4]]),
        ):
            values, other = tf.constant([2.0, 3, 4], tf.float64), tf.constant(dense)
            with tf.GradientTape() as tape:
                tape.watch((values, other))
                y = op(sp_values=values, dense=other, **places) ** 2
            made += tape.gradient(y, (values, other))
    return made
