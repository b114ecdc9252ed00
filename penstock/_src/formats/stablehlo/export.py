"""A Function as the text of a StableHLO module.

    func.func public @main(%a0: tensor<2xf32>, ...) -> (tensor<f32>, ...)

Parameters come in their order; one that is a variable's handle becomes the variable's value. Results come first, then
the new values of the variables in `function.updates`, then the conditions in `function.checks`, as scalars of type i1, and
of a module that is checked, if it has gathers or scatters that must not reach outside, whether none does.
"""

import functools
from collections.abc import Sequence

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.formats.stablehlo import (  # noqa: F401 - they register how kinds are written
    elementwise,
    indexing,
    matrices,
    movement,
    packed,
    random_bits,
    reductions,
)
from penstock._src.formats.stablehlo.functions import write_function
from penstock._src.formats.stablehlo.reductions import reduced
from penstock._src.formats.stablehlo.writer import Region, Value, Writer, writes
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node


def stablehlo_text(function: Function, is_checked: bool = False) -> str:
    """Returns a function as an MLIR module of StableHLO operations, in MLIR's generic form.

    Args:
      function: of primitives; sizes are those it was lowered for.
      is_checked: whether the module says if indices were outside of what they index; else it clamps and drops them, as
        StableHLO does.

    Raises:
      UnimplementedError: it has a type that StableHLO lacks, or checks indices in a loop or branch.
    """
    w = Writer(indent=4, is_checked=is_checked)
    parameters = [w.value(*_type(p), "a") for p in function.parameters]
    results = write_function(w, function, parameters)
    if w.conditions:
        holding = [reduced(w, c, "all", range(len(c.shape))) for c in w.conditions]
        results.append(functools.reduce(functools.partial(w.elementwise, "and"), holding))
    w.op_of_many("func.return", results, [])
    head = ", ".join(f"{p.name}: {p.type}" for p in parameters)
    types = ", ".join(r.type for r in results)
    lines = [f"  func.func public @main({head}) -> ({types}) {{", *w.lines, "  }"]
    return "\n".join(["module {", *lines, "}", ""])


def _type(parameter: Node) -> tuple[Sequence[int], DType]:
    """The shape and dtype of a parameter's value."""
    if parameter.dtype == dtypes.resource:
        return parameter.attrs["variable"]
    return parameter.shape, parameter.dtype


@writes("while")
def _while(w: Writer, node: Node, *args: Value) -> list[Value]:
    carried = node.attrs["carried"]
    state, outer = args[:carried], args[carried:]  # a region sees the values around it
    types = [(v.shape, v.dtype) for v in state]
    regions = [w.region(types, _body(node.attrs[name], outer)) for name in ("cond", "body")]
    return w.op_of_many("while", state, types, "", regions)


def _body(function: Function, outer: Sequence[Value]) -> Region:
    """The writer of a region that computes `function` of its own arguments and the values around it."""
    return lambda inner, own: write_function(inner, function, [*own, *outer])


@writes("case")
def _case(w: Writer, node: Node, index: Value, *operands: Value) -> list[Value]:
    regions = [w.region([], _body(branch, operands)) for branch in node.attrs["branches"]]
    assert node.results is not None
    return w.op_of_many("case", [w.convert(index, dtypes.int32)], node.results, "", regions)
