"""Runs cells over a list of inputs, unrolled."""

from collections.abc import Sequence
from typing import Any

from penstock._src.api.array.joining import reverse_sequence
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.v1.layers.recurrent.states import (
    batch_of,
    frozen,
    initial_state_of,
    lengths_of,
    require_cell,
    zeros_of,
)
from penstock._src.v1.variables.scopes import variable_scope


@export(v1=["nn.static_rnn"])
def static_rnn(cell, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    """Runs a cell over a list of inputs.

    Args:
      cell: called as `cell(input, state)`; see `dynamic_rnn`.
      inputs: a list with a tensor [batch, ...] or a structure of tensors for each step.
      initial_state: zeros of `dtype` by default.
      dtype: of the initial state.
      sequence_length: int [batch]: beyond it the outputs are zeros and the state is unchanged.
      scope: the variable scope, "rnn" by default.

    Returns:
      (the list of outputs, the last state).

    Raises:
      TypeError: `cell` is not a cell, or `inputs` not a list.
      ValueError: `inputs` is empty, or neither `initial_state` nor `dtype` is given.
    """
    require_cell("cell", cell)
    _require_list(inputs)
    with variable_scope(scope or "rnn") as variables:
        batch = batch_of(convert_to_tensor(nest.flatten(inputs[0])[0]), axis=0)
        state = initial_state_of(cell, initial_state, batch, dtype)
        lengths = lengths_of(sequence_length)
        outputs = []
        for time, step in enumerate(inputs):
            if time > 0 and not executing_eagerly():
                variables.reuse_variables()
            output, after = cell(step, state)
            if lengths is not None:
                blank = nest.map_structure(
                    lambda size, out: zeros_of(batch, size, out.dtype), cell.output_size, output
                )
                output, after = frozen(time, lengths, (blank, state), (output, after))
            outputs.append(output)
            state = after
        return outputs, state


def _require_list(inputs: Any) -> None:
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(f"Argument `inputs` must be a sequence. Received: {inputs}")
    if not inputs:
        raise ValueError("Argument `inputs` must not be empty.")


@export(v1=["nn.static_state_saving_rnn"])
def static_state_saving_rnn(
    cell, inputs, state_saver, state_name, sequence_length=None, scope=None
):
    """Runs a cell over a list of inputs from a saved state, and saves the final state.

    Args:
      cell: as `static_rnn`'s.
      inputs: as `static_rnn`'s.
      state_saver: has `state(name)` and `save_state(name, value)`.
      state_name: the name of the state, or a tuple of names in the structure of the state.
      sequence_length: as `static_rnn`'s.
      scope: the variable scope, "rnn" by default.

    Returns:
      (the list of outputs, the last state).

    Raises:
      ValueError: the structures of `state_name` and the state differ.
    """
    nested = nest.is_nested(cell.state_size)
    if nest.is_nested(state_name) != nested:
        raise ValueError(
            "Argument `state_name` should be the same type as `cell.state_size`. Received: "
            f"state_name={state_name!s}, cell.state_size={cell.state_size!s}."
        )
    names, sizes = nest.flatten(state_name), nest.flatten(cell.state_size)
    if len(names) != len(sizes):
        raise ValueError(
            f"Number of elements in state_name and cell.state_size are different: {len(names)} vs. "
            f"{len(sizes)}"
        )
    initial = nest.pack_sequence_as(cell.state_size, [state_saver.state(name) for name in names])
    outputs, state = static_rnn(
        cell, inputs, initial_state=initial, sequence_length=sequence_length, scope=scope
    )
    saving = [
        state_saver.save_state(name, value)
        for name, value in zip(names, nest.flatten(state), strict=True)
    ]
    # Computing the last output or the state runs the saving operations.
    with control_dependencies(saving):
        last = nest.map_structure(lambda value: raw.Identity(input=value), outputs[-1])
        if nested:
            state = nest.map_structure(lambda value: raw.Identity(input=value), state)
    return [*outputs[:-1], last], state


@export(v1=["nn.static_bidirectional_rnn"])
def static_bidirectional_rnn(
    cell_fw,
    cell_bw,
    inputs,
    initial_state_fw=None,
    initial_state_bw=None,
    dtype=None,
    sequence_length=None,
    scope=None,
):
    """Runs one cell forward and another backward over a list of inputs; see `static_rnn`.

    Returns:
      (the list of outputs of both, concatenated along the last axis, the final forward state, the final backward state).
    """
    require_cell("cell_fw", cell_fw)
    require_cell("cell_bw", cell_bw)
    _require_list(inputs)
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw:
            forth, state_fw = static_rnn(
                cell_fw, inputs, initial_state_fw, dtype, sequence_length, scope=fw
            )
        with variable_scope("bw") as bw:
            turned = _backward(inputs, sequence_length)
            back, state_bw = static_rnn(
                cell_bw, turned, initial_state_bw, dtype, sequence_length, scope=bw
            )
        both = zip(forth, _backward(back, sequence_length), strict=True)
        outputs = [
            nest.map_structure(lambda f, b: raw.ConcatV2(values=[f, b], axis=1), f, b)
            for f, b in both
        ]
        return outputs, state_fw, state_bw


def _backward(steps: Sequence[Any], lengths: Any) -> list[Any]:
    """The steps in reverse order, within each row's length."""
    if lengths is None:
        return list(reversed(steps))
    columns = zip(*(nest.flatten(step) for step in steps), strict=True)
    turned = []
    for column in columns:
        stacked = raw.Pack(values=list(column), axis=0)
        reversed_ = reverse_sequence(stacked, lengths, seq_axis=0, batch_axis=1)
        turned.append(raw.Unpack(value=reversed_, num=len(steps), axis=0))
    return [nest.pack_sequence_as(steps[0], list(row)) for row in zip(*turned, strict=True)]
