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
    with graph.as_default(), pytest.raises(ValueError, match="may be None only"):
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
