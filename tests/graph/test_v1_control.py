"""Graphs with TensorFlow 1's Switch, Merge, Enter and Exit run after importing (recorded/ has the recorder)."""

import pathlib

import pytest

import penstock as tf
import penstock.compat.v1 as v1

RECORDED = pathlib.Path(__file__).parent / "recorded" / "v1_control_flow.pb"


@pytest.fixture(scope="module")
def graph():
    made = tf.Graph()
    with made.as_default():
        tf.import_graph_def(v1.GraphDef.FromString(RECORDED.read_bytes()), name="")
    return made


@pytest.mark.parametrize(
    "x, n, expected",
    [
        (1.0, 3, [2.0, 4.0, -1.0]),
        (2.0, 4, [4.0, 27.0, 4.0]),
        (-3.0, 2, [3.0, 10.0, 0.0]),
        (-7.0, 5, [-8.0, -17069.0, 70.0]),
    ],
)
def test_conditionals_loops_and_both_nested(graph, x, n, expected):
    with v1.Session(graph=graph) as session:
        assert session.run(["c:0", "w:0", "nn:0"], {"x:0": x, "n:0": n}) == expected


def test_only_functional_control_flow_is_left(graph):
    types = {op.type for op in graph.get_operations()}
    assert "StatelessWhile" in types and not types & {"Switch", "Merge", "Enter", "Exit"}


def test_conditions_with_effects_are_imported_node_by_node():
    with tf.Graph().as_default() as made:
        v = v1.get_variable("v", initializer=1.0, use_resource=True)
        chosen = v1.placeholder(tf.bool, [], name="chosen")
        no, yes = (tf.identity(t) for t in tf.raw_ops.Switch(data=tf.constant(2.0), pred=chosen))
        with tf.control_dependencies([yes]):
            added = v.assign_add(5.0, read_value=False)
        with tf.control_dependencies([added]):
            result = tf.identity(yes)
        tf.raw_ops.Merge(inputs=[no, result], name="merged")
        start = v.initializer.name
    with tf.Graph().as_default() as graph, v1.Session() as session:
        tf.import_graph_def(made.as_graph_def(), name="")
        assert "Switch" in {op.type for op in graph.get_operations()}
        session.run(start)
        for value, expected in ((False, 1.0), (True, 6.0)):
            assert session.run("merged:0", {"chosen:0": value}) == 2.0
            assert session.run("v/Read/ReadVariableOp:0") == expected


def loop_to_four(made, effect=None):
    """Adds a loop over 0, 1, 2, 3, with an effect of each, to a graph."""
    with made.as_default():
        zero = tf.raw_ops.Enter(data=tf.constant(0), frame_name="f")
        limit, one = (
            tf.raw_ops.Enter(data=tf.constant(n), frame_name="f", is_constant=True) for n in (4, 1)
        )
        again = tf.raw_ops.Merge(inputs=[zero, zero])[0]
        proceed = tf.raw_ops.LoopCond(input=tf.raw_ops.Less(x=again, y=limit))
        last, inner = tf.raw_ops.Switch(data=again, pred=proceed)
        with tf.control_dependencies([effect(inner)] if effect else []):
            following = inner + one
        again.op._update_input(1, tf.raw_ops.NextIteration(data=following))
        tf.raw_ops.Exit(data=last, name="result")
    return made


def test_loops_of_another_form_are_imported_with_their_last_edge():
    with tf.Graph().as_default() as made:
        start = tf.raw_ops.Enter(data=tf.constant(0), frame_name="f")
        again = tf.raw_ops.Merge(inputs=[start, start, start])[0]
        limit, one = (
            tf.raw_ops.Enter(data=tf.constant(n), frame_name="f", is_constant=True) for n in (4, 1)
        )
        proceed = tf.raw_ops.LoopCond(input=tf.raw_ops.Less(x=again, y=limit))
        last, inner = tf.raw_ops.Switch(data=again, pred=proceed)
        again.op._update_input(2, tf.raw_ops.NextIteration(data=inner + one))
        tf.raw_ops.Exit(data=last, name="result")
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(made.as_graph_def(), name="")
        assert session.run("result:0") == 4


def chosen_by(make):
    """A graph with the results `y` and `at` of a Merge: `make(x)` if `x` is positive, else -x."""
    with tf.Graph().as_default() as made:
        x = v1.placeholder(tf.int32, [], name="x")
        no, yes = tf.raw_ops.Switch(data=x, pred=x > 0)
        tf.raw_ops.Merge(inputs=make(-no, yes), name="merged")
    return made


