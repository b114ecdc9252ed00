"""Runs large eager ops by compiled kernels: an op becomes a graph of its own, compiled once per set of static properties.

NumPy serves small tensors, where a call costs a microsecond or two. With at least `HostKernel.compiles_from` elements, a native
kernel on all threads wins. The choice depends on types and on sizes so far, so a program gives the same results each time it runs.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from penstock._src.core import dispatch, dtypes
from penstock._src.core.calls.facts import SLOW
from penstock._src.core.calls.placement import CPU
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.errors import InternalError, InvalidArgumentError
from penstock._src.core.op import Op, flatten_arguments
from penstock._src.core.registry import make_function, raw
from penstock._src.core.shapes import make_shape
from penstock._src.core.typesets import BOOL, COMPLEX, FLOAT, INTEGER, NARROW
from penstock._src.eager.forms import (
    Family,
    Form,
    family_of,
    form_of,
    key_of,
    key_of_call,
    new_family,
)
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.util.flags import flags
from penstock._src.util.process.compiler import has_compiler

# The cache of executables is cleared when it has this many entries.
MOST_KEPT = 512
# So is that of the executables for calls of the same shapes.
MOST_CALLS = 4096
TYPES = FLOAT | COMPLEX | INTEGER | BOOL
# Types that `HostKernel.compiles_rare_from` is for.
RARE = NARROW | COMPLEX | INTEGER
_PHILOX = 1  # as `alg`
_DRAWING_INPUTS = (
    ("like", dtypes.int8, (None,)),
    ("key", dtypes.uint64, (1,)),
    ("counter", dtypes.uint64, (2,)),
)

_kept: dict[Any, Any] = {}
_families: dict[Any, Family] = {}
_calls: dict[Any, tuple[list[int], Any]] = {}


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
    types = [*_input_types(op), *op.output_dtypes]
    return all(type(t) is not tuple and t in TYPES for t in types)


def least_compiled(op: Op) -> int:
    """Returns the number of elements of the first or the last value from which calls of an op are compiled, if the op is worth it."""
    least = op.host_kernel.compiles_from
    rare = op.host_kernel.compiles_rare_from
    if rare and any(t in RARE for t in _input_types(op)):
        return rare
    if least > SLOW and op.elements.is_elementwise:
        return SLOW if any(t in NARROW | COMPLEX for t in _input_types(op)) else least
    return least


def _input_types(op: Op) -> list[Any]:
    return flatten_arguments([op._dtype_of(argument) for argument in op.inputs])


def is_large(op: Op, values: list[Any]) -> bool:
    """True if the first or the last value is an array with enough elements that calls of the op are compiled."""
    if not values or type(values[0]) is not np.ndarray or type(values[-1]) is not np.ndarray:
        return False
    least = least_compiled(op)
    return values[0].size >= least or values[-1].size >= least


def run_compiled(op: Op, values: Sequence[np.ndarray]) -> Any:
    """Returns the result of `op.eager(*values)`, computed by a compiled program.

    Shapes that do not fit raise the error of the eager kernel. Ops that suit new sizes take a single image with its own size.
    """
    if op.host_kernel.suits_new_sizes and len(values[0]) == 1:
        return op.compute(*values)  # one picture, and the next one may have another size
    if op.elements.is_elementwise:
        shapes = {value.shape for value in values if value.ndim}
        if len(shapes) == 1:
            return _run_on_vectors(op, values, shapes.pop())
    key = (flags.device, id(op), key_of_call(values))
    known = _calls.get(key)
    if known is None:
        try:
            known = _calls[key] = _for_call(op, values)
        except RefusedValue:
            return op.compute(*values)
    positions, executable = known
    results = _results(op, values, executable, [values[i] for i in positions])
    return results[0] if len(results) == 1 else tuple(results)


def _for_call(op: Op, values: Sequence[np.ndarray]) -> tuple[list[int], Any]:
    """Returns the positions of the values that are not baked in, and the executable for a call."""
    form = form_of(op, values)
    family_key = family_of(op, values)
    own_key = key_of(form)
    family = _families.get(family_key) or _families.setdefault(family_key, new_family(op))
    chosen = family.chosen(form, own_key)
    if chosen is not form and op.host_kernel.opens == "own":
        raise RefusedValue("calls of ever new sizes run on the host")
    key = own_key if chosen is form else key_of(chosen)
    executable = _kept_executable((family_key, key), op, _executable, chosen)
    if len(_calls) >= MOST_CALLS:
        _calls.clear()
    return [i for i, entry in enumerate(chosen) if type(entry) is tuple], executable


def _run_on_vectors(op: Op, values: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Runs an elementwise op on arrays of one shape, or scalars, as vectors: one program serves all shapes."""
    bakes = op.host_kernel.bakes_numbers
    form: Form = [
        (None,) if v.ndim else v if bakes and v.dtype.kind in "iu" else () for v in values
    ]
    executable = _kept_executable((id(op), key_of(form)), op, _executable, form)
    arrays = [v for v, entry in zip(values, form) if type(entry) is tuple]
    vectors = [v.reshape(-1) if v.ndim > 1 else v for v in arrays]
    result: np.ndarray = _results(op, values, executable, vectors)[0]
    return result.reshape(shape)


