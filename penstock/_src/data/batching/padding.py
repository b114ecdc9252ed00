"""Shapes and values of padded batches."""

import contextlib
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.shapes import as_shape
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
        requested = [component.shape for component in components]
    else:
        requested = _like(spec, shapes)
    return [_vector(part, component) for part, component in zip(requested, components)]


def _like(spec: Any, values: Any) -> list[Any]:
    """The parts of `values` at the components of an element.

    Raises:
      TypeError: it has a leaf, or another type of sequence, where an element has a sequence.
      ValueError: lengths or keys differ from those of an element.
    """
    children = nest.children(spec)
    if children is None:
        return [values]
    kinds = type(values).__name__, type(spec).__name__
    parts = None if isinstance(values, list) else nest.children(values)
    if parts is None:  # a list is a leaf, as everywhere in elements
        raise TypeError(
            f"padded_batch: an element has a {kinds[1]} where a leaf is given. Received a {kinds[0]}."
        )
    if not isinstance(values, type(spec)):
        raise TypeError(
            "padded_batch: the two structures don't have the same sequence type. Received "
            f"a {kinds[0]}, an element has a {kinds[1]}."
        )
    if len(parts) != len(children):
        raise ValueError(
            "padded_batch: the two structures don't have the same sequence length. Received "
            f"length {len(parts)}, an element has length {len(children)}."
        )
    if isinstance(spec, dict) and set(spec) != set(values):
        raise ValueError(
            "padded_batch: the two structures don't have the same keys. Received keys "
            f"{sorted(values, key=str)}, an element has keys {sorted(spec, key=str)}."
        )
    return [leaf for s, part in zip(children, parts) for leaf in _like(s, part)]


def shape_tensor(shape: Any) -> Tensor:
    """A shape as an int64 vector, with -1 for unknown extents.

    Raises:
      ValueError: it is not a vector.
      TypeError: its type is another than int64.
    """
    if not isinstance(shape, Tensor) or isinstance(shape, EagerTensor):
        with contextlib.suppress(TypeError, ValueError):  # as a tensor, below
            value = shape._value.tolist() if isinstance(shape, EagerTensor) else shape
            if isinstance(value, (list, tuple)):
                value = [None if extent == -1 else extent for extent in value]
            extents = [-1 if extent is None else extent for extent in as_shape(value).as_list()]
            return convert_to_tensor(np.array(extents, np.int64))
    tensor = convert_to_tensor(shape)
    if tensor.shape.rank not in (1, None):
        raise ValueError(
            f"The given shape {shape} must be a 1-D tensor of `tf.int64` values, but the shape was "
            f"{tensor.shape}."
        )
    if tensor.dtype is not dtypes.int64:
        raise TypeError(
            f"The given shape {shape} must be a 1-D tensor of `tf.int64` values, but the element "
            f"type was {tensor.dtype.name}."
        )
    return tensor


def _vector(shape: Any, component: TensorSpec) -> Tensor:
    tensor = shape_tensor(shape)
    if not isinstance(tensor, EagerTensor):
        return tensor
    extents, own = tensor._value.tolist(), component.shape
    fits = own.rank is None or (
        own.rank == len(extents)
        and all(w < 0 or s is None or s <= w for w, s in zip(extents, own.as_list()))
    )
    if not fits:
        raise ValueError(
            f"The padded shape {tuple(extents)} is not compatible with the shape {own} of the "
            "corresponding input component."
        )
    return tensor


def padding_constants(spec: Any, values: Any) -> list[Tensor]:
    """The padding value of each component.

    Raises:
      TypeError: a value has another dtype than its component.
    """
    components = nest.flatten(spec)
    if values is None:
        requested = [None] * len(components)
    elif nest.children(spec) is not None and nest.children(values) is None:
        requested = [values] * len(components)
    else:
        requested = _like(spec, values)
    constants = []
    for value, component in zip(requested, components):
        dtype = component.dtype
        if value is None:
            value = b"" if dtype is dtypes.string else np.zeros((), dtype.np)
        tensor = convert_to_tensor(value)  # keeps its dtype: an int 0 does not pad floats
        if tensor.dtype is not dtype:
            raise TypeError(
                f"The padding value type {tensor.dtype!r} does not match the component type "
                f"{dtype!r}."
            )
        if tensor.shape.rank not in (0, None):
            raise ValueError(
                f"The padding value should be a scalar, but its shape is {tensor.shape}."
            )
        constants.append(tensor)
    return constants


def padded_specs(spec: Any, shapes: list[Tensor], size: int | None) -> Any:
    """The structure of padded stacks of `size` elements."""
    padded = []
    for component, shape in zip(nest.flatten(spec), shapes):
        if isinstance(shape, EagerTensor):
            extents = [None if extent < 0 else int(extent) for extent in shape._value]
        else:
            rank = component.shape.rank
            padded.append(
                TensorSpec(None if rank is None else [size] + [None] * rank, component.dtype)
            )
            continue
        padded.append(TensorSpec([size, *extents], component.dtype))
    return nest.pack_sequence_as(spec, padded)
