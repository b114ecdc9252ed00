"""Runs cells over time in a loop; the number of steps may be dynamic."""

import functools
from collections.abc import Callable
from typing import Any

from penstock._src.api.array.joining import concat, reverse, reverse_sequence
from penstock._src.api.array.shaping import rank as rank_of
from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.v1.graphs.control_flow import while_loop
from penstock._src.v1.layers.recurrent.states import (
    batch_of,
    dims_of,
    frozen,
    initial_state_of,
    lengths_of,
    require_cell,
    zeros_of,
)
from penstock._src.v1.variables.scopes import variable_scope

# Iterations of a loop that may run side by side, unless the caller says how many: TensorFlow's default for RNNs.
_PARALLEL_ITERATIONS = 32


@export(v1=["nn.dynamic_rnn"])
def dynamic_rnn(
    cell,
    inputs,
    sequence_length=None,
    initial_state=None,
    dtype=None,
    parallel_iterations=None,
    swap_memory=False,
    time_major=False,
    scope=None,
):
    """Runs a cell over the time axis of the inputs.

    Args:
      cell: called as `cell(input, state)`; has `state_size`, `output_size`, and `zero_state` or `get_initial_state`.
      inputs: [batch, time, ...], a structure of them, or [time, batch, ...] if `time_major`.
      sequence_length: int [batch]: beyond it the outputs are zeros and the state is unchanged.
      initial_state: zeros of `dtype` by default.
      dtype: of the initial state.
      parallel_iterations: taken, as the loop's.
      swap_memory: taken, as the loop's.
      time_major: whether time is the first axis.
      scope: the variable scope, "rnn" by default.

    Returns:
      (outputs in the layout of the inputs, the final state).

    Raises:
      TypeError: `cell` is not a cell.
      ValueError: neither `initial_state` nor `dtype` is given, or the shapes do not match.
    """
    require_cell("cell", cell)
    with variable_scope(scope or "rnn"):
        steps = nest.map_structure(convert_to_tensor, inputs)
        if not time_major:
            steps = nest.map_structure(swapped, steps)
        for step in nest.flatten(steps):
            _check_input(step)
        first = nest.flatten(steps)[0]
        batch = batch_of(first)
        lengths = lengths_of(sequence_length)
        state = initial_state_of(cell, initial_state, batch, dtype)
        kind = _output_type(dtype, steps, state)
        options = (parallel_iterations, swap_memory)
        outputs, state = _run(cell, steps, state, lengths, batch, kind, *options)
        return (outputs if time_major else nest.map_structure(swapped, outputs)), state


def swapped(tensor: Any) -> Any:
    """The tensor with its first two axes swapped; unchanged if its rank is below 2."""
    rank = tensor.shape.rank
    if rank is not None and rank < 2:
        return tensor
    rest = raw.Range(start=2, limit=rank_of(tensor, name="Rank"), delta=1, name="range")
    return raw.Transpose(x=tensor, perm=concat([[1, 0], rest], 0), name="transpose")


def _run(
    cell: Any,
    steps: Any,
    state: Any,
    lengths: Tensor | None,
    batch: Any,
    kind: Any,
    parallel_iterations: int | None,
    swap_memory: bool,
) -> tuple[Any, Any]:
    """Run the loop over the first axis of `steps`, with outputs of dtype `kind`; return (all outputs, the final state)."""
    flat = nest.flatten(steps)
    total = flat[0].shape[0]
    count = raw.Shape(input=flat[0])[0]
    start = convert_to_tensor(0, name="time")
    outputs = [
        TensorArray(kind, size=count, element_shape=[_static(batch), *dims_of(size)])
        for size in nest.flatten(cell.output_size)
    ]
    arrays = [
        TensorArray(step.dtype, size=count, element_shape=step.shape[1:]).unstack(step)
        for step in flat
    ]

    def body(time: Any, outputs: Any, state: Any) -> Any:
        step = nest.pack_sequence_as(steps, [array.read(time) for array in arrays])
        output, after = cell(step, state)
        nest.assert_same_structure(cell.output_size, output)
        nest.assert_same_structure(state, after)
        if lengths is not None:
            blank = nest.map_structure(
                lambda size, out: zeros_of(batch, size, out.dtype), cell.output_size, output
            )
            output, after = frozen(time, lengths, (blank, state), (output, after))
        written = [a.write(time, o) for a, o in zip(outputs, nest.flatten(output), strict=True)]
        return time + 1, written, _with_shapes(after, state)

    _, outputs, state = while_loop(
        lambda time, *_: time < count,
        body,
        (start, outputs, state),
        parallel_iterations=parallel_iterations or _PARALLEL_ITERATIONS,
        swap_memory=swap_memory,
        maximum_iterations=count,
    )
    stacked = [array.stack() for array in outputs]
    for tensor, size in zip(stacked, nest.flatten(cell.output_size), strict=True):
        tensor.set_shape([total, _static(batch), *dims_of(size)])
    return nest.pack_sequence_as(cell.output_size, stacked), state


