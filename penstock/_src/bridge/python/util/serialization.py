"""Objects of configurations as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import Dimension, TensorShape


def get_json_type(obj: Any) -> Any:
    """Returns what stands for an object in JSON; for `json.dumps(default=get_json_type)`.

    Raises:
      TypeError: there is nothing.
    """
    if hasattr(obj, "get_config"):
        return {"class_name": type(obj).__name__, "config": obj.get_config()}
    if isinstance(obj, (np.ndarray, np.generic)):
        return obj.tolist()
    if isinstance(obj, DType):
        return obj.name
    if isinstance(obj, TensorShape):
        return obj.as_list()
    if isinstance(obj, Dimension):
        return obj.value
    if callable(obj) or isinstance(obj, type):
        return obj.__name__
    if isinstance(obj, Mapping):
        return dict(obj)
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__"}
    if hasattr(obj, "__wrapped__"):
        return obj.__wrapped__
    raise TypeError(
        f"Object {obj} is not JSON-serializable. You may implement a `get_config()` method on the "
        "class (returning a JSON-serializable dictionary) to make it serializable."
    )
