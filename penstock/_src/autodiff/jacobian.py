"""Jacobians: one reverse walk for each element of a target; in graphs, a loop if there are many or long ones."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.autodiff.backprop import gradients_of_tape, zeros_like
from penstock._src.autodiff.composite import gradient_tensors
from penstock._src.autodiff.control_flow import unify_loop
from penstock._src.autodiff.loop_gradient import add_while
from penstock._src.autodiff.tape import Tape
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import SCALAR
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.trace import add_arguments, trace_body

# In graphs, up to this many walks of up to so many operations in all are unrolled; more become a loop.
LONGEST_UNROLLED = 64
MOST_UNROLLED_OPERATIONS = 4_000

# Maps the index of an element to its gradients with respect to all sources.
Row = Callable[[Any], Sequence[Any]]


def whole(tape: Tape, target: Any, sources: Sequence[Any]) -> list[Any]:
    """Returns d target / d source, of shape `target.shape + source.shape`, or None, for each source.

    Args:
      tape: the recorded operations.
      target: a tensor.
      sources: watched tensors, or handles of watched variables.
    """
    shape = raw.Shape(target)
    known = target.shape.num_elements()
    count = raw.Size(target) if known is None else known

    def row(i: Any) -> Sequence[Any]:
        seed = raw.Reshape(unit(i, count, target.dtype), shape)
        return gradients_of_tape(tape, gradient_tensors(target), [s._id for s in sources], [seed])

    stacked = rows(count, row, lambda: gradients_by_zeros(tape, target, sources))
    result = []
    for rows_of_source in stacked:
        if rows_of_source is None:
            result.append(None)
            continue
        # The shape of a source at run time: its static shape may be unknown.
        inner = raw.Slice(raw.Shape(rows_of_source), [1], [-1])
        reshaped = raw.Reshape(rows_of_source, raw.ConcatV2([shape, inner], 0))
        if STATE.graph is not None:
            reshaped.set_shape(target.shape.concatenate(rows_of_source.shape[1:]))
        result.append(reshaped)
    return result


def of_rows(tape: Tape, target: Any, source: Any) -> Any:
    """Returns d target[b] / d source[b], of shape `[b, ...target, ...source]`.

    Row b of the target depends only on row b of the source, so that one walk covers an element of all rows.
    """
    shape, of_source = raw.Shape(target), raw.Shape(source)
    watched = gradient_tensors(source)[0]
    known = target.shape[1:].num_elements()
    count = raw.Prod(raw.Slice(shape, [1], [-1]), 0) if known is None else known
    flat = raw.Pack([raw.Slice(shape, [0], [1]), raw.Reshape(convert_to_tensor(count), [1])])

    def row(j: Any) -> Sequence[Any]:
        seeds = raw.BroadcastTo(unit(j, count, target.dtype), raw.Reshape(flat, [2]))
        seed = raw.Reshape(seeds, shape)
        return gradients_of_tape(tape, gradient_tensors(target), [watched._id], [seed])

    (stacked,) = rows(count, row, lambda: gradients_by_zeros(tape, target, [watched]))
    full = raw.ConcatV2([shape, raw.Slice(of_source, [1], [-1])], 0)
    if stacked is None:
        return raw.Fill(full, np.zeros((), target.dtype.as_numpy_dtype))
    rank = stacked.shape.rank
    # Rows arrive as [element, batch, ...source]; the result has the batch in front.
    axes = raw.Range(2, raw.Rank(stacked), 1) if rank is None else np.arange(2, rank)
    order = raw.ConcatV2([np.array([1, 0], np.int32), convert_to_tensor(axes, dtypes.int32)], 0)
    result = raw.Reshape(raw.Transpose(stacked, order), full)
    if STATE.graph is not None:
        result.set_shape(target.shape.concatenate(source.shape[1:]))
    return result


def unit(i: Any, count: Any, dtype: Any) -> Any:
    """Returns the unit vector `i` of `count` elements."""
    kind = dtype.as_numpy_dtype
    return raw.OneHot(i, count, np.ones((), kind), np.zeros((), kind))


def zeros_of(shape: Any, source: Any) -> Any:
    """Returns the Jacobian of a target of `shape` that does not depend on `source`."""
    full = raw.ConcatV2([shape, raw.Shape(source)], 0)
    return raw.Fill(full, np.zeros((), source.dtype.as_numpy_dtype))


def gradients_by_zeros(tape: Tape, target: Any, sources: Sequence[Any]) -> Sequence[Any]:
    """Returns the gradients of 0 * target."""
    return gradients_of_tape(
        tape,
        gradient_tensors(target),
        [s._id for s in sources],
        [zeros_like(convert_to_tensor(target))],
    )


def rows(count: Any, row: Row, sample: Callable[[], Sequence[Any]]) -> list[Any]:
    """Stacks the results of `row(i)` for i = 0 ... count - 1; None where `row` returns None.

    Args:
      count: an int, or a scalar tensor of a graph.
      row: returns gradients, each a tensor, IndexedSlices or None.
      sample: returns gradients with the shapes and dtypes of a row, used if `count` is 0.
    """
    graph = STATE.graph
    if graph is not None and not (isinstance(count, int) and count <= LONGEST_UNROLLED):
        return rows_of_loop(count, row, sample)
    count = int(count)
    # Without rows there are no gradients whose shapes are known: a backward pass with zeros yields them.
    if not count:
        empty = [None if g is None else convert_to_tensor(g) for g in sample()]
        return [g if g is None else raw.ExpandDims(g, 0)[:0] for g in empty]
    before = 0 if graph is None else len(graph._operations)
    first = row(0)
    if graph is not None:
        added = len(graph._operations) - before
        if count * added > MOST_UNROLLED_OPERATIONS:
            return rows_of_loop(count, row, lambda: first)
    computed = [first, *[row(i) for i in range(1, count)]]
    return [
        None if parts[0] is None else raw.Pack([convert_to_tensor(p) for p in parts])
        for parts in zip(*computed, strict=True)
    ]


def rows_of_loop(count: Any, row: Row, sample: Callable[[], Sequence[Any]]) -> list[Any]:
    """`rows` computed by a While loop."""
    count = STATE.graph.local(convert_to_tensor(count, dtypes.int32))
    like: list[Any] = [None if g is None else convert_to_tensor(g) for g in sample()]
    # A list for each source that the target depends on: a loop cannot carry None.
    flowing = [k for k, g in enumerate(like) if g is not None]
    shapes = [raw.Shape(like[k]) for k in flowing]
    lists = [
        raw.TensorListReserve(shape, count, element_dtype=like[k].dtype)
        for k, shape in zip(flowing, shapes, strict=True)
    ]
    starts = [STATE.graph.local(convert_to_tensor(0, dtypes.int32)), *lists]
    test, body = FuncGraph("jacobian_cond"), FuncGraph("jacobian_body")
    for graph in (test, body):
        add_arguments(graph, starts, [SCALAR] * len(starts))

    def step() -> list[Any]:
        at, *lists = body.inputs
        for tensor in test.external_captures:
            body.capture(tensor)
        row_values = row(at)
        items = [convert_to_tensor(row_values[k]) for k in flowing]
        put = [raw.TensorListSetItem(h, at, item) for h, item in zip(lists, items, strict=True)]
        return [raw.AddV2(at, np.int32(1)), *put]

    trace_body(test, lambda: raw.Less(test.inputs[0], count))
    trace_body(body, step)
    proceed, again, externals = unify_loop(test, body, len(starts))
    loop_outputs = add_while(proceed, again, [*starts, *externals], count, "jacobian")
    result: list[Any] = [None] * len(like)
    # Captured tensors follow the lists among the loop's outputs.
    for k, shape, tensor_list in zip(flowing, shapes, loop_outputs[1:], strict=False):
        result[k] = raw.TensorListStack(tensor_list, shape, element_dtype=like[k].dtype)
    return result
