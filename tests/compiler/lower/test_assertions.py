"""Assertions inside programs."""

import numpy as np
import pytest

from penstock._src.compiler.compile import compile_graph
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.values.resources import VariableHandle
from penstock._src.util.flags import override
from tests.compiler.graphs import graph_of

F, R = dtypes.float32, dtypes.resource


@pytest.fixture(params=["CPU", "reference"], autouse=True)
def device(request):
    with override(device=request.param, verify=1):
        yield request.param


def positive(x):
    condition = raw.All(input=raw.Greater(x=x, y=0.0), axis=[0])
    return raw.Assert(condition=condition, data=[np.array(b"x must be positive", object), x])


def executable(build, *types):
    graph = graph_of(build, *types)
    graph.control_outputs = [o for o in graph.get_operations() if o.raw_op.stateful]
    return compile_graph(graph, graph.inputs, graph.outputs)


def build_guarded(x):
    with x.graph.control_dependencies([positive(x)]):
        return [raw.Sqrt(x=x)]


def test_an_assertion_is_part_of_the_program():
    run = executable(build_guarded, (F, [None]))
    np.testing.assert_allclose(run([np.array([4.0, 9.0], np.float32)])[0], [2, 3])
    assert not run.host_ops and len(run.programs()) == 1


def test_one_that_fails_says_what_the_op_says():
    run = executable(build_guarded, (F, [None]))
    with pytest.raises(
        InvalidArgumentError,
        match=r"assertion failed: \[x must be positive\] \[4 -9\].*{{node Assert}}",
    ):
        run([np.array([4.0, -9.0], np.float32)])


def test_effects_that_wait_for_it_do_not_happen():
    def build(x, v):
        with x.graph.control_dependencies([positive(x)]):
            assign = raw.AssignVariableOp(resource=v, value=x)
        with x.graph.control_dependencies([assign]):
            return [raw.Neg(x=x)]

    run = executable(build, (F, [2]), (R, []))
    v = VariableHandle([2], F, "v", value=np.zeros(2, np.float32))
    with pytest.raises(InvalidArgumentError, match="x must be positive"):
        run([np.array([1.0, -1.0], np.float32), v])
    assert v.value.tolist() == [0, 0]
    run([np.array([1.0, 2.0], np.float32), v])
    assert v.value.tolist() == [1, 2]
    assert not run.host_ops and len(run.programs()) == 1


def test_variables_assigned_before_it_keep_what_they_got():
    def build(x, v, w):
        first = raw.AssignAddVariableOp(resource=v, value=x)
        with x.graph.control_dependencies([first]):
            read = raw.ReadVariableOp(resource=v, dtype=F)
            checked = positive(read)
        with x.graph.control_dependencies([checked]):
            second = raw.AssignVariableOp(resource=v, value=x * 10.0)
            third = raw.AssignSubVariableOp(resource=w, value=x)
        with x.graph.control_dependencies([second, third]):
            return [raw.Neg(x=read)]

    run = executable(build, (F, [None]), (R, []), (R, []))
    v, w = (VariableHandle([None], F, name, value=np.ones(2, np.float32)) for name in "vw")
    with pytest.raises(InvalidArgumentError, match=r"x must be positive\] \[3 -1"):
        run([np.array([2.0, -2.0], np.float32), v, w])
    assert v.value.tolist() == [3, -1] and w.value.tolist() == [1, 1]
    v.value = np.ones(2, np.float32)
    np.testing.assert_allclose(run([np.array([2.0, 3.0], np.float32), v, w])[0], [-3, -4])
    assert v.value.tolist() == [20, 30] and w.value.tolist() == [-1, -2]
    assert run.host_ops["Assert"] == "operations with effects wait for the assertion"
