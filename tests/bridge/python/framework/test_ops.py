"""Names of `tensorflow.python.framework.ops` that are internal to TensorFlow."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import ops
from penstock._src.bridge.python.framework.registry import Registry


def test_name_scope_names_graphs_and_is_skipped_eagerly():
    with ops.name_scope("outside", skip_on_eager=False) as scope:
        assert scope == "outside/"
    with ops.name_scope("outside") as scope:
        assert scope is None
    with tf.Graph().as_default(), ops.name_scope(None, "default", [tf.constant(1)]) as scope:
        assert scope == "default/"
        assert tf.constant(2, name="x").op.name == "default/x"


def test_scopes_are_taken_from_names_and_put_before_them():
    assert ops.strip_name_scope("^a/b/c", "a") == "^b/c"
    assert ops.strip_name_scope("loc:@a/b", "a/") == "loc:@b"
    assert ops.strip_name_scope("ab/c", "a") == "ab/c"
    assert ops.prepend_name_scope("^b", "a/") == "^a/b"
    assert ops.prepend_name_scope("loc:@b", "a") == "loc:@a/b"


def test_conversion_of_lists_and_composites():
    first, second = ops.convert_n_to_tensor([1, 2.0], name="n")
    assert (first.dtype, second.dtype) == (tf.int32, tf.float32)
    slices = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]))
    assert ops.convert_to_tensor_or_composite(slices) is slices
    with pytest.raises(ValueError, match="requested dtype int32"):
        ops.convert_to_tensor_or_composite(slices, tf.int32)


def test_statistics():
    total = ops.OpStats("flops", 3)
    total += ops.OpStats("flops")
    total += ops.OpStats("flops", 4)
    assert total.value == 7
    with pytest.raises(ValueError, match="flops"):
        total += ops.OpStats("bytes", 1)

    @ops.RegisterStatistics("Oddity", "flops")
    def _count(graph, node):
        return ops.OpStats("flops", len(node.name))

    assert ops.get_stats_for_node_def(None, ops._NodeDef("Oddity", "abc"), "flops").value == 3
    assert ops.get_stats_for_node_def(None, ops._NodeDef("Other", "abc"), "flops").value is None


def test_dtype_conversion_modes_are_set_by_name():
    assert ops.get_dtype_conversion_mode() is ops.PromoMode.OFF
    try:
        ops.set_dtype_conversion_mode("safe")
        assert ops.is_auto_dtype_conversion_enabled()
        assert ops.promo_mode_enum_to_string(ops.get_dtype_conversion_mode()) == "safe"
    finally:
        ops.set_dtype_conversion_mode("off")
    with pytest.raises(ValueError, match="does not exist"):
        ops.set_dtype_conversion_mode("most")


def test_meta_graphs_hold_collections_with_proto_functions():
    node_def = type(ops._NodeDef("", ""))
    ops.register_proto_function(
        "pairs_of_this_test",
        proto_type=node_def,
        to_proto=lambda pair, export_scope=None: ops._NodeDef(*pair),
        from_proto=lambda message, import_scope=None: (message.op, message.name),
    )
    with tf.Graph().as_default() as graph:
        graph.add_to_collection("pairs_of_this_test", ("Add", "a"))
        meta = tf.compat.v1.train.export_meta_graph()
    with tf.Graph().as_default() as graph:
        tf.compat.v1.train.import_meta_graph(meta)
        assert graph.get_collection("pairs_of_this_test") == [("Add", "a")]
    assert ops.get_collection_proto_type("pairs_of_this_test") is node_def


def test_callbacks_run_when_a_function_is_traced():
    calls = []

    @tf.function
    def traced():
        ops.add_exit_callback_to_default_func_graph(lambda: calls.append("left"))
        assert not calls
        return tf.constant(1)

    traced()
    assert calls == ["left"]
    with pytest.raises(RuntimeError, match="when not building a function"):
        ops.add_exit_callback_to_default_func_graph(print)


def test_a_registry_says_where_a_name_was_taken():
    registry = Registry("things")
    registry.register(1, "one")
    assert registry.lookup(b"one") == 1
    with pytest.raises(KeyError, match="Registering two things with name 'one'"):
        registry.register(2, "one")
    with pytest.raises(LookupError, match="no entry for: two"):
        registry.lookup("two")
