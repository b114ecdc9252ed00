"""The types of elements, and elements as flat lists of tensors."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.control.tensor_array import TensorArray, TensorArraySpec
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorSpec
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.shapes import dimension_value
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import structure
from penstock._src.data.structure import NoneTensorSpec

from . import nest

__all__ = ["NoneTensorSpec"]
get_flat_tensor_specs = structure.flat_specs
get_flat_tensor_shapes = structure.flat_shapes
get_flat_tensor_types = structure.flat_types
normalize_element = structure.normalize


class NoneTensor(CompositeTensor):
    """None as a value that has a type."""

    @property
    def _type_spec(self) -> NoneTensorSpec:
        return NoneTensorSpec()


def type_spec_from_value(element: Any, use_fallback: bool = True) -> Any:
    """Returns the structure of TypeSpecs of an element.

    Raises:
      TypeError: a leaf has no type.
    """

    def leaf_spec(leaf: Any) -> Any:
        try:
            return structure.leaf_spec(leaf)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"Could not build a `TypeSpec` for {leaf} with type {type(leaf).__name__}"
            ) from error

    if not use_fallback:
        return structure.map_leaves(leaf_spec, element)
    return structure.map_leaves(lambda leaf: leaf_spec(_as_typed(leaf)), element)


def _as_typed(leaf: Any) -> Any:
    try:
        return structure.as_value(leaf)
    except (TypeError, ValueError):
        return leaf  # leaf_spec raises the error


def convert_legacy_structure(output_types: Any, output_shapes: Any, output_classes: Any) -> Any:
    """Returns the structure of TypeSpecs for dtypes, shapes and classes.

    Raises:
      TypeError: a class has no type.
    """
    specs = []
    parts = (nest.flatten(part) for part in (output_types, output_shapes, output_classes))
    for dtype, shape, kind in zip(*parts, strict=True):
        if isinstance(kind, TypeSpec):
            specs.append(kind)
        elif issubclass(kind, SparseTensor):
            specs.append(SparseTensorSpec(shape, dtype))
        elif issubclass(kind, Tensor):
            specs.append(TensorSpec(shape, dtype))
        elif issubclass(kind, TensorArray):
            flags = [dimension_value(part) for part in shape[:2]]
            specs.append(TensorArraySpec(shape[2:], dtype, *map(bool, flags)))
        else:
            raise TypeError(
                f"Could not build a structure for output class {kind.__name__}. Make sure any "
                "component class in `output_classes` inherits from one of the following classes: "
                "`tf.TypeSpec`, `tf.sparse.SparseTensor`, `tf.Tensor`, `tf.TensorArray`."
            )
    return nest.pack_sequence_as(output_classes, specs)


def from_tensor_list(element_spec: Any, tensor_list: Sequence[Any]) -> Any:
    """Returns the element of a list of tensors.

    Raises:
      ValueError: their number, types or shapes are others than those of the structure.
    """
    wanted = _counted(element_spec, tensor_list)
    for spec, tensor in zip(wanted, tensor_list, strict=True):
        if not spec.is_compatible_with(tensor):
            raise ValueError(f"Tensor list has {tensor}, which is incompatible with {spec}.")
    return structure.from_tensors(element_spec, tensor_list)


def from_compatible_tensor_list(element_spec: Any, tensor_list: Sequence[Any]) -> Any:
    """Returns the element of a list of tensors that is known to fit.

    Raises:
      ValueError: their number is another.
    """
    _counted(element_spec, tensor_list)
    return structure.from_tensors(element_spec, tensor_list)


def _counted(element_spec: Any, tensor_list: Sequence[Any]) -> list[Any]:
    wanted = structure.flat_specs(element_spec)
    if len(wanted) != len(tensor_list):
        raise ValueError(f"Expected {len(wanted)} tensors but got {len(tensor_list)}.")
    return wanted


def to_tensor_list(element_spec: Any, element: Any) -> list[Any]:
    """Returns the flat tensors of an element.

    Raises:
      ValueError: it does not fit.
      TypeError: it nests in other types of sequences.
    """
    return _to_list(structure.to_tensors, element_spec, element)


def to_batched_tensor_list(element_spec: Any, element: Any) -> list[Any]:
    """Returns the flat tensors of a batch, whose rows are elements.

    Raises:
      ValueError: it does not fit, or a part is a scalar.
      TypeError: it nests in other types of sequences.
    """
    tensors = _to_list(structure.to_batched_tensors, element_spec, element)
    if any(tensor.shape.rank == 0 for tensor in tensors):
        raise ValueError("Unbatching a tensor is only supported for rank >= 1")
    return tensors


def _to_list(encode: Callable[[Any, Any], list[Any]], element_spec: Any, element: Any) -> list[Any]:
    nest.assert_same_structure(element_spec, element)
    tensors = []
    for spec, value in zip(nest.flatten(element_spec), nest.flatten(element), strict=True):
        if isinstance(spec, TensorSpec):
            value = _fitting(spec, value)
        elif not spec.is_compatible_with(value):
            raise ValueError(f"Value {value} is not convertible to a value of type {spec}.")
        tensors += encode(spec, value)
    return tensors


def _fitting(spec: TensorSpec, value: Any) -> Any:
    problem = (
        f"Value {value} is not convertible to a tensor with dtype {spec.dtype} and shape "
        f"{spec.shape}."
    )
    try:
        tensor = convert_to_tensor(value, spec.dtype)
    except (TypeError, ValueError):
        raise ValueError(problem) from None
    if not tensor.shape.is_compatible_with(spec.shape):
        raise ValueError(problem)
    return tensor


def are_compatible(spec1: Any, spec2: Any) -> bool:
    """True if two structures nest in the same way and have compatible types."""
    try:
        nest.assert_same_structure(spec1, spec2)
    except (TypeError, ValueError):
        return False
    pairs = zip(nest.flatten(spec1), nest.flatten(spec2), strict=True)
    return all(a.is_compatible_with(b) and b.is_compatible_with(a) for a, b in pairs)
