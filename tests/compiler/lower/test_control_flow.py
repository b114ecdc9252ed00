"""Loops, branches, calls and lists of tensors inside programs, on both devices, against NumPy."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import compile_function
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.values.resources import VariableHandle
from penstock._src.util.flags import override
from tests.compiler.graphs import body_of, executable_of

F, I, V, R, B = dtypes.float32, dtypes.int32, dtypes.variant, dtypes.resource, dtypes.bool_
X = np.random.default_rng(0).standard_normal((5, 3)).astype("f")


@pytest.fixture(params=["CPU", "reference"], autouse=True)
def device(request):
    with override(device=request.param, verify=1):
        yield request.param


def native(run):
    """Whether all of it ran as programs, none of them interpreted for want of code."""
    return not run.host_ops and not any(p.compiled.why_interpreted for p in run.programs())


def test_if_runs_one_branch():
    then = body_of(lambda x: [raw.Exp(x=x)], (F, [None, 3]))
    other = body_of(lambda x: [raw.Neg(x=x)], (F, [None, 3]))
    run = executable_of(
        lambda c, x: [
            raw.Exp(x=raw.If(cond=c, input=[x], Tout=[F], then_branch=then, else_branch=other)[0])
        ],
        (B, []),
        (F, [None, 3]),
    )
    np.testing.assert_allclose(run([np.array(True), X])[0], np.exp(np.exp(X)), rtol=1e-5)
    np.testing.assert_allclose(run([np.array(False), X])[0], np.exp(-X), rtol=1e-5)
    assert native(run) and len(run.programs()) == 1


def test_case_takes_the_last_branch_for_an_index_outside():
    branches = [
        body_of(lambda x, k=k: [raw.Mul(x=x, y=float(k))], (F, [None, 3])) for k in (2, 3, 4)
    ]
    run = executable_of(
        lambda i, x: raw.Case(branch_index=i, input=[x], Tout=[F], branches=branches),
        (I, []),
        (F, [None, 3]),
    )
    for index, factor in ((0, 2), (1, 3), (2, 4), (7, 4), (-1, 4)):
        np.testing.assert_allclose(run([np.array(index, np.int32), X])[0], X * factor, rtol=1e-6)
    assert native(run)


def test_a_call_is_inlined():
    inner = body_of(
        lambda x, y: [raw.AddV2(x=x, y=y), raw.Neg(x=x)], (F, [None, 3]), (F, [None, 3])
    )
    run = executable_of(
        lambda x: list(raw.PartitionedCall(args=[x, x], Tout=[F, F], f=inner)), (F, [None, 3])
    )
    made = run([X])
    np.testing.assert_allclose(made[0], X + X)
    np.testing.assert_array_equal(made[1], -X)
    assert native(run)


def test_a_while_with_a_condition_on_values():
    cond = body_of(lambda x: [raw.Less(x=raw.Sum(input=x, axis=[0]), y=100.0)], (F, [4]))
    body = body_of(lambda x: [raw.Mul(x=x, y=2.0)], (F, [4]))
    run = executable_of(lambda x: raw.While(input=[x], cond=cond, body=body), (F, [4]))
    assert run([np.ones(4, np.float32)])[0].tolist() == [32.0] * 4
    assert native(run)


def test_a_loop_writes_a_variable():
    def step(i, n, v):
        assign = raw.AssignAddVariableOp(resource=v, value=raw.Cast(x=i, DstT=F))
        with v.graph.control_dependencies([assign]):
            return [raw.AddV2(x=i, y=1), raw.Identity(input=n), v]

    types = (I, []), (I, []), (R, [])
    cond = body_of(lambda i, n, v: [raw.Less(x=i, y=n)], *types)
    body = body_of(step, *types)
    run = executable_of(
        lambda n, v: raw.While(input=[0, n, v], cond=cond, body=body)[:1], (I, []), (R, [])
    )
    v = VariableHandle([], F, "v", value=np.array(0.5, np.float32))
    assert run([np.array(5, np.int32), v])[0] == 5
    assert v.value == 10.5
    assert native(run)


def test_a_branch_writes_a_variable():
    def assigns(x, v):
        assign = raw.AssignVariableOp(resource=v, value=x)
        with v.graph.control_dependencies([assign]):
            return [raw.Neg(x=x)]

    types = (F, [3]), (R, [])
    then, other = body_of(assigns, *types), body_of(lambda x, v: [raw.Exp(x=x)], *types)
    run = executable_of(
        lambda c, x, v: raw.If(cond=c, input=[x, v], Tout=[F], then_branch=then, else_branch=other),
        (B, []),
        *types,
    )
    v = VariableHandle([3], F, "v", value=np.zeros(3, np.float32))
    run([np.array(False), X[0], v])
    assert not v.value.any()
    run([np.array(True), X[0], v])
    np.testing.assert_array_equal(v.value, X[0])
    assert native(run)


def unrolled(x):
    h, states = np.zeros_like(x[0]), []
    for row in x:
        h = np.tanh(h + row)
        states.append(h)
    return np.stack(states)


def recurrent(x, known_length):
    """h = tanh(h + x[i]) for every row, states kept in a list."""
    types = (I, []), (I, []), (F, [3]), (V, []), (F, [None, 3])

    def step(i, n, h, states, x):
        h = raw.Tanh(x=raw.AddV2(x=h, y=raw.GatherV2(params=x, indices=i, axis=0)))
        states = raw.TensorListSetItem(input_handle=states, index=i, item=h)
        return [raw.AddV2(x=i, y=1), n, h, states, x]

    cond, body = body_of(lambda i, n, h, s, x: [raw.Less(x=i, y=n)], *types), body_of(step, *types)
    n = raw.StridedSlice(
        input=raw.Shape(input=x), begin=[0], end=[1], strides=[1], shrink_axis_mask=1
    )
    states = raw.TensorListReserve(
        element_shape=np.array([3] if known_length else -1, np.int32),
        num_elements=n,
        element_dtype=F,
    )
    out = raw.While(input=[0, n, np.zeros(3, np.float32), states, x], cond=cond, body=body)
    stacked = raw.TensorListStack(input_handle=out[3], element_shape=[3], element_dtype=F)
    return [stacked, out[2], out[0]]


@pytest.mark.parametrize("known_length", [True, False], ids=["shape given", "shape found"])
def test_a_list_in_a_loop_is_a_dense_buffer(known_length):
    run = executable_of(lambda x: recurrent(x, known_length), (F, [None, 3]))
    for rows in (5, 3):
        states, last, count = run([X[:rows]])
        np.testing.assert_allclose(states, unrolled(X[:rows]), rtol=1e-5)
        np.testing.assert_allclose(last, states[-1])
        assert count == rows
    assert native(run) and len(run.programs()) == 2


def test_pushes_and_pops_of_a_loop():
    """The form of a loop's gradient: one loop pushes, another pops in reverse."""
    types = (I, []), (F, [3]), (V, []), (F, [None, 3])

    def push(i, h, kept, x):
        row = raw.GatherV2(params=x, indices=i, axis=0)
        return [
            raw.AddV2(x=i, y=1),
            h,
            raw.TensorListPushBack(input_handle=kept, tensor=raw.Exp(x=row)),
            x,
        ]

    def pop(i, h, kept, x):
        shorter, row = raw.TensorListPopBack(
            input_handle=kept, element_shape=np.array(-1, np.int32), element_dtype=F
        )
        return [raw.AddV2(x=i, y=1), raw.AddV2(x=raw.Mul(x=h, y=0.5), y=row), shorter, x]

    def build(x):
        def smaller(i, h, kept, x):
            n = raw.Shape(input=x)
            return [raw.Less(x=i, y=raw.GatherV2(params=n, indices=0, axis=0))]

        cond = body_of(smaller, *types)
        empty = raw.EmptyTensorList(
            element_shape=np.array(-1, np.int32), max_num_elements=-1, element_dtype=F
        )
        zero = np.zeros(3, np.float32)
        full = raw.While(input=[0, zero, empty, x], cond=cond, body=body_of(push, *types))
        back = raw.While(input=[0, zero, full[2], x], cond=cond, body=body_of(pop, *types))
        return [back[1]]

    run = executable_of(build, (F, [None, 3]))
    expected = np.zeros(3)
    for row in X[::-1]:
        expected = expected * 0.5 + np.exp(row)
    np.testing.assert_allclose(run([X])[0], expected, rtol=1e-5)
    assert native(run)


