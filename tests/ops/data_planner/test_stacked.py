"""Maps whose functions are compiled for stacks of elements, against calls for each."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.data_planner.choices import _rows_in_stacks
from penstock._src.ops.data_planner.plan import planned
from penstock._src.ops.data_planner.stacked import StackedElements

Dataset = tf.data.Dataset
COUNT = 300
VECTORS = np.random.default_rng(1).normal(size=(COUNT, 17)).astype("f")
LABELS = np.arange(COUNT) % 10


def source():
    return Dataset.from_tensor_slices((VECTORS, LABELS)).shuffle(50, seed=3)


FUNCTIONS = {
    "transcendental": lambda x, y: (tf.exp(x) * tf.tanh(x) + tf.sin(x), tf.math.log1p(tf.abs(x))),
    "one hot": lambda x, y: (x / 255.0, tf.one_hot(y, 10)),
    "movements": lambda x, y: (tf.reverse(tf.reshape(x[1:], [4, 4]), [0])[..., None], y),
    "table": lambda x, y: (tf.gather(tf.constant(VECTORS[:10]), y), x**2.0),
    "padded": lambda x, y: (tf.pad(x, [[1, 2]]), tf.tile(x[:2], [3])),
    "same for all": lambda x, y: (x + 1.0, tf.constant(5)),
}


def singly(function):
    """The results of calls for each element."""
    call = tf.function(function)
    return [[part.numpy() for part in call(x, y)] for x, y in source()]


def check(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.dtype == b.dtype and a.tobytes() == b.tobytes() and a.shape == b.shape


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elements_have_the_bits_of_single_calls(name):
    made = source().map(FUNCTIONS[name])
    step = planned(source().map(FUNCTIONS[name])._variant_tensor._value).inputs[0]
    assert isinstance(step.iterate(Run()), StackedElements)
    check(list(made.as_numpy_iterator()), singly(FUNCTIONS[name]))


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_batches_have_the_bits_of_single_calls(name, drop):
    made = source().map(FUNCTIONS[name]).batch(32, drop_remainder=drop)
    expected = singly(FUNCTIONS[name])
    parts = [expected[at : at + 32] for at in range(0, COUNT - (COUNT % 32 if drop else 0), 32)]
    stacked = [[np.stack(values) for values in zip(*part, strict=True)] for part in parts]
    check(list(made.as_numpy_iterator()), stacked)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: tf.reduce_sum(x),  # rounds by the order of its additions
        lambda x, y: x + tf.random.uniform([17]),
        lambda x, y: tf.strings.as_string(x),
        lambda x, y: tf.ensure_shape(tf.numpy_function(lambda v: v, [x], tf.float32), [17]),
    ],
)
def test_other_functions_are_called_for_each(function):
    step = source().map(function)._variant_tensor._value
    assert _rows_in_stacks(step, Run()) is None


def outcomes(dataset):
    """The elements, and the classes of errors, in order."""
    found, iterator = [], iter(dataset)
    while True:
        try:
            found.append(next(iterator).numpy().tolist())
        except StopIteration:
            return found
        except tf.errors.InvalidArgumentError as error:
            assert "Map" in error.message
            found.append(type(error).__name__)


def fails_at_70(x):
    return tf.one_hot(1000 // (x - 70), 2, dtype=tf.int64)


@pytest.mark.parametrize(
    "apply",
    [
        lambda d: d.map(fails_at_70),
        lambda d: d.map(fails_at_70).batch(16),
        lambda d: d.map(fails_at_70).batch(16, drop_remainder=True),
        lambda d: d.apply(tf.data.experimental.map_and_batch(fails_at_70, 16)),
        lambda d: d.map(fails_at_70).batch(16).ignore_errors(),
    ],
)
def test_an_error_is_that_of_its_element(apply):
    few = Dataset.range(200)  # fewer than pay off
    many = Dataset.range(300)
    plain, found = outcomes(apply(few)), outcomes(apply(many))
    assert found[: len(plain) - 1] == plain[:-1]
    assert len(found) > len(plain)


@pytest.mark.parametrize("batch", [None, 7])
@pytest.mark.parametrize("taken", [3, 20, 40])
def test_iterators_resume(batch, taken):
    made = source().map(FUNCTIONS["transcendental"])
    if batch:
        made = made.batch(batch)
    first, second = iter(made), iter(made)
    for _ in range(taken):
        next(first)
    second._restore(first._save())
    np.testing.assert_array_equal(next(second)[0], next(first)[0])
