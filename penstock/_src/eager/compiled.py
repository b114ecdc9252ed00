"""Large eager ops run by compiled kernels: an op becomes a graph of its own, compiled once per form.

NumPy serves small tensors, where a call costs a microsecond or two; from `LARGE` elements on, a native
kernel on all threads wins. The choice depends on sizes and types only, so results are reproducible.
"""

from typing import Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.core.op import Op
from penstock._src.core.shapes import make_shape
from penstock._src.core.typesets import BOOL, FLOAT, INTEGER
from penstock._src.graph.func_graph import FuncGraph

# Elements of the first input from which an op is compiled.
LARGE = 1 << 17
# Executables are kept up to this number; then they are made anew.
MOST_KEPT = 512
TYPES = FLOAT | INTEGER | BOOL

_kept: dict[Any, Any] = {}


def is_worth_compiling(op: Op) -> bool:
    """Whether large calls of an op go to the compiler: it lowers, keeps no state, and makes no mere view."""
    if not op.has_lowering or op.stateful or op.eager_is_view or op.takes_lists:
        return False
    types = op.output_dtypes  # type: ignore[attr-defined]
    return all(type(t) is not tuple and t in TYPES for t in types)


def is_large(values: list[Any]) -> bool:
    """Whether the first of the values is an array of many elements."""
    return bool(values) and type(values[0]) is np.ndarray and values[0].size >= LARGE


def run_compiled(op: Op, values: list[np.ndarray]) -> Any:
    """Returns what `op.eager(*values)` would, computed by a program.

    The first dimension is left open, so that another batch size compiles nothing.
    """
    key = (id(op), *(v.shape[1:] if v.ndim else None for v in values), *(v.dtype for v in values))
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        # The op is kept with its executable: its id stays taken.
        found = _kept[key] = (op, _executable(op, values))
    results = found[1](values)
    return results[0] if len(results) == 1 else tuple(results)


def _executable(op: Op, values: list[np.ndarray]) -> Any:
    # LLVM takes a quarter of a second to load, which programs without large tensors need not pay.
    from penstock._src.compiler.compile import compile_graph

    graph = FuncGraph(op.op_type, outer_graph=None)
    with dispatch.building(graph):
        for argument, value in zip(op.inputs, values):
            dtype = argument.dtype or op.attrs[argument.type_attr]
            shape = make_shape((None, *value.shape[1:]) if value.ndim else ())
            graph.inputs.append(graph.placeholder(dtype, shape, argument.name))
        node = graph.add(op, graph.inputs, op.op_type)
    return compile_graph(graph, graph.inputs, node.outputs)
