"""Small names of `tensorflow.python.framework`: types, devices, shapes, stacks, records."""

import numpy as np
import pytest

import penstock as tf
import penstock._src.bridge.python.framework.ops as framework_ops
from penstock._src.bridge.python.framework import (
    common_shapes,
    device,
    dtypes,
    extension_type,
    tensor,
    tensor_util,
    traceable_stack,
)


def test_reference_types_are_found_by_name():
    assert dtypes.float32_ref.base_dtype == tf.float32
    assert dtypes._TYPE_TO_STRING[101] == "float32_ref"
    assert dtypes._NP_TO_TF[np.int8] == tf.int8
    with pytest.raises(AttributeError):
        _ = dtypes.nothing_ref


def test_devices_merge_into_those_of_operations():
    with tf.Graph().as_default():
        with tf.compat.v1.device(device.merge_device("/job:worker")):
            with tf.compat.v1.device(device.merge_device("/device:CPU:0")):
                x = tf.constant(1)
    assert x.device == "/job:worker/device:CPU:0"
    assert device.canonical_name("/cpu:0") == "/device:CPU:0"
    assert device.canonical_name(None) == ""


def test_static_shapes_broadcast():
    assert common_shapes.broadcast_shape([2, 1], [3]).as_list() == [2, 3]
    assert common_shapes.broadcast_shape(None, [3]).rank is None
    assert not common_shapes.is_broadcast_compatible([2], [3])
    assert tensor_util.ShapeEquals(tf.make_tensor_proto([[1, 2]]), [1, 2])


def test_a_stack_knows_the_lines_that_pushed():
    stack = traceable_stack.TraceableStack()
    stack.push_obj("a")
    (held,) = stack.peek_traceable_objs()
    assert held.filename == __file__ and stack.pop_obj() == "a"


def test_records_change_their_class():
    class Pair(tf.experimental.ExtensionType):
        x: tf.Tensor
        y: int

    anonymous = extension_type.reinterpret(Pair(1.0, 2), extension_type.AnonymousExtensionType)
    assert repr(anonymous).startswith("AnonymousExtensionType(x=<tf.Tensor")
    again = tf.function(lambda z: z)(anonymous)
    assert isinstance(again, extension_type.AnonymousExtensionType)
    assert extension_type.reinterpret(again, Pair).y == 2
    with pytest.raises(ValueError, match="Missing required fields: {'x'}"):
        extension_type.reinterpret(extension_type.AnonymousExtensionType(y=1), Pair)
    with pytest.raises(AttributeError, match="immutable"):
        anonymous.x = 1


def test_specs_may_have_bounds():
    spec = tensor.BoundedTensorSpec([2, 3], tf.int32, 0, [1, 2, 3])
    assert spec.maximum.tolist() == [1, 2, 3]
    assert tensor.BoundedTensorSpec.from_spec(tf.TensorSpec([], tf.int8)).minimum == -128
    with pytest.raises(ValueError, match="`minimum` .* is not compatible with shape"):
        tensor.BoundedTensorSpec([3], tf.int32, [0, 0], 1)


def test_logical_devices_name_devices():
    (cpu,) = tf.config.list_logical_devices("CPU")[:1]
    with tf.Graph().as_default(), tf.device(cpu):
        assert tf.constant(1).device.endswith("CPU:0")


def test_inputs_belong_to_the_graph_that_is_passed():
    graphs = [tf.Graph(), tf.Graph()]
    tensors = []
    for graph in graphs:
        with graph.as_default():
            tensors.append(tf.constant(1))
    find = framework_ops._get_graph_from_inputs
    assert find(tensors[:1]) is graphs[0] and find([], graphs[1]) is graphs[1]
    with pytest.raises(ValueError, match="is not from the passed-in graph"):
        find(tensors, graphs[0])
    with pytest.raises(ValueError, match="must be from the same graph as"):
        find(tensors)
