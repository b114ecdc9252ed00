"""The types of elements as text, for consumers that know a dataset by its id only."""

from __future__ import annotations

import json
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec


def as_text(spec: Any) -> str:
    """Returns the text of a structure of TensorSpecs; "" where it has types that texts do not tell."""
    try:
        return json.dumps(_described(spec))
    except TypeError:
        return ""


def _described(spec: Any) -> Any:
    if type(spec) is dict and all(isinstance(key, str) for key in spec):
        return {"dict": [[key, _described(part)] for key, part in spec.items()]}
    if type(spec) in (tuple, list):
        return {type(spec).__name__: [_described(part) for part in spec]}
    if type(spec) is TensorSpec:
        shape = None if spec.shape.rank is None else spec.shape.as_list()
        return {"tensor": [spec.dtype.name, shape, spec.name]}
    raise TypeError(type(spec).__name__)


def from_text(text: str) -> Any:
    """Returns the structure of TensorSpecs that a text describes.

    Raises:
      InvalidArgumentError: it describes none.
    """
    try:
        return _structure(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidArgumentError(f"tf.data service: no element_spec: {text[:200]!r}") from error


def _structure(held: Any) -> Any:
    ((kind, parts),) = held.items()
    if kind == "dict":
        return {str(key): _structure(part) for key, part in parts}
    if kind in ("tuple", "list"):
        made = [_structure(part) for part in parts]
        return tuple(made) if kind == "tuple" else made
    dtype, shape, name = parts
    if kind != "tensor":
        raise ValueError(kind)
    return TensorSpec(TensorShape(shape), dtypes.as_dtype(dtype), name)
