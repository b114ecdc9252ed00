"""The reverse walk over a tape."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from typing import Any

from penstock._src.autodiff.tape import DIFFERENTIABLE, OpEntry, ReadEntry, Tape
from penstock._src.core import dtypes
from penstock._src.core.calls.lines import note_gradients
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export


@export("UnconnectedGradients")
class UnconnectedGradients(Enum):
    """Gradient for a source that the target does not depend on: `NONE` or `ZERO`.

    >>> x, y = tf.Variable(1.0), tf.Variable(2.0)
    >>> with tf.GradientTape() as tape:
    ...     z = x * x
    >>> tape.gradient(z, y, unconnected_gradients=tf.UnconnectedGradients.ZERO).numpy()
    np.float32(0.0)
    """

    NONE = "none"
    ZERO = "zero"


def gradients_of_tape(
    tape: Tape, targets: Sequence[Any], source_ids: Sequence[int], target_gradients: Sequence[Any]
) -> list[Any]:
    """Returns d sum(targets * target_gradients) / d source for each source, or None.

    Args:
      tape: the record.
      targets: tensors.
      source_ids: the `_id`s of watched tensors.
      target_gradients: a tensor or None (ones) per target.
    """
    partial_sums: dict[int, list[Any]] = {}
    sources = set(source_ids)
    for target, gradient in zip(targets, target_gradients):
        if target.dtype is dtypes.string:
            continue
        if tape.is_watched(target) or target._id in tape.ends or target._id in sources:
            seed = seed_of(target) if gradient is None else gradient
            partial_sums.setdefault(target._id, []).append(seed)
    kept: dict[int, Any] = {}
    watched = tape.watched
    is_seen = STATE.graph is not None or bool(STATE.accumulators)
    # Entries that are on no path from the sources are skipped: their backward functions could raise, or compute
    # unused values.
    for entry in reversed(needed_entries(tape, sources)):
        if type(entry) is ReadEntry and not is_seen:
            _pass_to_variable(entry, partial_sums, kept, sources)
            continue
        outputs = totals(partial_sums, entry.output_ids)
        if outputs is None:
            continue
        # `totals` has removed the sum, which the result needs as well as the ops in front of the source.
        if not sources.isdisjoint(entry.output_ids):
            kept.update(
                (key, total) for key, total in zip(entry.output_ids, outputs) if key in sources
            )
        if entry.needs_zeros and entry.outputs:
            outputs = with_zeros(outputs, entry.outputs)
        if type(outputs[0]) is IndexedSlices and _is_past_scalar(entry, watched):
            inputs: Sequence[Any] = (outputs[0], None)
        else:
            if is_seen:
                inputs = _backward_named(entry, outputs)
            elif type(entry) is OpEntry:
                inputs = entry.backward_to(watched, outputs)
            else:
                inputs = entry.backward(*outputs)
        for key, gradient in zip(entry.input_ids, inputs, strict=True):
            if gradient is not None and key in watched:
                if key in partial_sums:
                    partial_sums[key].append(gradient)
                else:
                    partial_sums[key] = [gradient]
    results = [kept[i] if i in kept else add_up(partial_sums.get(i)) for i in source_ids]
    note_gradients(STATE.graph, source_ids, results)
    return results


def _is_past_scalar(entry: Any, watched: set[int]) -> bool:
    """True if an eager op only adds an unwatched scalar to the tensor with a sliced gradient."""
    if STATE.graph is not None or not isinstance(entry, OpEntry):
        return False
    if not entry.op.slices.kept_past_scalar or entry.input_ids[1] in watched:
        return False
    return bool(entry.kept[1].shape.rank == 0)


def _pass_to_variable(
    entry: ReadEntry, partial_sums: dict[int, list[Any]], kept: dict[int, Any], sources: set[int]
) -> None:
    """Adds the gradients of a variable's reads to the gradient of its handle."""
    (read,), (handle,) = entry.output_ids, entry.input_ids
    gradients = partial_sums.pop(read, None)
    if gradients is None:
        return
    total = gradients[0] if len(gradients) == 1 else add_up(gradients)
    if read in sources:
        kept[read] = total
    if handle in partial_sums:
        partial_sums[handle].append(total)
    else:
        partial_sums[handle] = [total]


