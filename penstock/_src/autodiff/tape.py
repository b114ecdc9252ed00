"""Tape: the ops that were applied to watched tensors, in order of execution.

A tape works for eager and symbolic tensors: both have an `_id`. Entries keep only the tensors that a gradient reads.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.autodiff.recorded_op import RecordedOp, gradients_by
from penstock._src.core.composite import IndexedSlices, dense
from penstock._src.core.dispatch import STATE
from penstock._src.core.op import Op, group_arguments
from penstock._src.core.registry import find
from penstock._src.core.shapes import UNKNOWN, TensorShape
from penstock._src.core.typesets import COMPLEX, DIFFERENTIABLE, DIFFERENTIABLE_ENUMS, FLOAT
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.registered_gradients import REPLACED, substitute

Backward = Callable[..., Any]
NUMBERS = FLOAT | COMPLEX


class Entry:
    """One recorded step: input and output tensor ids, and the backward function.

    `backward(*output_gradients)` takes a gradient or None for each output and returns one per input.
    If `needs_zeros`, `outputs` are kept so that unused ones get zero gradients.
    """

    __slots__ = ("name", "input_ids", "output_ids", "outputs", "backward", "needs_zeros")

    def __init__(
        self,
        name: str,
        input_ids: list[int],
        output_ids: list[int],
        outputs: list[Any],
        backward: Backward,
        needs_zeros: bool = True,
    ) -> None:
        self.name, self.input_ids, self.output_ids = name, input_ids, output_ids
        self.outputs, self.backward, self.needs_zeros = outputs, backward, needs_zeros


class ReadEntry:
    """A read of a variable: the gradient passes to the variable unchanged."""

    __slots__ = ("input_ids", "output_ids")
    name, outputs, needs_zeros = "ReadVariableOp", (), False

    def __init__(self, handle: Any, tensor: Any) -> None:
        self.input_ids, self.output_ids = (handle._id,), (tensor._id,)

    def backward(self, gradient: Any) -> Sequence[Any]:
        return (gradient,)


class OpEntry:
    """A recorded op: an Entry with the op's gradient as its backward function.

    It keeps the tensors that the gradient reads and, if there are several outputs, all of them, to make zeros; and the
    name scope of its graph.
    """

    __slots__ = ("op", "input_ids", "output_ids", "outputs", "kept", "shapes", "scope")
    needs_zeros = True

    def __init__(self, op: Op, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        self.op = op
        # The common numbers come first: this runs for each op that a tape records.
        if len(inputs) == 2:
            self.input_ids = [inputs[0]._id, inputs[1]._id]
        elif len(inputs) == 1:
            self.input_ids = [inputs[0]._id]
        else:
            self.input_ids = [t._id for t in inputs]
        self.shapes: Sequence[TensorShape] = ()
        self.scope = ""
        if len(outputs) == 1:
            # A single output always has a gradient when the reverse walk reaches the entry.
            self.output_ids = (outputs[0]._id,)
            self.outputs: Sequence[Any] = ()
        else:
            self.output_ids, self.outputs = tuple([t._id for t in outputs]), outputs
        replaced = REPLACED and op.op_type in REPLACED
        if op.kept.inputs_only and not op.traits.has_lists and not replaced:
            self.kept: Sequence[Any] = (*inputs, *(None,) * len(outputs))
            return
        arguments: Sequence[Any] = (*inputs, *outputs)
        if op.traits.has_lists:
            arguments = group_arguments(op.inputs, op, inputs)
            arguments += group_arguments(op.outputs, op, outputs)
        self.kept = [a if keep or replaced else None for a, keep in zip(arguments, op.kept.reads)]

    @property
    def name(self) -> str:
        return self.op.op_type

    def backward(self, *gradients: Any) -> Sequence[Any]:
        """Returns the gradients (or None) of the inputs, given those of the outputs."""
        op = self.op
        if REPLACED or not op.has_gradient:
            function = substitute(op)
            if function is not None:
                result = gradients_by(function, RecordedOp(op, self.kept), gradients)
                return _one_for_each(op, result, len(self.input_ids))
            if not op.has_gradient:
                raise LookupError(f"gradient registry has no entry for: {op.op_type}")
        return self.own_backward(gradients)

    def backward_to(self, watched: set[int], gradients: Sequence[Any]) -> Sequence[Any]:
        """Returns what `backward` returns, but may leave out gradients of inputs that are not watched: nothing reads them."""
        op = self.op
        if op.has_input_gradient and not REPLACED and type(gradients[0]) is not IndexedSlices:
            ids = self.input_ids
            if not watched.issuperset(ids):
                return [
                    op.input_gradient(at, *self.kept, *gradients) if key in watched else None
                    for at, key in enumerate(ids)
                ]
        return self.backward(*gradients)

    def own_backward(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """Returns the result of the gradient method of the op's class."""
        op = self.op
        if len(gradients) == 1:  # as nearly always: this runs for each op of a gradient
            has_slices = type(gradients[0]) is IndexedSlices
        else:
            has_slices = IndexedSlices in map(type, gradients)
        if has_slices and not op.slices.accepted:
            gradients = tuple([dense(g) for g in gradients])
        if op.traits.has_lists:
            result = self._backward_of_lists(gradients)
        else:
            result = op.gradient(*self.kept, *gradients)
            count = len(self.input_ids)
            if type(result) is not tuple:
                result = (result,) if count == 1 else _one_for_each(op, result, count)
            elif len(result) != count:
                raise wrong_count(op, result, count)
        if self.shapes:
            for gradient, shape in zip(result, self.shapes):
                _refine(gradient, shape)
        return result

    def _backward_of_lists(self, gradients: Sequence[Any]) -> Sequence[Any]:
        op = self.op
        grouped = group_arguments(op.outputs, op, gradients)
        result = op.gradient(*self.kept, *grouped)
        if op.traits.takes_lists:
            return flatten_gradients(op, result, self._list_lengths())
        count = len(self.input_ids)
        if count == 1 and not (isinstance(result, tuple) and len(result) == 1):
            return (result,)
        return _one_for_each(op, result, count)

    def _list_lengths(self) -> list[int | None]:
        """The number of tensors of each input that is a list, None for the others."""
        inputs = group_arguments(self.op.inputs, self.op, self.input_ids)
        return [len(a) if isinstance(a, list) else None for a in inputs]


