"""A breakpoint in a compiled function: where it stops, what names stand for, and what stays as it was."""

import io
from bdb import BdbQuit

import numpy as np
import pytest

import penstock as tf
from tests.harness.dialogue import Dialogue

W = np.array([[1.0, -2.0], [3.0, 4.0]], np.float32)
X = np.array([[1.0, 2.0], [0.5, -1.0]], np.float32)


def twice(z):
    doubled = z * 2.0
    return doubled


def test_names_have_the_values_of_the_compiled_run():
    talk = Dialogue("values.append((h, y))", "c")
    values = []

    @tf.function
    def f(x):
        seen = values  # noqa: F841
        h = tf.matmul(x, W)
        y = tf.nn.relu(h)
        tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
        return h, y

    h, y = f(tf.constant(X))
    ((seen_h, seen_y),) = values
    np.testing.assert_array_equal(seen_h, h)
    np.testing.assert_array_equal(seen_y, y)


def test_lines_forward_and_backward():
    talk = Dialogue(
        "n", "n", "s", "s", "p z.numpy().item()", "r", "n", "n", "n", "s", "s", "p d_z", "c"
    )

    @tf.function
    def f(x):
        tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = twice(x)
            z = y * y
        gradient = tape.gradient(z, x)
        return gradient

    np.testing.assert_allclose(f(tf.constant(3.0)), 24.0)
    answers = talk.answers
    assert "with tf.GradientTape() as tape:" in answers[0]
    assert "-> y = twice(x)" in answers[2]
    assert "--Call--" in answers[3] and "-> def twice(z):" in answers[3]
    assert answers[5] == "3.0"
    assert "--Return--" in answers[6] and "numpy=6.0" in answers[6]
    assert "-> z = y * y" in answers[7]
    assert "gradient of f" in answers[10] and "-> z = y * y" in answers[11]
    assert "numpy=1.0" in answers[12] and talk.is_finished


def test_a_condition_is_asked_in_each_run():
    talk = Dialogue("p total.numpy().item()", "c")

    @tf.function
    def f(x):
        total = tf.reduce_sum(x)
        tf.debugging.breakpoint(lambda total: total > 5.0, talk.stdin, talk.stdout)
        return total

    for n in (4, 6, 5):
        f(tf.ones([n]))
    assert talk.answers[1] == "6.0"
    assert talk.is_finished


def test_a_condition_on_a_name_that_the_line_lacks():
    @tf.function
    def f(x):
        tf.debugging.breakpoint(lambda missing: True)
        return x

    with pytest.raises(NameError, match="takes missing.*It has x"):
        f(tf.ones([2]))


def test_variables_are_those_of_the_line_and_afterwards_those_of_the_run():
    talk = Dialogue("p v.numpy().tolist()", "n", "n", "p v.numpy().tolist()", "c")
    v = tf.Variable([1.0])

    @tf.function
    def f():
        tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
        old = v + 0.0
        v.assign_add([2.0])
        return old

    f()
    assert talk.answers[1] == "[1.0]" and talk.answers[4] == "[3.0]"
    np.testing.assert_array_equal(v, [3.0])


def test_random_numbers_are_those_that_the_run_drew():
    drawn = []
    talk = Dialogue("drawn.append(x)", "c", "c")

    @tf.function
    def f():
        seen = drawn  # noqa: F841
        x = tf.random.normal([4])
        tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
        return x

    first, second = f(), f()
    np.testing.assert_array_equal(drawn[0], first)
    assert not np.array_equal(first, second)


def test_each_iteration_of_a_loop(monkeypatch, capsys):
    commands = ["p i.numpy().item()", "c", "p (i.numpy().item(), total.numpy().item())", "c"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(commands)))

    @tf.function
    def f(n):
        total = 10
        for i in tf.range(n):
            breakpoint()
            total += i
        return total

    assert f(tf.constant(2)).numpy() == 11
    answers = capsys.readouterr().out.split("(penstock) ")
    assert [answers[1].strip(), answers[3].strip()] == ["0", "(1, 10)"]
    assert "-> total += i" in answers[0]


def test_what_the_host_did_is_not_done_again():
    talk, calls = Dialogue("p y.numpy().tolist()", "c"), []

    @tf.function
    def f(x):
        y = tf.py_function(lambda v: calls.append(1) or v * len(calls), [x], tf.float32)
        tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
        return y

    f(tf.constant([4.0]))
    assert calls == [1] and talk.answers[1] == "[4.0]"


def test_quit_ends_the_run_and_keeps_its_results():
    talk, v = Dialogue("q"), tf.Variable(1.0)

    @tf.function
    def f():
        v.assign_add(1.0)
        tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
        y = v + 1.0
        return y

    with pytest.raises(BdbQuit):
        f()
    assert v.numpy() == 2.0


def test_the_program_is_the_same_with_a_breakpoint():
    def f(x):
        y = tf.nn.relu(tf.matmul(x, W)) * 2.0
        return tf.reduce_sum(y)

    def g(x):
        y = tf.nn.relu(tf.matmul(x, W)) * 2.0
        tf.debugging.breakpoint(lambda y: False)
        return tf.reduce_sum(y)

    texts = []
    for function in (f, g):
        compiled = tf.function(function)
        compiled(tf.constant(X))
        stages = compiled.experimental_get_compiler_ir(tf.constant(X))
        texts.append(stages(stage="primitives").partition("\n")[2])
    assert texts[0] == texts[1]


@tf.function
def positive(z):
    if tf.reduce_sum(z) > 0.0:
        found = z - 1.0
    else:
        found = z + 1.0
    return found * 3.0


def test_steps_into_other_functions_and_the_branch_that_ran():
    talk = Dialogue(*["s"] * 6, "p found.numpy().tolist()", "w", "c")

    @tf.function
    def f(x):
        tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
        y = positive(x)
        return y

    assert f(tf.constant([-2.0])).numpy() == [-3.0]
    answers, transcript = talk.answers, talk.stdout.getvalue()
    assert "-> def positive(z):" in answers[1], transcript
    assert "-> found = z + 1.0" in transcript and "-> found = z - 1.0" not in transcript
    assert answers[7] == "[-1.0]" and "f()" in answers[8] and "positive()" in answers[8]
