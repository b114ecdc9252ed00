"""TensorFlow 1's reference variables as tensors."""

from typing import Any

from penstock._src.core.registry import raw
from penstock._src.v1.variables.collections import is_variable_initialized


def variable_op(
    shape: Any,
    dtype: Any,
    name: str = "Variable",
    set_shape: bool = True,
    container: str = "",
    shared_name: str = "",
) -> Any:
    """Returns the reference to a new variable; without `set_shape`, of unknown shape."""
    shape = shape if set_shape else None
    return variable_op_v2(shape, dtype, name, container, shared_name)


def variable_op_v2(
    shape: Any, dtype: Any, name: str = "Variable", container: str = "", shared_name: str = ""
) -> Any:
    """Returns the reference to a new variable."""
    return raw.VariableV2(
        shape=shape, dtype=dtype, name=name, container=container, shared_name=shared_name
    )


def init_variable(v: Any, init: Any, name: str = "init") -> Any:
    """Returns the operation that assigns an initial value, or a function's result for the shape and type."""
    value = init(v.shape, v.dtype.base_dtype) if callable(init) else init
    return raw.Assign(ref=v, value=value, name=name)
