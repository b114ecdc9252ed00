"""Checks inside of compiled loops and branches: they are carried out of them and looked at after the run."""

import re

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks import steps
from penstock._src.compiler.blocks.steps import ProgramStep


def messages(function, *args):
    """What the function's programs check; it must have no other steps."""
    executable = function.get_concrete_function(*args).graph_function.executable
    made = list(executable.steps())
    assert made and all(isinstance(step, ProgramStep) for step in made)
    return [check.message for step in made for check in step.compiled.function.checks]


INDICES = tf.constant([0, 1, 3, 2, 5, -1])


@tf.function
def write(count, indices):
    array = tf.TensorArray(tf.float32, 4)
    for i in tf.range(count):
        array = array.write(indices[i], tf.cast(i, tf.float32))
    return array.stack()


@tf.function
def read(start, count, indices):
    array, total = tf.TensorArray(tf.float32, 4).unstack([1.0, 2.0, 3.0, 4.0]), 0.0
    for i in tf.range(start, count):
        total += array.read(indices[i])
    return total


def test_indices_of_tensor_arrays():
    assert write(tf.constant(4), INDICES).numpy().tolist() == [0, 1, 3, 2]
    assert float(read(tf.constant(0), tf.constant(4), INDICES)) == 10.0
    assert len(messages(write, tf.constant(4), INDICES)) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="element 5 in a list with 4 elem"):
        write(tf.constant(5), INDICES)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="element (5|-1) in a list with 4 elem"
    ):
        read(tf.constant(0), tf.constant(5), INDICES)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="element (5|-1) in a list with 4 elem"
    ):
        read(tf.constant(5), tf.constant(6), INDICES)


def test_counters_of_loops_need_no_check():
    @tf.function
    def squares(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            given = tf.TensorArray(tf.float32, 7).unstack(x)
            made = tf.TensorArray(tf.float32, 7)
            for i in tf.range(7):
                made = made.write(i, given.read(6 - i) ** 2)
            total = tf.reduce_sum(made.stack() * tf.range(7.0))
        return tape.gradient(total, x)

    x = tf.constant(np.arange(7, dtype=np.float32))
    np.testing.assert_allclose(squares(x), 2 * x.numpy() * np.arange(7)[::-1])
    assert messages(squares, x) == []


def test_assertions_tell_their_texts_and_values():
    @tf.function
    def total(count):
        found = 0
        for i in tf.range(count):
            tf.debugging.assert_less(i, 3, message="too large")
            found += i
        return found

    assert int(total(tf.constant(3))) == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[too large\].* \[3\] .*\] \[3\]"):
        total(tf.constant(6))


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: lambda *a: tf.cond(a[0][0] > -9, lambda: f(*a), lambda: f(*a) * 2.0)])  # fmt: skip
def test_labels_outside_of_the_classes(wrap):
    def loss(labels, logits):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    compiled = tf.function(wrap(loss), autograph=False)
    logits = tf.constant(np.random.default_rng(0).normal(size=(3, 4)), tf.float32)
    good, bad = tf.constant([0, 1, 3]), tf.constant([0, 1, 4])
    np.testing.assert_allclose(compiled(good, logits), loss(good, logits), rtol=1e-6)
    for function in (compiled, loss):
        with pytest.raises(tf.errors.InvalidArgumentError, match="outside the valid range of"):
            function(bad, logits)


