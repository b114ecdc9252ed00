"""Switch, Merge, Enter and Exit nodes in graphs run as in TensorFlow 1."""

import pytest

import penstock as tf
import penstock.compat.v1 as v1

raw = tf.raw_ops


def powers_of_two(limit, frame="loop"):
    """The number of iterations, and 2 to the power of it, by a loop of single nodes."""

    def enter(value, is_constant=False):
        return raw.Enter(data=tf.constant(value), frame_name=frame, is_constant=is_constant)

    bound = raw.Enter(data=limit, frame_name=frame, is_constant=True)
    one, two = enter(1, True), enter(2.0, True)
    count, product = (raw.Merge(inputs=[v, v])[0] for v in (enter(0), enter(1.0)))
    proceed = raw.LoopCond(input=raw.Less(x=count, y=bound))
    last_count, next_count = raw.Switch(data=count, pred=proceed)
    last_product, next_product = raw.Switch(data=product, pred=proceed)
    count.op._update_input(1, raw.NextIteration(data=next_count + one))
    product.op._update_input(1, raw.NextIteration(data=next_product * two))
    return raw.Exit(data=last_count), raw.Exit(data=last_product)


@pytest.mark.parametrize("limit, expected", [(0, [0, 1.0]), (1, [1, 2.0]), (6, [6, 64.0])])
def test_a_loop_of_nodes(limit, expected):
    with tf.Graph().as_default(), v1.Session() as session:
        bound = v1.placeholder(tf.int32, [])
        count, power = powers_of_two(bound)
        found = session.run([count, power, power + 0.5], {bound: limit})
    assert found == [*expected, expected[1] + 0.5]


def test_a_loop_in_a_branch_runs_only_if_the_branch_is_taken():
    with tf.Graph().as_default(), v1.Session() as session:
        chosen = v1.placeholder(tf.bool, [])
        no, yes = raw.Switch(data=tf.constant(3), pred=chosen)
        merged = raw.Merge(inputs=[raw.Neg(x=no), powers_of_two(yes)[0]])
        assert session.run(list(merged), {chosen: True}) == [3, 1]
        assert session.run(list(merged), {chosen: False}) == [-3, 0]


def test_only_the_branch_that_is_taken_has_effects():
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", initializer=1.0, use_resource=True)
        chosen = v1.placeholder(tf.bool, [])
        no, yes = (tf.identity(t) for t in raw.Switch(data=tf.constant(10.0), pred=chosen))
        with tf.control_dependencies([yes]):
            added = v.assign_add(5.0, read_value=False)
        with tf.control_dependencies([added]):
            result = tf.identity(yes)
        merged = raw.Merge(inputs=[no, result])[0]
        session.run(v.initializer)
        assert session.run([merged, v.value()], {chosen: False}) == [10.0, 1.0]
        session.run(merged, {chosen: True})
        assert session.run(v) == 6.0


def test_what_comes_after_a_branch_that_is_not_taken_does_not_run():
    notes = []
    with tf.Graph().as_default(), v1.Session() as session:
        chosen = v1.placeholder(tf.bool, [])
        no, yes = raw.Switch(data=tf.constant(1.0), pred=chosen)
        noted = v1.py_func(lambda x: notes.append(float(x)) or x, [yes], tf.float32)
        session.run(no + 1.0, {chosen: False})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Retval.0. does not have value"):
            session.run(noted, {chosen: False})
        assert notes == []
        session.run(noted, {chosen: True})
    assert notes == [1.0]


def test_a_control_trigger_runs_after_a_branch_that_is_not_taken():
    with tf.Graph().as_default(), v1.Session() as session:
        chosen = v1.placeholder(tf.bool, [])
        _, yes = raw.Switch(data=tf.constant(1.0), pred=chosen)
        with tf.control_dependencies([tf.identity(yes)]):
            trigger = raw.ControlTrigger()
        with tf.control_dependencies([trigger]):
            after = tf.constant(7)
        assert session.run(after, {chosen: False}) == 7


def test_functions_hold_such_nodes():
    @tf.function
    def f(x, chosen):
        no, yes = raw.Switch(data=x, pred=chosen)
        return raw.Merge(inputs=[no - 1.0, yes * 2.0])[0]

    assert f(tf.constant(5.0), tf.constant(True)) == 10.0
    assert f(tf.constant(5.0), tf.constant(False)) == 4.0


def test_nodes_run_eagerly():
    no, yes = raw.Switch(data=[1, 2], pred=False)
    assert no.numpy().tolist() == [1, 2] and yes.shape == [0]
    assert raw.Exit(data=raw.Enter(data=3, frame_name="loop")) == 3
