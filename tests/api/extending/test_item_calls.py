"""Basic indices of eager tensors and variables, before and after native code makes the slices."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.extending import item_calls
from penstock._src.api.extending.item_calls import _Items
from penstock._src.eager import execute
from penstock._src.util import slots
from penstock._src.util.process.layouts import FREE_THREADED

ARRAY = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(params=["numpy", "native"])
def items(request, monkeypatch):
    """The slices of a process that makes few of them, or many, without what earlier tests have put in place of the executor."""
    monkeypatch.setattr(slots, "RUN_EAGERLY", execute.execute)
    calls = _Items()
    if request.param == "native":
        if FREE_THREADED:
            pytest.skip("calls are served by one thread at a time")
        calls._load()
    for module in (item_calls, tf.Tensor.__getitem__.__globals__):
        if isinstance(module, dict):
            monkeypatch.setitem(module, "ITEMS", calls)
        else:
            monkeypatch.setattr(module, "ITEMS", calls)
    return calls


def test_scalar_tensors_count_as_numbers(items):
    x = tf.constant(ARRAY)
    two, last = tf.constant(2), tf.constant(-1, tf.int64)
    assert x[two].numpy().tolist() == ARRAY[2].tolist()
    assert x[last, np.int32(1)].numpy() == ARRAY[-1, 1]
    assert x[: tf.constant(1), last].numpy().tolist() == ARRAY[:1, -1].tolist()


@pytest.mark.parametrize(
    "index",
    [tf.constant(3), (0, tf.constant(-5)), tf.constant([0]), tf.constant(1.0), 3, 1.0, "a", [0.5]],
    ids=repr,
)
def test_indices_that_do_not_fit_are_refused(items, index):
    with pytest.raises((tf.errors.InvalidArgumentError, TypeError, IndexError)):
        tf.constant(ARRAY)[index]


def test_gradients_pass_through_slices(items):
    x = tf.constant(ARRAY)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x[tf.constant(1), 2] * 3.0
    expected = np.zeros_like(ARRAY)
    expected[1, 2] = 3.0
    assert tape.gradient(y, x).numpy().tolist() == expected.tolist()


def test_slices_of_variables_are_assigned(items):
    variable = tf.Variable(ARRAY)
    part = variable[1, 1:3]
    assert part.numpy().tolist() == [5.0, 6.0]
    part.assign([50.0, 60.0])
    variable[0].assign(tf.zeros([4]), name="zeros")
    expected = ARRAY.copy()
    expected[1, 1:3], expected[0] = [50.0, 60.0], 0.0
    assert variable.numpy().tolist() == expected.tolist()
    assert part.numpy().tolist() == [5.0, 6.0]
    with pytest.raises(tf.errors.InvalidArgumentError):
        variable[1, 1:3].assign([1.0, 2.0, 3.0])


def test_slices_of_variables_are_assigned_in_functions(items):
    variable = tf.Variable(ARRAY)
    part = variable[2]

    @tf.function
    def assign():
        part.assign([1.0, 2.0, 3.0, 4.0])

    assign()
    assert variable.numpy()[2].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    "index", [slice(10**30), slice(-(10**30), None), slice(None, None, 2**63), 2**63]
)
def test_bounds_of_more_than_64_bits_are_refused(items, index):
    x = tf.constant(ARRAY)
    with pytest.raises(ValueError, match="out-of-range integer"):
        x[index]
    with pytest.raises(TypeError, match="Failed to convert elements"):
        tf.function(lambda: x[index])()
    assert x[: 2**63 - 1, -(2**63) :].shape == x.shape
