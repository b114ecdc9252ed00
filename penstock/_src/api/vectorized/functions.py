"""tf.vectorized_map, and TensorFlow's pfor, on which it is based."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.mapping.functional import map_fn
from penstock._src.api.random.seeds import count_draws_around
from penstock._src.api.vectorized.elements import parts_of_result, parts_of_rows
from penstock._src.api.vectorized.loop import Vectorizer, run_once
from penstock._src.api.vectorized.reductions import PForConfig, Reduction
from penstock._src.api.vectorized.rules import NoRows, Value
from penstock._src.api.vectorized.step import whole
from penstock._src.autodiff.tape import variable_accessed
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.graph.control import has_effect
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.graph.trace import (
    add_arguments,
    autograph_converted,
    recording,
    refuse_variable,
)
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.slots import above


@export("vectorized_map")
def vectorized_map(
    fn: Callable[..., Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True
) -> Any:
    """Returns the results of a function on every row, computed for all rows at once.

    Each operation of the function runs once, on all rows. Operations that cannot are repeated in
    a loop.

    Args:
      fn: a function of one row, in the structure of `elems`; its results have the same shape for
        all rows.
      elems: a tensor, or a structure of tensors with equal first extents.
      fallback_to_while_loop: whether operations that cannot run on all rows at once are looped
        over; otherwise they are an error.
      warn: whether a warning is given then.

    Returns:
      A tensor, or a structure of tensors.

    Raises:
      ValueError: an operation cannot run on all rows at once, and must not be looped over; or the
        first extents differ.

    >>> x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    >>> tf.vectorized_map(lambda row: tf.reduce_sum(row * row), x).numpy()
    array([ 5., 25.], dtype=float32)
    """
    del warn
    leaves = [parts_of_rows(leaf) for leaf in nest.flatten(elems)]
    flat = [tensor for leaf in leaves for tensor in leaf.tensors]
    if any(t.shape.rank == 0 for t in flat):
        raise ValueError("elems must be 1+ dimensional Tensors, not scalars")
    count = _count(flat)

    def row(parts: list[Any]) -> Any:
        left = iter(parts)
        leaf_values = [leaf.make([next(left) for _ in leaf.tensors]) for leaf in leaves]
        return autograph_converted(fn)(nest.pack_sequence_as(elems, leaf_values))

    return _mapped(
        row,
        [_value(tensor, count, len(flat)) for tensor in flat],
        count,
        fallback_to_while_loop,
    )


def pfor(
    loop_fn: Callable[..., Any],
    iters: Any,
    fallback_to_while_loop: bool = True,
    parallel_iterations: int | None = None,
    warn: bool = False,
) -> Any:
    """Returns the results of `loop_fn(i)` for i = 0 .. iters - 1, stacked, computed for all i at once.

    Args:
      loop_fn: a function of a scalar int32 tensor, and of a `pfor_config` if it has such a parameter.
      iters: the number of iterations.
      fallback_to_while_loop: as for `vectorized_map`.
      parallel_iterations: more than 1; all iterations are computed at once in any case.
      warn: accepted.

    Raises:
      ValueError: `parallel_iterations` is less than 2, or is given for a function that reduces over the iterations.
    """
    del warn
    _check_parallel_iterations(parallel_iterations)
    known = get_static_value(convert_to_tensor(iters))
    count = convert_to_tensor(iters, dtypes.int32) if known is None else int(known)
    numbers = Value(raw.Range(start=0, limit=count, delta=1), True)
    config = PForConfig()
    converted = autograph_converted(loop_fn)
    takes_config = _takes_config(loop_fn)

    def row(parts: list[Any]) -> Any:
        return converted(*parts, pfor_config=config) if takes_config else converted(*parts)

    if takes_config and parallel_iterations is not None:
        raise ValueError(
            "Setting `parallel_iterations` currently unsupported if reductions across iterations are "
            "performed."
        )
    return _mapped(row, [numbers], count, fallback_to_while_loop, config.reductions)


def _check_parallel_iterations(count: int | None) -> None:
    if count is not None and count < 1:
        raise ValueError(
            f"`parallel_iterations` must be None or a positive integer. Received {count}."
        )
    if count == 1:
        raise ValueError("Found `parallel_iterations == 1`. Use `for_loop` instead.")


def _takes_config(loop_fn: Callable[..., Any]) -> bool:
    """True if a function has a parameter `pfor_config` that is not yet bound."""
    function = loop_fn
    while isinstance(function, functools.partial):
        if "pfor_config" in function.keywords:
            return False
        function = function.func
    return (
        "pfor_config"
        in inspect.signature(getattr(function, "python_function", function)).parameters
    )


def _count(flat: list[Tensor]) -> Any:
    """Returns the number of rows: an int if it is known, else a tensor.

    Raises:
      ValueError: the first dimensions differ.
    """
    known: list[Any] = [None if t.shape.rank is None else t.shape[0] for t in flat]
    if not flat:
        raise ValueError("vectorized_map: elems must hold a tensor. Received none.")
    if None not in known:
        count = 0 if 0 in known else max(known)
        if any(n not in (1, count) for n in known):
            raise ValueError(
                f"vectorized_map: elems must have equal first dimensions. Received {known}."
            )
        return count
    firsts = [raw.Shape(input=t)[0] for t in flat]
    return raw.Max(input=raw.Pack(values=firsts), axis=0)


def _value(tensor: Tensor, count: Any, operands: int) -> Value:
    """Returns the rows of one of several tensors: a tensor with a single row has it in common for all."""
    first = None if tensor.shape.rank is None else tensor.shape[0]
    is_only_row = isinstance(count, int) and count == 1
    if first == 1 and not is_only_row and isinstance(count, int):
        return Value(tensor[0], False)
    if operands == 1 or isinstance(count, int):
        return Value(tensor, True)
    rows = raw.Range(start=0, limit=count, delta=1)
    # Not clamped: too few rows are an error of the gather.
    several = raw.Cast(x=raw.Greater(x=raw.Shape(input=tensor)[0], y=1), DstT=dtypes.int32)
    places = raw.Mul(x=rows, y=several)
    return Value(raw.GatherV2(params=tensor, indices=places, axis=0), True)


def _mapped(
    row: Callable[[list[Any]], Any],
    values: list[Value],
    count: Any,
    by_rows: bool,
    reductions: dict[int, Reduction] | None = None,
) -> Any:
    """Returns the results of `row`, a function of the components of one row, for all rows."""
    graph = FuncGraph("loop_body")
    graph.calls_wait = True
    created: list[Any] = []
    if executing_eagerly():
        graph.variable_rule = created.append
    else:
        count_draws_around(graph)
    with recording(graph):
        parts = _parts(graph, values)
        result = row(list(parts))
        try:
            leaves = [parts_of_result(leaf, count) for leaf in nest.flatten(result)]
        except NoRows:
            leaves = None
        specs = nest.map_structure(_spec_of, result)
        tensors = [_local(graph, t) for leaf in leaves or () for t in leaf.tensors]
    if created:
        _refuse_new_variables(row, values)
    elif executing_eagerly() and not reductions and _has_bodies(graph):
        # Conditions and loops have no gradients where they run eagerly, outside of graphs.
        mapped = functools.partial(_mapped, row, values, count, by_rows)
        return above("function")(lambda: mapped(), autograph=False)()
    for variable in graph.variables:  # their reads below are operations on handles
        variable_accessed(variable)
    known = {part._id: value for part, value in zip(parts, values, strict=True)}
    for outer, inner in graph._captured.values():
        known[inner._id] = Value(outer, False)
    loop = Vectorizer(graph, known, count, by_rows, reductions)
    wanted = [t for t in tensors if isinstance(t, SymbolicTensor)]
    with control_dependencies(graph.control_captures):
        if not reductions:
            _run_effects(graph, known, count)
        if leaves is None:
            return _row_by_row(row, values, count, specs)
        try:
            outputs = iter(loop.outputs(wanted, [t for t in tensors if isinstance(t, Operation)]))
        except NoRows:
            return _row_by_row(row, values, count, specs)
    stacked = [
        whole(next(outputs), count)
        if isinstance(t, SymbolicTensor)
        else t and loop.operations.get(id(t))
        for t in tensors
    ]
    left = iter(stacked)
    leaf_values = [leaf.make([next(left) for _ in leaf.tensors]) for leaf in leaves]
    return nest.pack_sequence_as(result, leaf_values)


def _run_effects(graph: FuncGraph, values: dict[int, Value], count: Any) -> None:
    """Runs what changes variables and generators once for the first row, as TensorFlow runs the graph of one row.

    Conditions and loops run with all rows only.
    """
    effects = [
        op
        for op in graph._operations
        if any(t.dtype is dtypes.resource for t in op._inputs)
        and not op.raw_op.flow.control
        and has_effect(op)
    ]
    if effects and not (isinstance(count, int) and count == 0):
        first = {id_: v.tensor[0] if v.stacked else v.tensor for id_, v in values.items()}
        run_once(graph, first, effects)


def _has_bodies(graph: FuncGraph) -> bool:
    """True if a graph has conditions or loops."""
    return any(op.raw_op.flow.control in ("if", "case", "while") for op in graph._operations)


def _parts(graph: FuncGraph, values: list[Value]) -> list[SymbolicTensor]:
    """Adds the components of one row to a graph."""
    models = [v.tensor for v in values]
    shapes = [v.tensor.shape[1:] if v.stacked else v.tensor.shape for v in values]
    return add_arguments(graph, models, shapes)


def _refuse_new_variables(row: Callable[[list[Any]], Any], values: list[Value]) -> None:
    """Calls a function that has made variables once more, as a tf.function does, to see that these are the only ones.

    Raises:
      ValueError: it makes variables again.
    """
    graph = FuncGraph("loop_body")
    graph.variable_rule = refuse_variable
    with recording(graph):
        row(list(_parts(graph, values)))


def _row_by_row(
    row: Callable[[list[Any]], Any], values: list[Value], count: Any, specs: Any
) -> Any:
    """`_mapped` by a loop; `specs` are the types of the results of one row."""
    stacked = [whole(value, count) for value in values]
    return map_fn(lambda parts: row(list(parts)), stacked, fn_output_signature=specs)


def _spec_of(leaf: Any) -> Any:
    """Returns the type of a result of one row."""
    if leaf is None or isinstance(leaf, Operation):
        return None
    if nest.is_composite(leaf) and not isinstance(leaf, IndexedSlices | Tensor):
        return leaf._type_spec
    tensor = convert_to_tensor(leaf)
    return TensorSpec(tensor.shape, tensor.dtype)


def _local(graph: FuncGraph, leaf: Any) -> Any:
    """Returns a tensor in the graph of one row; operations and None are unchanged."""
    return leaf if leaf is None or isinstance(leaf, Operation) else graph.local(leaf)