def test_a_list_goes_from_program_to_program():
    make = executable_of(
        lambda x: [raw.TensorListFromTensor(tensor=raw.Exp(x=x), element_shape=[3])], (F, [None, 3])
    )
    (held,) = make([X])
    assert len(held) == 5 and held.items[1].shape == (3,)
    use = executable_of(
        lambda s, i: [
            raw.TensorListGetItem(
                input_handle=s, index=i, element_shape=np.array([3], np.int32), element_dtype=F
            ),
            raw.TensorListStack(input_handle=s, element_shape=[3], element_dtype=F),
            raw.TensorListLength(input_handle=s),
        ],
        (V, []),
        (I, []),
    )
    item, all_items, length = use([held, np.array(2, np.int32)])
    np.testing.assert_allclose(item, np.exp(X[2]), rtol=1e-6)
    np.testing.assert_allclose(all_items, np.exp(X), rtol=1e-6)
    assert length == 5 and native(use) and native(make)


def test_lists_outside_of_loops():
    def build(x):
        empty = raw.EmptyTensorList(element_shape=[3], max_num_elements=-1, element_dtype=F)
        two = raw.TensorListPushBack(
            input_handle=raw.TensorListPushBack(input_handle=empty, tensor=x), tensor=raw.Neg(x=x)
        )
        longer = raw.TensorListResize(input_handle=two, size=3)
        one, last = raw.TensorListPopBack(
            input_handle=two, element_shape=np.array([3], np.int32), element_dtype=F
        )
        stack = [
            raw.TensorListStack(input_handle=s, element_shape=[3], element_dtype=F)
            for s in (two, longer, one)
        ]
        return [*stack, last, raw.TensorListLength(input_handle=one)]

    run = executable_of(build, (F, [3]))
    x = X[0]
    two, longer, one, last, length = run([x])
    np.testing.assert_array_equal(two, [x, -x])
    np.testing.assert_array_equal(longer, [x, -x, 0 * x])
    np.testing.assert_array_equal(one, [x])
    np.testing.assert_array_equal(last, -x)
    assert length == 1 and native(run)


