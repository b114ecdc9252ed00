"""ForwardAccumulator: directional derivatives (Jacobian-vector products), computed along with the values.

The derivative of each op is computed from its gradient alone. With vjp(u) = J^T u, which is linear in u, the gradient
of <vjp(u), t> with respect to u is J t.


Source: J. Townsend, "A new trick for calculating Jacobian vector products", 2017.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from penstock._src.autodiff.backprop import (
    UnconnectedGradients,
    gradients_of_tape,
    ones_like,
    zeros_like,
)
from penstock._src.autodiff.tape import DIFFERENTIABLE, Tape, op_backward
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building, scope_in_graph
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, broadcast_shapes
from penstock._src.util import nest
from penstock._src.util.export import export

# Replaces the tangents of single operations, if set: (op name, attributes, inputs, outputs, tangents, batched) -> tangents.
_jvp_function: Callable[..., Sequence[Any]] | None = None


def set_jvp_function(function: Callable[..., Sequence[Any]] | None) -> None:
    """Makes accumulators call `function` for the tangents of each operation; None restores their own computation."""
    global _jvp_function
    _jvp_function = function


class Step(NamedTuple):
    """A recorded step; the outputs of a node may become more later."""

    inputs: Sequence[Any]
    outputs: Sequence[Any]
    backward: Callable[..., Sequence[Any]]


@export("autodiff.ForwardAccumulator", v1=[])
class ForwardAccumulator:
    """Computes the derivative of the enclosed computation along a direction.

    Args:
      primals: tensors or variables to differentiate with respect to, or a structure of them.
      tangents: the direction: structured like `primals`.

    >>> x = tf.constant([2.0, 3.0])
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as acc:
    ...   y = tf.reduce_sum(x ** 2.0)
    >>> acc.jvp(y).numpy()
    np.float32(4.0)
    """

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._tangents: dict[int, Any] = {}
        # Tensors with tangents stay alive: tangents are found by id, and an id may not be reused.
        self._held: list[Any] = []
        self._later: dict[int, Step] = {}  # of outputs that were added to nodes
        self._busy = False
        self._batched = False
        nest.assert_same_structure(primals, tangents)
        self._watch_all(primals, tangents)

    @classmethod
    def _batch_accumulator(cls, primals: Any, tangents: Any) -> "ForwardAccumulator":
        """Returns an accumulator of several directions: the tangents have a first axis more than the primals."""
        nest.assert_same_structure(primals, tangents)
        accumulator = cls([], [])
        accumulator._batched = True
        for primal, tangent in zip(nest.flatten(primals), nest.flatten(tangents), strict=True):
            expected = TensorShape([None]).concatenate(primal.shape)
            convert_to_tensor(tangent, dtype=primal.dtype).shape.assert_is_compatible_with(expected)
        accumulator._watch_all(primals, tangents)
        return accumulator

    def _watch_all(self, primals: Any, tangents: Any) -> None:
        for primal, tangent in zip(nest.flatten(primals), nest.flatten(tangents), strict=True):
            if getattr(primal, "handle", primal)._id in self._tangents:
                raise ValueError(
                    f"Tensor {primal} was specified as a primal multiple times. This may indicate an "
                    "error. If it was intended, please sum the corresponding tangents."
                )
            self._watch(primal, tangent)

    def _watch(self, primal: Any, tangent: Any) -> None:
        """Sets the tangent of a tensor or variable."""
        tensor = getattr(primal, "handle", primal)
        tangent = convert_to_tensor(tangent, dtype=primal.dtype)
        if not self._batched:
            broadcast_shapes(tangent.shape, primal.shape)
        self._tangents[tensor._id] = tangent
        self._held.append(tensor)

    def __enter__(self) -> "ForwardAccumulator":
        if any(a is self for a in STATE.accumulators):
            raise ValueError("Accumulator is already recording.")
        STATE.accumulators = (*STATE.accumulators, self)
        return self

    def __exit__(self, typ: Any, value: Any, traceback: Any) -> None:
        STATE.accumulators = tuple(a for a in STATE.accumulators if a is not self)

    def record_op(self, op: Op, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Computes the tangents of the outputs of an op that ran."""
        # The ops that compute tangents are not differentiated by this accumulator again.
        if self._busy or not op.differentiable or not self._has_tangents(inputs):
            return
        if _jvp_function is not None:
            self._call_jvp_function(_jvp_function, op, inputs, outputs)
            return
        if any(t.dtype is dtypes.variant and _is_handle(t) for t in outputs):
            raise UnimplementedError(
                f"{op.op_type}: a ForwardAccumulator has no derivative of variants other than lists of tensors."
            )
        backward = op_backward(op, list(inputs), list(outputs))
        self.record_step(inputs, outputs, backward)

    def _call_jvp_function(
        self, function: Callable[..., Any], op: Op, inputs: Sequence[Any], outputs: Sequence[Any]
    ) -> None:
        known = [self._tangent_of(t) for t in inputs]
        attrs = tuple(item for pair in op.attrs.items() for item in pair)
        self._busy = True
        try:
            tangents = [zeros_like(x) if t is None else t for x, t in zip(inputs, known)]
            results = function(
                op.op_type, attrs, tuple(inputs), list(outputs), tuple(tangents), self._batched
            )
        finally:
            self._busy = False
        self._keep(outputs, results)

    def record_identity(self, source: Any, copy: Any) -> None:
        """Records that `copy` is the same tensor as `source`."""
        tangent = self._tangent_of(source)
        if tangent is not None:
            self._tangents[copy._id] = tangent
            self._held.append(copy)

    def record_step(self, inputs: Sequence[Any], outputs: Sequence[Any], backward: Any) -> None:
        """Computes the tangents of outputs from the gradient function of the recorded step."""
        if not self._busy and self._has_tangents(inputs):
            self._run(Step(inputs, outputs, backward), outputs)

    def record_missing(self, inputs: Sequence[Any], outputs: Sequence[Any], backward: Any) -> None:
        """As `record_step`, of those outputs that have no tangent yet."""
        if not self._busy and self._has_tangents(inputs):
            missing = [t for t in outputs if not self._has_tangents([t])]
            self._run(Step(inputs, outputs, backward), missing)

    def record_node(self, node: Any, inputs: Sequence[Any], backward: Any) -> None:
        """Computes the tangents of the outputs of a node that holds functions; gradients will add outputs to it."""
        if not self._busy and self._has_tangents(inputs):
            step = Step(inputs, node._outputs, backward)
            node.accumulator_steps = (*node.accumulator_steps, (self, step))
            self._run(step, list(node._outputs))

    def record_added(self, step: Step, added: Sequence[Any]) -> None:
        """Records outputs that were added to a node; their tangents are computed when they are asked for."""
        self._later.update((tensor._id, step) for tensor in added)

    def _has_tangents(self, tensors: Sequence[Any]) -> bool:
        return any(t._id in self._tangents or t._id in self._later for t in tensors)

    def _tangent_of(self, tensor: Any) -> Any:
        step = self._later.get(tensor._id)
        if step is not None and not self._busy:
            # Outputs that one gradient added to a node share its backward run, so that all get their tangents at
            # once.
            added = [t for t in step.outputs if self._later.pop(t._id, None) is not None]
            with building(tensor.graph):
                self._run(step, added)
        return self._tangents.get(tensor._id)

    def _run(self, step: Step, outputs: Sequence[Any]) -> None:
        """Computes the tangents of some outputs of a step."""
        flowing = [t for t in outputs if t.dtype in DIFFERENTIABLE and not _is_handle(t)]
        if not flowing:
            return
        if self._batched and any(t.dtype is dtypes.variant for t in flowing):
            raise UnimplementedError(
                "ForwardAccumulator: lists of tensors have no derivatives along several directions at once."
            )
        tangents = [self._tangent_of(t) for t in step.inputs]
        self._busy = True
        tapes, accumulators = STATE.tapes, STATE.accumulators
        # Those further in do not see this one, as in TensorFlow. They would compute tangents of their own meanwhile, whose derivatives this one
        # would miss.
        STATE.accumulators = self._further_out(accumulators)
        try:
            # Names of the function's own operations do not depend on those for tangents.
            with scope_in_graph(None, "jvp/"):
                output_tangents = self._tangents_of_step(step, flowing, tangents)
        finally:
            STATE.tapes, STATE.accumulators = tapes, accumulators
            self._busy = False
        self._keep(flowing, output_tangents)
        for other in self._further_out(accumulators):
            if isinstance(other, ForwardAccumulator):
                other._keep_constant(step.inputs, output_tangents)

    def _further_out(self, accumulators: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns the accumulators that were entered before this one; all, if it has been left."""
        return tuple(itertools.takewhile(lambda other: other is not self, accumulators))

    def _keep(self, tensors: Sequence[Any], tangents: Sequence[Any]) -> None:
        for tensor, tangent in zip(tensors, tangents, strict=True):
            if tangent is not None:
                self._tangents[tensor._id] = tangent
                self._held.append(tensor)

    def _keep_constant(self, inputs: Sequence[Any], tangents: Sequence[Any]) -> None:
        """Sets zeros as the tangents of a linear step's tangents, which do not change with its inputs."""
        if self._busy or self._batched or not self._has_tangents(inputs):
            return
        for tensor in tangents:
            if tensor is not None and not self._has_tangents([tensor]):
                self._keep([tensor], [zeros_like(tensor)])

    def _tangents_of_step(self, step: Step, flowing: list[Any], tangents: list[Any]) -> list[Any]:
        """Returns the tangents of the outputs in `flowing`."""
        tapes = STATE.tapes
        # Several directions walk the tape once each.
        tape = Tape(watch_accessed_variables=False, persistent=self._batched)
        STATE.tapes = (*tapes, tape)
        # An output that carries no tangent gets no u, so that nothing is computed for it.
        seeds = [_seed_of(t) if any(t is f for f in flowing) else None for t in step.outputs]
        for seed in seeds:
            if seed is not None:
                tape.watch(seed)
        gradients = step.backward(*seeds)
        pairs = [
            (_dense(g), tangent)
            for tangent, g in zip(tangents, gradients, strict=False)
            if g is not None and tangent is not None
        ]
        # Outer tapes have recorded the gradient as a function of u; now they record the tangents.
        STATE.tapes = tapes
        ids = [s._id for s in seeds if s is not None]

        def along(directions: list[Any]) -> list[Any]:
            return gradients_of_tape(tape, [g for g, _ in pairs], ids, directions)

        if not self._batched:
            return along([t for _, t in pairs])
        count = min((t.shape[0] for _, t in pairs), default=0)
        rows = zip(*(raw.Unpack(value=t, num=count) for _, t in pairs), strict=True)
        columns = zip(*(along(list(row)) for row in rows), strict=True)
        return [None if column[0] is None else raw.Pack(values=list(column)) for column in columns]

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """Returns the derivative along the direction.

        Args:
          primals: tensors computed while the accumulator was active, in any structure.
          unconnected_gradients: what stands for tensors that do not depend on the primals: None
            or zeros.

        Returns:
          Tensors in the structure of `primals`.
        """
        unconnected = UnconnectedGradients(unconnected_gradients)

        def tangent(primal: Any) -> Any:
            tensor = getattr(primal, "handle", primal)
            known = self._tangent_of(tensor)
            if known is None and unconnected is UnconnectedGradients.ZERO:
                return zeros_like(convert_to_tensor(primal))
            return known

        return nest.map_structure(tangent, primals)


def _is_handle(tensor: Any) -> bool:
    """True if a tensor holds neither numbers nor, as far as is known, a list of them."""
    if tensor.dtype is dtypes.variant:
        return _item_type(tensor) not in DIFFERENTIABLE
    return tensor.dtype is dtypes.resource


def _item_type(tensor: Any) -> Any:
    """The dtype of the items of a list; None for another variant."""
    if STATE.graph is None:
        return getattr(tensor._value, "dtype", None)
    handle_data = getattr(tensor, "_handle_data", None)
    return handle_data[0][1] if handle_data else None


def _seed_of(tensor: Any) -> Any:
    """The u of a tensor or list.

    Any u works in theory, but at u = 0 some gradients are not smooth, such as those that take log(u); those of lists are.
    """
    return zeros_like(tensor) if tensor.dtype is dtypes.variant else ones_like(tensor)


def _dense(gradient: Any) -> Any:
    return (
        convert_to_tensor(gradient)
        if isinstance(gradient, IndexedSlices)
        else raw.Identity(input=gradient)
    )