def run(made, x, names=("merged:0", "merged:1")):
    with tf.Graph().as_default(), v1.Session() as session:
        found = tf.import_graph_def(made.as_graph_def(), name="", return_elements=names)
        return [value.tolist() for value in session.run(found, {"x:0": x})]


def test_branches_that_are_not_taken_do_not_run():
    made = chosen_by(lambda no, yes: [no, 6 // yes])
    assert [run(made, x) for x in (2, 0, -3)] == [[3, 1], [0, 0], [3, 0]]


def test_loops_of_branches_that_are_not_taken_do_not_run():
    def until(n):
        zero, one, last = (
            tf.raw_ops.Enter(data=data, frame_name="f", is_constant=at > 0)
            for at, data in enumerate((n * 0, 1, n))
        )
        again = tf.raw_ops.Merge(inputs=[zero, zero])[0]
        proceed = tf.raw_ops.LoopCond(input=tf.not_equal(again, last))
        done, inner = tf.raw_ops.Switch(data=again, pred=proceed)
        again.op._update_input(1, tf.raw_ops.NextIteration(data=inner + one))
        return tf.raw_ops.Exit(data=done, name="exit")

    made = chosen_by(lambda no, yes: [no, until(yes)])
    assert [run(made, x)[0] for x in (2, -3)] == [2, 3]


def test_a_merge_says_which_of_its_inputs_was_chosen():
    made = chosen_by(lambda no, yes: [yes * 10, no])
    assert [run(made, x) for x in (2, -3)] == [[20, 0], [3, 1]]


def test_results_of_one_condition_share_their_random_numbers():
    with tf.Graph().as_default() as made:
        x = v1.placeholder(tf.int32, [], name="x")
        no, yes = tf.raw_ops.Switch(data=tf.zeros([4]), pred=x > 0)
        drawn = tf.random.uniform(tf.shape(yes))
        first = tf.raw_ops.Merge(inputs=[no, yes + drawn])[0]
        tf.raw_ops.Merge(inputs=[no, yes - drawn], name="merged")
        tf.identity(first, name="first")
    first, second = run(made, 1, ["first:0", "merged:0"])
    assert first == [-number for number in second] and any(first)


def test_results_of_loops_are_found_by_name():
    with tf.Graph().as_default() as made:
        v1.placeholder(tf.int32, [], name="x")
    loop_to_four(made)
    assert run(made, 0, ["result:0"]) == [4]


def test_loops_that_write_variables_by_reference_are_imported_node_by_node():
    with tf.Graph().as_default() as made:
        v = tf.raw_ops.VariableV2(shape=[], dtype=tf.int32, name="v")
        tf.raw_ops.Assign(ref=v, value=10, name="start")
        inside = tf.raw_ops.RefEnter(data=v, frame_name="f", is_constant=True)
        loop_to_four(made, lambda i: tf.raw_ops.AssignAdd(ref=inside, value=i))
    with tf.Graph().as_default(), v1.Session() as session:
        tf.import_graph_def(made.as_graph_def(), name="")
        session.run("start:0")
        session.run("result:0")
        assert session.run("v:0") == 16


def nested_conditionals(depth):
    """x, whose tanh is returned if all of the conditions p0, p1, ... are true."""
    made = v1.GraphDef()
    made.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    value = "x"
    for level in range(depth):
        made.node.add(name=f"p{level}", op="Placeholder").attr["dtype"].type = 10
        made.node.add(name=f"s{level}", op="Switch", input=[value, f"p{level}"])
        value = f"s{level}:1"
    made.node.add(name="tanh", op="Tanh", input=[value])
    value = "tanh"
    for level in reversed(range(depth)):
        made.node.add(name=f"m{level}", op="Merge", input=[f"s{level}", value])
        made.node[-1].attr["N"].i = 2
        value = f"m{level}"
    for node in made.node:
        if node.op != "Placeholder":
            node.attr["T"].type = 1
    return made


@pytest.mark.parametrize("depth", [2, 16])
def test_deep_conditionals_cost_no_more_than_their_size(depth):
    with tf.Graph().as_default(), v1.Session() as session:
        names = ["x:0", *(f"p{level}:0" for level in range(depth)), "m0:0"]
        x, *conditions, y = tf.import_graph_def(nested_conditionals(depth), return_elements=names)
        assert session.run(y, {x: 0.5, **dict.fromkeys(conditions, True)}) < 0.5
        assert (
            session.run(y, {x: 0.5, **dict.fromkeys(conditions, True), conditions[-1]: False})
            == 0.5
        )
