"""Loops that append to a TensorArray in some steps, or count unevenly: one program, with room for the most that there can be."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.steps import ProgramStep


def array(shape=(4,), dtype=tf.float32):
    return tf.TensorArray(dtype, size=0, dynamic_size=True, element_shape=shape)


def appended(x):
    out = array()
    for i in tf.range(tf.shape(x)[0]):
        if tf.reduce_sum(x[i]) > 0:
            out = out.write(out.size(), x[i] * 2.0)
    return out.stack()


def appended_without_shape(x):
    out = array(None).write(0, x[0])
    for i in tf.range(1, tf.shape(x)[0]):
        if x[i, 0] > x[i, 1]:
            out = out.write(out.size(), tf.sin(x[i]))
    return tf.reduce_sum(out.stack(), 0), out.size()


def counted(x):
    out, n = array(), 0
    for i in tf.range(tf.shape(x)[0]):
        if tf.reduce_sum(x[i]) > 0:
            out = out.write(n, x[i])
            n += 1
    return out.stack(), n


def one_or_two(x):
    out = array()
    for i in tf.range(tf.shape(x)[0]):
        total = tf.reduce_sum(x[i])
        if total > 1:
            out = out.write(out.size(), x[i])
            out = out.write(out.size(), -x[i])
        elif total > 0:
            out = out.write(out.size(), x[i] * 3.0)
    return out.stack()


def until_large(x):
    out = array()
    for i in tf.range(tf.shape(x)[0]):
        if tf.reduce_sum(x[i]) > 3:
            break
        if x[i, 0] > 0:
            out = out.write(out.size(), x[i])
    return out.stack()


def with_strides(x):
    out, i = array(()), 0
    while i < tf.shape(x)[0]:
        if x[i, 0] > x[i, 1]:
            out = out.write(out.size(), x[i, 0] - x[i, 1])
            i += 2
        else:
            i += 1
    return out.stack(), i


def in_two(x):
    first, second = array(), array((), tf.int32)
    for i in tf.range(tf.shape(x)[0]):
        if x[i, 0] > 0:
            first = first.write(first.size(), x[i])
        else:
            second = second.write(second.size(), i)
    return first.stack(), second.stack()


def read_again(x):
    out = tf.TensorArray(tf.float32, 0, True, clear_after_read=False, element_shape=[4])
    out = out.write(0, x[0])
    for i in tf.range(1, tf.shape(x)[0]):
        if tf.reduce_sum(tf.abs(x[i] - out.read(out.size() - 1))) > 2.0:
            out = out.write(out.size(), x[i])
    return out.size()


def with_gaps(x):
    out = array()
    for i in tf.range(tf.shape(x)[0]):
        if x[i, 0] > 0:
            out = out.write(out.size() + 1, x[i])
    return out.stack()


def up_and_down(x):
    n, m = 10, 0
    for i in tf.range(tf.shape(x)[0]):
        if x[i, 0] > 0:
            n -= 1
        else:
            m += 2
        if x[i, 1] > 0:
            n += 3
    return n, m


FUNCTIONS = (
    appended, appended_without_shape, counted, one_or_two, until_large, with_strides, in_two,
    with_gaps, up_and_down,
)  # fmt: skip


def compiled(function):
    return tf.function(function, input_signature=[tf.TensorSpec([None, 4])])


def check(function, own, rows):
    """Compares a compiled function with Python's, where most steps append, where about half do, and where hardly any does."""
    for shift in (4, 0, -4):
        random = np.random.default_rng(rows)
        x = tf.constant(random.standard_normal((rows, 4)) + shift, tf.float32)
        ours, theirs = tf.nest.flatten(own(x)), tf.nest.flatten(function(x))
        for our, their in zip(ours, theirs, strict=True):
            # an array to which nothing was written does not know its elements' shape eagerly
            assert np.size(our) == np.size(their)
            np.testing.assert_allclose(np.ravel(our), np.ravel(their), 1e-5, 1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_loops_that_append_in_some_steps_are_programs(function):
    own = compiled(function)
    for rows in (5, 17, 3, 40, 2):
        check(function, own, rows)
    for form in own.get_concrete_function().graph_function.executable.block.forms():
        assert all(isinstance(step, ProgramStep) for step in form.steps)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_loops_of_one_step_append(function):
    check(function, compiled(function), 1)


def test_what_was_appended_before_is_read():
    for rows in (2, 9, 4, 30):
        check(read_again, compiled(read_again), rows)


def test_a_counter_that_would_wrap_around_bounds_nothing():
    @tf.function(input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([], tf.int8)])
    def steps(x, limit):
        i, count = tf.constant(120, tf.int8), 0
        while i < limit and count < 9:
            i += tf.constant(7, tf.int8) if x[count, 0] > 0 else tf.constant(3, tf.int8)
            count += 1
        return i, count

    for sign in (-1, 1):
        x = tf.fill([9, 4], float(sign))
        ours = steps(x, tf.constant(127, tf.int8))
        np.testing.assert_array_equal(ours, steps.python_function(x, tf.constant(127, tf.int8)))