def _backward_named(entry: Any, gradients: Sequence[Any]) -> Sequence[Any]:
    """Run an entry's backward function; meanwhile graphs and op observers have access to the differentiated op."""
    around, STATE.gradient_of = STATE.gradient_of, entry.output_ids[0] if entry.output_ids else None
    note_gradients(STATE.graph, entry.output_ids, gradients)
    try:
        with _scope_of_gradients(entry):
            return entry.backward(*gradients)
    finally:
        STATE.gradient_of = around


def _scope_of_gradients(entry: Any) -> AbstractContextManager[Any]:
    """The name scope of the operations of an op's gradient in a graph: that of the op, below "gradient_tape"."""
    graph: Any = STATE.graph
    if graph is None or not isinstance(entry, OpEntry):
        return nullcontext()
    return graph.name_scope(f"gradient_tape/{entry.scope}/" if entry.scope else "gradient_tape/")


def totals(partial_sums: dict[int, list[Any]], ids: Sequence[int]) -> list[Any] | None:
    """Removes the gradients of some tensors from `partial_sums`; returns the sum or None for each; None if all are None."""
    if len(ids) == 1:
        gradients = partial_sums.pop(ids[0], None)
        if gradients is None:
            return None
        return gradients if len(gradients) == 1 else [add_up(gradients)]
    several = [partial_sums.pop(key, None) for key in ids]
    return [add_up(gradients) for gradients in several] if any(several) else None


def needed_entries(tape: Tape, sources: set[int]) -> list[Any]:
    """Returns the entries that lie on a path from one of `sources`."""
    if sources.issuperset([tensor._id for tensor in tape.held]):
        # All that is watched is derived from these.
        return tape.entries
    reached = set(sources)
    needed = []
    for entry in tape.entries:
        if not reached.isdisjoint(entry.input_ids):
            needed.append(entry)
            reached.update(entry.output_ids)
    return needed


def with_zeros(gradients: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
    """The gradients of tensors with zeros in place of None, for dtypes that have a zero."""
    without = (dtypes.resource, dtypes.variant)
    return [
        zeros_like(t) if g is None and t.dtype in DIFFERENTIABLE and t.dtype not in without else g
        for g, t in zip(gradients, tensors)
    ]


def seed_of(target: Any) -> Any:
    """Returns the initial gradient of a target: ones; for a handle in the variable's shape."""
    if target.dtype is dtypes.resource:
        shape, dtype = target._handle_data[0]
        target = raw.ReadVariableOp(target, dtype=dtype)
    return ones_like(target)


def ones_like(tensor: Any) -> Tensor:
    """Returns ones of the shape and type of `tensor`."""
    return raw.OnesLike(tensor)


def zeros_like(tensor: Any) -> Tensor:
    """Returns zeros of the shape and type of `tensor`."""
    return raw.ZerosLike(tensor)


def add_up(gradients: list[Any] | None) -> Any:
    """Returns the sum of gradients, which may be tensors or IndexedSlices; None if there are none."""
    if not gradients:
        return None
    if len(gradients) == 1:
        return gradients[0]
    if STATE.graph is None and all([isinstance(g, Tensor) for g in gradients]):
        return add_up_now(gradients)
    if all(isinstance(g, IndexedSlices) for g in gradients):
        return joined_slices(gradients)
    return raw.AddN([convert_to_tensor(g) for g in gradients])


def add_up_now(gradients: list[Any]) -> Any:
    """Returns the sum of eager tensors, or of lists of tensors."""
    if gradients[0].dtype is dtypes.variant:
        return raw.AddN(gradients)
    total = gradients[0]
    for gradient in gradients[1:]:
        total = raw.AddV2(total, gradient)
    return total


def joined_slices(gradients: list[Any]) -> IndexedSlices:
    """Concatenates the slices of all gradients, in forward order."""
    # The reverse walk met the last reader first.
    forward = gradients[::-1]
    indices = [g.indices for g in forward]
    # Indices of two types can meet where one gather used int32 and another int64.
    if any(i.dtype is not indices[0].dtype for i in indices):
        indices = [raw.Cast(i, DstT=dtypes.int64) for i in indices]
    values = raw.ConcatV2([g.values for g in forward], 0)
    return IndexedSlices(values, raw.ConcatV2(indices, 0), forward[0].dense_shape)
