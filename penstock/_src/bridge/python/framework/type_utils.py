"""`tensorflow.python.framework.type_utils`: full types of the tensors that a TypeSpec describes."""

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensorSpec
from penstock._src.api.sparse.sparse_tensor import SparseTensorSpec
from penstock._src.core import dtypes
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.proto.graph import FullTypeDef, FullTypeId
from penstock._src.util import nest

_KNOWN = {
    dtypes.as_dtype(name): getattr(FullTypeId, f"TFT_{full}")
    for name, full in (
        pair.split("=")
        for pair in (
            "float32=FLOAT float64=DOUBLE int32=INT32 uint8=UINT8 int16=INT16 int8=INT8 string=STRING complex64=COMPLEX64 "
            "int64=INT64 bool=BOOL uint16=UINT16 complex128=COMPLEX128 float16=HALF uint32=UINT32 uint64=UINT64"
        ).split()
    )
}


def _unset() -> Any:
    return FullTypeDef(type_id=FullTypeId.TFT_UNSET)


# Types whose values datasets hold as one variant tensor.
_ONE_VARIANT = (RaggedTensorSpec, SparseTensorSpec)


def _of_spec(spec: Any) -> list[Any]:
    if isinstance(spec, RaggedTensorSpec) and spec.dtype in _KNOWN:
        element = FullTypeDef(type_id=_KNOWN[spec.dtype])
        return [FullTypeDef(type_id=FullTypeId.TFT_RAGGED, args=[element])]
    return [_unset() for _ in getattr(spec, "_flat_tensor_specs", [spec])]


def _specs_for_flat_tensors(element_spec: Any) -> list[Any]:
    """Returns the specs of the tensors in which datasets and `map_fn` hold an element."""
    if isinstance(element_spec, TypeSpec) and not isinstance(
        element_spec, (*_ONE_VARIANT, TensorSpec)
    ):
        parts = nest.flatten(element_spec._component_specs)
        return [spec for part in parts for spec in _specs_for_flat_tensors(part)]
    return nest.flatten(element_spec)


def fulltypes_for_flat_tensors(element_spec: Any) -> list[Any]:
    """Returns a FullTypeDef for each tensor of an element: those of ragged tensors are known, others unset."""
    return [
        fulltype for spec in _specs_for_flat_tensors(element_spec) for fulltype in _of_spec(spec)
    ]
