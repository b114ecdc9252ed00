"""Variables as resources: their handles, and what is known of them."""

from typing import Any

from penstock._src.api.array.creation import constant
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.eager.variable import Variable

BaseResourceVariable = ResourceVariable = Variable


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
    """Returns the shape of the variable behind a handle: a constant, if it is known."""
    known = getattr(handle, "_handle_data", None)
    if known and known[0][0].is_fully_defined():
        return constant(known[0][0].as_list(), out_type)
    return raw.VariableShape(input=handle, out_type=out_type)
