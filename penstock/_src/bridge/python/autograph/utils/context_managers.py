"""Contexts of converted code: `tensorflow.python.autograph.utils.context_managers`."""

from __future__ import annotations

import contextlib
from typing import Any

from penstock._src.api.control import scopes
from penstock._src.api.control.tensor_array import TensorArray


def control_dependency_on_returns(return_value: Any) -> Any:
    """Returns a context whose operations run after what a function returned."""
    if return_value is None:
        return contextlib.nullcontext()
    values = return_value if isinstance(return_value, list | tuple) else (return_value,)
    return scopes.control_dependencies(
        [value.flow if isinstance(value, TensorArray) else value for value in values]
    )
