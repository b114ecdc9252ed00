"""Operations run after what they were made to wait for later."""

import pytest

import penstock as tf

v1 = tf.compat.v1


def run(build):
    with tf.Graph().as_default(), v1.Session() as session:
        fetched = build()
        session.run(v1.global_variables_initializer())
        return session.run(fetched)


def chain():
    first = tf.add(tf.constant(2.0), 1.0, name="first")
    return first, tf.multiply(first, 10.0, name="second")


def test_an_input_may_be_made_later_than_what_reads_it():
    def build():
        first, second = chain()
        first.op._update_input(0, tf.constant(5.0) * 2)
        return second

    assert run(build) == 110


def test_a_read_may_wait_for_an_assignment_that_is_made_later():
    def build():
        v = v1.get_variable("v", initializer=1.0, use_resource=True)
        read = v.read_value()
        late = v.assign(9.0)
        read.op.inputs[0].op._add_control_input(late.op)
        return tf.identity(read)

    assert run(build) == 9


@pytest.mark.parametrize("kind", ["input", "control"])
def test_cycles_are_named(kind):
    def build():
        first, second = chain()
        if kind == "input":
            first.op._update_input(0, second)
        else:
            first.op._add_control_input(second.op)
        return second

    with pytest.raises(tf.errors.InvalidArgumentError, match="cycle through first, second"):
        run(build)


def test_a_read_that_only_comes_before_an_assignment_needs_no_value():
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", initializer=1.0, use_resource=True)

        @tf.function
        def doubled():
            return v.read_value() * 2

        @tf.function
        def start():
            doubled()
            v.assign(2.0)
            return tf.constant(1)

        session.run(start())
        assert session.run(v) == 2
