"""Freezing of functions for files: what reads a variable reads a constant."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.graph.passes.freeze import freeze
from penstock._src.v1.saving.freezing.constants import convert_variables_to_constants_v2


@pytest.mark.parametrize("batch_dims", [0, 1])
def test_rows_of_variables_are_gathered_along_the_same_axis(batch_dims):
    value = np.arange(24, dtype=np.float32).reshape(2, 6, 2)
    v = tf.Variable(value)

    @tf.function(input_signature=[tf.TensorSpec([2, 3], tf.int32)])
    def rows(at):
        return tf.raw_ops.ResourceGather(
            resource=v.handle, indices=at, dtype=tf.float32, batch_dims=batch_dims
        )

    at = np.int32([[0, 1, 1], [1, 0, 0]])
    function = rows.get_concrete_function().graph_function
    frozen = freeze(function, {len(function.inputs) - 1: value})
    np.testing.assert_array_equal(frozen.run([at])[0], rows(at))


def _frozen_graph(function, *specs):
    concrete = function.get_concrete_function(*specs)
    return concrete, convert_variables_to_constants_v2(concrete, lower_control_flow=False)


def test_outputs_keep_their_names_where_called_functions_have_the_same():
    inner = tf.function(lambda x: (x + 1.0, x * 10.0), autograph=False)
    concrete, frozen = _frozen_graph(
        tf.function(lambda x: inner(inner(x)[1])[1]), tf.TensorSpec([])
    )
    assert [t.name for t in frozen.outputs] == [t.name for t in concrete.outputs] == ["Identity:0"]
    names = [n.name for n in frozen.graph.as_graph_def().node]
    assert {"PartitionedCall/mul", "PartitionedCall_1/mul"} < set(names)
    assert frozen(tf.constant(1.0))[0] == 100.0


def test_an_operation_in_the_scope_of_a_call_keeps_its_name():
    inner = tf.function(lambda x: tf.add(x, 1.0, name="sum"), autograph=False)

    @tf.function(autograph=False)
    def f(x):
        return inner(x), tf.multiply(x, 7.0, name="PartitionedCall/sum")

    _, frozen = _frozen_graph(f, tf.TensorSpec([]))
    assert frozen.graph.get_operation_by_name("PartitionedCall/sum").type == "Mul"
    assert [float(t) for t in frozen(tf.constant(2.0))] == [3.0, 14.0]


def test_loops_and_branches_take_values_of_variables_as_inputs():
    v, w = tf.Variable([[2.0, 0.0], [0.0, 3.0]]), tf.Variable([1.0, 2.0])
    inner = tf.function(lambda x: x + w, autograph=False)

    @tf.function(autograph=False)
    def f(x):
        y = tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, inner(a @ v)), (0, x))[1]
        return tf.cond(tf.reduce_sum(y) > 0, lambda: y @ v + w, lambda: inner(y))

    concrete, frozen = _frozen_graph(f, tf.TensorSpec([1, 2]))
    definition = frozen.graph.as_graph_def()
    loop, branch = (n for n in definition.node if n.op in ("While", "If"))
    kinds = {n.name: n.op for n in definition.node}
    assert [kinds[name] for name in loop.input[-2:]] == ["Const", "Const"]
    assert sum(kinds.get(name) == "Const" for name in branch.input) == 2
    body = next(f for f in definition.library.function if "body" in f.signature.name)
    assert sum(a.type == 1 for a in body.signature.input_arg) == 3  # floats
    assert not any("Call" in n.op for f in definition.library.function for n in f.node_def)
    x = tf.constant([[1.0, -2.0]])
    np.testing.assert_array_equal(frozen(x)[0], concrete(x))


def test_shapes_of_variables_are_known():
    v = tf.Variable(tf.zeros([2, 3]))
    function = tf.function(lambda: tf.raw_ops.VariableShape(input=v.handle, out_type=tf.int64))
    frozen = freeze(function.get_concrete_function().graph_function, {0: v.numpy()}, as_inputs=True)
    np.testing.assert_array_equal(frozen.run([])[0], [2, 3])


@pytest.mark.parametrize("as_inputs", [False, True])
def test_pairs_of_rows_are_gathered(as_inputs):
    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    v = tf.Variable(value)

    @tf.function(input_signature=[tf.TensorSpec([2, 2], tf.int32)])
    def rows(at):
        return tf.raw_ops.ResourceGatherNd(resource=v.handle, indices=at, dtype=tf.float32)

    frozen = freeze(rows.get_concrete_function().graph_function, {1: value}, as_inputs)
    np.testing.assert_array_equal(frozen.run([np.int32([[0, 1], [1, 2]])])[0], [1.0, 5.0])


def test_assignments_are_left_out_where_no_result_depends_on_them():
    state = tf.Variable([1.0, 2.0])

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def step(x):
        y = state + x
        state.assign(y)
        return y

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def read_after(x):
        state.assign_add(x)
        return state * 2.0

    function = step.get_concrete_function().graph_function
    frozen = freeze(function, {1: state.numpy()}, True, leaves_out_writes=True)
    np.testing.assert_array_equal(frozen.run([np.float32([1, 1])])[0], [2.0, 3.0])
    for other, options in ((step, {}), (read_after, {"leaves_out_writes": True})):
        function = other.get_concrete_function().graph_function
        with pytest.raises(tf.errors.UnimplementedError, match="expected resource") as error:
            freeze(function, {1: state.numpy()}, True, **options)
        assert isinstance(error.value, ValueError)


@pytest.mark.parametrize("read", [0, 1])
def test_results_that_read_what_a_step_of_an_optimizer_wrote_are_refused(read):
    state = [tf.Variable([1.0, 2.0]), tf.Variable([0.5, 0.5])]

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def step(x):
        tf.raw_ops.ResourceApplyMomentum(
            var=state[0].handle, accum=state[1].handle, lr=0.1, grad=x, momentum=0.9
        )
        return state[read] * 2.0

    function = step.get_concrete_function().graph_function
    values = {i: v.numpy() for i, v in enumerate(state, 1)}
    with pytest.raises(tf.errors.UnimplementedError, match="expected resource"):
        freeze(function, values, True, leaves_out_writes=True)


@tf.function
def _rows(x, n):
    tf.exp(x)  # nothing reads it
    pair = tf.function(lambda v: (tf.sin(v), tf.cos(v)))(x)
    inner = lambda s: tf.while_loop(lambda j, _: j < 2, lambda j, t: (j + 1, t + x), [0, s])[1]  # noqa: E731
    return tf.while_loop(lambda i, _: i < n, lambda i, s: (i + 1, inner(s)), [0, pair[0]])[1]


def test_what_no_result_needs_is_left_out():
    frozen = convert_variables_to_constants_v2(_rows.get_concrete_function(tf.ones(2), 3))
    types = {op.type for op in frozen.graph.get_operations()}
    assert "Sin" in types
    assert not {"Exp", "Cos"} & types


def test_no_loop_of_a_frozen_graph_asks_to_be_lowered():
    concrete = _rows.get_concrete_function(tf.ones(2), tf.TensorSpec([], tf.int32))
    definition = convert_variables_to_constants_v2(concrete).graph.as_graph_def()
    bodies = [list(function.node_def) for function in definition.library.function]
    loops = [n for n in sum(bodies, list(definition.node)) if n.op == "StatelessWhile"]
    assert [n.attr["_lower_using_switch_merge"].b for n in loops] == [False, False]
