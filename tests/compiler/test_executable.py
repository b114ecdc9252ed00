"""Executables: programs, host steps between them, specialization, variables."""

import numpy as np
import pytest

from penstock._src.compiler.blocks.steps import ProgramStep
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import ANY
from penstock._src.core.values.resources import VariableHandle
from penstock._src.ir.errors import NotLowerable
from penstock._src.util.flags import override
from tests.compiler.graphs import executable_of

F, I, S, R = dtypes.float32, dtypes.int32, dtypes.string, dtypes.resource


class HostDouble(Op):
    """x + x, on the host only."""

    signature = "x: T -> y: T"
    T = ANY

    def shape(self, x):
        return x

    def eager(self, x):
        return x + x


class Unwilling(Op):
    """x + 1, whose lowering gives up for vectors of 3."""

    signature = "x: T -> y: T"
    T = ANY

    def shape(self, x):
        return x

    def eager(self, x):
        return x + 1

    def lower(self, p, x):
        if x.shape == (3,):
            raise NotLowerable("three is too many")
        return x + 1


@pytest.fixture(params=["CPU", "reference"])
def device(request):
    with override(device=request.param, verify=1):
        yield request.param


def call(op, *inputs):
    return getattr(raw, op.op_type)(*inputs)


def test_a_graph_that_lowers_is_one_program(device):
    run = executable_of(
        lambda x, y: [raw.Exp(x=raw.AddV2(x=x, y=y)), raw.Neg(x=x)], (F, [None]), (F, [])
    )
    x = np.array([0.0, 1.0, 2.0], np.float32)
    made = run([x, np.array(1, np.float32)])
    np.testing.assert_allclose(made[0], np.exp(x + 1), rtol=1e-6)
    np.testing.assert_array_equal(made[1], -x)
    assert len(run.programs()) == 1 and not run.host_ops
    assert not run.programs()[0].compiled.why_interpreted


def test_a_host_op_splits_the_graph_and_is_named(device):
    run = executable_of(lambda x: [raw.Exp(x=call(HostDouble, raw.Neg(x=x)))], (F, [None]))
    x = np.array([0.5, 1.5], np.float32)
    np.testing.assert_allclose(run([x])[0], np.exp(-2 * x), rtol=1e-6)
    assert len(run.programs()) == 2
    assert run.host_ops == {"HostDouble": "HostDouble has no lowering"}
    assert "HostDouble has no lowering" in run.explain()


def test_host_ops_that_are_ready_run_before_the_program():
    run = executable_of(
        lambda x, y: [raw.AddV2(x=call(HostDouble, x), y=raw.Exp(x=y))], (F, [2]), (F, [2])
    )
    x = np.array([0.5, 1.5], np.float32)
    np.testing.assert_allclose(run([x, x])[0], 2 * x + np.exp(x), rtol=1e-6)
    assert len(run.programs()) == 1


def test_a_lowering_that_gives_up_for_some_shapes_only():
    run = executable_of(lambda x: [raw.Neg(x=call(Unwilling, x))], (F, [None]))
    for n in (2, 3, 4):
        np.testing.assert_array_equal(run([np.ones(n, np.float32)])[0], np.full(n, -2.0))
    assert run.host_ops == {"Unwilling": "three is too many"}


def test_nothing_lowers():
    run = executable_of(lambda s: [call(HostDouble, s)], (S, []))
    value = np.array(b"ab", object)
    assert run([value])[0] == b"abab"
    assert not run.programs()


def test_a_new_batch_size_is_a_new_specialization_of_the_same_kernels():
    run = executable_of(lambda x: [raw.Tanh(x=x)], (F, [None, 3]))
    for n in (4, 7, 4, 9):
        assert run([np.zeros((n, 3), np.float32)])[0].shape == (n, 3)
    programs = run.programs()
    assert len(programs) == 3
    kernels = [p.compiled.program.plan.written for p in programs]
    assert kernels[1:] == [0, 0]


def test_equal_inputs_of_unknown_extent_share_a_symbol():
    run = executable_of(lambda x, y: [raw.AddV2(x=x, y=y)], (F, [None]), (F, [None]))
    run([np.zeros(5, np.float32), np.zeros(5, np.float32)])
    (program,) = run.programs()
    assert [str(p.shape[0]) for p in program.function.parameters] == ["d0", "d0"]


