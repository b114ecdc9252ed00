"""Helpers of TensorFlow's eager runtime: attributes of operations, sums of gradients, functions by name."""

import pytest

import penstock as tf
from penstock._src.bridge.internals import runtime
from penstock._src.bridge.python.eager import backprop, backprop_util, context, graph_only_ops


def test_sizes_along_an_axis():
    tensors = [tf.zeros([3, 2]), tf.zeros([2, 5])]
    assert runtime.TFE_Py_TensorShapeSlice(tensors, 1).numpy().tolist() == [2, 5]
    with pytest.raises(TypeError, match='element 1 has type "str"'):
        runtime.TFE_Py_TensorShapeSlice([tensors[0], "a"], 0)
    with pytest.raises(IndexError, match="tensor at index 0 has rank 2"):
        runtime.TFE_Py_TensorShapeSlice(tensors, 2)
    with pytest.raises(ValueError, match="must be non-negative. Got -2"):
        runtime.TFE_Py_TensorShapeSlice(tensors, -2)


def test_types_and_values_of_attributes():
    assert backprop.op_attr_type("Cast", "DstT") == runtime.TF_AttrType.TF_ATTR_TYPE
    assert backprop.op_attr_type("Conv2D", "strides") == [runtime.TF_AttrType.TF_ATTR_INT]
    with pytest.raises(tf.errors.InvalidArgumentError, match="'foo' does not exist"):
        backprop.op_attr_type("Cast", "foo")
    assert backprop.make_attr([4], [1, 2]) == [tf.float32, tf.float64]
    assert backprop.make_attr(5, [1, None]) == tf.TensorShape([1, None]).as_proto()
    assert backprop.make_attr([0], ["a"]) == [b"a"]


def test_sums_of_slices_are_slices():
    first = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]))
    second = tf.IndexedSlices(tf.constant([2.0]), tf.constant([1], tf.int64))
    total = backprop_util.AggregateIndexedSlicesGradients([first, None, second])
    assert total.indices.numpy().tolist() == [0, 1] and total.indices.dtype == tf.int64
    assert "values=tf.Tensor([1. 2.]" in str(total)
    dense = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]), tf.constant([2]))
    mixed = backprop_util.AggregateIndexedSlicesGradients([dense, tf.constant([1.0, 2.0])])
    assert mixed.numpy().tolist() == [2.0, 2.0]


def test_functions_are_found_by_name():
    concrete = tf.function(lambda x: x + 1).get_concrete_function(tf.constant(1.0))
    assert context.get_function_def(concrete.name).signature.input_arg[0].type == 1
    with pytest.raises(tf.errors.NotFoundError, match="with name: nope"):
        context.get_function_def("nope")


def test_placeholders_of_the_default_graph():
    with tf.Graph().as_default():
        made = graph_only_ops.graph_placeholder(tf.float32, [1, None], name="p")
    assert (made.name, made.shape.as_list()) == ("p:0", [1, None])
