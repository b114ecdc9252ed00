"""What TensorFlow's private helpers refuse, and what they do after a refusal."""

import pytest

import penstock as tf
from penstock._src.bridge.internals.ops import graph_defs_equal
from penstock._src.bridge.python.framework import error_interpolation
from penstock._src.bridge.python.ops.linalg.linear_operator_util import arg_is_blockwise
from penstock._src.bridge.python.util.lock_util import GroupLock

v1 = tf.compat.v1


def test_a_lock_that_is_released_too_often_can_be_taken():
    lock = GroupLock(2)
    lock.acquire(0)
    lock.release(0)
    lock.release(0)
    with lock.group(1):
        assert lock._members == [0, 1]


def test_files_of_the_library_are_told_from_those_of_users():
    assert error_interpolation._is_framework_filename(error_interpolation.__file__)
    assert not error_interpolation._is_framework_filename(__file__)


def test_functions_of_graph_defs_refuse_other_values():
    graph_def = v1.GraphDef()
    for call in (
        lambda: v1.graph_util.extract_sub_graph("graph", ["a"]),
        lambda: graph_defs_equal(graph_def, 3),
    ):
        with pytest.raises(TypeError, match=r"must be a graph_pb2.GraphDef proto"):
            call()
    with pytest.raises(TypeError, match="must be an iterable of strings, but got type"):
        v1.graph_util.extract_sub_graph(graph_def, "a")


def test_blocks_of_operators_have_sizes_as_numbers_or_dimensions():
    for sizes in ([2, 2], [v1.Dimension(2)] * 2):
        assert arg_is_blockwise(sizes, [tf.ones([2]), tf.ones([2])], 0)
        assert not arg_is_blockwise(sizes, tf.ones([4]), -1)


@pytest.mark.parametrize("kind", [list, dict, tuple, slice])
def test_classes_without_a_dtype_are_refused(kind):
    with pytest.raises(TypeError, match="Cannot convert the argument"):
        tf.as_dtype(kind)
    assert tf.as_dtype(object) == tf.string


def test_a_handle_is_not_guaranteed_to_be_constant():
    variable = tf.Variable(1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="resource variable handle"):
        tf.guarantee_const(variable.handle)
    assert tf.guarantee_const(variable).numpy() == 1


@pytest.mark.parametrize("name", ["add", "sub", "max", "min", "update"])
def test_updates_of_an_empty_tensor_are_refused_while_tracing(name):
    scatter = getattr(tf, f"tensor_scatter_nd_{name}")
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="updates specified for empty"):
            scatter(tf.zeros([0, 2]), [[0], [1]], tf.zeros([2, 2]))


def test_parallel_stacks_are_of_graphs_and_known_shapes():
    with pytest.raises(RuntimeError, match="not compatible with eager execution"):
        tf.parallel_stack([1, 2])
    with tf.Graph().as_default(), v1.Session() as session:
        stacked = tf.parallel_stack([[1, 2], [3, 4]])
        assert stacked.shape == [2, 2] and session.run(stacked).tolist() == [[1, 2], [3, 4]]
        with pytest.raises(ValueError, match="shape attr must be fully defined"):
            tf.parallel_stack([v1.placeholder(tf.int32, [None]), [1]])
