"""Variables as resources: their handles, and static facts about them."""

from typing import Any

from penstock._src.api.array.creation import constant
from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE, init_scope_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import ResourceVariable, Variable, _UnreadVariable
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization

__all__ = ["ResourceVariable", "_UnreadVariable"]
BaseResourceVariable = Variable


def construct_resource_variable(
    variable: ResourceVariable,
    initial_value: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    validate_shape: bool = True,
    caching_device: Any = None,
    name: str | None = None,
    dtype: Any = None,
    variable_def: Any = None,
    import_scope: str | None = None,
    constraint: Any = None,
    handle: Any = None,
    **kwargs: Any,
) -> None:
    """Initializes a variable from the parameters of TensorFlow's internal class."""
    if handle is not None:
        _adopt(variable, handle, trainable, kwargs.get("shape"), dtype)
        return
    variable._collections = collections
    Variable.__init__(
        variable,
        initial_value=initial_value,
        trainable=trainable,
        validate_shape=validate_shape,
        caching_device=caching_device,
        name=name,
        variable_def=variable_def,
        dtype=dtype,
        import_scope=import_scope,
        constraint=constraint,
        **kwargs,
    )


def _adopt(
    variable: ResourceVariable, handle: Any, trainable: bool | None, shape: Any, dtype: Any
) -> None:
    """Gives a variable the value that a handle leads to."""
    known = getattr(handle, "_handle_data", None) or [(None, None)]
    variable._take_modes(
        trainable is None or trainable,
        None,
        VariableSynchronization.AUTO,
        VariableAggregation.NONE,
    )
    variable._shape = as_shape(known[0][0] if shape is None else shape)
    variable._dtype = dtypes.as_dtype(known[0][1] if dtype is None else dtype)
    variable._name = "Variable" if STATE.graph is None else handle.op.name
    variable._handle, variable._initializer = handle, None
    variable._initial_value = variable._graph_element = None
    if STATE.graph is not None:
        variable._graph_element = variable._read()


def var_handle_op(
    dtype: Any,
    shape: Any,
    container: str = "",
    shared_name: str = "",
    debug_name: str = "",
    allowed_devices: Any = (),
    name: str | None = None,
) -> Any:
    """Returns the handle of a variable of this type and shape."""
    handle = raw.VarHandleOp(
        dtype=dtype,
        shape=shape,
        container=container,
        shared_name=shared_name,
        debug_name=debug_name,
        allowed_devices=list(allowed_devices),
        name=name,
    )
    handle._handle_data = [(as_shape(shape), dtypes.as_dtype(dtype))]
    return handle


def variable_shape(handle: Any, out_type: Any = dtypes.int32) -> Any:
    """Returns the shape of a handle's variable: a constant, if it is known."""
    known = getattr(handle, "_handle_data", None)
    if known and known[0][0].is_fully_defined():
        return constant(known[0][0].as_list(), out_type)
    return raw.VariableShape(input=handle, out_type=out_type)


class EagerResourceDeleter:
    """Destroys a resource when it is no longer used itself.

    Args:
      handle: of the resource.
      handle_device: where the resource is.

    Raises:
      ValueError: the handle is not a tensor.
    """

    def __init__(self, handle: Any, handle_device: Any) -> None:
        if not isinstance(handle, Tensor):
            raise ValueError(
                f"Passed handle={handle} to EagerResourceDeleter. Was expecting the handle to be a `tf.Tensor`."
            )
        self._handle, self._handle_device = handle, handle_device

    def __del__(self) -> None:
        handle = self.__dict__.get("_handle")
        if handle is not None and handle.dtype == dtypes.resource:
            with init_scope_graph(None):
                raw.DestroyResourceOp(resource=handle, ignore_lookup_error=True)
