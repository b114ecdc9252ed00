"""Handles of variables."""

from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values import resources


def make_handle(shape: TensorShape, dtype: DType, name: str, is_anonymous: bool = False) -> Any:
    """Returns the handle of a new variable, in the current context; unless anonymous, graphs find it by its name."""
    shared = resources.ANONYMOUS if is_anonymous or STATE.graph is None else name
    # With a final slash the name is used unchanged: no scope, no unique suffix.
    exact = name if STATE.graph is None else name + "/"
    if STATE.graph is None:
        handle = raw.VarHandleOp(shape=shape, dtype=dtype, shared_name=shared, name=exact)
        handle._value.name = name
    else:
        handle = raw.VarHandleOp(
            shape=shape, dtype=dtype, shared_name=shared, debug_name=exact, name=exact
        )
    handle._handle_data = [(shape, dtype)]
    return handle
