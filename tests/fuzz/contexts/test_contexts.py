"""Random functions of a row give what they give eagerly, row by row, wherever rows are computed together or have unknown extents.

Each function is a chain of steps, some of which broadcast, compare shapes that do not fit, or depend on a row's values. FUZZ_CONTEXTS draws that many others,
from FUZZ_SEED on.
"""

import os
import random
from collections.abc import Callable

import numpy as np
import pytest

import penstock as tf

FIRST = int(os.environ.get("FUZZ_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("FUZZ_CONTEXTS", "30")))
MANY = 300  # rows of a dataset: enough for its functions to be compiled for stacks
Function = Callable[[tf.Tensor], tf.Tensor]

FOUR, THREE = np.array([3, 0, -1, 2], np.float32), np.array([1, -2, 0.5], np.float32)
TABLE = np.arange(12, dtype=np.float32).reshape(3, 4)


def _indices(x: tf.Tensor, count: int) -> tf.Tensor:
    return tf.cast(tf.abs(tf.clip_by_value(x, -9.0, 9.0)), tf.int32) % count


# From rows of four numbers to rows of four numbers.
STEPS: dict[str, Function] = {
    "square": lambda x: tf.square(tf.clip_by_value(x, -9.0, 9.0)),
    "floor": tf.floor,
    "minus constant": lambda x: FOUR - x,
    "times own element": lambda x: x * tf.sign(x[1]),
    "floormod": lambda x: tf.math.floormod(x, 3.0),
    "divide_no_nan": lambda x: tf.math.divide_no_nan(FOUR, x),
    "where": lambda x: tf.where(x > 0, x, FOUR),
    "where by one element": lambda x: tf.where(x[0] > 0, x, -x),
    "where of TensorFlow 1": lambda x: tf.compat.v1.where(FOUR > 0, x, -x),
    "reverse": lambda x: x[::-1],
    "roll": lambda x: tf.roll(x, 1, 0),
    "gather": lambda x: tf.gather(x, _indices(x, 4)),
    "gather a constant": lambda x: tf.gather_nd(TABLE, tf.stack([_indices(x, 3), range(4)], 1)),
    "gather columns": lambda x: tf.gather(TABLE, _indices(x, 4), axis=1)[1],
    "batched gather": lambda x: tf.reshape(
        tf.gather(tf.reshape(x, [2, 2]), [[1, 1], [0, 1]], batch_dims=1), [4]
    ),
    "scatter": lambda x: tf.tensor_scatter_nd_add(FOUR, [[1], [1], [0], [2]], x),
    "segments": lambda x: tf.math.unsorted_segment_sum(x, _indices(x, 4), 4),
    "cumsum": lambda x: tf.cumsum(x, exclusive=True, reverse=True),
    "sort": lambda x: tf.sort(x, direction="DESCENDING"),
    "top_k": lambda x: tf.concat([tf.math.top_k(x, 2).values, x[:2]], 0),
    "softmax": lambda x: tf.round(16 * tf.nn.softmax(tf.clip_by_value(x, -9.0, 9.0))) / 16,
    "transpose": lambda x: tf.reshape(tf.transpose(tf.reshape(x, [2, 2])), [4]),
    "product": lambda x: tf.linalg.matvec(tf.transpose(TABLE) @ TABLE / 64, x),
    "concat": lambda x: tf.concat([x[2:], [x[0]], THREE[:1]], 0),
    "pad": lambda x: tf.pad(x, [[1, 0]], constant_values=x[3])[:4],
    "condition": lambda x: tf.cond(x[0] > 0, lambda: x - 1, lambda: x + 2),
    "loop": lambda x: tf.while_loop(
        lambda i, _: i < _indices(x[0], 4), lambda i, y: (i + 1, y + x), (0, x)
    )[1],
    "scan": lambda x: tf.scan(lambda a, b: a * 0.5 + b, x),
    "strings": lambda x: tf.strings.to_number(tf.strings.as_string(tf.cast(x, tf.int32))),
}
# From rows of four numbers to anything.
ENDS: dict[str, Function] = {
    "equal to three": lambda x: x == THREE,
    "not equal to a table": lambda x: x != TABLE,
    "equal to one": lambda x: x == [2.0],
    "outer product": lambda x: x[:, None] * THREE,
    "sum": tf.reduce_sum,
    "maximum of rows": lambda x: tf.reduce_max(x * TABLE, -1, keepdims=True),
    "argmax": tf.argmax,
    "one_hot": lambda x: tf.one_hot(_indices(x, 4), 3, axis=0),
    "bias": lambda x: tf.nn.bias_add(tf.reshape(x, [1, 1, 2, 2]), THREE[:1], "NCHW"),
    "reverse_sequence": lambda x: tf.reverse_sequence(tf.reshape(x, [2, 2]), _indices(x[:2], 3), 1),
    "text": lambda x: tf.strings.as_string(tf.cast(x, tf.int32)) == ["0", "1", "2"],
    "nothing": tf.identity,
}


def drawn(seed: int) -> tuple[str, Function]:
    """A function, and its steps' names."""
    r = random.Random(seed)
    names, end = r.choices(sorted(STEPS), k=r.randint(0, 3)), r.choice(sorted(ENDS))

    def function(x: tf.Tensor) -> tf.Tensor:
        for name in names:
            x = STEPS[name](x)
        return ENDS[end](x)

    return ", ".join([*names, end]), function


def with_gaps(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A row between other numbers, and a mask that leaves it."""
    return np.array([9, *row, 7], np.float32), np.array([False, *[True] * len(row), False])


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_computed_as_if_each_were_alone(seed):
    name, function = drawn(seed)
    rng = np.random.default_rng(seed)
    rows = rng.integers(-12, 12, (5, 4)).astype(np.float32) / 4
    expected = [function(tf.constant(row)).numpy() for row in rows]
    many = tf.data.Dataset.from_tensor_slices(np.tile(rows, (MANY // len(rows), 1)))
    open_rows = tf.function(function, input_signature=[tf.TensorSpec([None])])
    masked = tf.function(lambda x, mask: function(tf.ensure_shape(tf.boolean_mask(x, mask), [4])))
    dynamic = tf.function(lambda x, mask: function(tf.boolean_mask(x, mask)))
    signature = tf.as_dtype(expected[0].dtype)
    ways = {
        "vectorized_map": lambda: tf.vectorized_map(function, rows),
        "map_fn": lambda: tf.function(tf.map_fn)(function, rows, fn_output_signature=signature),
        "dataset": lambda: list(many.map(function).take(5).as_numpy_iterator()),
        "batches": lambda: next(iter(many.map(function).batch(5))),
        "batches with texts": lambda: next(
            iter(many.map(lambda x: (tf.strings.as_string(x), function(x))).batch(5))
        )[1],
        "unknown extents": lambda: [open_rows(row) for row in rows],
        "dynamic rows": lambda: [dynamic(*with_gaps(row)) for row in rows],
        "masked rows": lambda: [masked(*with_gaps(row)) for row in rows],
    }
    for way, run in ways.items():
        found = np.array([np.asarray(one) for one in run()])
        np.testing.assert_allclose(found, expected, 1e-4, 1e-5, err_msg=f"{way}: {name}")