def test_inputs_and_constants_as_outputs(device):
    run = executable_of(lambda x: [x, raw.Shape(input=x), raw.Exp(x=x), x], (F, [None, 2]))
    x = np.zeros((3, 2), np.float32)
    made = run([x])
    assert made[0] is x and made[3] is x
    np.testing.assert_array_equal(made[1], [3, 2])


def test_a_value_that_a_lowering_needs_specializes_the_program(device):
    run = executable_of(
        lambda x, s: [raw.Reshape(tensor=raw.Exp(x=x), shape=s)], (F, [None]), (I, [2])
    )
    x = np.zeros(12, np.float32)
    for shape in ([3, 4], [6, 2], [2, -1], [3, 4]):
        assert run([x, np.array(shape, np.int32)])[0].shape == np.zeros(12).reshape(shape).shape
    assert not run.host_ops
    assert len(run.programs()) == 3


def test_values_that_are_extents_share_a_program():
    run = executable_of(
        lambda x, s: [raw.Reshape(tensor=raw.Exp(x=x), shape=s)], (F, [None]), (I, [1])
    )
    for n in range(1, 40):
        assert run([np.zeros(n, np.float32), np.array([n], np.int32)])[0].shape == (n,)
    assert not run.host_ops
    assert len(run.block.programs) == 1


def test_a_value_computed_by_the_program_is_known_after_it(device):
    run = executable_of(
        lambda x: [raw.Fill(dims=raw.Cast(x=raw.Neg(x=x), DstT=I), value=1.0)], (F, [1])
    )
    assert run([np.array([-3.0], np.float32)])[0].tolist() == [1, 1, 1]
    assert run([np.array([-2.0], np.float32)])[0].tolist() == [1, 1]


def variable(value):
    value = np.asarray(value, np.float32)
    return VariableHandle(value.shape, F, "v", value=value)


def assign_and_read(x, v):
    graph = x.graph
    before = raw.ReadVariableOp(resource=v, dtype=F)
    with graph.control_dependencies([before]):
        assign = raw.AssignAddVariableOp(resource=v, value=x)
    with graph.control_dependencies([assign]):
        after = raw.ReadVariableOp(resource=v, dtype=F)
    return [raw.Mul(x=before, y=x), after]


def test_variables_are_read_and_written_in_order(device):
    run = executable_of(assign_and_read, (F, [2]), (R, []))
    v, x = variable([1.0, 2.0]), np.array([10.0, 20.0], np.float32)
    for _ in range(3):
        before = v.value.copy()
        made = run([x, v])
        np.testing.assert_allclose(made[0], before * x)
        np.testing.assert_allclose(made[1], before + x)
        np.testing.assert_allclose(v.value, before + x)
    assert not run.host_ops


def test_a_value_read_before_is_a_snapshot(device):
    run = executable_of(assign_and_read, (F, [2]), (R, []))
    v, x = variable([1.0, 2.0]), np.array([10.0, 20.0], np.float32)
    held = v.value
    run([x, v])
    np.testing.assert_array_equal(held, [1, 2])
    np.testing.assert_array_equal(v.value, [11, 22])


def test_one_variable_passed_twice_is_one():
    def build(x, v, w):
        assign = raw.AssignVariableOp(resource=v, value=x)
        with x.graph.control_dependencies([assign]):
            return [raw.Neg(x=raw.ReadVariableOp(resource=w, dtype=F))]

    run = executable_of(build, (F, [2]), (R, []), (R, []))
    x = np.array([1.0, 2.0], np.float32)
    v, w = variable([0, 0]), variable([5, 5])
    assert run([x, v, v])[0].tolist() == [-1, -2]
    assert run([x, v, w])[0].tolist() == [-5, -5]


def test_an_error_of_a_host_op_names_the_node():
    class Failing(Op):
        """Fails."""

        signature = "x: T -> y: T"
        T = ANY

        def shape(self, x):
            return x

        def eager(self, x):
            raise InvalidArgumentError("no")

    run = executable_of(lambda x: [call(Failing, x)], (F, [2]))
    with pytest.raises(InvalidArgumentError, match=r"no \[\[{{node Failing}}\]\]"):
        run([np.zeros(2, np.float32)])


def test_shapes_that_do_not_fit_raise_the_error_of_the_op():
    run = executable_of(lambda x, y: [raw.AddV2(x=x, y=y)], (F, [None]), (F, [None]))
    with pytest.raises(InvalidArgumentError):
        run([np.zeros(2, np.float32), np.zeros(3, np.float32)])


