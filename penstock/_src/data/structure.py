"""Elements of datasets: nested values, their types, and flat lists of tensors.

Unlike in `tf.nest`, a list is not a structure: it is converted to one tensor.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import (
    BatchableTypeSpec,
    TensorSpec,
    TypeSpec,
    type_spec_from_value,
)
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.arrays import dtype_of_arrays
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import nest
from penstock._src.util.export import export

VARIANT = TensorSpec([], dtypes.variant)


@export("NoneTensorSpec", "__internal__.NoneTensorSpec", v1=[])
@spec_names.register("tf.NoneTensorSpec")
class NoneTensorSpec(TypeSpec):
    """The type of None in an element."""

    @property
    def value_type(self) -> type:
        """The class of the values."""
        return type(None)

    @staticmethod
    def from_value(value: Any) -> "NoneTensorSpec":
        """Returns the type of None.

        Args:
          value: None.

        Returns:
          A NoneTensorSpec.
        """
        return NoneTensorSpec()

    def most_specific_compatible_shape(self, other: TypeSpec) -> "NoneTensorSpec":
        """Returns the common supertype of this and `other`.

        Args:
          other: a NoneTensorSpec.

        Returns:
          A NoneTensorSpec.

        Raises:
          ValueError: `other` has another type.
        """
        if type(self) is not type(other):
            raise ValueError(f"No `TypeSpec` is compatible with both {self} and {other}")
        return self

    def _serialize(self) -> tuple[Any, ...]:
        return ()

    @property
    def _component_specs(self) -> list[Any]:
        return []

    def _to_components(self, value: Any) -> list[Any]:
        return []

    def _from_components(self, components: Any) -> None:
        return None


def children(value: Any) -> Sequence[Any] | None:
    """The parts of a structure in order, or None for a leaf; lists and `SparseTensorValue`s are leaves."""
    if isinstance(value, list) or type(value).__name__ == "SparseTensorValue":
        return None
    return nest.children(value)


def map_leaves(function: Callable[[Any], Any], value: Any) -> Any:
    """Applies `function` to the leaves; a list is a leaf."""
    parts = children(value)
    if parts is None:
        return function(value)
    return nest.rebuild(value, [map_leaves(function, part) for part in parts])


def leaves(value: Any) -> list[Any]:
    """The leaves in order; a list is a leaf."""
    parts = children(value)
    if parts is None:
        return [value]
    return [leaf for part in parts for leaf in leaves(part)]


def normalize(element: Any, spec: Any = None) -> Any:
    """The element with every leaf as a tensor, composite tensor, dataset or None.

    Args:
      element: nested values.
      spec: the required structure of types, or None.
    """
    if spec is None:
        return map_leaves(as_value, element)
    values, specs = flatten_like(spec, element), nest.flatten(spec)
    converted = []
    for value, type_ in zip(values, specs):
        converted.append(
            convert_to_tensor(value, dtype=type_.dtype)
            if isinstance(type_, TensorSpec)
            else as_value(value)
        )
    return nest.pack_sequence_as(spec, converted)


def flatten_like(spec: Any, element: Any) -> list[Any]:
    """The parts of an element at the leaves of its structure.

    Raises:
      TypeError: it has another structure.
    """
    parts_of_spec = nest.children(spec)
    if parts_of_spec is None:
        return [element]
    parts = nest.children(element) if not isinstance(element, list) else tuple(element)
    if parts is None or len(parts) != len(parts_of_spec):
        raise TypeError(f"The element {element!r} does not have the structure {spec!r}.")
    return [leaf for s, part in zip(parts_of_spec, parts) for leaf in flatten_like(s, part)]


def as_value(leaf: Any) -> Any:
    """A leaf as a tensor, composite tensor, dataset or None; a list of datasets of one type as a tensor of datasets."""
    if leaf is None or isinstance(leaf, (Tensor, CompositeTensor)) or hasattr(leaf, "_type_spec"):
        if getattr(leaf, "_is_variable", False) or hasattr(
            leaf, "_should_act_as_resource_variable"
        ):
            return convert_to_tensor(leaf)
        return leaf
    if type(leaf).__name__ in ("SparseTensorValue", "RaggedTensorValue"):
        return _from_value(leaf)
    if isinstance(leaf, list) and leaf and hasattr(leaf[0], "_variant_tensor"):
        spec: Any = getattr(leaf[0], "_type_spec", None)
        if hasattr(spec, "_batch") and all(getattr(d, "_type_spec", None) == spec for d in leaf):
            variants = raw.Pack(values=[dataset._variant_tensor for dataset in leaf])
            return spec._batch(len(leaf))._from_components(variants)
    sparse = _from_scipy(leaf)
    return convert_to_tensor(leaf, dtype=dtype_of_arrays(leaf)) if sparse is None else sparse


def _from_value(leaf: Any) -> Any:
    from penstock._src.api.ragged.ragged_tensor import RaggedTensor  # values are rare
    from penstock._src.api.sparse.sparse_tensor import SparseTensor

    if type(leaf).__name__ == "SparseTensorValue":
        return SparseTensor(*leaf)
    return RaggedTensor.from_nested_row_splits(leaf.flat_values, leaf.nested_row_splits)


def _from_scipy(leaf: Any) -> Any:
    if type(leaf).__module__.partition(".")[0] != "scipy" or not hasattr(leaf, "tocoo"):
        return None
    from penstock._src.api.sparse.sparse_tensor import SparseTensor  # scipy matrices are rare

    matrix = leaf.tocoo()
    indices = np.stack([matrix.row, matrix.col], axis=1).astype(np.int64)
    return SparseTensor(indices, matrix.data, matrix.shape)


def spec_of(value: Any) -> Any:
    """The structure of TypeSpecs of a normalized element.

    Raises:
      TypeError: a leaf has no type.
    """
    return map_leaves(leaf_spec, value)


def leaf_spec(value: Any) -> TypeSpec:
    """The TypeSpec of a normalized leaf."""
    if value is None:
        return NoneTensorSpec()
    if isinstance(value, TypeSpec):
        return value
    return type_spec_from_value(value)


def is_dense(spec: TypeSpec) -> bool:
    """True if values of the type are plain tensors."""
    return isinstance(spec, TensorSpec)


def _is_ragged(spec: TypeSpec) -> bool:
    return hasattr(spec, "ragged_rank") and hasattr(spec, "row_splits_dtype")


def _is_sparse(spec: TypeSpec) -> bool:
    return type(spec).__name__ == "SparseTensorSpec"


def _is_encoded(spec: Any) -> bool:
    """True if values of the type are batched in an encoded form made by their encoder."""
    return getattr(spec, "__batch_encoder__", None) is not None


def flat_specs(spec: Any) -> list[TensorSpec]:
    """The specs of the flat tensors of an element."""
    return [part for leaf in nest.flatten(spec) for part in _leaf_flat_specs(leaf)]


def _leaf_flat_specs(spec: Any) -> list[TensorSpec]:
    if isinstance(spec, TensorSpec):
        return [spec]
    if _is_ragged(spec) or _is_sparse(spec):
        return [TensorSpec(None, dtypes.variant)]
    if _is_encoded(spec):
        return flat_specs(spec.__batch_encoder__.encoding_specs(spec))
    return spec._flat_tensor_specs


def flat_types(spec: Any) -> list[dtypes.DType]:
    """The dtypes of the flat tensors of an element."""
    return [part.dtype for part in flat_specs(spec)]


def flat_shapes(spec: Any) -> list[TensorShape]:
    """The shapes of the flat tensors of an element."""
    return [part.shape for part in flat_specs(spec)]


def attributes(spec: Any) -> dict[str, Any]:
    """The attributes of ops that produce elements: `output_types` and `output_shapes`."""
    return {"output_types": flat_types(spec), "output_shapes": flat_shapes(spec)}


def to_tensors(spec: Any, element: Any) -> list[Tensor]:
    """The flat tensors of an element of this structure."""
    values = flatten_like(spec, element)
    return [t for s, value in zip(nest.flatten(spec), values) for t in _leaf_to_tensors(s, value)]


def _leaf_to_tensors(spec: Any, value: Any) -> list[Any]:
    if isinstance(spec, TensorSpec):
        return [convert_to_tensor(value, dtype=spec.dtype)]
    if _is_ragged(spec):
        return [encode_ragged(value, spec.row_splits_dtype, batched=False)]
    if _is_sparse(spec):
        return [encode_sparse(value)]
    if _is_encoded(spec):
        encoder = spec.__batch_encoder__
        return to_tensors(encoder.encoding_specs(spec), encoder.encode(spec, value))
    return spec._to_tensor_list(value)


def to_batched_tensors(spec: Any, element: Any) -> list[Tensor]:
    """Return the flat tensors of a batched element. Its rows are separate elements."""
    tensors = []
    for leaf, value in zip(nest.flatten(spec), flatten_like(spec, element)):
        if _is_ragged(leaf):
            tensors.append(encode_ragged(value, leaf.row_splits_dtype, batched=True))
        elif _is_sparse(leaf):
            tensors.append(
                raw.SerializeManySparse(
                    sparse_indices=value.indices,
                    sparse_values=value.values,
                    sparse_shape=value.dense_shape,
                    out_type=dtypes.variant,
                )
            )
        elif _is_encoded(leaf):
            encoder = leaf.__batch_encoder__
            parts = encoder.encode(leaf, value, minimum_rank=1)
            tensors.extend(to_batched_tensors(encoder.encoding_specs(leaf), parts))
        elif isinstance(leaf, BatchableTypeSpec) and not isinstance(leaf, TensorSpec):
            tensors.extend(leaf._to_batched_tensor_list(value))
        else:
            tensors.extend(_leaf_to_tensors(leaf, value))
    return tensors


def encode_ragged(value: Any, splits_dtype: dtypes.DType, batched: bool) -> Tensor:
    """A ragged tensor (or a dense one: of ragged rank 0) as one variant, or as one per row."""
    dense = not hasattr(value, "nested_row_splits")
    return raw.RaggedTensorToVariant(
        rt_nested_splits=[] if dense else list(value.nested_row_splits),
        rt_dense_values=value if dense else value.flat_values,
        batched_input=batched,
        Tsplits=splits_dtype,
    )


def encode_sparse(value: Any) -> Tensor:
    """A sparse tensor as three variants."""
    return raw.SerializeSparse(
        sparse_indices=value.indices,
        sparse_values=value.values,
        sparse_shape=value.dense_shape,
        out_type=dtypes.variant,
    )


def from_tensors(spec: Any, tensors: Sequence[Tensor]) -> Any:
    """The element built from flat tensors."""
    at, parts = 0, []
    for leaf in nest.flatten(spec):
        count = len(_leaf_flat_specs(leaf))
        parts.append(_leaf_from_tensors(leaf, list(tensors[at : at + count])))
        at += count
    return nest.pack_sequence_as(spec, parts)


def _leaf_from_tensors(spec: Any, tensors: list[Any]) -> Any:
    if isinstance(spec, TensorSpec):
        (tensor,) = tensors
        if STATE.graph is not None:
            tensor.set_shape(spec.shape)
        return tensor
    if _is_ragged(spec):
        return spec._from_tensor_list(tensors)
    if _is_sparse(spec):
        return _decode_sparse(spec, tensors[0])
    if _is_encoded(spec):
        encoder = spec.__batch_encoder__
        return encoder.decode(spec, from_tensors(encoder.encoding_specs(spec), tensors))
    return spec._from_tensor_list(tensors)


def _decode_sparse(spec: Any, variant: Tensor) -> Any:
    indices, values, dense_shape = raw.DeserializeSparse(
        serialized_sparse=variant, dtype=spec.dtype
    )
    rank = spec.shape.rank
    if STATE.graph is not None:
        indices.set_shape([None, rank])
        dense_shape.set_shape([rank])
    return spec._from_components([indices, values, dense_shape])


def packer(spec: Any) -> Callable[[tuple[Any, ...]], Any]:
    """A function from the host values of an element to the element, for eager use."""
    build = _builder(spec)
    if build is not None:
        return lambda values: build(iter(values))
    types = flat_types(spec)

    def pack(values: tuple[Any, ...]) -> Any:
        tensors = [EagerTensor(held(v, dtype), dtype) for v, dtype in zip(values, types)]
        return from_tensors(spec, tensors)

    return pack


def _builder(spec: Any) -> Callable[[Iterator[Any]], Any] | None:
    """A function that builds an element from the next host values; None unless it consists of tensors, tuples and dicts."""
    if type(spec) is TensorSpec:
        dtype = spec.dtype
        return lambda values: EagerTensor(held(next(values), dtype), dtype)
    if type(spec) is tuple:
        parts = [_builder(part) for part in spec]
        if None in parts:
            return None
        return lambda values: tuple([part(values) for part in parts])  # type: ignore[misc]
    if type(spec) is dict:
        named = {key: _builder(spec[key]) for key in sorted(spec)}
        if None in named.values():
            return None

        def mapping(values: Iterator[Any]) -> Any:
            built = {key: build(values) for key, build in named.items()}  # type: ignore[misc]
            return {key: built[key] for key in spec}

        return mapping
    return None


def held(value: Any, dtype: dtypes.DType) -> Any:
    """The value of a tensor of a dtype for a host value."""
    if type(value) is np.ndarray or not dtype.is_numpy_compatible:
        return value
    return np.asarray(value, dtype.np)


def batched(spec: Any, size: int | None) -> Any:
    """The structure of batches of `size` elements.

    Raises:
      TypeError: a component cannot be stacked.
    """
    return nest.map_structure(lambda leaf: _batched_leaf(leaf, size), spec)


def _batched_leaf(spec: Any, size: int | None) -> Any:
    if isinstance(spec, NoneTensorSpec):
        return spec
    if hasattr(spec, "_batch"):
        return spec._batch(size)
    raise TypeError(f"Elements with a component of type {spec!r} cannot be batched.")


def unbatched(spec: Any) -> Any:
    """The structure of the rows of elements.

    Raises:
      ValueError: a component has no rows.
    """
    return nest.map_structure(_unbatched_leaf, spec)


def check_rows(spec: Any) -> None:
    """Raises ValueError if components are known to have different numbers of rows."""
    known: int | None = None
    for shape in flat_shapes(spec):
        rows = shape[0] if shape.rank else None
        if known is None:
            known = rows
        elif rows is not None and rows != known:
            raise ValueError(
                "`unbatch()` is only supported for datasets of elements whose components have a "
                f"matching leading dimension. Encountered both {known} and {rows}."
            )


def _unbatched_leaf(spec: Any) -> Any:
    if isinstance(spec, NoneTensorSpec):
        return spec
    if hasattr(spec, "_unbatch"):
        return spec._unbatch()
    raise TypeError(f"Elements with a component of type {spec!r} cannot be taken apart.")


def relaxed(first: Any, second: Any) -> Any:
    """The most specific structure that both fit, or None."""
    try:
        nest.assert_same_structure(first, second)
    except (TypeError, ValueError):
        return None
    merged = []
    for a, b in zip(nest.flatten(first), nest.flatten(second)):
        common = a.most_specific_common_supertype([b]) if isinstance(a, TypeSpec) else a
        if common is None and a is not None:
            return None
        merged.append(common)
    return nest.pack_sequence_as(first, merged)


def compute_batch_size(dataset: Any) -> Tensor:
    """Returns the number of rows of full batches as an int64 scalar; -1 if unknown.

    Raises:
      IndexError: the elements have no first dimension.
    """
    shapes = [shape for shape in flat_shapes(dataset.element_spec)]
    known = {shape.dims[0].value if shape.rank is not None else None for shape in shapes}
    if len(known) == 1 and None not in known:
        return convert_to_tensor(known.pop(), dtypes.int64)
    return raw.ComputeBatchSize(input_dataset=dataset._variant_tensor)
