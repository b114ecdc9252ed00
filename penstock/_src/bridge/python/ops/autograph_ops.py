"""`tensorflow.python.ops.autograph_ops`: calls of Python functions that a graph makes when it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock._src.api.python_function import py_function
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor


def wrap_py_func(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any] | None = None
) -> Any:
    """Calls a function with the values that its tensors have when the graph runs.

    Args:
      f: the function; its result is discarded.
      args: its arguments; what is not a tensor is passed as it is.
      kwargs: arguments by name.

    Returns:
      The int32 tensor 1, which is there once the function has run.
    """
    arguments = dict(kwargs or {})
    positions = [i for i, value in enumerate(args) if isinstance(value, Tensor)]
    names = [name for name, value in arguments.items() if isinstance(value, Tensor)]
    tensors = [args[i] for i in positions] + [arguments[name] for name in names]

    def call(*values: Any) -> Any:
        by_position = dict(zip(positions, values, strict=False))
        by_name = dict(zip(names, values[len(positions) :], strict=True))
        f(*(by_position.get(i, value) for i, value in enumerate(args)), **{**arguments, **by_name})
        return convert_to_tensor(1, dtypes.int32)

    return py_function(call, tensors, dtypes.int32)
