"""Sections that wait for steps on the host: the values that they request, and the inputs of programs before them."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks import specialize
from penstock._src.compiler.blocks.steps import ProgramStep

IDS = tf.constant([0, 2, 2, 1, 0])
ROWS = tf.reshape(tf.range(20.0), [5, 4])


@pytest.fixture
def attempts(monkeypatch):
    """The attempts to lower a section, in a list that grows."""
    made = []
    lower_ready = specialize.lower_ready

    def counted(*arguments):
        made.append(arguments[0])
        return lower_ready(*arguments)

    monkeypatch.setattr(specialize, "lower_ready", counted)
    return made


def test_values_that_are_requested_one_after_another_take_one_more_attempt(attempts):
    @tf.function
    def reshaped(x, *shapes):
        for shape in shapes:
            x = tf.reshape(tf.sin(x), shape)
        return x

    shapes = [tf.constant(shape) for shape in ([4, 6], [8, 3], [2, 12], [6, 4])]
    x = tf.range(24.0)
    np.testing.assert_array_equal(reshaped(x, *shapes), reshaped.python_function(x, *shapes))
    assert len(attempts) == 2


def test_values_known_to_a_dropped_attempt_are_conditions_of_the_next(attempts):
    @tf.function(input_signature=[tf.TensorSpec([None]), *[tf.TensorSpec([], tf.int32)] * 2])
    def part(x, first, number):
        return tf.reshape(x[first:], [number, -1]) if number > 1 else x[:first]

    x = tf.range(24.0)
    for first, number in ((2, 2), (4, 1), (3, 3), (4, 5), (2, 1), (6, 3)):
        given = x, tf.constant(first), tf.constant(number)
        np.testing.assert_array_equal(part(*given), part.python_function(*given))


@tf.function(input_signature=[tf.TensorSpec([None], tf.int32)] * 2 + [tf.TensorSpec([None, 4])] * 2)
def summed(ids, more, x, later):
    """Sums of rows, twice: the numbers of sums are in the data."""
    first = tf.math.unsorted_segment_sum(tf.sin(x), ids, tf.reduce_max(ids) + 1)
    second = tf.math.unsorted_segment_sum(first, more, tf.reduce_max(more) + 1)
    return tf.matmul(second, later, transpose_b=True)


def test_a_program_gets_no_inputs_that_only_later_steps_read():
    for rows in (5, 3, 4):
        given = IDS[:rows], tf.constant([0, 1, 1]), ROWS[:rows], ROWS[1:]
        np.testing.assert_allclose(summed(*given), summed.python_function(*given), rtol=1e-5)
    block = summed.get_concrete_function().graph_function.executable.block
    (step, *_) = next(iter(block.specializations.values())).steps
    assert isinstance(step, ProgramStep)
    assert 3 == len(step.function.parameters) < len(block.section.inputs)


def test_an_error_of_such_a_program_shows_what_nothing_else_reads():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([2])])
    def checked(ids, shown):
        tf.debugging.Assert(tf.reduce_all(ids < 3), [shown])
        return tf.math.unsorted_segment_sum(tf.ones_like(ids), ids, tf.reduce_max(ids) + 1)

    np.testing.assert_array_equal(checked(IDS, [1.5, 2.5]), [2, 1, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[1\.5 2\.5\]"):
        checked(IDS + 1, [1.5, 2.5])
