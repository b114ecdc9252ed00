"""Differentiable graph functions, which run eagerly or become call nodes."""

import functools
from collections.abc import Sequence
from typing import Any

from penstock._src.autodiff.tape import DIFFERENTIABLE, record_function
from penstock._src.core.calls import op_callbacks
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import NEXT_ID
from penstock._src.core.values import kernel_state
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.native.builtins import OFTEN
from penstock._src.util import slots
from penstock._src.util.lazy import ByName

# Imported by name: functions that are only run have no gradients, and no function calls them.
_BACKWARD_OF = ByName("penstock._src.autodiff.control_flow", "backward_of")
_CALL_FUNCTION = ByName("penstock._src.autodiff.control_flow", "call_function")
_DENSE = ByName("penstock._src.autodiff.control_flow", "dense")
_DIFFERENTIATED = ByName("penstock._src.autodiff.control_flow", "differentiated")


class DifferentiableFunction:
    """A GraphFunction over tensors: `function(tensors) -> tensors`.

    Under a tape a call runs a forward function that also returns the intermediate values for the backward function. Both
    are made on first use for each set of watched inputs.
    """

    def __init__(self, function: GraphFunction) -> None:
        self.function = function
        self.types = function.output_types
        self._run: Any = None  # the runner, and the graph's states, set on the first call
        self._states: Any = None
        self._calls = 0
        self._native: Any = None  # the builtins that read and make tensors
        # (watched inputs, number of tapes) -> function with intermediate values as additional outputs
        self._forward: dict[tuple[tuple[int, ...], int], GraphFunction] = {}
        self._backward: dict[int, DifferentiableFunction] = {}
        self._of_outputs: dict[tuple[int, ...], DifferentiableFunction] = {}

    def __call__(self, tensors: Sequence[Any]) -> list[Any]:
        """Returns the outputs for these inputs."""
        if STATE.graph is not None:
            return list(_CALL_FUNCTION(self.function, tensors))
        if STATE.tapes or STATE.accumulators:
            watched = self._watched(tensors)
            if STATE.op_callbacks:
                return self._shown(tensors, watched)
            if watched:
                return self._recorded(tensors, watched)
        if slots.RUN_FUNCTION is not None:
            return _computed(self.function, tensors)
        return self.computed(list(tensors))

    def computed(self, tensors: list[Any]) -> list[Any]:
        """Runs the function on eager tensors while this thread has neither graph nor tape, and nothing takes the place of runs."""
        if self._native is None:
            return self._first_computed(tensors)
        values_of, tensors_of = self._native
        try:
            values = values_of(tensors)
        except AttributeError:
            raise _not_available(tensors) from None
        if self._states.epoch != kernel_state.EPOCH:
            kernel_state.renew(self._states)
        results: list[Any] = tensors_of(self._run(values), self.types)
        return results

    def _first_computed(self, tensors: list[Any]) -> list[Any]:
        """As `computed`, without builtins."""
        values = _values(tensors)
        if self._run is None:
            self._run = self.function.executable.run
            self._states = self.function.graph.kernel_states
        if self._states.epoch != kernel_state.EPOCH:
            kernel_state.renew(self._states)
        results = self._run(values)
        self._calls += 1
        if self._calls >= OFTEN:
            self._native = _builtins()
        return list(map(EagerTensor, results, self.types))

    def _shown(self, tensors: Sequence[Any], watched: tuple[int, ...]) -> list[Any]:
        """Runs the function and shows the call to the callbacks of this thread, as an op with the function's name."""
        if watched:
            outputs = self._recorded(tensors, watched)
        else:
            outputs = _computed(self.function, tensors)
        op_callbacks.show(self.function.name, tensors, {}, outputs)
        return outputs

    def _watched(self, tensors: Sequence[Any]) -> tuple[int, ...]:
        indices: set[int] = set()
        for tape in STATE.tapes:
            watched = tape.watched
            indices.update(i for i, t in enumerate(tensors) if t._id in watched)
        for accumulator in STATE.accumulators:
            tangents = getattr(accumulator, "_tangents", ())
            indices.update(i for i, t in enumerate(tensors) if t._id in tangents)
        return tuple(sorted(i for i in indices if tensors[i].dtype in DIFFERENTIABLE))

    def _recorded(self, tensors: Sequence[Any], watched: tuple[int, ...]) -> list[Any]:
        orders = len(STATE.tapes) + len(STATE.accumulators)
        key = (watched, orders)
        forward = self._forward.get(key)
        if forward is None:
            forward = self._forward[key] = self._with_intermediates(watched, orders)
        outputs = _computed(forward, tensors)
        inputs = list(tensors)

        def backward(*gradients: Any) -> list[Any]:
            return self._run_backward(forward, watched, inputs, outputs, gradients)

        record_function(self.function.name, inputs, outputs, backward, needs_zeros=False)
        return outputs[: len(self.types)]

    def _with_intermediates(self, watched: tuple[int, ...], orders: int) -> GraphFunction:
        """Returns the function with the intermediate values for gradients up to order `orders` as additional outputs."""
        forward = _DIFFERENTIATED(self.function)
        for _ in range(orders):
            active = _differentiable(forward)
            backward = _BACKWARD_OF(forward, active, watched)
            missing = _missing(forward, backward.graph.external_captures)
            if not missing:
                break
            forward = forward.with_outputs([*forward.outputs, *missing])
        return forward

    def gradient_functions(self) -> tuple[GraphFunction, GraphFunction]:
        """Returns the function with all that its gradient reads as additional outputs, and the gradient function."""
        inputs = self.function.inputs
        watched = tuple(i for i, t in enumerate(inputs) if t.dtype in DIFFERENTIABLE)
        forward = self._with_intermediates(watched, 1)
        if forward is self.function:  # the gradient reads arguments and results only
            forward = forward.with_outputs(forward.outputs)
        active = _differentiable(self.function)
        return forward, GraphFunction(_BACKWARD_OF(forward, active, watched).graph)

    def _run_backward(
        self,
        forward: GraphFunction,
        watched: tuple[int, ...],
        inputs: list[Any],
        outputs: list[Any],
        gradients: Sequence[Any],
    ) -> list[Any]:
        present = [i for i, g in enumerate(gradients) if g is not None]
        active = tuple(i for i in present if forward.outputs[i].dtype in DIFFERENTIABLE)
        result: list[Any] = [None] * len(inputs)
        if not active:
            return result
        backward = _BACKWARD_OF(forward, active, watched)
        captures = backward.graph.external_captures
        table = {t._id: value for t, value in zip(forward.inputs, inputs, strict=True)}
        table.update((t._id, value) for t, value in zip(forward.outputs, outputs, strict=True))
        missing = _missing(forward, captures)
        if missing:
            again = self._computing(forward, missing)(inputs)
            table.update((t._id, value) for t, value in zip(missing, again, strict=True))
        function = self._backward.get(id(backward))
        if function is None:
            function = self._backward[id(backward)] = DifferentiableFunction(
                GraphFunction(backward.graph)
            )
        arguments = [_DENSE(gradients[i]) for i in active]
        arguments += [table.get(t._id, t) for t in captures]
        packed = backward.pack(function(arguments))
        for position, gradient in zip(watched, packed, strict=True):
            result[position] = gradient
        return result

    def _computing(
        self, forward: GraphFunction, missing: list[SymbolicTensor]
    ) -> "DifferentiableFunction":
        key = tuple(t._id for t in missing)
        if key not in self._of_outputs:
            self._of_outputs[key] = DifferentiableFunction(forward.with_outputs(missing))
        return self._of_outputs[key]


