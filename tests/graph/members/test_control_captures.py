"""Control dependencies of branches, loops and functions on operations around them."""

import pytest

import penstock as tf
import penstock.compat.v1 as v1


class Program:
    """A graph with a variable `a` that is awaited, and a variable `w` that changes afterwards."""

    def __init__(self):
        self.w = v1.get_variable("w", [], initializer=v1.ones_initializer())
        self.a = v1.get_variable("a", [], initializer=v1.constant_initializer(10.0))
        self.yes = v1.placeholder_with_default(True, [])

    def values(self, fetch):
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            return [session.run(fetch), *session.run([self.a, self.w])]


@pytest.fixture
def program():
    with tf.Graph().as_default():
        yield Program()


AWAITED = {
    "assignment": lambda a: a.assign_add(1.0),
    "operation": lambda a: a.assign_add(1.0).op,
    "group": lambda a: tf.group(a.assign_add(1.0)),
    "name": lambda a: tf.identity(a.assign_add(1.0), name="awaited").op.name,
    "slices": lambda a: tf.IndexedSlices(a.assign_add(1.0), tf.constant([0])),
    "read": lambda a: a.read_value(),
    "constant": lambda a: tf.constant(1.0),
    "placeholder": lambda a: v1.placeholder_with_default(1.0, []),
    "print": lambda a: tf.print("", output_stream="file:///dev/null"),
}
PLACES = {
    "true": lambda yes, body: tf.cond(yes, body, lambda: 0.0),
    "false": lambda yes, body: tf.cond(tf.logical_not(yes), lambda: 0.0, body),
    "case": lambda yes, body: tf.case([(yes, body)], default=lambda: 0.0),
    "switch": lambda yes, body: tf.switch_case(tf.cast(yes, tf.int32), [lambda: 0.0, body]),
    "nested": lambda yes, body: tf.cond(yes, lambda: tf.cond(yes, body, lambda: 1.0), lambda: 0.0),
    "loop": lambda yes, body: tf.while_loop(
        lambda i, _: i < 1, lambda i, _: (i + 1, tf.reshape(body(), [])), [0, 0.0]
    )[1],
    "in loop": lambda yes, body: tf.while_loop(
        lambda i, _: i < 1, lambda i, _: (i + 1, tf.cond(yes, body, lambda: 1.0)), [0, 0.0]
    )[1],
    "function": lambda yes, body: tf.function(body)(),
    "function in branch": lambda yes, body: tf.cond(yes, tf.function(body), lambda: 0.0),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", AWAITED)
def test_assignments_in_branches_loops_and_functions_wait(program, kind, place):
    awaited = AWAITED[kind](program.a)

    def change():
        with tf.control_dependencies([awaited]):
            return program.w.assign_add(2.0)

    waits = kind in ("assignment", "operation", "group", "name", "slices")
    result = PLACES[place](program.yes, change)
    assert program.values(result) == [3.0, 11.0 if waits else 10.0, 3.0]


def test_the_operation_that_chooses_a_branch_waits_and_the_graph_has_no_more_operations(program):
    awaited = program.a.assign_add(1.0)

    def change():
        with tf.control_dependencies([awaited]):
            return program.w.assign_add(2.0)

    before = len(program.a.graph.get_operations())
    tf.cond(program.yes, change, lambda: program.w.assign_sub(1.0), name="choice")
    (choice, _) = program.a.graph.get_operations()[before:]
    assert choice.control_inputs == [awaited.op] and len(choice.inputs) == 2


def test_an_awaited_variable_of_a_loop_is_passed_to_it(program):
    def body(i, x):
        with tf.control_dependencies([x]):
            change = program.w.assign_add(2.0)
        with tf.control_dependencies([change]):
            return i + 1, tf.identity(x)

    turns, _ = tf.while_loop(lambda i, _: i < 2, body, [0, tf.constant(0.0)])
    assert program.values(turns)[0] == 2

    def body_that_returns_the_change(i, x):
        with tf.control_dependencies([x]):
            return i + 1, tf.reshape(program.w.assign_add(2.0), [])

    turns, _ = tf.while_loop(lambda i, _: i < 2, body_that_returns_the_change, [0, 0.0])
    assert program.values(turns)[0] == 2


def test_rows_of_a_vectorized_map_wait(program):
    awaited = program.a.assign_add(1.0)

    def row(x):
        with tf.control_dependencies([awaited]):
            return x + 1.0

    mapped = tf.vectorized_map(row, tf.constant([1.0, 2.0]))
    assert program.values(tf.reduce_sum(mapped))[:2] == [5.0, 11.0]
    mapped = tf.vectorized_map(
        lambda x: tf.cond(x > 1.0, lambda: row(x), lambda: x), tf.constant([1.0, 2.0])
    )
    assert program.values(tf.reduce_sum(mapped))[:2] == [4.0, 11.0]


@pytest.mark.parametrize("place", ["true", "loop", "function"])
def test_gradient_functions_wait_for_operations_around_and_of_their_function(program, place):
    awaited = program.a.assign_add(1.0).op

    @tf.custom_gradient
    def scaled(x):
        inner = tf.no_op(), x + 1.0

        def gradient(dy):
            with tf.control_dependencies([awaited, inner[1]]):
                return dy * 5.0

        return x * inner[1], gradient

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = PLACES[place](program.yes, lambda: scaled(x))
    assert program.values(tape.gradient(y, x))[:2] == [5.0, 11.0]


def test_operations_of_other_graphs_and_branches_are_refused(program):
    with tf.Graph().as_default():
        others = [tf.no_op(), tf.constant(1.0)]
    tf.cond(program.yes, lambda: others.append(tf.no_op()), lambda: None)
    for other in others:

        def change(other=other):
            with tf.control_dependencies([other]):
                return program.w.assign_add(2.0)

        with pytest.raises(ValueError, match="element of this graph|must be from the same graph"):
            tf.cond(program.yes, change, lambda: 0.0)
        with pytest.raises(ValueError, match="not an element of this graph"):
            change()
    with pytest.raises(KeyError, match="nothing"), tf.control_dependencies(["nothing"]):
        pass


def test_eager_tensors_are_there_already():
    v, one = tf.Variable(1.0), tf.constant(1.0)

    @tf.function
    def change():
        with tf.control_dependencies([one]):
            return v.assign_add(1.0)

    assert change() == 2.0
    assert len(change.get_concrete_function().inputs) == 1
