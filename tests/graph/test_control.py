"""The order of effects in functions: conditions and loops use the resources that their functions use."""

import pytest

import penstock as tf


def function_with_conditions():
    v, w = tf.Variable(1.0), tf.Variable(2.0)

    @tf.function
    def f():
        zero = lambda: tf.constant(0.0)  # noqa: E731
        yes = tf.constant(True)
        tf.cond(yes, lambda: v.assign_add(1.0), zero, name="writes_v")
        tf.cond(yes, lambda: w.assign_add(1.0), zero, name="writes_w")
        tf.cond(yes, lambda: v.read_value(), zero, name="reads_v")
        tf.cond(yes, lambda: v + 1.0, zero, name="also_reads_v")
        tf.cond(yes, lambda: v.assign_sub(1.0), zero, name="writes_v_again")
        return v.read_value()

    return f, (v, w)


def before(graph, name):
    return {op.name for op in graph.get_operation_by_name(name).control_inputs}


def test_conditions_wait_for_those_that_use_the_same_variable():
    f, held = function_with_conditions()
    graph = f.get_concrete_function().graph
    assert before(graph, "writes_w") == set()
    assert before(graph, "reads_v") == before(graph, "also_reads_v") == {"writes_v"}
    assert before(graph, "writes_v_again") == {"writes_v", "reads_v", "also_reads_v"}
    assert f() == 1.0
    assert held[1] == 3.0


def test_conditions_that_print_keep_their_order(capfd):
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        tf.cond(x > 0, lambda: tf.print("first"), tf.no_op)
        tf.cond(x > 0, lambda: v.assign(x), lambda: v.read_value())
        tf.cond(x > 0, lambda: tf.print("last"), tf.no_op)

    f(tf.constant(2.0))
    assert capfd.readouterr().err.split() == ["first", "last"]


@pytest.mark.parametrize("loop", [range, tf.range])
def test_variables_of_functions_of_datasets_are_written_in_order(loop):
    v = tf.Variable(0, dtype=tf.int64)

    def count(x):
        v.assign_add(1)
        return x

    @tf.function
    def f():
        it = iter(tf.data.Dataset.range(10).map(count))
        for _ in loop(3):
            next(it)
        return v.read_value()

    assert f() == 3
