"""Operations that are made to run beside others."""

import pytest

import penstock as tf
import penstock.compat.v1 as v1


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        with tf.device("/cpu:0"):
            a = tf.constant(1.0, name="a")
        b = tf.constant(2.0, name="b")
        with v1.colocate_with(a):
            tf.add(a, b, name="beside_a")
            with v1.colocate_with(b):
                tf.add(a, b, name="beside_both")
            with v1.colocate_with(b, ignore_existing=True):
                tf.add(a, b, name="beside_b")
            with v1.colocate_with(None, ignore_existing=True):
                tf.identity(a, name="alone")
    return graph


def groups(graph, name):
    return graph.get_operation_by_name(name).colocation_groups()


def test_operations_know_their_groups(graph):
    assert groups(graph, "beside_a") == [b"loc:@a"]
    assert groups(graph, "beside_both") == [b"loc:@a", b"loc:@b"]
    assert groups(graph, "beside_b") == [b"loc:@b"]
    assert groups(graph, "alone") == [b"loc:@alone"]


def test_operations_get_the_device_of_their_group(graph):
    assert graph.get_operation_by_name("beside_both").device == "/device:CPU:0"
    assert graph.get_operation_by_name("beside_b").device == ""


def test_messages_have_the_groups(graph):
    assert graph.get_operation_by_name("beside_a").get_attr("_class") == [b"loc:@a"]
    with pytest.raises(ValueError, match="no attr named '_class'"):
        graph.get_operation_by_name("a").get_attr("_class")
    with tf.Graph().as_default() as again:
        tf.import_graph_def(graph.as_graph_def(), name="in")
    assert groups(again, "in/beside_both") == [b"loc:@in/a", b"loc:@in/b"]


def test_no_operation_is_no_group(graph):
    with graph.as_default(), pytest.raises(ValueError, match="None only to leave"):
        with v1.colocate_with(None):
            pass


def test_branches_and_functions_are_within_the_scope_around_them():
    found = []

    def noted():
        found.append(tf.constant(3.0).op.colocation_groups())
        return tf.constant(3.0)

    with tf.Graph().as_default():
        a = tf.constant(2.0, name="a")
        with v1.colocate_with(a):
            tf.cond(v1.placeholder(tf.bool, []), noted, noted)
            tf.function(noted)()
        with v1.colocate_with(a, ignore_existing=True), v1.colocate_with(None, True):
            tf.function(noted)()
    assert found[:3] == [[b"loc:@a"]] * 3 and found[3] != [b"loc:@a"]


def test_initial_values_are_computed_where_the_variable_is():
    with tf.Graph().as_default(), tf.device("/job:ps/task:0"):
        called = v1.get_variable("a", [2])
        given = v1.get_variable("b", initializer=tf.constant([1.0, 2.0]))
        assert called.initial_value.op.colocation_groups() == [b"loc:@a"]
        assert (called.initial_value.device, called.device) == ("", "/job:ps/task:0")
        assert given.initial_value.device == "/job:ps/task:0"


def test_items_of_collections_are_found_by_regular_expressions():
    with tf.Graph().as_default():
        with v1.variable_scope("A"):
            a = v1.get_variable("a", [5])
        b = v1.get_variable("b", [5])
        found = {text: v1.get_collection("variables", text) for text in (".*a:", "A", "(A|b)", "a")}
    assert [id(v) for v in found["(A|b)"]] == [id(a), id(b)]
    assert [len(found[text]) for text in (".*a:", "A", "a")] == [1, 1, 0]


def names(operations):
    return [op.name for op in operations]


def test_what_reads_an_operation_that_waits_already_does_not_wait_again():
    with tf.Graph().as_default():
        a, b = tf.constant(1.0, name="a"), tf.constant(2.0, name="b")
        with tf.control_dependencies([a, b]):
            c = tf.negative(a, name="c")
            d = tf.negative(c, name="d")
            with tf.control_dependencies([c]):
                e = tf.add(c, a, name="e")
                f = tf.negative(b, name="f")
    found = {t.op.name: names(t.op.control_inputs) for t in (c, d, e, f)}
    assert found == {"c": ["b"], "d": [], "e": [], "f": ["a", "c"]}


def test_what_is_not_repeated_runs_all_the_same():
    with tf.Graph().as_default(), v1.Session() as session:
        count = v1.get_variable("count", initializer=0)
        with tf.control_dependencies([count.assign_add(1, read_value=False)]):
            known = tf.constant(2.0)
            doubled = known * known
        session.run(count.initializer)
        assert session.run(doubled) == 4.0
        assert session.run(count) == 1


def test_attributes_of_scopes():
    noted = v1.AttrValue(i=3)
    with tf.Graph().as_default() as graph:
        with graph._attr_scope(
            {"_a": noted, "_b": lambda node: noted if node.op == "Neg" else None}
        ):
            x = tf.constant(1.0, name="x")
            with graph._attr_scope({"_a": None}):
                y = -x
        z = -x
    assert x.op.get_attr("_a") == y.op.get_attr("_b") == 3
    for op, name in ((x.op, "_b"), (y.op, "_a"), (z.op, "_a")):
        with pytest.raises(ValueError, match="no attr"):
            op.get_attr(name)
    for bad in ([], {"_a": 3}, {1: noted}):
        with pytest.raises(TypeError, match="attr_map must be a dictionary"):
            graph._attr_scope(bad).__enter__()


def test_labels_of_kernels():
    with tf.Graph().as_default() as graph:
        with graph._kernel_label_map({"Neg": "fast"}):
            x = -tf.constant(1.0)
        assert (-x).op.node_def.attr["_kernel"].s == b""
    assert x.op.get_attr("_kernel") == b"fast"
    with pytest.raises(TypeError, match="mapping strings to strings"):
        graph._kernel_label_map({"Neg": 1}).__enter__()


def test_leaving_no_scope_is_refused_with_tensorflows_words():
    with tf.Graph().as_default() as graph, pytest.raises(ValueError, match="op is None"):
        graph.colocate_with(None).__enter__()


@pytest.mark.parametrize("kind", ["cond", "while", "map"])
def test_branches_and_loops_wait_for_operations_around_them(kind):
    with tf.Graph().as_default():
        v = v1.get_variable("v", [], initializer=v1.zeros_initializer())
        update = tf.group(v.assign_add(1.0))

        def after_update(*_):
            with tf.control_dependencies([update]):
                return v.read_value()

        if kind == "cond":
            result = v1.cond(v1.placeholder_with_default(True, []), after_update, lambda: -1.0)
        elif kind == "while":
            result = v1.while_loop(lambda x: x < 1.0, after_update, [0.0])
        else:
            result = tf.reduce_max(tf.map_fn(after_update, tf.range(3.0)))
        with v1.Session() as session:
            session.run(v.initializer)
            assert session.run(result) == 1.0
            assert session.run(v) == 1.0


def test_operations_of_a_branch_are_placed_beside_those_around_it():
    # recorded from TensorFlow 2.21
    found = []

    def branch():
        for beside in (variable, constant, constant.op, constant + 1.0):
            with tf.compat.v1.colocate_with(beside):
                found.append(tf.identity(1.0).op.colocation_groups())
        return 1.0

    with tf.Graph().as_default():
        variable = tf.compat.v1.get_variable("v", [], use_resource=True)
        constant = tf.constant(3.0, name="c")
        result = tf.cond(variable > 0.0, branch, lambda: 2.0)
    assert found == [[b"loc:@v"], [b"loc:@c"], [b"loc:@c"], [b"loc:@add"]]
    assert not result.op.control_inputs