def _check_input(step: Any) -> None:
    """Raises an error for inputs without a time axis, or of unknown depth."""
    rank = step.shape.rank
    if rank is not None and rank < 2:
        raise ValueError(
            f"Input tensor should have rank >= 2. Received input={step} of rank {rank}"
        )
    if rank is not None and rank > 2 and step.shape[-1] is None:
        raise ValueError(
            "Input size (depth of inputs) must be accessible via shape inference, but saw value None "
            f"for input={step}."
        )


def _static(batch: Any) -> int | None:
    return batch if isinstance(batch, int) else None


def _output_type(dtype: Any, steps: Any, state: Any) -> Any:
    """The dtype of the outputs: the given one, else that of the state.

    Raises:
      ValueError: the state has several types, or no tensor.
    """
    if dtype:
        return dtypes.as_dtype(dtype)
    kinds = {part.dtype for part in nest.flatten(state)}
    if len(kinds) > 1 and STATE.graph is None:
        return nest.flatten(steps)[0].dtype
    if len(kinds) > 1:
        raise ValueError(
            "State has tensors of different inferred dtypes. Unable to infer a single representative "
            f"dtype. Dtypes received: {sorted(kind.name for kind in kinds)}"
        )
    if not kinds:
        raise ValueError(f"Unable to infer dtype from argument state={state}.")
    return kinds.pop()


def _with_shapes(after: Any, before: Any) -> Any:
    """The new state with the static shapes of the old one."""

    def known(new: Any, old: Any) -> Any:
        if isinstance(new, Tensor) and isinstance(old, Tensor) and not hasattr(new, "numpy"):
            new.set_shape(new.shape.merge_with(old.shape))
        return new

    return nest.map_structure(known, after, before)


@export(v1=["nn.bidirectional_dynamic_rnn"])
def bidirectional_dynamic_rnn(
    cell_fw,
    cell_bw,
    inputs,
    sequence_length=None,
    initial_state_fw=None,
    initial_state_bw=None,
    dtype=None,
    parallel_iterations=None,
    swap_memory=False,
    time_major=False,
    scope=None,
):
    """Runs one cell forward and another backward in time; see `dynamic_rnn`.

    Returns:
      ((forward outputs, backward outputs in the order of time), (final forward state, final backward state)).
    """
    require_cell("cell_fw", cell_fw)
    require_cell("cell_bw", cell_bw)
    options = (parallel_iterations, swap_memory, time_major)
    time_axis = 0 if time_major else 1

    def backward(tensor: Any) -> Any:
        if sequence_length is None:
            return reverse(tensor, axis=[time_axis])
        return reverse_sequence(
            tensor, sequence_length, seq_axis=time_axis, batch_axis=1 - time_axis
        )

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw:
            forth = dynamic_rnn(
                cell_fw, inputs, sequence_length, initial_state_fw, dtype, *options, scope=fw
            )
        with variable_scope("bw") as bw:
            turned = nest.map_structure(backward, inputs)
            back = dynamic_rnn(
                cell_bw, turned, sequence_length, initial_state_bw, dtype, *options, scope=bw
            )
    return (forth[0], nest.map_structure(backward, back[0])), (forth[1], back[1])


