"""Runs large eager ops by compiled kernels: an op becomes a graph of its own, compiled once per set of static properties.

NumPy serves small tensors, where a call costs a microsecond or two. With at least `HostKernel.compiles_from` elements, a native
kernel on all threads wins. The choice depends on sizes and types only, so results are reproducible.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dispatch, dtypes
from penstock._src.core.calls.placement import CPU
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.op import Op, flatten_arguments
from penstock._src.core.registry import raw
from penstock._src.core.shapes import make_shape
from penstock._src.core.typesets import BOOL, COMPLEX, FLOAT, INTEGER
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.util.flags import flags
from penstock._src.util.process.compiler import has_compiler

# Integer vectors of up to this many elements are constants of the program.
SMALL = 16
# The cache of executables is cleared when it has this many entries.
MOST_KEPT = 512
TYPES = FLOAT | COMPLEX | INTEGER | BOOL
_PHILOX = 1  # as `alg`
_DRAWING_INPUTS = (
    ("like", dtypes.int8, (None,)),
    ("key", dtypes.uint64, (1,)),
    ("counter", dtypes.uint64, (2,)),
)

_kept: dict[Any, Any] = {}


def is_worth_compiling(op: Op) -> bool:
    """True if large calls of an op go to the compiler: there is one, the op lowers, keeps no state, and is not merely a view."""
    if (
        not has_compiler()
        or not op.has_lowering
        or op.stateful
        or op.host_kernel.is_view
        or op.traits.takes_lists
    ):
        return False
    types = op.output_dtypes
    return all(type(t) is not tuple and t in TYPES for t in types)


def is_large(op: Op, values: list[Any]) -> bool:
    """True if the first or the last value is an array with enough elements that calls of the op are compiled."""
    if not values or type(values[0]) is not np.ndarray or type(values[-1]) is not np.ndarray:
        return False
    return (
        values[0].size >= op.host_kernel.compiles_from
        or values[-1].size >= op.host_kernel.compiles_from
    )


def run_compiled(op: Op, values: list[np.ndarray]) -> Any:
    """Returns the result of `op.eager(*values)`, computed by a compiled program.

    Small integers, such as sizes and axes, are baked in. The first dimension of the largest input, and of the inputs that share it, stays
    open unless sizes are given, so that another batch size needs no compilation. Shapes that do not fit raise the error of the eager
    kernel. Ops that suit new sizes take a single image with its own size.
    """
    if op.host_kernel.suits_new_sizes and len(values[0]) == 1:
        return op.eager(*values)  # one picture, and the next one may have another size
    baked = [v.ndim <= 1 and v.size <= SMALL and v.dtype.kind == "i" for v in values]
    largest = max(values, key=lambda v: v.size)
    sized = any(is_baked and v.ndim for is_baked, v in zip(baked, values))
    fixed = sized or op.host_kernel.compiles_each_shape
    forms = [
        v if is_baked else v.shape if fixed else open_shape(v, largest)
        for v, is_baked in zip(values, baked)
    ]
    key = (id(op), *((f.shape, f.tobytes()) if type(f) is np.ndarray else f for f in forms))
    key += tuple(v.dtype for v in values)
    try:
        executable = _kept_executable(key, op, _executable, forms)
    except RefusedValue:
        return op.eager(*values)
    results = executable([v for v, is_baked in zip(values, baked) if not is_baked])
    return results[0] if len(results) == 1 else tuple(results)


def run_program(op: Op, values: list[np.ndarray]) -> list[np.ndarray]:
    """Returns the outputs of an op that is a whole program (`is_program`): one list. Each set of shapes is compiled once."""
    forms = [value.shape for value in values]
    return _kept_executable((id(op), *forms), op, _executable, forms)(values)


def draw_many(op_type: str, position: np.ndarray, count: int, dtype: np.dtype) -> np.ndarray:
    """Returns numbers of a distribution from a position of a Philox stream.

    Args:
      op_type: the op that draws them at a key and a counter, `StatelessRandomNormalV2` or one like it.
      position: the key and the halves of the counter, uint64[3].
      count: of the numbers; one program serves all counts.
      dtype: of the numbers.
    """
    executable = _kept_executable((op_type, dtype), op_type, _drawing_executable, dtype)
    # Only the length of the first array is used: its memory is never touched.
    return executable([np.empty(count, np.int8), position[:1], position[1:]])[0]


def _drawing_executable(op_type: str, dtype: np.dtype) -> Any:
    """Compiles a draw of as many numbers as the first input has elements."""
    # As below: LLVM takes its time to load.
    from penstock._src.compiler.compile import compile_graph

    graph = FuncGraph(op_type, outer_graph=None)
    graph.home = CPU
    with dispatch.building_unrecorded(graph):
        for name, kind, shape in _DRAWING_INPUTS:
            graph.inputs.append(graph.placeholder(kind, make_shape(shape), name))
        like, key, counter = graph.inputs
        arguments = {"key": key, "counter": counter, "alg": _PHILOX}
        shape = raw.Shape(input=like, out_type=dtypes.int64)
        draw = getattr(raw, op_type)
        drawn = draw(shape=shape, **arguments, dtype=dtypes.as_dtype(dtype))
    return compile_graph(graph, graph.inputs, [drawn])


def _kept_executable(key: Any, of: Any, make: Callable[[Any, Any], Any], form: Any) -> Any:
    """Returns the executable cached under a key; otherwise builds it by `make` from an op, or its type, and the static properties."""
    key = (flags.device, key)  # an executable plans its programs for the device of its first call
    entry = _kept.get(key)
    if entry is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        # The executable keeps the op alive, so that its id is not reused.
        entry = _kept[key] = (of, make(of, form))
    return entry[1]


def open_shape(value: np.ndarray, largest: np.ndarray) -> tuple[int | None, ...]:
    """Returns the static shape under which a value's op is compiled."""
    shape = value.shape
    if shape and len(shape) == largest.ndim and shape[0] == largest.shape[0]:
        return (None, *shape[1:])
    return shape


def _executable(op: Op, forms: list[Any]) -> Any:
    """Compiles an op of inputs that are known (arrays) or of known shapes."""
    # LLVM takes a quarter of a second to load, which programs without large tensors need not pay.
    from penstock._src.compiler.compile import compile_graph

    graph = FuncGraph(op.op_type, outer_graph=None)
    graph.home = CPU
    tensors = []
    with dispatch.building(graph):
        types = flatten_arguments([op._dtype_of(argument) for argument in op.inputs])
        for dtype, form in zip(types, forms, strict=True):
            if type(form) is np.ndarray:
                tensors.append(graph.constant(form, dtype, "constant"))
                continue
            tensors.append(graph.placeholder(dtype, make_shape(form), "input"))
            graph.inputs.append(tensors[-1])
        try:
            node = graph.add(op, tensors, op.op_type)
        except ValueError as error:  # its shape rule refuses
            raise RefusedValue(str(error)) from error
    return compile_graph(graph, graph.inputs, node.outputs)
