"""Functions that break a rule of the representation are refused, with the node and what is wrong."""

import dataclasses

import pytest

from penstock._src.core import dtypes
from penstock._src.ir.builder import Builder
from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ir.verify import verify

F32, B, RESOURCE = dtypes.float32, dtypes.bool_, dtypes.resource


@pytest.fixture
def p():
    return Builder(rules=False, fold=False)


def node(p, kind, args, shape=(3,), dtype=F32, results=None, **attrs):
    """A node that no builder looked at."""
    return Node(p, kind, tuple(args), attrs, shape, dtype, results)


def refused(match, parameters, results, updates=()):
    function = Function("f", tuple(parameters), tuple(results), tuple(updates))
    with pytest.raises(MalformedFunction, match=match):
        verify(function)


def test_parameters_are_parameters_in_order(p):
    x, y = (p.parameter(i, (3,), F32) for i in range(2))
    verify(Function("f", (x, y), (p.add(x, y),)))
    refused("after that of index 1", [y, x], [p.add(x, y)])
    refused("must be of kind parameter", [x, p.exp(y)], [x])


def test_parameters_of_other_functions_are_not_used(p):
    x, y = (p.parameter(i, (3,), F32) for i in range(2))
    refused("parameter of another function", [x], [p.add(x, y)])


def test_kinds_and_operations_are_those_of_the_table(p):
    x = p.parameter(0, (3,), F32)
    refused("the kind is unknown", [x], [node(p, "squeeze", [x])])
    refused("the operation is unknown", [x], [node(p, "unary", [x], op="half")])


def test_arguments_are_counted_and_older(p):
    x = p.parameter(0, (3,), F32)
    refused("1 arguments are required", [x], [node(p, "unary", [x, x], op="exp")])
    made = node(p, "unary", [x], op="exp")
    made.args = (p.sin(x),)
    refused("an argument has a larger id", [x], [made])


def test_types_are_those_that_follow_from_the_arguments(p):
    x = p.parameter(0, (3,), F32)
    refused("its type should be", [x], [node(p, "unary", [x], (4,), op="exp")])
    refused("its type should be", [x], [node(p, "unary", [x], dtype=B, op="exp")])
    y = p.parameter(1, (2,), F32)
    refused("f: %", [x, y], [node(p, "binary", [x, y], op="add")])


def test_several_results_are_no_value(p):
    x = p.parameter(0, (3,), F32)
    pair = p.sort([x, p.exp(x)], 0)[0].args[0]
    assert pair.results is not None
    refused("several results is used as one value", [x], [node(p, "unary", [pair], op="exp")])


def test_updates_are_of_variables_and_of_their_type(p):
    handle = p.parameter(0, (), RESOURCE, variable=((3,), F32))
    x = p.parameter(1, (3,), F32)
    verify(Function("f", (handle, x), (), ((handle, x),)))
    refused("must be of a parameter of dtype resource", [handle, x], [], [(x, x)])
    refused("cannot get this value", [handle, x], [], [(handle, p.cast(x, dtypes.int32))])
    refused("cannot get this value", [handle, x], [], [(handle, p.reshape(x, [3, 1]))])


def changed(made, **attrs):
    """A node of control flow with other attributes, and the type that follows from them."""
    attrs = {**made.attrs, **attrs}
    inner = attrs["body"] if made.kind == "while" else attrs["branches"][0]
    results = tuple((r.shape, r.dtype) for r in inner.results)
    return Node(made.builder, made.kind, made.args, attrs, made.shape, made.dtype, results)


def test_loops_carry_what_their_bodies_take_and_return(p):
    x = p.parameter(0, (3,), F32)
    results = p.while_(lambda i, x: p.lt(i, 5), lambda i, x: [i + 1, p.exp(x)], [p.constant(0), x])
    (loop,) = {result.args[0] for result in results}
    item = results[1]
    verify(Function("f", (x,), (item,)))
    body, cond = loop.attrs["body"], loop.attrs["cond"]

    def refused_with(match, **attrs):
        refused(match, [x], [node(p, "item", [changed(loop, **attrs)], index=1)])

    counted, carried = body.parameters
    other = dataclasses.replace(body, results=(p.cast(counted, F32), carried))
    refused_with("the body must return the carried values", body=other)
    refused_with("the condition must be one scalar bool", cond=dataclasses.replace(cond, results=body.results[:1]))  # fmt: skip
    fewer = Function("fewer", cond.parameters[:1], (p.lt(cond.parameters[0], 5),))
    refused_with("fewer takes other arguments", cond=fewer)


def test_branches_take_and_return_the_same(p):
    x, which = p.parameter(0, (3,), F32), p.parameter(1, (), dtypes.int32)
    results = p.case(which, [lambda x: [p.exp(x)], lambda x: [p.sin(x)]], [x])
    (case,) = {result.args[0] for result in results}
    verify(Function("f", (x, which), tuple(results)))
    first, second = case.attrs["branches"]

    def refused_with(match, other):
        refused(match, [x, which], [node(p, "item", [changed(case, branches=(first, other))], index=0)])  # fmt: skip

    z = second.parameters[0]
    refused_with("returns other values", dataclasses.replace(second, results=(p.reshape(z, [3, 1]),)))  # fmt: skip
    refused_with("other takes other arguments", Function("other", (), (p.full((3,), 0, F32),)))


def test_the_operation_that_made_a_node_is_named(p):
    x = p.parameter(0, (3,), F32)
    wrong = node(p, "unary", [x], op="half")
    wrong.origin = "the user's line"
    refused(r"f: %\d+ = .* \(from the user's line\): the operation is unknown", [x], [wrong])