@export(v1=["nn.raw_rnn"])
def raw_rnn(cell, loop_fn, parallel_iterations=None, swap_memory=False, scope=None):
    """Runs a cell on the inputs that `loop_fn` returns, until it ends the loop.

    Args:
      cell: see `dynamic_rnn`.
      loop_fn: called as `loop_fn(time, cell_output, cell_state, loop_state)`, at first with None except for the time; returns
        (elements_finished bool [batch], next_input, next_cell_state, emit_output, next_loop_state). The first `emit_output`
        has the structure of one element of the outputs, or is None for that of the cell's output.
      parallel_iterations: taken, as the loop's.
      swap_memory: taken, as the loop's.
      scope: the variable scope, "rnn" by default.

    Returns:
      (TensorArrays of the emitted outputs, the final state, the final loop state).

    Raises:
      TypeError: `cell` is not a cell, or `loop_fn` not a function.
    """
    require_cell("cell", cell)
    if not callable(loop_fn):
        raise TypeError(f"Argument `loop_fn` must be a callable. Received: {loop_fn}.")
    with variable_scope(scope or "rnn"):
        return _run_raw(cell, loop_fn, parallel_iterations, swap_memory)


def _run_raw(
    cell: Any, loop_fn: Callable[..., Any], parallel_iterations: int | None, swap_memory: bool
) -> tuple[Any, Any, Any]:
    start = convert_to_tensor(0)
    finished, inputs, state, emitted, loop_state = loop_fn(start, None, None, None)
    inputs, state = (nest.map_structure(convert_to_tensor, each) for each in (inputs, state))
    batch = batch_of(nest.flatten(inputs)[0], axis=0)
    kind = nest.flatten(state)[0].dtype
    if emitted is None:
        layout = cell.output_size
        blanks = nest.map_structure(lambda size: zeros_of(batch, size, kind), layout)
        shapes = [TensorShape([_static(batch), *dims_of(size)]) for size in nest.flatten(layout)]
    else:
        layout = nest.map_structure(convert_to_tensor, emitted)
        blanks = nest.map_structure(functools.partial(_zeros_like_rows, batch), layout)
        shapes = [
            TensorShape([_static(batch), *one.shape.as_list()]) for one in nest.flatten(layout)
        ]
    arrays = [
        TensorArray(blank.dtype, size=0, dynamic_size=True, element_shape=shape)
        for blank, shape in zip(nest.flatten(blanks), shapes, strict=True)
    ]
    has_loop_state = loop_state is not None
    carried = loop_state if has_loop_state else convert_to_tensor(0)

    def body(time: Any, finished: Any, inputs: Any, arrays: Any, state: Any, carried: Any) -> Any:
        output, after = cell(inputs, state)
        nest.assert_same_structure(state, after)
        done, following, after, emit, loop_state = loop_fn(
            time + 1, output, after, carried if has_loop_state else None
        )
        # A function without a loop state may return None.
        loop_state = carried if loop_state is None else loop_state
        emit = _unless_finished(finished, blanks, output if emit is None else emit)
        after = _unless_finished(finished, state, nest.map_structure(convert_to_tensor, after))
        written = [a.write(time, o) for a, o in zip(arrays, nest.flatten(emit), strict=True)]
        done = raw.LogicalOr(x=finished, y=done)
        return time + 1, done, following, written, _with_shapes(after, state), loop_state

    _, _, _, arrays, state, carried = while_loop(
        lambda time, finished, *_: raw.LogicalNot(x=raw.All(input=finished, axis=[0])),
        body,
        (start, convert_to_tensor(finished, dtypes.bool_), inputs, arrays, state, carried),
        parallel_iterations=parallel_iterations or _PARALLEL_ITERATIONS,
        swap_memory=swap_memory,
    )
    return nest.pack_sequence_as(layout, arrays), state, carried if has_loop_state else None


def _zeros_like_rows(batch: Any, row: Tensor) -> Tensor:
    """Zeros of the shape [batch, *row.shape]."""
    sizes = [raw.Pack(values=[batch], axis=0), raw.Shape(input=row)]
    return raw.Fill(dims=raw.ConcatV2(values=sizes, axis=0), value=convert_to_tensor(0, row.dtype))


def _unless_finished(finished: Tensor, old: Any, new: Any) -> Any:
    """The new values, and the old ones in the rows of sequences that have ended."""
    return nest.map_structure(
        lambda x, y: raw.SelectV2(condition=_aligned(finished, y), t=x, e=y), old, new
    )


def _aligned(condition: Any, value: Any) -> Any:
    """The condition [batch], reshaped with axes of size 1 to broadcast over `value`."""
    extra = convert_to_tensor(value).shape.rank - 1
    for _ in range(extra):
        condition = raw.ExpandDims(input=condition, axis=-1)
    return condition
