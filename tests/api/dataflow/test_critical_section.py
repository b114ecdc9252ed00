"""Critical sections in graphs: each waits for the one before it, and none for itself."""

import pytest

import penstock as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.compat.v1.Session() as made:
        yield made


def test_executions_in_one_run_take_the_lock_in_turn(session):
    section = tf.CriticalSection(shared_name="lock")
    counter = tf.compat.v1.get_variable("counter", initializer=0.0, use_resource=True)

    def increase():
        before = counter.read_value()
        with tf.control_dependencies([before]), tf.control_dependencies([counter.assign_add(2.0)]):
            return tf.identity(before)

    results = [section.execute(increase) for _ in range(4)]
    session.run(counter.initializer)
    assert session.run(results) == [0.0, 2.0, 4.0, 6.0]
    assert session.run(results[2]) == 8.0  # the others do not run
    ending = section.execute(lambda: tf.group(counter.assign_add(1.0)))
    session.run([ending, results[0]])
    assert session.run(counter) == 13.0


def test_what_a_function_captures_is_computed_before_the_lock(session):
    section = tf.CriticalSection()
    slow = tf.compat.v1.placeholder(tf.float32)
    with tf.control_dependencies([slow]):
        first = section.execute(lambda: slow + 1.0)
    second = section.execute(lambda: first * 2.0)
    assert session.run(second, {slow: 3.0}) == 8.0


def test_sections_of_one_name_do_not_nest(session):
    first, second = (tf.CriticalSection(shared_name="one") for _ in range(2))
    with pytest.raises(ValueError, match="in which we are already running"):
        first.execute(lambda: second.execute(lambda: tf.constant(1.0)))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_sections_that_want_a_variable_for_themselves(session, first, second):
    counter = tf.Variable(1.0)
    one, other = tf.CriticalSection(name="one"), tf.CriticalSection(name="other")
    for _ in range(2):
        read = one.execute(lambda: counter + 1.0, exclusive_resource_access=first)
    if first or second:
        with pytest.raises(ValueError, match="lock 'one' requested exclusive resource access"):
            other.execute(lambda: counter + 2.0, exclusive_resource_access=second)
    else:
        read += other.execute(lambda: counter + 2.0, exclusive_resource_access=second)
    session.run(counter.initializer)
    assert session.run(read) == (2.0 if first or second else 5.0)
    assert tf.compat.v1.train.export_meta_graph().graph_def.node


def test_sections_of_a_function_that_want_one_variable():
    counter = tf.Variable(1.0)
    one, other = tf.CriticalSection(name="one"), tf.CriticalSection(name="other")

    @tf.function
    def both():
        return one.execute(lambda: counter + 1.0) + other.execute(lambda: counter + 2.0)

    with pytest.raises(ValueError, match="lock 'one' requested exclusive resource access"):
        both()
