"""Small draws by NumPy and, once there have been many, by native code: the same bits."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.native.builtins import HotCounter
from penstock._src.ops.random import distributions, philox

NEVER, AT_ONCE = HotCounter(1 << 60), HotCounter(0)
DRAWS = {
    "normal": lambda: tf.random.normal([5]),
    "normal half": lambda: tf.random.normal([7], dtype=tf.float16),
    "normal double": lambda: tf.random.normal([5], dtype=tf.float64),
    "uniform": lambda: tf.random.uniform([], -1.0, 3.0),
    "uniform bfloat16": lambda: tf.random.uniform([3, 2], dtype=tf.bfloat16),
    "integers": lambda: tf.random.uniform([5], 0, 9, tf.int64),
    "truncated": lambda: tf.random.truncated_normal([5]),
    "truncated double": lambda: tf.random.truncated_normal([5], dtype=tf.float64),
    "none": lambda: tf.random.normal([0]),
    "shuffle": lambda: tf.random.shuffle(tf.range(9)),
    "gamma": lambda: tf.random.gamma([3], [0.5, 2.0]),
    "categorical": lambda: tf.random.categorical([[1.0, 2.0]], 5),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_bits_do_not_depend_on_the_draws_before(monkeypatch, draw):
    drawn = []
    for counter in (NEVER, AT_ONCE):
        monkeypatch.setattr(philox, "_BLOCKS", counter)
        monkeypatch.setattr(distributions, "_NUMBERS", counter)
        monkeypatch.setattr(distributions, "_PAIRS", counter)
        tf.random.set_seed(7)
        drawn.append([np.asarray(draw()).tobytes() for _ in range(20)])
    assert drawn[0] == drawn[1]
