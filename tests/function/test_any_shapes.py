"""Calls of functions that are traced once for whatever shapes come: how the trace is found, and what is kept of shapes."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.function import function, trace_cache


def declared(*specs):
    return [tf.TensorSpec(shape, dtype) for shape, dtype in specs]


def never(*_):
    raise AssertionError("the arguments are looked at in detail")


@pytest.mark.parametrize("is_variadic", [False, True])
def test_tensors_that_an_input_signature_declares_are_not_looked_at_in_detail(
    monkeypatch, is_variadic
):
    def plain(x, y):
        return tf.reduce_sum(x, 1) + tf.cast(y, tf.float32)

    def variadic(*batch):
        return plain(*batch)

    specs = declared(([None, 3], "float32"), ([None], "int32"))
    f = tf.function(variadic if is_variadic else plain, input_signature=specs)
    for _ in range(2):  # the second looks for side effects of Python
        f(tf.ones([2, 3]), tf.constant([1, 2]))
    monkeypatch.setattr(f, "_find", never)
    for n in (2, 5, 1, 0):
        np.testing.assert_array_equal(f(tf.ones([n, 3]), tf.range(n)), 3.0 + np.arange(n))
    for other in [
        (tf.ones([2, 4]), tf.constant([1, 2])),  # not the shape that is declared
        (tf.ones([2, 3, 1]), tf.constant([1, 2])),
        (tf.ones([2, 3], "float64"), tf.constant([1, 2])),
        (np.ones([2, 3], "float32"), tf.constant([1, 2])),  # to be converted
        (tf.Variable(tf.ones([2, 3])), tf.constant([1, 2])),
        (tf.ones([2, 3]),),
    ]:
        with pytest.raises(AssertionError, match="in detail"):
            f(*other)


def test_declared_tensors_that_do_not_fit_are_refused_after_calls_of_those_that_do():
    f = tf.function(lambda x, y: x + y, input_signature=declared(([None], "float32"), ([], "float32")))  # fmt: skip
    assert f(tf.ones([3]), tf.constant(2.0)).numpy().tolist() == [3, 3, 3]
    for wrong in [(tf.ones([3]), tf.ones([1])), (tf.ones([3], "int32"), tf.constant(1.0))]:
        with pytest.raises(TypeError, match="Can not cast"):
            f(*wrong)
    assert f([1.0, 2.0], 1.0).numpy().tolist() == [2, 3]


def test_a_declared_call_in_another_trace_is_part_of_it():
    inner = tf.function(lambda x: x * 2, input_signature=declared(([None], "float32")))
    inner(tf.ones([2]))
    held = tf.constant([1.0, 2.0])
    outer = tf.function(lambda y: inner(held) + inner(y))
    assert outer(tf.constant([5.0, 6.0])).numpy().tolist() == [12, 16]
    with tf.GradientTape() as tape:
        tape.watch(held)
        y = inner(held)
    assert tape.gradient(y, held).numpy().tolist() == [2, 2]


@pytest.mark.parametrize("signature", [None, declared(([None], "float32"))], ids=["none", "own"])
def test_what_is_kept_of_shapes_is_bounded(monkeypatch, signature):
    for module in (trace_cache, function):
        monkeypatch.setattr(module, "MOST_SHAPES", 10)
    f = tf.function(lambda x: tf.reduce_sum(x), signature, reduce_retracing=True)
    for n in range(2, 60):
        assert f(tf.ones([n])).numpy() == n
    assert len(f._fast) <= 10 and len(f._cache._exact) <= 10
    assert f.experimental_get_tracing_count() <= 2
