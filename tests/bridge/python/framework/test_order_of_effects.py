"""Operations of graphs that are chosen, created or run in order."""

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import auto_control_deps, smart_cond
from penstock._src.bridge.python.framework import test_ops as operations
from penstock._src.bridge.python.ops import resources

v1 = tf.compat.v1


@pytest.fixture
def session():
    with tf.Graph().as_default(), v1.Session() as session:
        yield session


@pytest.fixture
def variable(session):
    variable = v1.Variable(1.0, use_resource=True)
    session.run(variable.initializer)
    return variable


def test_effects_come_before_what_is_returned(session, variable):
    with auto_control_deps.AutomaticControlDependencies() as context:
        variable.assign(variable + 1)
        variable.assign(2 * variable)
        result = context.mark_as_return(variable.read_value())
    assert session.run(result) == 4.0 and len(context.ops_which_must_run) == 2


def test_effects_of_branches_are_kept(session, variable):
    which = v1.placeholder(tf.bool, ())
    with auto_control_deps.AutomaticControlDependencies() as context:
        tf.cond(which, lambda: variable.assign(2.0).op, lambda: variable.assign(6.0).op)
        result = context.mark_as_return(variable.read_value())
    assert session.run(result, {which: False}) == 6.0
    assert not tf.compat.v1.get_default_graph().keeps_program_order


def test_what_runs_independently_is_awaited_but_not_ordered(session, variable):
    with auto_control_deps.AutomaticControlDependencies() as context:
        first, second = variable.assign(2.0), variable.assign_add(1.0)
        context.run_independently(second.op)
        result = context.mark_as_return(tf.sparse.from_dense([1.0]))
    assert first.op not in second.op.control_inputs
    assert {first.op, second.op} <= set(result.values.op.control_inputs)


def test_known_conditions_are_not_recorded(session):
    x = v1.placeholder(tf.int32, ())
    case = smart_cond.smart_case([(x > 5, lambda: 1), (x > 3, lambda: 2)], default=lambda: 0)
    assert [session.run(case, {x: value}) for value in (6, 4, 1)] == [1, 2, 0]
    assert smart_cond.smart_case([(False, lambda: 1 / 0), (True, lambda: 5)]) == 5


def test_resources_are_initialized_once(session):
    handle = operations.stub_resource_handle_op(container="a", shared_name="b")
    resources.register_resource(
        handle,
        operations.resource_create_op(handle),
        operations.resource_initialized_op(handle),
    )
    report = resources.report_uninitialized_resources()
    assert session.run(report).tolist() == [handle.name.encode()]
    session.run(resources.initialize_resources(resources.shared_resources()))
    assert session.run(report).size == 0


def test_conditions_are_tensors_or_bools():
    for pairs, said in (
        (5, "must be a list, tuple, or dict"),
        ([(0, int)], "must be a Tensor or bool"),
    ):
        with pytest.raises(TypeError, match=said):
            smart_cond.smart_case(pairs, default=int)
    assert smart_cond.smart_case({True: lambda: 7}, default=int) == 7
