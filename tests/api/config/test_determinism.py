"""Random ops without seeds are refused when results have to be the same in each run."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.config.determinism import disable_op_determinism


@pytest.fixture(autouse=True)
def determinism():
    tf.random.set_seed(None)
    tf.config.experimental.enable_op_determinism()
    yield
    disable_op_determinism()


DRAWS = {
    "normal": lambda: tf.random.normal([2]),
    "shuffle": lambda: tf.random.shuffle([2, 3]),
    "dropout": lambda: tf.nn.dropout(tf.ones([4]), 0.5),
    "poisson": lambda: tf.random.poisson([2], 1.0),
    "in a function": lambda: tf.function(lambda: tf.random.uniform([2]))(),
    "dataset": lambda: list(tf.data.Dataset.range(5).shuffle(3)),
    "generator": tf.random.Generator.from_non_deterministic_state,
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_random_functions_need_a_seed(draw):
    with pytest.raises(RuntimeError, match="determinism"):
        draw()


def test_random_ops_need_a_seed():
    with pytest.raises(tf.errors.InvalidArgumentError, match="RandomUniform.*determinism"):
        tf.raw_ops.RandomUniform(shape=[2], dtype=tf.float32)


def test_calls_that_native_code_made_are_refused():
    disable_op_determinism()
    for _ in range(3000):
        tf.random.normal([2])
    tf.config.experimental.enable_op_determinism()
    with pytest.raises(RuntimeError, match="determinism"):
        tf.random.normal([2])


def test_seeds_of_the_program_or_of_the_op_serve():
    assert tf.random.normal([2], seed=3).shape == [2]
    tf.random.set_seed(1)
    first = tf.random.normal([2])
    tf.random.set_seed(1)
    np.testing.assert_array_equal(first, tf.random.normal([2]))
    tf.random.set_seed(None)
