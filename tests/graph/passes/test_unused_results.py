"""What a session does not fetch of a condition or loop has no effect; functions keep every effect, in order."""

import penstock as tf
import penstock.compat.v1 as v1


def noting(notes, name, value):
    """A py_function that appends `name` to `notes` and returns `value`."""

    def note(x):
        notes.append(name)
        return x

    return tf.ensure_shape(v1.py_func(note, [value], value.dtype), value.shape)


def branch(notes):
    noting(notes, "unused", tf.constant(0))
    return noting(notes, "first", tf.constant(1)), noting(notes, "second", tf.constant(2))


def chosen(notes):
    none = tf.constant(0)
    return tf.cond(tf.constant(True), lambda: branch(notes), lambda: (none, none))


def repeated(notes):
    def body(i, x, y):
        return i + 1, noting(notes, "x", x), noting(notes, "y", y)

    zero = tf.constant(0)
    return tf.while_loop(lambda i, x, y: i < 2, body, [zero, zero, zero])


def test_a_session_runs_what_the_fetched_result_of_a_branch_needs():
    notes = []
    with tf.Graph().as_default(), v1.Session() as session:
        assert session.run(chosen(notes)[1]) == 2
    assert notes == ["second"]


def test_a_session_runs_what_the_fetched_variable_of_a_loop_needs():
    notes = []
    with tf.Graph().as_default(), v1.Session() as session:
        none = tf.constant(0)
        nested = tf.cond(tf.constant(True), lambda: repeated(notes), lambda: [none] * 3)
        assert session.run(nested[2]) == 0
    assert notes == ["y", "y"]


def test_a_wrapped_function_runs_what_its_results_need():
    notes = []
    v1.wrap_function(lambda: chosen(notes)[0], [])()
    assert notes == ["first"]


def test_a_function_in_a_graph_keeps_all_effects_in_order():
    notes = []
    with tf.Graph().as_default(), v1.Session() as session:
        session.run(tf.function(lambda: chosen(notes)[1])())
    assert notes == ["unused", "first", "second"]
