"""What assignments in graphs return, and what handles of variables know."""

import copy

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops import resource_variable_ops

v1 = tf.compat.v1


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as session:
        yield session


def test_an_assignment_is_a_variable_that_is_read_after_it(session):
    v = tf.Variable(1.0)
    session.run(v.initializer)
    assigned = v.assign_add(1.0)
    assert isinstance(assigned, tf.Variable) and assigned.op.type == "AssignAddVariableOp"
    assert assigned.name != v.name
    assert session.run(assigned.assign_add(1.0)) == 3.0 and session.run(v) == 3.0
    assert session.run(assigned + 1.0) == 5.0
    group = tf.group(assigned)
    assert [op.type for op in group.control_inputs] == ["AssignAddVariableOp"]


def test_rows_are_scattered_one_after_the_other(session):
    v = tf.Variable([1.0, 2.0])
    session.run(v.initializer)
    slices = tf.IndexedSlices(tf.constant([2.0]), tf.constant([1]))
    assert session.run(v.scatter_add(slices).scatter_add(slices)).tolist() == [1.0, 6.0]


def test_a_dependency_on_a_variable_reads_nothing(session):
    v = tf.Variable(1.0)
    with tf.control_dependencies([v]):
        assert tf.constant(1.0).op.control_inputs == [v.op]


def test_copies_on_a_caching_device_are_read(session):
    with tf.device("/job:server/task:1"):
        v = v1.Variable(2.0, caching_device="/job:localhost", use_resource=True)
    assert v.value().device == "/job:localhost"


def test_handles_refuse_values_of_other_types_and_shapes(session):
    handle = resource_variable_ops.var_handle_op(tf.int32, [])
    with pytest.raises(ValueError, match="wrong dtype. Expected int32 got float"):
        tf.raw_ops.AssignVariableOp(resource=handle, value=0.0)
    with pytest.raises(ValueError, match="Shapes must be equal rank, but are 0 and 1"):
        tf.raw_ops.AssignVariableOp(resource=handle, value=[0])
    v = tf.Variable([0, 1, 2, 3])
    with pytest.raises(ValueError, match="both shapes must be equal, but are 3 and 2"):
        v1.scatter_update(v, [0, 1], [0, 1, 2])
    assert resource_variable_ops.variable_shape(v.handle).op.type == "Const"


def test_variables_without_shared_names_belong_to_their_node(session):
    handle = resource_variable_ops.var_handle_op(tf.int32, [])
    session.run(tf.raw_ops.AssignVariableOp(resource=handle, value=1))
    session.run(tf.raw_ops.AssignAddVariableOp(resource=handle, value=1))
    assert session.run(tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.int32)) == 2


def test_variables_are_made_of_their_protos(session):
    v = tf.Variable(1.0, trainable=False)
    assert tf.Variable(variable_def=v.to_proto()).trainable is False
    with pytest.raises(ValueError, match="mutually exclusive"):
        tf.Variable(1.0, variable_def=v.to_proto())
    with pytest.raises(NotImplementedError, match="__deepcopy__"):
        copy.deepcopy(v)


def test_showing_a_variable_never_fails():
    v = tf.Variable(1)
    v.read_value = None
    assert repr(v) == "<tf.Variable 'Variable:0' shape=() dtype=int32, numpy=<unavailable>>"
    with pytest.raises(ValueError, match="`constraint` must be None or a callable"):
        tf.Variable(1.0, constraint=0)


def test_eager_assignments_have_no_operation():
    v = tf.Variable(1.0)
    assigned = v1.assign_add(v1.assign(v, 2.0), 3.0)
    assert isinstance(assigned, tf.Variable) and assigned.op is None
    v.assign_sub(1.0)
    assert (float(assigned), float(v)) == (4.0, 4.0)


def test_assignments_in_functions_are_variables_with_the_operation_that_assigns():
    v, seen = tf.Variable(1.0), []

    @tf.function
    def step():
        assigned = v.assign_add(2.0)
        seen.append((assigned.op.type, isinstance(assigned, tf.Variable)))
        with tf.GradientTape() as tape:
            y = assigned * assigned
        return assigned, tape.gradient(y, v)

    assert [float(x) for x in step()] == [3.0, 6.0] and float(v) == 3.0
    assert seen == [("AssignAddVariableOp", True)]
    assert [x is v for x in step.get_concrete_function().graph.variables] == [True]