def test_only_the_branch_taken_is_checked():
    @tf.function
    def quotient(take, x, y):
        return tf.cond(take, lambda: x // y, lambda: x)

    four, zero = tf.constant([4]), tf.constant([0])
    assert quotient(tf.constant(False), four, zero).numpy().tolist() == [4]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Integer division by zero"):
        quotient(tf.constant(True), four, zero)


def failure(function, *args):
    """The node and the line that an error names, and the whole message."""
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        function(*args)
    message = caught.value.message
    node, line = re.search(r"{{node (.+?)}}.*\n.*, in \S+: (.*)", message).groups()
    return node, line, message


@tf.function
def loop(x, y):
    for i in tf.range(4):
        x = x * 1
        x = x // (y - i)  # the line
        x = x + 1
    return x


@tf.function
def branch_in_loop(x, y):
    for i in tf.range(4):
        if i > 1:
            tf.debugging.assert_less(x, 40 * y, message="high")  # the line
        x = x * 2
    return x


@tf.function
def branch(x, y):
    if x > 0:
        x = x // y  # the line
    else:
        x = x * 2
    return x


def quotient(x, y):
    return x // y  # the line


@tf.function
def called(x, y):
    for i in tf.range(3):
        x += quotient(x, y - i)
    return x


@tf.function
def mapped(x, y):
    labels = tf.stack([y, x])
    logits = tf.zeros([3])
    return tf.map_fn(
        lambda y: tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits),  # the line
        labels,
        fn_output_signature=tf.float32,
    )


@pytest.mark.parametrize("function", [loop, branch_in_loop, branch, called, mapped])
def test_the_line_is_that_of_the_check(function):
    _, line, _ = failure(function, tf.constant(9), tf.constant(0 if function is branch else 1))
    assert line.endswith("# the line")


def test_values_within_loops_are_told():
    assert "[72] " in failure(branch_in_loop, tf.constant(18), tf.constant(1))[2]
    assert "label value of 9" in failure(mapped, tf.constant(9), tf.constant(1))[2]


def test_a_value_that_is_reshaped_before_its_check_is_told():
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
    call = tf.function(lambda label, logits: entropy(label, logits))
    assert "label value of 9" in failure(call, tf.constant(9), tf.zeros([3]))[2]


def test_variables_are_as_before_and_lists_are_given():
    variable = tf.Variable([1.0, 2.0])

    @tf.function
    def doubled(items):
        array = tf.TensorArray(tf.float32, 3).unstack(items)
        for i in tf.range(3):
            variable.assign(variable * array.read(i))
            tf.debugging.assert_less(variable, 10.0)
        return variable.read_value()

    node, _, message = failure(doubled, tf.constant([2.0, 3.0, 4.0]))
    assert "[6 12]" in message and node.startswith("while/assert_less")
    assert variable.numpy().tolist() == [1.0, 2.0]
    assert doubled(tf.constant([2.0, 1.0, 1.5])).numpy().tolist() == [3.0, 6.0]


def test_values_of_variables_are_those_at_the_check():
    variable = tf.Variable([1.0, 8.0])

    @tf.function
    def assigned_before(x):
        variable.assign(variable * x)
        tf.debugging.assert_less(variable, 10.0)
        variable.assign(variable * 0.0)

    @tf.function
    def assigned_before_the_loop(x):
        variable.assign([3.0, 4.0])
        for _ in tf.range(4):
            tf.debugging.assert_less(variable, 10.0)
            variable.assign(variable * x)

    assert "[2 16]" in failure(assigned_before, tf.constant(2.0))[2]
    assert "[12 16]" in failure(assigned_before_the_loop, tf.constant(2.0))[2]


def test_what_is_computed_of_a_value_that_is_gone_is_not_told():
    variable = tf.Variable([1.0, 8.0])

    @tf.function
    def both(x):
        before = variable * 1.0
        variable.assign(before * x)
        tf.debugging.Assert(variable[0] > 100.0, [before])

    node, line, message = failure(both, tf.constant(2.0))
    assert line.startswith("tf.debugging.Assert(variable[0] > 100.0")
    assert "[2 16]" not in message


def test_a_loop_that_takes_long_is_not_run_to_its_end_again(monkeypatch):
    monkeypatch.setattr(steps, "MOST_MILLISECONDS", 1)
    node, line, message = failure(loop, tf.constant(1 << 20), tf.constant(3))
    assert (node, line) == ("while/floordiv", "x = x // (y - i)  # the line")
    assert message.startswith("FloorDiv: Integer division by zero [[")


@pytest.mark.plain_kernels
def test_kernels_of_loops_are_those_of_the_lines_in_them():
    report = loop.explain(tf.constant(1), tf.constant(9))
    lines = {line.code for kernel in report.kernels for line in kernel.lines}
    assert {"x = x // (y - i)  # the line", "x = x + 1"} <= lines