@functools.cache
def _builtins() -> tuple[Any, Any]:
    """The values of a list of eager tensors, and a list of tensors from their values and dtypes."""
    # Imported here: for functions that are called often.
    from penstock._src.native.process.object_lists import maker_of, reader_of

    return reader_of("_value"), maker_of(EagerTensor, "_value", "_dtype", "_id", NEXT_ID)


def _differentiable(function: GraphFunction) -> tuple[int, ...]:
    return tuple(i for i, t in enumerate(function.outputs) if t.dtype in DIFFERENTIABLE)


def _missing(forward: GraphFunction, captures: Sequence[Any]) -> list[SymbolicTensor]:
    """Returns the tensors of the forward graph that are neither inputs nor outputs of the function."""
    known = {t._id for t in (*forward.inputs, *forward.outputs)}
    return [
        t
        for t in captures
        if isinstance(t, SymbolicTensor) and t.graph is forward.graph and t._id not in known
    ]


def _computed(function: GraphFunction, tensors: Sequence[Any]) -> list[Any]:
    """Runs a function on eager tensors, which may be DTensors or on a device."""
    kernel_state.renew(function.graph.kernel_states)
    if slots.RUN_FUNCTION is not None:
        results = slots.RUN_FUNCTION(function, tensors)
        if results is not None:
            return results
    return list(map(EagerTensor, function.executable(_values(tensors)), function.output_types))


def _values(tensors: Sequence[Any]) -> list[Any]:
    """Returns the values of eager tensors; a captured tensor of another function has none."""
    try:
        return [t._value for t in tensors]
    except AttributeError:
        raise _not_available(tensors) from None


def _not_available(tensors: Sequence[Any]) -> TypeError:
    culprit = next(t for t in tensors if not hasattr(t, "_value"))
    where = culprit.op.location
    return TypeError(
        f"{culprit!r} is out of scope and cannot be used here. Use return values, explicit Python "
        "locals or TensorFlow collections to access it.\nPlease see https://www.tensorflow.org/guide/"
        "function#all_outputs_of_a_tffunction_must_be_return_values for more information."
        + (f"\n{culprit!r} was defined here:\n    {where}" if where else "")
    )
