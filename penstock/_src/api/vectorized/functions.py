"""tf.vectorized_map, and TensorFlow's pfor, on which it is based."""

from collections.abc import Callable
from typing import Any

from penstock._src.api.mapping.functional import map_fn
from penstock._src.api.vectorized.loop import Vectorizer
from penstock._src.api.vectorized.rules import NoRows, Value
from penstock._src.api.vectorized.step import whole
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.graph.trace import add_arguments, autograph_converted, recording
from penstock._src.util import nest
from penstock._src.util.export import export


@export("vectorized_map")
def vectorized_map(
    fn: Callable[..., Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True
) -> Any:
    """Returns the results of `fn` on every row of `elems`, stacked, computed for all rows at once.

    Args:
      fn: a function of one row (structured like `elems`).
      elems: a tensor, or a structure of tensors of equal first dimension (1 counts as any).
      fallback_to_while_loop: whether operations that cannot be vectorized run row by row.
      warn: accepted.

    Raises:
      ValueError: the first dimensions differ, or `fn` has operations that cannot be vectorized and `fallback_to_while_loop`
        is False.

    >>> tf.vectorized_map(lambda x: tf.reduce_sum(x), tf.constant([[1, 2], [3, 4]])).numpy()
    array([3, 7], dtype=int32)
    """
    del warn
    flat = [convert_to_tensor(t) for t in nest.flatten(elems)]
    if any(t.shape.rank == 0 for t in flat):
        raise ValueError("elems must be 1+ dimensional Tensors, not scalars")
    count = _count(flat)

    return _mapped(
        lambda parts: autograph_converted(fn)(nest.pack_sequence_as(elems, parts)),
        [_value(tensor, count) for tensor in flat],
        count,
        fallback_to_while_loop,
    )


def pfor(
    loop_fn: Callable[[Any], Any],
    iters: Any,
    fallback_to_while_loop: bool = True,
    parallel_iterations: int | None = None,
    warn: bool = False,
) -> Any:
    """Returns the results of `loop_fn(i)` for i = 0 .. iters - 1, stacked, computed for all i at once.

    Args:
      loop_fn: a function of a scalar int32 tensor.
      iters: the number of iterations.
      fallback_to_while_loop: as for `vectorized_map`.
      parallel_iterations, warn: accepted.
    """
    del parallel_iterations, warn
    known = get_static_value(convert_to_tensor(iters))
    count = convert_to_tensor(iters, dtypes.int32) if known is None else int(known)
    numbers = Value(raw.Range(start=0, limit=count, delta=1), True)
    return _mapped(
        lambda parts: autograph_converted(loop_fn)(*parts), [numbers], count, fallback_to_while_loop
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


def _value(tensor: Tensor, count: Any) -> Value:
    is_only_row = isinstance(count, int) and count == 1
    if tensor.shape.rank is not None and tensor.shape[0] == 1 and not is_only_row:
        return Value(tensor[0], False)
    return Value(tensor, True)


def _mapped(row: Callable[[list[Any]], Any], values: list[Value], count: Any, by_rows: bool) -> Any:
    """Returns the results of `row`, a function of the components of one row, for all rows."""
    graph = FuncGraph("loop_body")
    with recording(graph):
        models = [v.tensor for v in values]
        shapes = [v.tensor.shape[1:] if v.stacked else v.tensor.shape for v in values]
        parts = add_arguments(graph, models, shapes)
        result = row(list(parts))
        tensors = [_tensor_of(graph, leaf) for leaf in nest.flatten(result)]
    given = {part._id: value for part, value in zip(parts, values, strict=True)}
    for outer, inner in graph._captures.values():
        given[inner._id] = Value(outer, False)
    loop = Vectorizer(graph, given, count, by_rows)
    wanted = [t for t in tensors if isinstance(t, SymbolicTensor)]
    try:
        found = iter(loop.outputs(wanted, [t for t in tensors if isinstance(t, Operation)]))
    except NoRows:
        return _row_by_row(row, values, count, result)
    stacked = [
        whole(next(found), count) if isinstance(t, SymbolicTensor) else None for t in tensors
    ]
    return nest.pack_sequence_as(result, stacked)


def _row_by_row(
    row: Callable[[list[Any]], Any], values: list[Value], count: Any, result: Any
) -> Any:
    """`_mapped` by a loop; `result` is the result of one row."""
    specs = nest.map_structure(
        lambda t: TensorSpec(t.shape, t.dtype), nest.map_structure(convert_to_tensor, result)
    )
    stacked = [whole(value, count) for value in values]
    return map_fn(lambda parts: row(list(parts)), stacked, fn_output_signature=specs)


def _tensor_of(graph: FuncGraph, leaf: Any) -> Any:
    """Returns a result of one row as a tensor of its graph; operations and None are unchanged."""
    if leaf is None or isinstance(leaf, Operation):
        return leaf
    if isinstance(leaf, IndexedSlices) or not isinstance(leaf, Tensor):
        leaf = convert_to_tensor(leaf)
    return graph.local(leaf)
