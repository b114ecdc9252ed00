"""Variables in SavedModels: their message, and their copy in the graph for servers."""

from enum import Enum
from typing import Any, NamedTuple

from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import UNIQUE, ResourceVariable, Variable
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization
from penstock._src.graph.serialize.attributes import shape_to_proto
from penstock._src.saving.saved_model.context import get_save_options


class HandleInGraph(NamedTuple):
    """Properties of an eager variable's handle, for a variable of a graph."""

    name: str
    dtype: DType
    shape: TensorShape


def handle_of(variable: Any) -> Any:
    """The handle of a variable: its name, dtype and shape."""
    handle = variable.handle
    if isinstance(handle, EagerTensor):
        return handle._value
    return HandleInGraph(variable._shared_name, variable.dtype, variable.shape)


def fill_variable(message: Any, variable: Any) -> None:
    """Describes a variable, or an object that wraps one, in a SavedVariable."""
    handle = handle_of(variable)
    message.dtype = handle.dtype.as_datatype_enum
    message.shape.CopyFrom(shape_to_proto(handle.shape))
    message.trainable = bool(getattr(variable, "trainable", True))
    auto, none = VariableSynchronization.AUTO, VariableAggregation.NONE
    message.synchronization = _policy(variable, "synchronization", auto)
    message.aggregation = _policy(variable, "aggregation", none)
    message.name = handle.name
    if get_save_options().experimental_variable_policy._save_variable_devices():
        message.device = getattr(variable, "device", None) or ""


def _policy(variable: Any, attribute: str, default: Enum) -> int:
    """A variable's policy under a strategy as the format's number; Keras's variables have its name."""
    policy = getattr(variable, attribute, default)
    return (type(default)[policy.upper()] if isinstance(policy, str) else policy).value


def write_object_proto(self: Variable, proto: Any, options: Any) -> None:
    """Describes the variable in a SavedObject."""
    del options
    fill_variable(proto.variable, self)


def export_to_saved_model_graph(
    self: Variable, object_map: Any, tensor_map: Any, options: Any = None
) -> list[Any]:
    """Puts a copy without a value into the current graph; returns the replaced handles."""
    del options
    copy = object.__new__(ResourceVariable)
    for field, value in vars(self).items():
        setattr(copy, field, value)
    name = handle_of(self).name
    copy._handle = raw.VarHandleOp(dtype=self.dtype, shape=self.shape, shared_name=name, name=name)
    copy._unique, copy._in_graph_mode = next(UNIQUE), True
    copy._graph_element = copy._cached_value = None
    object_map[self], tensor_map[self.handle._id] = copy, copy._handle
    return [self.handle]
