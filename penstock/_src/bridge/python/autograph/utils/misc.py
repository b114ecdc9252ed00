"""Helpers of converted code: `tensorflow.python.autograph.utils.misc`."""

from __future__ import annotations

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def alias_tensors(*args: Any) -> Any:
    """Returns the arguments, tensors as identities of them."""
    copies = [raw.Identity(input=arg) if isinstance(arg, Tensor) else arg for arg in args]
    if not copies:
        raise ValueError("at least one argument required")
    return copies[0] if len(copies) == 1 else copies


def get_range_len(start: Any, limit: Any, delta: Any) -> Any:
    """Returns the number of items of `range(start, limit, delta)`."""
    start, limit, delta = (convert_to_tensor(value) for value in (start, limit, delta))
    distance = limit - start
    rest = raw.Cast(x=raw.NotEqual(x=distance % delta, y=0 * delta), DstT=distance.dtype)
    return raw.Maximum(x=distance // delta + rest, y=0 * delta)
