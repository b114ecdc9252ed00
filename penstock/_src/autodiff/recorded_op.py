"""Argument of user-registered gradient functions, `f(op, *gradients)`, for an op recorded by a tape."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from penstock._src.core.op import Op, flatten_arguments
from penstock._src.util.slots import above


class RecordedOp:
    """An op and the tensors that a tape kept for it, with the interface of a graph operation.

    Args:
      op: the op.
      kept: its inputs and then its outputs, lists for list arguments; None for tensors that no gradient reads.
    """

    annotations: Mapping[str, Any] = MappingProxyType({})
    colocation: tuple[bytes, ...] = ()

    def __init__(self, op: Op, kept: Sequence[Any]) -> None:
        self.raw_op, self.type, self.name = op, op.op_type, op.op_type
        count = len(op.inputs)
        self.inputs = list(flatten_arguments(kept[:count]))
        self.outputs = list(flatten_arguments(kept[count:]))

    def get_attr(self, name: str) -> Any:
        """Returns an attribute as an operation of a graph does.

        Raises:
          ValueError: nothing has this name.
        """
        return above("attribute_of")(self, name)


def gradients_by(function: Callable[..., Any], op: Any, gradients: Sequence[Any]) -> Sequence[Any]:
    """Returns the result of a user-registered gradient function for an op: one gradient or None for each input."""
    result = function(op, *gradients)
    return list(result) if isinstance(result, list | tuple) else [result]
