"""`tensorflow.python.ops.rnn`: helpers of recurrent networks whose inputs are steps by rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import constant_value_as_shape
from penstock._src.util import nest


def _transpose_batch_time(x: Any) -> Any:
    """Returns a tensor with its first two axes exchanged; one with fewer than two axes is unchanged."""
    x = convert_to_tensor(x)
    rank = x.shape.rank
    if rank is not None and rank < 2:
        return x
    if rank is not None:
        return raw.Transpose(x=x, perm=[1, 0, *range(2, rank)])
    rest = raw.Range(start=2, limit=raw.Rank(input=x), delta=1)
    return raw.Transpose(x=x, perm=raw.ConcatV2(values=[[1, 0], rest], axis=0))


def _best_effort_input_batch_size(flat_input: Sequence[Any]) -> Any:
    """Returns the number of rows of inputs that are steps by rows: an integer if one has it, else a tensor.

    Raises:
      ValueError: an input has fewer than two axes.
    """
    for each in flat_input:
        shape = each.shape
        if shape.rank is None:
            continue
        if shape.rank < 2:
            raise ValueError(
                f"Input tensor should have rank >= 2. Received input={each} of rank {shape.rank}"
            )
        if shape[1] is not None:
            return shape[1]
    return raw.Shape(input=flat_input[0])[1]


def _infer_state_dtype(explicit_dtype: Any, state: Any) -> Any:
    """Returns the dtype of a state: the one that is given for a single tensor, else that of all its tensors.

    Raises:
      ValueError: the state has no tensors, or tensors of several dtypes.
    """
    if explicit_dtype is not None:
        return explicit_dtype
    if not nest.is_nested(state):
        return state.dtype
    kinds = [each.dtype for each in nest.flatten(state)]
    if not kinds:
        raise ValueError(f"Unable to infer dtype from argument state={state}.")
    if any(kind != kinds[0] for kind in kinds):
        raise ValueError(
            f"Argument state={state} has tensors of different inferred dtypes. Unable to infer a "
            f"single representative dtype. Dtypes received: {kinds}"
        )
    return kinds[0]


def _maybe_tensor_shape_from_tensor(shape: Any) -> Any:
    """Returns the TensorShape that a tensor holds, as far as it is known; another value is unchanged."""
    return constant_value_as_shape(shape) if isinstance(shape, Tensor) else shape


def _reverse_seq(input_seq: Sequence[Any], lengths: Any) -> list[Any]:
    """Returns the steps of sequences in reverse order.

    Args:
      input_seq: the steps, a tensor `[rows, ...]` or a structure of such each.
      lengths: how many steps of each row are reversed, or None for all.
    """
    if lengths is None:
        return list(reversed(input_seq))
    flat_steps = [nest.flatten(step) for step in input_seq]
    reversed_parts = []
    for steps in zip(*flat_steps):
        known = TensorShape(None)
        for step in steps:
            known = known.merge_with(step.shape)
        lengths_ = raw.Cast(x=convert_to_tensor(lengths), DstT=dtypes.int64)
        joined = raw.ReverseSequence(
            input=raw.Pack(values=list(steps), axis=0), seq_lengths=lengths_, seq_dim=0, batch_dim=1
        )
        rows = raw.Unpack(value=joined, num=len(steps), axis=0)
        for row in rows:
            row.set_shape(known)
        reversed_parts.append(rows)
    return [
        nest.pack_sequence_as(structure=step, flat_sequence=list(flat))
        for step, flat in zip(input_seq, zip(*reversed_parts))
    ]
