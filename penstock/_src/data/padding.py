"""Shapes and values of padded batches."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import nest


def padding_shapes(spec: Any, shapes: Any) -> list[Tensor]:
    """The padded shape of each component as an int64 vector; -1 means the largest in a batch.

    Raises:
      ValueError: a shape is missing, or incompatible with the component.
      TypeError: a component cannot be padded.
    """
    components = nest.flatten(spec)
    for component in components:
        if not isinstance(component, TensorSpec):
            raise TypeError(
                "`padded_batch` is only supported for datasets that produce tensor elements but "
                f"type spec of elements in the input dataset is {component}."
            )
    if shapes is None:
        for component in components:
            if component.shape.rank is None:
                raise ValueError(
                    "You must provide `padded_shapes` argument because component "
                    f"{component} has unknown rank."
                )
        given = [component.shape for component in components]
    else:
        given = _like(spec, shapes)
    return [_vector(part, component) for part, component in zip(given, components)]


def _like(spec: Any, shapes: Any) -> list[Any]:
    held = nest.children(spec)
    if held is None:
        return [shapes]
    parts = [shapes[key] for key in sorted(spec)] if isinstance(spec, dict) else list(shapes)
    if len(parts) != len(held):
        raise ValueError(
            f"`padded_shapes` must have the structure of an element. Received {shapes} for {spec}."
        )
    return [leaf for s, part in zip(held, parts) for leaf in _like(s, part)]


def _vector(shape: Any, component: TensorSpec) -> Tensor:
    if isinstance(shape, Tensor) and not isinstance(shape, EagerTensor):
        return convert_to_tensor(shape, dtype=dtypes.int64)
    if isinstance(shape, TensorShape):
        extents = [-1 if extent is None else extent for extent in shape.as_list()]
    else:
        is_one = isinstance(shape, (EagerTensor, np.ndarray, int, np.integer))
        held = np.atleast_1d(shape) if is_one else shape
        extents = [-1 if extent is None else int(extent) for extent in held]
    own = component.shape
    fits = own.rank is None or (
        own.rank == len(extents)
        and all(w < 0 or s is None or s <= w for w, s in zip(extents, own.as_list()))
    )
    if not fits:
        raise ValueError(
            f"The padded shape {tuple(extents)} is not compatible with the shape {own} of the "
            "corresponding input component."
        )
    return convert_to_tensor(np.array(extents, np.int64))


def padding_constants(spec: Any, values: Any) -> list[Tensor]:
    """The padding value of each component.

    Raises:
      TypeError: a value has another dtype than its component.
    """
    components = nest.flatten(spec)
    if values is None:
        given = [None] * len(components)
    elif nest.children(spec) is not None and nest.children(values) is None:
        given = [values] * len(components)
    else:
        given = _like(spec, values)
    made = []
    for value, component in zip(given, components):
        dtype = component.dtype
        if value is None:
            value = b"" if dtype is dtypes.string else np.zeros((), dtype.np)
        tensor = convert_to_tensor(
            value, dtype=None if isinstance(value, (Tensor, np.ndarray)) else dtype
        )
        if tensor.dtype is not dtype:
            raise TypeError(
                f"The padding value type {tensor.dtype!r} does not match the component type "
                f"{dtype!r}."
            )
        if tensor.shape.rank not in (0, None):
            raise ValueError(
                f"The padding value should be a scalar, but its shape is {tensor.shape}."
            )
        made.append(tensor)
    return made


def padded_specs(spec: Any, shapes: list[Tensor], size: int | None) -> Any:
    """The structure of padded stacks of `size` elements."""
    made = []
    for component, shape in zip(nest.flatten(spec), shapes):
        if isinstance(shape, EagerTensor):
            extents = [None if extent < 0 else int(extent) for extent in shape._value]
        else:
            rank = component.shape.rank
            made.append(
                TensorSpec(None if rank is None else [size] + [None] * rank, component.dtype)
            )
            continue
        made.append(TensorSpec([size, *extents], component.dtype))
    return nest.pack_sequence_as(spec, made)