def test_updates_of_rows_have_no_operation_outside_of_graphs():
    v = tf.Variable([1, 2, 3])
    updated = v1.scatter_update(v, [0], [5])
    assert updated.op is None and updated.numpy().tolist() == [5, 2, 3]
    assert v1.scatter_nd_update(v, [[1]], [7]).op is None and v.numpy().tolist() == [5, 7, 3]


def _run_function(initial_value):
    """The value of a variable that a function within a graph makes on its first call, after an addition in each of two."""
    held = []

    @tf.function
    def count(x):
        if not held:
            held.append(tf.Variable(initial_value(x)))
        return held[0].assign_add(tf.fill(held[0].shape, x)).read_value()

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        first = count(tf.constant(1.0))
        with tf.control_dependencies([first]):
            second = count(tf.constant(10.0))
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run(second).tolist()


def test_functions_in_graphs_make_variables_of_their_own_tensors():
    scale = 3.0
    assert _run_function(lambda x: tf.constant(scale, shape=[2])) == [14.0, 14.0]
    assert _run_function(lambda x: tf.constant(scale) * 2) == 17.0
    assert _run_function(lambda x: lambda: tf.constant(scale) * 2) == 17.0
    inner = tf.function(lambda: tf.fill([2], scale))
    assert _run_function(lambda x: inner()) == [14.0, 14.0]
    with pytest.raises(ValueError, match="wrapped in an init_scope or callable"):
        _run_function(lambda x: 2 * x)


INDICES = {
    "slice": lambda v: v[1:],
    "index": lambda v: v[-1],
    "steps": lambda v: v[::-2],
    "all": lambda v: v[...],
    "rows and columns": lambda v: v[1:, :1],
    "column": lambda v: v[:, 1],
    "new axis": lambda v: v[tf.newaxis, 1],
    "tensor": lambda v: v[tf.constant(1) :],
    "empty": lambda v: v[2:2],
}


@pytest.mark.parametrize("kind", ["resource", "reference", "eager"])
@pytest.mark.parametrize("index", INDICES)
def test_slices_of_variables_are_assigned(index, kind):
    expected = np.ones([3, 2], np.float32)
    part = INDICES["slice" if index == "tensor" else index](expected)  # a view
    part[...] = 8.0
    value = np.full(part.shape, 8.0, np.float32)
    if kind == "eager":
        v = tf.Variable(np.ones([3, 2], np.float32))
        np.testing.assert_array_equal(v1.assign(INDICES[index](v), value), expected)
        return
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable(
            "v", [3, 2], initializer=v1.ones_initializer(), use_resource=kind == "resource"
        )
        assigned = v1.assign(INDICES[index](v), value)
        session.run(v.initializer)
        np.testing.assert_array_equal(session.run(assigned), expected)
        np.testing.assert_array_equal(session.run(v), expected)


def test_only_variables_and_their_slices_are_assigned():
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(AttributeError, match="assign"):
        v1.assign(tf.constant([1.0, 2.0]), [3.0, 4.0])
    for update in (v1.assign_add, v1.assign_sub):
        with pytest.raises(AttributeError, match=update.__name__):
            update(v[:1], [1.0])
    with tf.Graph().as_default(), pytest.raises(AttributeError, match="assign"):
        v1.assign(tf.constant([1.0, 2.0]), [3.0, 4.0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [[1.0, 2.0, 3.0], 5.0, [[1.0], [2.0]], []])
def test_variables_that_are_no_resources_take_values_of_any_shape(value):
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.Variable([1.0, 2.0], use_resource=False)
        fed = v1.placeholder(tf.float32, None)
        assigned = v1.assign(v, fed, validate_shape=False)
        more = v + 1.0
        session.run(v.initializer)
        np.testing.assert_array_equal(session.run(assigned, {fed: value}), value)
        np.testing.assert_array_equal(session.run(v), value)
        np.testing.assert_array_equal(session.run(more), np.add(value, 1.0))
        assert v.shape == [2] and v1.assign(v, value, validate_shape=False).shape == np.shape(value)
        with pytest.raises(ValueError, match="[Ss]hape"):
            v1.assign(v, [1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match="[Ss]hape"):
            v1.assign(v1.Variable([1.0], use_resource=True), [1.0, 2.0], validate_shape=False)
