"""Types of values: ONNX's number of each element type, Penstock's dtype, the number of bits of a value in a file; and declared shapes."""

from dataclasses import dataclass
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.shapes import TensorShape

_MOST_RANK = 64


@dataclass(frozen=True)
class ElementType:
    """A type of elements: its number in files, its name in ONNX's documents, the dtype, and the
    field of a TensorProto that holds values one by one."""

    number: int
    name: str
    dtype: DType
    field: str
    bits: int


ELEMENT_TYPES = [
    ElementType(1, "float", dtypes.float32, "float_data", 32),
    ElementType(2, "uint8", dtypes.uint8, "int32_data", 8),
    ElementType(3, "int8", dtypes.int8, "int32_data", 8),
    ElementType(4, "uint16", dtypes.uint16, "int32_data", 16),
    ElementType(5, "int16", dtypes.int16, "int32_data", 16),
    ElementType(6, "int32", dtypes.int32, "int32_data", 32),
    ElementType(7, "int64", dtypes.int64, "int64_data", 64),
    ElementType(8, "string", dtypes.string, "string_data", 0),
    ElementType(9, "bool", dtypes.bool_, "int32_data", 8),
    ElementType(10, "float16", dtypes.float16, "int32_data", 16),
    ElementType(11, "double", dtypes.float64, "double_data", 64),
    ElementType(12, "uint32", dtypes.uint32, "uint64_data", 32),
    ElementType(13, "uint64", dtypes.uint64, "uint64_data", 64),
    ElementType(14, "complex64", dtypes.complex64, "float_data", 64),
    ElementType(15, "complex128", dtypes.complex128, "double_data", 128),
    ElementType(16, "bfloat16", dtypes.bfloat16, "int32_data", 16),
    ElementType(17, "float8e4m3fn", dtypes.TYPES["float8_e4m3fn"], "int32_data", 8),
    ElementType(18, "float8e4m3fnuz", dtypes.TYPES["float8_e4m3fnuz"], "int32_data", 8),
    ElementType(19, "float8e5m2", dtypes.TYPES["float8_e5m2"], "int32_data", 8),
    ElementType(20, "float8e5m2fnuz", dtypes.TYPES["float8_e5m2fnuz"], "int32_data", 8),
    ElementType(21, "uint4", dtypes.TYPES["uint4"], "int32_data", 4),
    ElementType(22, "int4", dtypes.TYPES["int4"], "int32_data", 4),
    ElementType(23, "float4e2m1", dtypes.TYPES["float4_e2m1fn"], "int32_data", 4),
    ElementType(25, "uint2", dtypes.TYPES["uint2"], "int32_data", 2),
    ElementType(26, "int2", dtypes.TYPES["int2"], "int32_data", 2),
]
# Types that Penstock has no dtype for.
UNSUPPORTED = {24: "float8e8m0", 27: "float6e2m3", 28: "float6e3m2"}
_BY_NUMBER = {element.number: element for element in ELEMENT_TYPES}
_BY_DTYPE = {element.dtype: element for element in ELEMENT_TYPES}


def element_type(number: int) -> ElementType:
    """Returns the type with ONNX's number.

    Raises:
      UnimplementedError: there is no dtype for it.
    """
    if number not in _BY_NUMBER:
        name = UNSUPPORTED.get(number, f"number {number}")
        raise UnimplementedError(f"ONNX: elements of type {name} are not supported.")
    return _BY_NUMBER[number]


def element_type_of(dtype: DType) -> ElementType:
    """Returns the type of elements of a dtype.

    Raises:
      UnimplementedError: ONNX has none.
    """
    if dtype not in _BY_DTYPE:
        raise UnimplementedError(f"ONNX: elements of type {dtype.name} cannot be written.")
    return _BY_DTYPE[dtype]


def shape_of(tensor: Any) -> TensorShape:
    """Returns the shape that a TypeProto's tensor declares.

    Raises:
      InvalidArgumentError: it has too many dimensions.
    """
    if not tensor.HasField("shape"):
        return TensorShape(None)
    if len(tensor.shape.dim) > _MOST_RANK:
        raise InvalidArgumentError(f"an input has {len(tensor.shape.dim)} dimensions.")
    return TensorShape(
        [
            int(d.dim_value) if d.WhichOneof("value") == "dim_value" and d.dim_value >= 0 else None
            for d in tensor.shape.dim
        ]
    )
