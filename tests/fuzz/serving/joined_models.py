"""Draws functions of rows with checks, loops, branches and random numbers, some of which mix the rows of a batch.

A function is a chain of steps from [rows, T] to [rows, T]. ALONE steps and checks work row by row; MIXED ones see all rows, or their number.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import penstock as tf

Step = Callable[[Any, "Numbers"], Any]


class Numbers(NamedTuple):
    """Numbers that a step's variant depends on.

    weights   [T, T]
    level     between the values that requests have
    index     below T
    """

    weights: np.ndarray
    level: float
    index: int


def _n(x: Any) -> Any:
    return tf.shape(x)[0]


def _width(x: Any) -> int:
    return int(x.shape[1])


def _loop(x: Any, trips: Any, body: Any) -> Any:
    return tf.while_loop(
        lambda i, y: i < trips, lambda i, y: (i + 1, body(y)), (tf.constant(0), x)
    )[1]


def _recurrent(x: Any, numbers: Numbers) -> Any:
    """The steps along the last axis, through TensorArrays."""
    columns = tf.TensorArray(tf.float32, _width(x)).unstack(tf.transpose(x))
    written = tf.TensorArray(tf.float32, _width(x))

    def step(i: Any, state: Any, written: Any) -> Any:
        state = tf.tanh(columns.read(i) + 0.5 * state)
        return i + 1, state, written.write(i, state)

    loop = tf.while_loop(
        lambda i, *_: i < _width(x), step, (tf.constant(0), tf.zeros([_n(x)]), written)
    )
    return tf.transpose(loop[2].stack())


def _window(x: Any, begin: Any, numbers: Numbers) -> Any:
    """x with a part added that begins at a number."""
    long = tf.concat([x, x, tf.zeros([_n(x), 64])], 1)
    return x + long[:, begin : begin + _width(x)]


def _indices(x: Any) -> Any:
    return tf.cast(tf.math.floor(x), tf.int32)


ALONE: dict[str, Step] = {
    "tanh": lambda x, n: tf.tanh(x) - x,
    "where": lambda x, n: tf.where(x > n.level, x, -x),
    "softmax": lambda x, n: tf.nn.softmax(x, 1) * 3.0,
    "center": lambda x, n: x - tf.reduce_mean(x, 1, keepdims=True),
    "product": lambda x, n: x @ n.weights,
    "sums": lambda x, n: tf.cumsum(x, 1, exclusive=True, reverse=True) / 4.0,
    "sort": lambda x, n: tf.sort(x, 1),
    "reverse": lambda x, n: tf.reverse(x, [1]),
    "roll": lambda x, n: tf.roll(x, n.index, 1),
    "largest": lambda x, n: x - tf.math.top_k(x, 1)[0],
    "window": lambda x, n: _window(x, n.index, n),
    "own window": lambda x, n: _window(x, tf.shape(x)[1], n),
    "loop": lambda x, n: _loop(x, 3, lambda y: tf.tanh(y) + x),
    "recurrent": _recurrent,
    "branch": lambda x, n: tf.cond(tf.constant(n.level) > 1.0, lambda: x * 2.0, lambda: -x),
    "branch by width": lambda x, n: tf.cond(tf.shape(x)[1] > 6, lambda: x * 2.0, lambda: -x),
    "embedding": lambda x, n: x + tf.gather(n.weights, tf.clip_by_value(_indices(x)[:, 0], 0, 2)),
    "noise": lambda x, n: x + tf.random.stateless_uniform([_width(x)], [n.index, 1]),
    "fold": lambda x, n: tf.transpose(tf.tanh(tf.reshape(tf.transpose(x), [1, _width(x), -1])[0])),
    "flat": lambda x, n: tf.reshape(tf.abs(tf.reshape(x, [-1])), [-1, _width(x)]),
    "convolution": lambda x, n: tf.nn.conv1d(x[..., None], tf.ones([2, 1, 1]), 1, "SAME")[..., 0],
    "attention": lambda x, n: tf.linalg.matvec(tf.nn.softmax(x[:, None] * x[:, :, None]), x),
    "gathered": lambda x, n: tf.gather(x, tf.argsort(x, 1), batch_dims=1),
    "normalize": lambda x, n: tf.nn.batch_normalization(x, 0.5, 2.0, 0.1, 1.0, 1e-3),
    "vectorized": lambda x, n: tf.vectorized_map(lambda row: row - tf.reduce_max(row), x),
    "gradient": lambda x, n: tf.gradients(tf.tanh(x) ** 2, x)[0],
    "repeat": lambda x, n: tf.reduce_mean(tf.reshape(tf.repeat(x, 2, 0), [-1, 2, _width(x)]), 1),
    "segments": lambda x, n: (
        x
        + tf.transpose(tf.math.unsorted_segment_sum(tf.transpose(x), tf.range(_width(x)) // 2, 8))[
            :, :1
        ]
    ),
}
MIXED: dict[str, Step] = {
    "center rows": lambda x, n: x - tf.reduce_mean(x, 0),
    "batch normalization": lambda x, n: tf.nn.batch_normalization(
        x, *tf.nn.moments(x, [0]), 0.0, 1.0, 1e-3
    ),
    "by number": lambda x, n: x / tf.cast(_n(x), tf.float32),
    "index": lambda x, n: x + tf.cast(tf.range(_n(x)), tf.float32)[:, None],
    "reverse rows": lambda x, n: x[::-1],
    "first row": lambda x, n: x + x[:1],
    "last row": lambda x, n: x + x[-1],
    "sums over rows": lambda x, n: tf.cumsum(x, 0),
    "sort rows": lambda x, n: tf.sort(x, 0),
    "roll rows": lambda x, n: tf.roll(x, 1, 0),
    "roll by number": lambda x, n: tf.roll(x, _n(x), 1),
    "window by number": lambda x, n: _window(x, _n(x), n),
    "stride by number": lambda x, n: (
        x
        + tf.reduce_sum(tf.concat([x, tf.zeros([_n(x), 99])], 1)[:, 0 : _n(x) * 3 : _n(x)], 1, True)
    ),
    "pad by number": lambda x, n: (
        x + tf.pad(x, [[0, 0], [_n(x), 64 - _n(x)]])[:, 1 : 1 + _width(x)]
    ),
    "loop by number": lambda x, n: _loop(x, _n(x), lambda y: y + 0.5),
    "loop by rows": lambda x, n: tf.while_loop(
        lambda y: tf.reduce_max(y) < n.level, lambda y: [y + 1.0], [x], maximum_iterations=9
    )[0],
    "branch by rows": lambda x, n: tf.cond(tf.reduce_any(x > n.level), lambda: -x, lambda: x),
    "branch by number": lambda x, n: tf.cond(_n(x) > 2, lambda: -x, lambda: x),
    "switch": lambda x, n: tf.switch_case(
        tf.cast(tf.reduce_sum(x) > n.level, tf.int32), [lambda: x, lambda: x + 1.0]
    ),
    "noise of rows": lambda x, n: x + tf.random.stateless_uniform(tf.shape(x), [n.index, 1]),
    "segments of rows": lambda x, n: (
        x + tf.math.unsorted_segment_sum(x, tf.zeros([_n(x)], tf.int32), 1)
    ),
    "unique": lambda x, n: x + tf.cast(tf.unique(_indices(x)[:, 0])[1], tf.float32)[:, None],
    "map over rows": lambda x, n: tf.scan(lambda total, row: total + row, x),
    "largest row": lambda x, n: x + tf.gather(x, tf.argmax(x[:, 0])),
    "mask": lambda x, n: x + tf.reduce_sum(tf.boolean_mask(x, x[:, 0] > n.level), 0),
    "pairs": lambda x, n: x + tf.reduce_max(x[None] - x[:, None], 1),
    "quantize": lambda x, n: tf.quantization.fake_quant_with_min_max_vars(
        x, tf.reduce_min(x), tf.reduce_max(x) + 0.5
    ),
    "scatter": lambda x, n: (
        x + tf.scatter_nd(tf.clip_by_value(_indices(x)[:, :1], 0, 2), x, [3, _width(x)])[:1]
    ),
}


def _checked(x: Any, *checks: Any) -> Any:
    with tf.control_dependencies([each for each in checks if each is not None]):
        return tf.identity(x)


def _asserted(x: Any, condition: Any) -> Any:
    return _checked(x, tf.debugging.Assert(condition, [x]))


CHECKS: dict[str, Step] = {
    "finite": lambda x, n: tf.debugging.check_numerics(x, "rows"),
    "all finite": lambda x, n: _checked(x, tf.debugging.assert_all_finite(x, "rows")),
    "less": lambda x, n: _checked(x, tf.debugging.assert_less(x, n.level)),
    "sums of rows": lambda x, n: _checked(
        x, tf.debugging.assert_greater(tf.reduce_sum(x, 1), -n.level)
    ),
    "none": lambda x, n: _asserted(x, tf.logical_not(tf.reduce_any(x > n.level))),
    "each any": lambda x, n: _asserted(x, tf.reduce_all(tf.reduce_any(x < n.level, 1))),
    "both": lambda x, n: _asserted(
        x, tf.logical_and(tf.reduce_all(x > -n.level * 9.0), tf.reduce_all(x[:, 0] < n.level * 9.0))
    ),
    "neither": lambda x, n: _asserted(
        x,
        tf.logical_not(
            tf.logical_or(tf.reduce_any(x > n.level * 3.0), tf.reduce_any(x < -n.level * 3.0))
        ),
    ),
    "width": lambda x, n: _checked(x, tf.debugging.assert_less(tf.shape(x)[1], 60)),
    "shape": lambda x, n: tf.ensure_shape(x, [None, _width(x)]),
    "bounds": lambda x, n: x + tf.gather(n.weights, _indices(x)[:, 0]),
    "vectors": lambda x, n: x + tf.gather_nd(n.weights, tf.abs(_indices(x))[:, :1]),
    "division": lambda x, n: x + tf.cast(7 // _indices(x), tf.float32),
    "maximum of a row": lambda x, n: _checked(
        x, tf.debugging.assert_less_equal(tf.reduce_max(x, 1) - tf.reduce_min(x, 1), n.level * 4.0)
    ),
    "near": lambda x, n: _checked(x, tf.debugging.assert_near(x, tf.zeros_like(x), atol=n.level)),
    "in a loop": lambda x, n: _loop(
        x, 2, lambda y: _checked(y * 0.5, tf.debugging.assert_less(tf.reduce_max(y, 1), n.level))
    ),
    "in a branch": lambda x, n: tf.cond(
        tf.constant(n.level) > 0.0,
        lambda: _checked(x, tf.debugging.assert_less(x, n.level)),
        lambda: x,
    ),
}
MIXED_CHECKS: dict[str, Step] = {
    "sum": lambda x, n: _checked(x, tf.debugging.assert_greater(tf.reduce_sum(x), -n.level)),
    "any": lambda x, n: _asserted(x, tf.reduce_any(x > n.level)),
    "mean": lambda x, n: _checked(
        x, tf.debugging.assert_near(tf.reduce_mean(x), 0.0, atol=n.level / 2.0)
    ),
    "deviation": lambda x, n: _checked(x, tf.debugging.assert_less(tf.math.reduce_std(x), n.level)),
    "largest": lambda x, n: _checked(x, tf.debugging.assert_greater(tf.reduce_max(x), n.level / 2)),
    "sum over rows": lambda x, n: _checked(
        x, tf.debugging.assert_less(tf.reduce_sum(x, 0), n.level * 2.0)
    ),
    "number": lambda x, n: _checked(x, tf.debugging.assert_less(_n(x), 4)),
    "least number": lambda x, n: _checked(x, tf.debugging.assert_greater(_n(x), 1)),
    "even number": lambda x, n: _checked(x, tf.debugging.assert_equal(_n(x) % 2, 0)),
    "first": lambda x, n: _checked(x, tf.debugging.assert_less(x[0], n.level)),
    "last": lambda x, n: _checked(x, tf.debugging.assert_less(x[-1, 0], n.level)),
    "order": lambda x, n: _asserted(x, tf.math.is_non_decreasing(x[:, 0])),
    "either": lambda x, n: _asserted(
        x, tf.logical_or(tf.reduce_all(x > -n.level), tf.reduce_all(x < n.level))
    ),
    "agreement": lambda x, n: _checked(
        x, tf.debugging.assert_equal(tf.reduce_all(x > -n.level), tf.reduce_all(x < n.level))
    ),
    "exclusive": lambda x, n: _asserted(
        x, tf.math.logical_xor(tf.reduce_any(x > n.level), tf.reduce_any(x < -n.level))
    ),
    "count": lambda x, n: _checked(
        x, tf.debugging.assert_less(tf.math.count_nonzero(x > n.level), tf.constant(2, tf.int64))
    ),
    "selected": lambda x, n: _asserted(
        x, tf.where(tf.reduce_all(x < n.level * 2.0), tf.reduce_any(x > 0.0), True)
    ),
    "running sum": lambda x, n: _checked(
        x, tf.debugging.assert_less(tf.cumsum(x[:, 0]), n.level * 2.0)
    ),
    "distinct": lambda x, n: _checked(
        x, tf.debugging.assert_equal(tf.size(tf.unique(_indices(x)[:, 0])[0]), _n(x))
    ),
    "nan of a sum": lambda x, n: _checked(
        x, tf.debugging.check_numerics(tf.reduce_sum(tf.sqrt(x + n.level)), "sum")
    ),
    "bound by a sum": lambda x, n: (
        x + tf.gather(n.weights[:, 0], tf.cast(tf.abs(tf.reduce_sum(x)), tf.int32))
    ),
    "sum in a loop": lambda x, n: _loop(
        x, 2, lambda y: _checked(y, tf.debugging.assert_less(tf.reduce_sum(y), n.level * 3.0))
    ),
    "sum in a branch": lambda x, n: tf.cond(
        tf.constant(n.level) > 0.0,
        lambda: _checked(x, tf.debugging.assert_less(tf.reduce_sum(x), n.level * 3.0)),
        lambda: x,
    ),
    "branch by any": lambda x, n: tf.cond(
        tf.reduce_any(x > n.level),
        lambda: _checked(x, tf.debugging.assert_less(x, n.level * 2.0)),
        lambda: x,
    ),
    "product of rows": lambda x, n: _checked(
        x, tf.debugging.assert_greater(tf.reduce_prod(tf.sign(x[:, 0] + 0.25)), 0.0)
    ),
    "table of rows": lambda x, n: (
        x + tf.gather(x, tf.clip_by_value(_indices(x)[:, 0], 0, 9) % 3) * 0.0
    ),
}
# How often a step is taken of each table.
_TABLES = ((ALONE, 0.58), (CHECKS, 0.28), (MIXED, 0.05), (MIXED_CHECKS, 0.09))
_MOST_STEPS = 5


class Model(NamedTuple):
    """A drawn function.

    names       of its steps
    is_alone    True if no step mixes rows
    function    traced for any number of rows
    width       T
    """

    names: list[str]
    is_alone: bool
    function: Any
    width: int


def draw(random: np.random.Generator) -> Model:
    """Draws a model."""
    width = int(random.integers(3, 9))
    tables = random.choice(
        len(_TABLES), random.integers(1, _MOST_STEPS + 1), p=[p for _, p in _TABLES]
    )
    steps, names = [], []
    for table, _ in (_TABLES[i] for i in tables):
        name = str(random.choice(list(table)))
        numbers = Numbers(
            _sixteenths(random, 1, (width, width)),
            float(random.integers(2, 12)) / 2.0,
            int(random.integers(1, width)),
        )
        steps.append((table[name], numbers))
        names.append(name)

    def run(x: Any) -> Any:
        for step, numbers in steps:
            x = step(x, numbers)
        return {"y": x, "most": tf.reduce_max(x, 1)}

    function = tf.function(run, autograph=False)
    traced = function.get_concrete_function(tf.TensorSpec([None, width], tf.float32))
    return Model(names, not set(tables) & {2, 3}, traced, width)


def request(random: np.random.Generator, width: int) -> np.ndarray:
    """Draws the rows of a request: most are small, some have numbers that checks refuse."""
    rows = int(random.choice([0, 1, 2, 3, 4], p=[0.06, 0.5, 0.2, 0.14, 0.1]))
    x = _sixteenths(random, float(random.choice([0.5, 1.0, 3.0])), (rows, width))
    if rows and random.random() < 0.25:
        worst = random.choice([np.nan, np.inf, -np.inf, 40.0, -40.0, 0.0])
        x[random.integers(rows), random.integers(width)] = worst
    return x


def _sixteenths(random: np.random.Generator, most: float, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers that sums round little."""
    return (random.integers(-16 * most, 16 * most + 1, shape) / 16).astype(np.float32)
