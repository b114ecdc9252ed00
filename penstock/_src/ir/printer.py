"""Functions as text, one node a line, with numbers in order of appearance."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ir.node import Node, brief, type_text

_HIDDEN = frozenset({"shape", "scope", "name", "index"})


class Printable(Protocol):
    """The part of a Function that is printed."""

    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> tuple[Node, ...]: ...
    @property
    def results(self) -> tuple[Node, ...]: ...
    @property
    def updates(self) -> tuple[tuple[Node, Node], ...]: ...
    @property
    def checks(self) -> Iterable[Any]: ...
    def nodes(self) -> list[Node]: ...


def text(function: Printable) -> str:
    """The function as text:

    f(%0: float32[d0=32, 4], %1: float32[4]) {
      %2 = broadcast(%1) axes=(1,)       float32[d0=32, 4]
      %3 = add(%0, %2)                   float32[d0=32, 4]
      return %3
    }
    """
    return "\n".join(line for _, line in lines(function))


def lines(function: Printable, indent: str = "") -> Iterator[tuple[Node | None, str]]:
    """The lines of the text, each with its node, or None."""
    known = numbers(function)

    def number(node: Node) -> str:
        return f"%{known[node.id]}"

    parameters = ", ".join(f"{number(p)}: {_parameter_type(p)}" for p in function.parameters)
    yield None, f"{indent}{function.name}({parameters}) {{"
    inner = indent + "  "
    for node in function.nodes():
        if node.kind == "parameter" and known[node.id] < len(function.parameters):
            continue
        args = ", ".join(number(a) for a in node.args)
        left = f"{inner}{number(node)} = {_operation(node)}({args}){_attributes(node)}"
        yield node, f"{left:<60} {type_text(node)}"
        for name, body in _bodies(node):
            yield None, f"{inner}  {name}:"
            yield from lines(body, inner + "    ")
    for handle, value in function.updates:
        yield None, f"{inner}update {number(handle)} = {number(value)}"
    for check in function.checks:
        yield None, f"{inner}check {number(check.condition)}: {check.message!r}"
    yield None, f"{inner}return {', '.join(number(r) for r in function.results)}"
    yield None, f"{indent}}}"


def numbers(function: Printable) -> dict[int, int]:
    """The numbers of nodes in the text, by their ids: parameters come first."""
    nodes = dict.fromkeys([*function.parameters, *function.nodes(), *function.results])
    return {node.id: number for number, node in enumerate(nodes)}


def _parameter_type(node: Node) -> str:
    if "variable" in node.attrs:
        shape, dtype = node.attrs["variable"]
        return f"variable {dtype.name}[{', '.join(map(str, shape))}]"
    return type_text(node)


def _operation(node: Node) -> str:
    op = node.attrs.get("op")
    if op is None:
        return node.kind
    return op if node.kind in ("unary", "binary", "compare") else f"{node.kind}_{op}"


def _attributes(node: Node) -> str:
    parts = []
    for name, value in node.attrs.items():
        if name in _HIDDEN or name == "op" or name in ("cond", "body", "branches"):
            continue
        if name == "dtype" and node.kind != "constant":
            continue
        if name == "dtype":
            continue
        parts.append(f"{name}={_value(value)}")
    if node.kind == "item":
        parts.append(f"index={node.attrs['index']}")
    return " " + " ".join(parts) if parts else ""


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return brief(value)
    if isinstance(value, DType):
        return value.name
    if isinstance(value, tuple):
        return "(" + ", ".join(_value(v) for v in value) + ")"
    return str(value)


def _bodies(node: Node) -> list[tuple[str, Printable]]:
    if node.kind == "while":
        return [("cond", node.attrs["cond"]), ("body", node.attrs["body"])]
    if node.kind == "case":
        return [(f"branch {i}", b) for i, b in enumerate(node.attrs["branches"])]
    return []
