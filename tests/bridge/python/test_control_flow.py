"""Private modules of conditions, loops and tensor lists."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import function
from penstock._src.bridge.python.ops import (
    collective_ops,
    cond_v2,
    control_flow_ops,
    functional_ops,
    list_ops,
    while_v2,
)


def test_a_list_takes_partly_known_shapes():
    rows = list_ops.tensor_list_from_tensor([[1.0, 2.0], [3.0, 4.0]], element_shape=[None])
    assert list_ops.tensor_list_get_item(rows, 1, tf.float32).numpy().tolist() == [3, 4]
    rows = list_ops.tensor_list_set_item(rows, 0, [5.0, 6.0])
    assert list_ops.tensor_list_stack(rows, tf.float32).numpy().tolist() == [[5, 6], [3, 4]]
    rows, last = list_ops.tensor_list_pop_back(rows, tf.float32)
    assert last.numpy().tolist() == [3, 4]
    assert list_ops.tensor_list_concat(rows, tf.float32, [None]).numpy().tolist() == [5, 6]


def test_a_list_is_made_from_parts_and_from_rows_at_indices():
    parts = list_ops.tensor_list_split([1.0, 2.0, 3.0], tf.TensorShape([None]), lengths=[1, 2])
    assert list_ops.tensor_list_get_item(parts, 1, tf.float32).numpy().tolist() == [2, 3]
    placed = list_ops.tensor_list_scatter([[7.0], [8.0]], [1, 0], [1])
    assert list_ops.tensor_list_gather(placed, [1], tf.float32).numpy().tolist() == [[7]]
    empty = list_ops.empty_tensor_list([], tf.int32, max_num_elements=1)
    assert list_ops.tensor_list_stack(empty, tf.int32, element_shape=[]).shape == [0]
    reserved = list_ops.tensor_list_reserve([2], 3, tf.float32)
    assert list_ops.tensor_list_stack(reserved, tf.float32).shape == [3, 2]


def test_a_loop_returns_its_single_variable_by_itself_if_asked():
    @tf.function
    def count():
        return while_v2.while_loop(
            lambda i: i < 7, lambda i: i + 2, [tf.constant(1)], return_same_structure=False
        )

    assert count().numpy() == 7


def test_a_case_chooses_by_index():
    @tf.function
    def chosen(index):
        branches = [lambda: tf.constant(1), lambda: tf.constant(2)]
        return cond_v2.indexed_case(index, branches) + cond_v2.cond_v2(
            index > 0, lambda: 10, lambda: 20
        )

    assert chosen(tf.constant(1)).numpy() == 12


def test_functional_ops_run_functions_of_graphs():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [])
        double = function.Defun(tf.float32)(lambda x: x * 2.0)
        negative = function.Defun(tf.float32)(lambda x: -x)
        chosen = functional_ops.If(x > 0, [x], double, negative)[0]
        add = function.Defun(tf.int32, tf.float32)(lambda i, y: y + tf.cast(i, tf.float32))
        total = functional_ops.For(5, 0, -1, [x], add)[0]
        below = function.Defun(tf.float32)(lambda x: x < 10.0)
        grown = functional_ops.While([x], below, double)[0]
        slope = functional_ops.Gradient([x, 3.0], double)[0]
        wanted = [chosen, total, grown, slope]
        assert session.run(wanted, {x: 1.5}) == [3.0, 16.5, 12.0, 6.0]
        assert session.run(chosen, {x: -4.0}) == 4.0
        captured = function.Defun(tf.float32)(lambda y: y < x)
        with pytest.raises(ValueError, match="implicitly captured inputs"):
            functional_ops.While([x], captured, double)


def test_no_graph_is_in_a_control_flow_context():
    def branch():
        context = tf.compat.v1.get_default_graph()._get_control_flow_context()
        assert not isinstance(context, control_flow_ops.ControlFlowContext)
        return tf.constant(1)

    tf.function(lambda p: tf.cond(p, branch, branch))(tf.constant(True))
    with pytest.raises(tf.errors.UnimplementedError, match="CondContext"):
        control_flow_ops.CondContext()


def test_eager_code_depends_on_any_tensor():
    assert control_flow_ops.with_dependencies(tf.constant(1), tf.constant(2)).numpy() == 2


def test_variables_of_a_functional_loop_are_fetched_by_its_name():
    goes_on = function.Defun(tf.float32, tf.float32)(lambda n, x: n > 0)
    step = function.Defun(tf.float32, tf.float32)(lambda n, x: (n - 1, x + n))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        functional_ops.While([20.0, 0.0], goes_on, step, name="sum")
        assert session.run(["sum:0", "sum:1"]) == [0, 210]


def test_loops_over_functions_are_operations_with_functions_of_their_names():
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        x = tf.constant(2.0)

        @function.Defun(tf.int32, tf.float32, func_name="Add")
        def add(n, total):
            return total + tf.cast(n, tf.float32) * x

        by_while = functional_ops.For(1, 4, 1, [0.0], add, rewrite_with_while=True)
        names = {f.signature.name for f in graph.as_graph_def().library.function}
        assert {"Add_Cond_Wrapper", "Add_Body_BodyWrapper", "Add"} <= names
        by_for = functional_ops.For(4, 1, -1, [0.0], add)
        assert session.run([*by_while, *by_for]) == [12.0, 18.0]
        assert session.run(tf.gradients(by_while[0], x)[0]) == 6.0
        assert {"While", "For"} <= {op.name for op in graph.get_operations()}


def test_collectives_of_a_process_alone_return_what_they_get():
    t = tf.constant([1.0, 2.0])
    group = {"group_size": 1, "group_key": 1, "instance_key": 1}
    for collect in (
        collective_ops.all_reduce,
        collective_ops.all_reduce_v2,
        collective_ops.all_gather_v2,
        collective_ops.all_to_all_v2,
    ):
        assert collect(t, **group).numpy().tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="at least 2"):
        collective_ops.broadcast_recv([2], tf.float32, **group)
    with pytest.raises(tf.errors.UnimplementedError, match="group of 2"):
        collective_ops.all_reduce_v2(t, group_size=2, group_key=1, instance_key=1)


def test_what_was_asked_of_intermediates_is_looked_up_each_time():
    tf.install_as_tensorflow()
    from tensorflow.python.ops import control_flow_util_v2

    for asked in (None, True, False, None):
        control_flow_util_v2.set_output_all_intermediates(asked)
        found = control_flow_util_v2._EXPERIMENTAL_OUTPUT_ALL_INTERMEDIATES_OVERRIDE
        assert found is asked