def _results(
    op: Op, values: Sequence[np.ndarray], executable: Any, arguments: list[np.ndarray]
) -> list[Any]:
    """Returns the results of a program; where it refuses the values, the error is that of the eager kernel.

    The program's names the line that it was made for, in an earlier call, and shapes of vectors.
    """
    try:
        results: list[Any] = executable(arguments)
        return results
    except (InvalidArgumentError, InternalError) as error:
        refusal = error
    op.compute(*values)
    raise refusal


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


def draw_for_each(
    op: type[Op],
    position: np.ndarray,
    count: int,
    parameters: dict[str, np.ndarray],
    dtype: dtypes.DType | None = None,
) -> np.ndarray:
    """Returns numbers of a distribution for each element of its parameters, from a position of a Philox stream.

    Args:
      op: the op that draws them at a key and a counter, `StatelessRandomGammaV3` or one like it.
      position: the key and the halves of the counter, uint64[3].
      count: of the numbers for an element; one program serves all counts and sizes.
      parameters: the op's inputs that tell the distribution, vectors of one size.
      dtype: of the numbers, where it is an attribute of the op.

    Returns:
      An array [count, size of the parameters] of the parameters' dtype or the given one.
    """
    form = tuple((name, vector.dtype) for name, vector in parameters.items()), dtype
    executable = _kept_executable((op, form), op, _executable_for_each, form)
    vectors = parameters.values()
    return executable([np.empty(count, np.int8), position[:1], position[1:], *vectors])[0]


def _drawing_executable(op_type: str, dtype: np.dtype) -> Any:
    """Compiles a draw of as many numbers as the first input has elements."""
    attributes = {"dtype": dtypes.as_dtype(dtype)}
    return _compiled_draw(op_type, partial(getattr(raw, op_type), **attributes), ())


_Parameters = tuple[tuple[str, np.dtype], ...]  # names and dtypes


def _executable_for_each(op: type[Op], form: tuple[_Parameters, dtypes.DType | None]) -> Any:
    """Compiles a draw of as many numbers for each element of the last inputs as the first input has elements."""
    parameters, dtype = form
    attributes = {} if dtype is None else {"dtype": dtype}
    return _compiled_draw(op.op_type, partial(make_function(op), **attributes), parameters)


def _compiled_draw(name: str, draw: Callable[..., Any], parameters: _Parameters) -> Any:
    # As below: LLVM takes its time to load.
    from penstock._src.compiler.compile import compile_graph

    graph = FuncGraph(name.removeprefix("_"), outer_graph=None)
    graph.home = CPU
    with dispatch.building_unrecorded(graph):
        for input_name, kind, shape in _DRAWING_INPUTS:
            graph.inputs.append(graph.placeholder(kind, make_shape(shape), input_name))
        like, key, counter = graph.inputs
        algorithm = graph.constant(np.array(_PHILOX, np.int32), dtypes.int32, "alg")
        arguments: dict[str, Any] = {"key": key, "counter": counter, "alg": algorithm}
        shape = raw.Shape(input=like, out_type=dtypes.int64)
        for parameter, kind in parameters:
            vector = graph.placeholder(dtypes.as_dtype(kind), make_shape((None,)), parameter)
            graph.inputs.append(vector)
            arguments[parameter] = vector
        if parameters:
            sizes = [shape, raw.Shape(input=vector, out_type=dtypes.int64)]
            shape = raw.ConcatV2(values=sizes, axis=np.int32(0))
        # The names of our own ops begin with what no node's name may begin with.
        drawn = draw(shape=shape, name=name.removeprefix("_"), **arguments)
    return compile_graph(graph, graph.inputs, [drawn])


def _kept_executable(key: Any, of: Any, make: Callable[[Any, Any], Any], form: Any) -> Any:
    """Returns the executable cached under a key; otherwise builds it by `make` from an op, or its type, and the static properties."""
    key = (flags.device, key)  # an executable plans its programs for the device of its first call
    entry = _kept.get(key)
    if entry is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
            _families.clear()
            _calls.clear()
        # The executable keeps the op alive, so that its id is not reused.
        entry = _kept[key] = (of, make(of, form))
    return entry[1]


def _executable(op: Op, form: Form) -> Any:
    """Compiles an op for a form."""
    # LLVM takes a quarter of a second to load, which programs without large tensors need not pay.
    from penstock._src.compiler.compile import compile_graph

    name = op.op_type.removeprefix("_")  # that of our own ops, with which no node's name begins
    graph = FuncGraph(name, outer_graph=None)
    graph.home = CPU
    tensors = []
    with dispatch.building(graph):
        for dtype, entry in zip(_input_types(op), form, strict=True):
            if type(entry) is np.ndarray:
                tensors.append(graph.constant(entry, dtype, "constant"))
                continue
            tensors.append(graph.placeholder(dtype, make_shape(entry), "input"))
            graph.inputs.append(tensors[-1])
        try:
            node = graph.add(op, tensors, name)
        except ValueError as error:  # its shape rule refuses
            raise RefusedValue(str(error)) from error
    return compile_graph(graph, graph.inputs, node.outputs)