def test_explain_shows_the_program():
    run = executable_of(lambda x: [raw.Exp(x=x)], (F, [None]))
    assert "none yet" in run.explain()
    run([np.zeros(4, np.float32)])
    text = run.explain()
    assert "float32[d0=4]" in text and "exp" in text
    assert isinstance(run.programs()[0], ProgramStep)


def test_values_of_a_variable_that_are_returned_stay_what_they_were(device):
    def build(x, v):
        before = raw.ReadVariableOp(resource=v, dtype=F)
        with x.graph.control_dependencies([before]):
            assign = raw.AssignVariableOp(resource=v, value=raw.AddV2(x=before, y=x))
        with x.graph.control_dependencies([assign]):
            return [before, raw.ReadVariableOp(resource=v, dtype=F)]

    run = executable_of(build, (F, [2]), (R, []))
    v, x = variable([1.0, 2.0]), np.array([10.0, 20.0], np.float32)
    first = run([x, v])
    second = run([x, v])
    assert [a.tolist() for a in first] == [[1, 2], [11, 22]]
    assert [a.tolist() for a in second] == [[11, 22], [21, 42]]
    assert v.value.tolist() == [21, 42]


def test_a_variable_that_takes_an_input_does_not_share_it(device):
    def build(x, v):
        assign = raw.AssignVariableOp(resource=v, value=x)
        with x.graph.control_dependencies([assign]):
            add = raw.AssignAddVariableOp(resource=v, value=x)
        with x.graph.control_dependencies([add]):
            return [raw.Neg(x=x)]

    def keep(x, v):
        assign = raw.AssignVariableOp(resource=v, value=x)
        with x.graph.control_dependencies([assign]):
            return [raw.Neg(x=x)]

    x, v = np.array([10.0, 20.0], np.float32), variable([1.0, 2.0])
    executable_of(keep, (F, [2]), (R, []))([x, v])
    executable_of(build, (F, [2]), (R, []))([x, v])
    assert v.value.tolist() == [20, 40] and x.tolist() == [10, 20]


def test_two_variables_exchange_their_values(device):
    def build(v, w):
        a, b = raw.ReadVariableOp(resource=v, dtype=F), raw.ReadVariableOp(resource=w, dtype=F)
        with v.graph.control_dependencies([a, b]):
            first = raw.AssignVariableOp(resource=v, value=b)
            second = raw.AssignVariableOp(resource=w, value=a)
        with v.graph.control_dependencies([first, second]):
            return [raw.AddV2(x=a, y=b)]

    v, w = variable([1.0, 2.0]), variable([3.0, 4.0])
    run = executable_of(build, (R, []), (R, []))
    for _ in range(3):
        assert run([v, w])[0].tolist() == [4, 6]
    assert v.value.tolist() == [3, 4] and w.value.tolist() == [1, 2]


def test_an_index_outside_names_the_node(device):
    run = executable_of(
        lambda x, i: [raw.GatherV2(params=x, indices=i, axis=0)], (F, [None]), (I, [None])
    )
    x = np.arange(4, dtype=np.float32)
    assert run([x, np.array([3, 0], np.int32)])[0].tolist() == [3, 0]
    with pytest.raises(InvalidArgumentError, match=r"4 is not in \[0, 4\).*{{node GatherV2}}"):
        run([x, np.array([1, 4], np.int32)])


def test_texts_of_the_stages():
    run = executable_of(lambda x: [raw.Exp(x=x)], (F, [None]))
    run([np.zeros(4, np.float32)])
    assert "Exp" in run.text("graph")
    assert "exp(%0)" in run.text("primitives")
    assert "define" in run.text("llvm") and "tasks" in run.text("launches")
    with pytest.raises(ValueError, match="stage: expected one of"):
        run.text("bytecode")


def test_a_products_epilogue_selects_by_rows(device):
    def build(x, k, chosen):
        rows = raw.Reshape(tensor=chosen, shape=[-1, 1, 1, 1])
        y = raw.DepthwiseConv2dNative(input=x, filter=k, strides=[1, 1, 1, 1], padding="SAME")
        return [raw.Relu(features=raw.SelectV2(condition=rows, t=y, e=x))]

    run = executable_of(build, (F, [None, 8, 8, 3]), (F, [1, 1, 3, 1]), (dtypes.bool_, [None]))
    x = np.arange(2 * 192, dtype=np.float32).reshape(2, 8, 8, 3)
    k = np.full([1, 1, 3, 1], 2, np.float32)
    (y,) = run([x, k, np.array([True, False])])
    assert y.tolist() == [(2 * x[0]).tolist(), x[1].tolist()]
