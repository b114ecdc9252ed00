"""Verifies the rules that every Function satisfies, after each stage if PENSTOCK_VERIFY is set."""

from typing import NoReturn

from penstock._src.core import dtypes
from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.function import Function, bodies
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import PRIMITIVES


def verify(function: Function) -> None:
    """Raises MalformedFunction with the node and its origin if the function is not well formed."""
    parameters = {p.id for p in function.parameters}
    last = -1
    for parameter in function.parameters:
        if parameter.kind != "parameter":
            _fail(function, parameter, "a parameter must be of kind parameter")
        if parameter.attrs["index"] <= last:
            _fail(function, parameter, f"a parameter after that of index {last}")
        last = parameter.attrs["index"]
    for node in function.nodes():
        _verify_node(function, node, parameters)
        for body in bodies(node):
            verify(body)
    for handle, value in function.updates:
        if handle.id not in parameters or handle.dtype != dtypes.resource:
            _fail(function, handle, "an update must be of a parameter of dtype resource")
        shape, dtype = handle.attrs["variable"]
        if value.dtype != dtype or len(value.shape) != len(shape):
            _fail(function, value, f"a variable of {dtype.name}{list(shape)} cannot get this value")


def _verify_node(function: Function, node: Node, parameters: set[int]) -> None:
    primitive = PRIMITIVES.get(node.kind)
    if primitive is None:
        _fail(function, node, "the kind is unknown")
    if node.kind == "parameter":
        if node.id not in parameters:
            _fail(function, node, "a parameter of another function is used")
        return
    if primitive.arity is not None and len(node.args) != primitive.arity:
        _fail(function, node, f"{primitive.arity} arguments are required")
    if primitive.ops is not None and node.op not in primitive.ops:
        _fail(function, node, "the operation is unknown")
    if any(a.id >= node.id for a in node.args):
        _fail(function, node, "an argument has a larger id")
    if any(a.results is not None for a in node.args) and node.kind != "item":
        _fail(function, node, "a node with several results is used as one value")
    try:
        typed = primitive.infer(node.args, node.attrs)
    except MalformedFunction as error:
        _fail(function, node, str(error))
    stated = list(node.results) if node.results is not None else (node.shape, node.dtype)
    if typed != stated:
        _fail(function, node, f"its type should be {typed}")
    if node.kind == "while":
        _verify_while(function, node)
    if node.kind == "case":
        _verify_case(function, node)


def _verify_while(function: Function, node: Node) -> None:
    cond, body, carried = node.attrs["cond"], node.attrs["body"], node.attrs["carried"]
    types = [(a.shape, a.dtype) for a in node.args]
    for part in (cond, body):
        if [(p.shape, p.dtype) for p in part.parameters] != types:
            _fail(function, node, f"{part.name} takes other arguments")
    if [(r.shape, r.dtype) for r in body.results] != types[:carried]:
        _fail(function, node, "the body must return the carried values")
    if [(r.shape, r.dtype) for r in cond.results] != [((), dtypes.bool_)]:
        _fail(function, node, "the condition must be one scalar bool")


def _verify_case(function: Function, node: Node) -> None:
    types = [(a.shape, a.dtype) for a in node.args[1:]]
    results = [(r.shape, r.dtype) for r in node.attrs["branches"][0].results]
    for branch in node.attrs["branches"]:
        if [(p.shape, p.dtype) for p in branch.parameters] != types:
            _fail(function, node, f"{branch.name} takes other arguments")
        if [(r.shape, r.dtype) for r in branch.results] != results:
            _fail(function, node, f"{branch.name} returns other values")


def _fail(function: Function, node: Node, message: str) -> NoReturn:
    where = f" (from {node.origin})" if node.origin is not None else ""
    raise MalformedFunction(f"{function.name}: {node!r}{where}: {message}.")