def _refine(gradient: Any, shape: TensorShape) -> None:
    """Merges an input's static shape into that of its gradient, unless a gradient of the user's own has another shape."""
    if isinstance(gradient, SymbolicTensor) and not gradient.shape.is_fully_defined():
        if gradient.shape.is_compatible_with(shape):
            gradient.set_shape(shape)


def _one_for_each(op: Op, result: Any, count: int) -> Sequence[Any]:
    """Returns the result of an op's gradient as a list of one gradient or None per input."""
    if result is None:
        return (None,) * count
    if len(result) != count:
        raise wrong_count(op, result, count)
    return result


class Tape:
    """A record of the computation on watched tensors."""

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self.watched: set[int] = set()
        # Outputs of recorded ops that do not propagate gradients, such as integers.
        self.ends: set[int] = set()
        self.variables: dict[int, Any] = {}
        self.entries: list[Entry | OpEntry | ReadEntry] = []
        # Keeps watched tensors alive, so that their ids are not reused.
        self.held: list[Any] = []

    def watch(self, tensor: Any) -> None:
        """Starts recording what is computed from `tensor`, if its dtype is differentiable."""
        if tensor.dtype._enum in DIFFERENTIABLE_ENUMS:
            self.watched.add(tensor._id)
            self.held.append(tensor)

    def watch_variable(self, variable: Any) -> None:
        """Starts recording what is computed from a variable."""
        key = variable.handle._id
        if key not in self.variables:
            self.variables[key] = variable
            self.watch(variable.handle)

    def variable_accessed(self, variable: Any) -> None:
        """Watches a variable that was read, if it is trainable."""
        if self.watch_accessed_variables:
            self.watch_variable(variable)

    def is_watched(self, tensor: Any) -> bool:
        """True if `tensor` is watched or was computed from a watched tensor."""
        return tensor._id in self.watched

    def record_op(self, op: Op, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Records an op if an input is watched and the op is differentiable."""
        if not op.passes_gradients and op.op_type not in REPLACED:
            return
        watched = self.watched
        for tensor in inputs:
            if tensor._id in watched:
                break
        else:
            return
        for tensor in outputs:
            is_end = tensor.dtype._enum not in DIFFERENTIABLE_ENUMS
            (self.ends if is_end else watched).add(tensor._id)
        entry = OpEntry(op, inputs, outputs)
        if STATE.graph is not None:
            # A handle's shape differs from that of the gradient. Eager tensors have known shapes; and the backward
            # graphs of branches may pass rows of slices as gradients.
            entry.shapes = [t.shape if t.dtype in NUMBERS else UNKNOWN for t in inputs]
            entry.scope = STATE.graph.get_name_scope()
        self.entries.append(entry)

    def record_function(
        self,
        name: str,
        inputs: list[Any],
        outputs: list[Any],
        backward: Backward,
        needs_zeros: bool = True,
    ) -> None:
        """Record a step with the gradient `backward(*output_gradients)`.

        Without `needs_zeros`, `backward` gets None for outputs that have no gradient.
        """
        if any(t._id in self.watched for t in inputs):
            self._append(name, [t._id for t in inputs], list(outputs), backward, needs_zeros)

    def record_identity(self, source: Any, copy: Any) -> None:
        """Records that `copy` is the same tensor as `source`."""
        self.record_function("Identity", [source], [copy], lambda dy: [dy])

    def _append(
        self,
        name: str,
        input_ids: list[int],
        outputs: list[Any],
        backward: Backward,
        needs_zeros: bool = True,
    ) -> None:
        output_ids = [t._id for t in outputs]
        self.watched.update(t._id for t in outputs if t.dtype in DIFFERENTIABLE)
        self.entries.append(Entry(name, input_ids, output_ids, outputs, backward, needs_zeros))


def op_backward(op: Op, inputs: Sequence[Any], outputs: Sequence[Any]) -> Backward:
    """Returns the backward function of an op, which holds only what the op's gradient reads."""
    return OpEntry(op, inputs, outputs).backward


def flatten_gradients(op: Op, result: Any, list_lengths: list[int | None]) -> list[Any]:
    """Returns one gradient or None per input tensor from what an op's `gradient` returned."""
    if len(list_lengths) == 1 and not (isinstance(result, tuple) and len(result) == 1):
        result = (result,)
    if result is None:
        result = (None,) * len(list_lengths)
    if len(result) != len(list_lengths):
        raise wrong_count(op, result, len(list_lengths))
    flat: list[Any] = []
    for value, length in zip(result, list_lengths):
        if length is None:
            flat.append(value)
        else:
            flat.extend([None] * length if value is None else value)
    return flat


def wrong_count(op: Op, result: Sequence[Any], count: int) -> ValueError:
    """Returns the error for a gradient with the wrong number of values."""
    return ValueError(
        f"{op.op_type}: the gradient returned {len(result)} values for {count} inputs."
    )


def push(tape: Tape) -> None:
    """Starts recording on `tape`."""
    # A new tuple, not an append: loops over the tapes go on with the one that they began with.
    STATE.tapes = (*STATE.tapes, tape)


def pop(tape: Tape) -> None:
    """Stops recording on `tape`."""
    tapes = STATE.tapes
    if tapes and tapes[-1] is tape:
        STATE.tapes = tapes[:-1]
    else:
        STATE.tapes = tuple([t for t in tapes if t is not tape])


def variable_accessed(variable: Any) -> None:
    """Notifies the tapes and the function being traced that a variable is used."""
    graph = STATE.graph
    if graph is not None and graph.building_function:
        graph.watch_variable(variable)
    if STATE.tapes and variable.trainable:
        for tape in STATE.tapes:
            tape.variable_accessed(variable)


def record_read(variable: Any, tensor: Any) -> None:
    """Records on the tapes that a variable was read eagerly."""
    handle, is_trainable = variable.handle, variable.trainable
    key = handle._id
    for tape in STATE.tapes:
        if is_trainable and key not in tape.variables:
            tape.variable_accessed(variable)
        if key in tape.watched:
            tape.watched.add(tensor._id)
            tape.entries.append(ReadEntry(handle, tensor))
    if STATE.accumulators:
        op = find("ReadVariableOp").instance({"dtype": tensor.dtype})
        for accumulator in STATE.accumulators:
            accumulator.record_op(op, (handle,), (tensor,))


def record_function(
    name: str, inputs: list[Any], outputs: list[Any], backward: Backward, needs_zeros: bool = True
) -> None:
    """Records a step with a custom gradient on all tapes."""
    for tape in STATE.tapes:
        tape.record_function(name, inputs, outputs, backward, needs_zeros)
    for accumulator in STATE.accumulators:
        if hasattr(accumulator, "record_step"):
            accumulator.record_step(inputs, outputs, backward)
