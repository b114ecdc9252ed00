"""`tensorflow.python.framework.subscribe`: side effects that run whenever a tensor of a graph is computed."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from penstock._src.core.registry import raw
from penstock._src.eager.variable import Variable
from penstock._src.graph.operation import Operation, SymbolicTensor

SideEffect = Callable[[Any], Iterable[Any]]
_IDENTITY = re.compile(r"(?P<source>.+?)/subscription/Identity")


def subscribe(tensors: Any, side_effects: SideEffect | Iterable[SideEffect]) -> Any:
    """Has `side_effects` run whenever the value of one of `tensors` is used.

    What read a tensor so far, or depended on its operation, now reads an identity of it, which runs after the side effects.

    Args:
      tensors: a tensor or variable, or lists, tuples and dicts of such.
      side_effects: a function or several: each is called with a tensor and returns what has to run, a list of operations or
        tensors.

    Returns:
      The identities, in the structure of `tensors`. A tensor that cannot be a NumPy array is returned as it is.

    Raises:
      TypeError: something else is among `tensors`.

    >>> from penstock._src.bridge.python.framework.subscribe import subscribe
    >>> with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    ...     x = subscribe(tf.constant(2), lambda t: [tf.print("seen", t, output_stream="file:///dev/null")])
    ...     int(session.run(x + 1))
    3
    """
    effects = [side_effects] if callable(side_effects) else list(side_effects)
    return _apply(tensors, effects, {})


def _apply(tensors: Any, effects: list[SideEffect], later: dict[str, list[Operation]]) -> Any:
    """Subscribes all tensors of a structure; `later` keeps which operations depended on each operation by its name."""
    if isinstance(tensors, Variable):
        tensors = tensors.value()
    if isinstance(tensors, SymbolicTensor):
        return _subscribe(tensors, effects, later)
    if type(tensors) is dict:
        return {key: _apply(value, effects, later) for key, value in tensors.items()}
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"{tensors!r} has invalid type {type(tensors)}: it is not a tensor to subscribe."
        )
    parts = [_apply(value, effects, later) for value in tensors]
    return type(tensors)(*parts) if hasattr(tensors, "_fields") else type(tensors)(parts)


def _subscribe(
    tensor: SymbolicTensor, effects: list[SideEffect], later: dict[str, list[Operation]]
) -> SymbolicTensor:
    if not tensor.dtype.is_numpy_compatible:
        return tensor
    identity = tensor if _is_subscribed_identity(tensor) else _identity_of(tensor)
    source, graph = tensor if identity is None else identity.op.inputs[0], tensor.graph
    # Side effects read the tensor as well, and must not be among its readers.
    readers = source.consumers()
    if source.op.name not in later:
        later[source.op.name] = source.op._control_outputs
    with graph.device(source.device or None), graph.name_scope(f"{source.op.name}/subscription/"):
        triggered = [graph._control(part) for effect in effects for part in effect(source)]
        if identity is not None:
            identity.op._add_control_inputs(triggered)
            return identity
        with graph.control_dependencies(triggered):
            probe: SymbolicTensor = raw.Identity(source)
    _redirect(source, probe, readers, later[source.op.name])
    return probe


def _redirect(
    source: SymbolicTensor,
    identity: SymbolicTensor,
    readers: list[Operation],
    later: list[Operation],
) -> None:
    """Lets `readers` read `identity`, and `later` operations depend on it."""
    for op in readers:
        for index, tensor in enumerate(op.inputs):
            if tensor is source:
                op._update_input(index, identity)
    for op in later:
        kept = [other for other in op.control_inputs if other is not source.op]
        op._remove_all_control_inputs()
        op._add_control_inputs([*kept, identity.op])


def _identity_of(tensor: SymbolicTensor) -> SymbolicTensor | None:
    """The identity through which `tensor` is subscribed already, or None."""
    outputs = (output for op in tensor.consumers() for output in op.outputs)
    return next((output for output in outputs if _is_subscribed_identity(output)), None)


def _is_subscribed_identity(tensor: SymbolicTensor) -> bool:
    """True if `tensor` is a result of `subscribe`."""
    if tensor.op.type != "Identity":
        return False
    match = _IDENTITY.match(tensor.op.name)
    return match is not None and match["source"] == tensor.op.inputs[0].op.name