def test_a_loop_in_a_loop():
    inner_types = (I, []), (F, [3])
    inner_cond = body_of(lambda i, h: [raw.Less(x=i, y=3)], *inner_types)
    inner_body = body_of(lambda i, h: [raw.AddV2(x=i, y=1), raw.AddV2(x=h, y=1.0)], *inner_types)

    def step(i, h):
        deeper = raw.While(input=[0, h], cond=inner_cond, body=inner_body)
        return [raw.AddV2(x=i, y=1), raw.Mul(x=deeper[1], y=0.5)]

    outer_body = body_of(step, *inner_types)
    outer_cond = body_of(lambda i, h: [raw.Less(x=i, y=4)], *inner_types)
    run = executable_of(
        lambda h: raw.While(input=[0, h], cond=outer_cond, body=outer_body)[1:], (F, [3])
    )
    expected = X[0].copy()
    for _ in range(4):
        expected = (expected + 3) * 0.5
    np.testing.assert_allclose(run([X[0]])[0], expected, rtol=1e-6)
    assert native(run)


def test_loops_may_share_repeated_numbers_with_what_is_around_them():
    """The zeros that one loop starts from are also used in its body: the second loop must start from zeros, too."""
    p = LoweringContext()
    x = p.parameter(0, (4, 3), F)
    zeros = p.full((4, 3), 0, F)

    def chosen(step):
        def body(i, h):
            return [i + 1, p.select(p.gt(x, 0), h + step, zeros)]

        return p.while_(lambda i, h: p.lt(i, 3), body, [p.constant(0), zeros])[1]

    both = p.concat([chosen(1.0), chosen(2.0), zeros], 0)
    function = p.function("f", [x], [both])
    x = X[:4]
    expected = np.concatenate([np.where(x > 0, 3, 0), np.where(x > 0, 6, 0), 0 * x])
    np.testing.assert_array_equal(compile_function(function).run([x])[0], expected)


def test_numbers_as_conditions():
    run = executable_of(
        lambda x: [raw.ToBool(input=x), raw.DeviceIndex(device_names=["GPU", "CPU"])], (I, [])
    )
    assert [bool(run([np.array(n, np.int32)])[0]) for n in (0, 3, -1)] == [False, True, True]
    assert run([np.array(0, np.int32)])[1] == 1
    assert native(run)
