"""Writes the nodes of a function one after the other, by the registered writer of each kind."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.stablehlo.writer import WRITERS, Value, Writer
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node


def write_function(w: Writer, function: Function, arguments: Sequence[Value]) -> list[Value]:
    """Writes a function's nodes; returns the values of its roots."""
    values: dict[int, Any] = {p.id: v for p, v in zip(function.parameters, arguments, strict=True)}
    for node in function.nodes():
        if node.id in values:
            continue
        args = [values[a.id] for a in node.args]
        if node.kind == "read":
            values[node.id] = args[0]
        elif node.kind == "item":
            values[node.id] = args[0][node.attrs["index"]]
        elif node.results is None and not node.size:
            values[node.id] = w.constant(np.zeros([int(n) for n in node.shape]), node.dtype)
        elif node.kind in WRITERS:
            values[node.id] = WRITERS[node.kind](w, node, *args)
        else:
            raise UnimplementedError(None, None, f"StableHLO: {node.kind} is not exported.")
    return [values[root.id] for root in function.roots]


def write_built(
    w: Writer, build: Callable[[Builder, Node], Sequence[Node]], argument: Value
) -> list[Value]:
    """Writes what `build(p, x)` makes of a parameter, for a kind that StableHLO lacks."""
    p = Builder()
    x = p.parameter(0, argument.shape, argument.dtype)
    return write_function(w, Function("built", (x,), tuple(build(p, x))), [argument])
