"""DType and TensorFlow's dtypes. `as_dtype` accepts every form that TensorFlow accepts.

In memory, bfloat16, float8 and 4-bit integers are ml_dtypes' NumPy types; quantized types are plain integers; strings are
object arrays of bytes; resources and variants are Python handles, not arrays.
"""

import functools
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from penstock._src.util.export import export, export_constant
from penstock._src.util.lazy import resolve
from penstock._src.util.process.references import mark_shared
from penstock._src.util.signatures import read_only

FLOATING, INTEGER, COMPLEX, QUANTIZED, OTHER = (
    "floating",
    "integer",
    "complex",
    "quantized",
    "other",
)


def storage_type(name: str, numpy_type: Any) -> Any:
    """Returns the NumPy dtype for storage."""
    return numpy_type[0][1] if isinstance(numpy_type, list) else numpy_type


def quantized(name: str, code: str) -> list[tuple[str, str]]:
    """Returns the structured NumPy dtype that TensorFlow uses for a quantized dtype."""
    return [(name, code)]


# TensorFlow's enum value (types.proto): name, kind, NumPy type, bytes.
FACTS: dict[int, tuple[str, str, Any, int]] = {
    1: ("float32", FLOATING, np.float32, 4),
    2: ("float64", FLOATING, np.float64, 8),
    3: ("int32", INTEGER, np.int32, 4),
    4: ("uint8", INTEGER, np.uint8, 1),
    5: ("int16", INTEGER, np.int16, 2),
    6: ("int8", INTEGER, np.int8, 1),
    7: ("string", OTHER, object, 0),
    8: ("complex64", COMPLEX, np.complex64, 8),
    9: ("int64", INTEGER, np.int64, 8),
    10: ("bool", OTHER, np.bool_, 1),
    11: ("qint8", QUANTIZED, quantized("qint8", "i1"), 1),
    12: ("quint8", QUANTIZED, quantized("quint8", "u1"), 1),
    13: ("qint32", QUANTIZED, quantized("qint32", "<i4"), 4),
    14: ("bfloat16", FLOATING, ml_dtypes.bfloat16, 2),
    15: ("qint16", QUANTIZED, quantized("qint16", "<i2"), 2),
    16: ("quint16", QUANTIZED, quantized("quint16", "<u2"), 2),
    17: ("uint16", INTEGER, np.uint16, 2),
    18: ("complex128", COMPLEX, np.complex128, 16),
    19: ("float16", FLOATING, np.float16, 2),
    20: ("resource", OTHER, np.object_, 0),
    21: ("variant", OTHER, np.object_, 0),
    22: ("uint32", INTEGER, np.uint32, 4),
    23: ("uint64", INTEGER, np.uint64, 8),
    24: ("float8_e5m2", FLOATING, ml_dtypes.float8_e5m2, 1),
    25: ("float8_e4m3fn", FLOATING, ml_dtypes.float8_e4m3fn, 1),
    26: ("float8_e4m3fnuz", FLOATING, ml_dtypes.float8_e4m3fnuz, 1),
    27: ("float8_e4m3b11fnuz", FLOATING, ml_dtypes.float8_e4m3b11fnuz, 1),
    28: ("float8_e5m2fnuz", FLOATING, ml_dtypes.float8_e5m2fnuz, 1),
    29: ("int4", INTEGER, ml_dtypes.int4, 1),
    30: ("uint4", INTEGER, ml_dtypes.uint4, 1),
    31: ("int2", INTEGER, ml_dtypes.int2, 1),
    32: ("uint2", INTEGER, ml_dtypes.uint2, 1),
    33: ("float4_e2m1fn", FLOATING, ml_dtypes.float4_e2m1fn, 1),
}
# Added to a dtype's enum value for the dtype of a reference to a v1 variable.
REFERENCE = 100
INSTANCES: dict[int, "DType"] = {}


class FloatFormat(NamedTuple):
    """The bits of a float besides its sign; the mantissa's without the leading one, which is not stored."""

    exponent: int
    mantissa: int


@functools.cache
def float_format(dtype: Any) -> FloatFormat:
    """Returns the bits of a float, or of the parts of a complex number, given as a NumPy dtype."""
    info = ml_dtypes.finfo(dtype)
    return FloatFormat(info.nexp, info.nmant)


@functools.cache
def _limit_of(dtype: np.dtype, which: str, is_integer: bool) -> Any:
    """The least ("min") or greatest ("max") finite value of a type."""
    if is_integer:
        return int(getattr(ml_dtypes.iinfo(dtype), which))
    return getattr(ml_dtypes.finfo(dtype), which)


@export("DType", "dtypes.DType")
class DType:
    """The type of the elements of a tensor, such as `tf.float32`.

    There is one object for each; `tf.as_dtype` finds it by name, NumPy type or number.

    Args:
      type_enum: the number or another description of the type.
      handle_data: what a resource or variant holds.

    >>> tf.float32.size, tf.int8.max, tf.bfloat16.is_floating
    (4, 127, True)
    >>> tf.as_dtype("int32") is tf.int32
    True
    """

    __slots__ = (
        "_name",
        "_enum",
        "_kind",
        "_numpy_type",
        "np",
        "size",
        "is_floating",
        "is_integer",
        "is_complex",
        "is_bool",
        "is_quantized",
        "is_unsigned",
        "is_ref",
        "_base",
    )

    def __new__(cls, type_enum: Any, handle_data: Any = None) -> "DType":
        """Returns the unique instance for a value of TensorFlow's `DataType` enum.

        Raises:
          TypeError: there is no such value.
        """
        enum = int(type_enum)
        if enum % REFERENCE not in FACTS or enum // REFERENCE > 1:
            raise TypeError(f"{enum} does not correspond to a valid tensorflow::DataType")
        return INSTANCES.setdefault(enum, object.__new__(cls))

    def __init__(self, type_enum: Any, handle_data: Any = None) -> None:
        self._enum = enum = int(type_enum)
        self.is_ref = enum > REFERENCE
        name, kind, numpy_type, size = FACTS[enum % REFERENCE]
        self._name, self._kind = name + "_ref" * self.is_ref, kind
        self._numpy_type = numpy_type
        self.np: np.dtype = np.dtype(storage_type(name, numpy_type))
        self.size = size
        self.is_floating = kind == FLOATING
        self.is_integer = kind == INTEGER
        self.is_complex = kind == COMPLEX
        self.is_quantized = kind == QUANTIZED
        self.is_bool = name == "bool"
        self.is_unsigned = kind == INTEGER and name.startswith("uint")
        self._base = INSTANCES[enum % REFERENCE]

    name: str = read_only("_name", 'The name, such as "float32".')
    as_numpy_dtype = read_only("_numpy_type", "The NumPy type class, such as `np.float32`.")
    as_datatype_enum: int = read_only(
        "_enum", "This dtype's value in TensorFlow's `DataType` enum."
    )
    base_dtype: "DType" = read_only(
        "_base", "The dtype behind a reference dtype; any other dtype itself."
    )

    @property
    def real_dtype(self) -> "DType":
        """The type of the real part of a complex number; any other type itself."""
        return {"complex64": float32, "complex128": float64}.get(self._name, self)

    @property
    def is_numeric(self) -> bool:
        """True if this dtype supports arithmetic."""
        return self.is_floating or self.is_integer or self.is_complex or self.is_quantized

    @property
    def is_numpy_compatible(self) -> bool:
        """True if a NumPy array can hold elements of this type."""
        return self._base not in (resource, variant)

    @property
    def min(self) -> Any:
        """The least finite value."""
        return self._limit("min", "minimum")

    @property
    def max(self) -> Any:
        """The greatest finite value."""
        return self._limit("max", "maximum")

    def _limit(self, which: str, word: str) -> Any:
        if self.is_quantized or self in (bool_, string) or self.is_complex:
            what = "quantized type" if self.is_quantized else "type"
            raise TypeError(f"Cannot find {word} value of {self} with {what} {self}.")
        return _limit_of(self.np, which, self.is_integer)

    @property
    def limits(self, clip_negative: bool = True) -> tuple[Any, Any]:
        """The interval that images of this type span: [0, 1] for floats, [0, max] for integers."""
        if self in (float32, float64):
            return 0 if clip_negative else -1, 1
        if self.is_integer:
            return 0 if clip_negative else self.min, self.max
        if self.is_bool:
            return 0 if clip_negative else False, True
        raise ValueError(f"{self} does not have defined limits.")

    @property
    def _as_ref(self) -> "DType":
        return self if self.is_ref else REFERENCES[self._name]

    @property
    def _is_ref_dtype(self) -> bool:
        return self.is_ref

    def is_compatible_with(self, other: Any) -> bool:
        """Returns True if values of another dtype can be used as this one.

        Args:
          other: what converts to a `DType`.

        Returns:
          A Python bool.
        """
        other = as_dtype(other)
        return self._enum in (other._enum, other._base._enum)

    def is_subtype_of(self, other: Any) -> bool:
        """Returns True if every value of this type is of another type.

        Args:
          other: a type.

        Returns:
          A Python bool.
        """
        return self == other

    def most_specific_common_supertype(self, types: Any) -> "DType | None":
        """Returns the narrowest type that this one and others are subtypes of.

        Args:
          types: a list of types.

        Returns:
          A type, or None if there is none.
        """
        return self if all(self == other for other in types) else None

    def placeholder_value(self, placeholder_context: Any) -> "DType":
        """Returns what stands for a value of this type while a function is traced.

        Args:
          placeholder_context: where it is made.

        Returns:
          A value of this type.
        """
        return self

    def flatten(self) -> list[Any]:
        """Returns the types of the tensors that a value of this type consists of.

        Returns:
          A list of types.
        """
        return []

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the tensors that a value consists of.

        Args:
          value: a value of this type.

        Returns:
          A list of tensors.
        """
        return []

    def from_tensors(self, tensors: Any) -> None:
        """Returns the value that tensors make up.

        Args:
          tensors: an iterator over tensors, of which this takes its own.

        Returns:
          A value of this type.
        """

    def cast(self, value: Any, cast_context: Any) -> Any:
        """Returns a value as one of this type.

        Args:
          value: the value.
          cast_context: how values may be converted.

        Returns:
          A value of this type.

        Raises:
          TypeError: the value is of another type.
        """
        assert value == self, f"Can not cast {value!r} to type {self!r}"
        return value

    def experimental_as_proto(self) -> Any:
        """Returns the message of this type.

        Returns:
          A protocol buffer.
        """
        return self.experimental_type_proto()(datatype=self._enum)

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> "DType":
        """Returns the type that a message describes.

        Args:
          proto: a message of the class that `experimental_type_proto` returns.

        Returns:
          A type.
        """
        return DType(proto.datatype)

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """Returns the class of messages of this type.

        Returns:
          A class of protocol buffers.
        """
        return resolve("penstock._src.proto.tensor", "SerializedDType")

    def __eq__(self, other: Any) -> bool:
        if other is self:
            return True
        if other is None:
            return False
        if type(other) is not DType:
            try:
                other = as_dtype(other)
            except TypeError:
                return False
        return self._enum == other._enum

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self._enum  # converters look dtypes up in dicts keyed by TensorFlow's enum values

    def __int__(self) -> int:
        return self._enum

    def __str__(self) -> str:
        return f"<dtype: '{self._name}'>"

    def __repr__(self) -> str:
        return "tf." + self._name

    def __reduce__(self) -> Any:
        return as_dtype, (self._name,)

    def __copy__(self) -> "DType":
        return self

    def __deepcopy__(self, memo: Any) -> "DType":
        return self


TYPES = {facts[0]: DType(enum) for enum, facts in FACTS.items()}
REFERENCES = {name: DType(dtype._enum + REFERENCE) for name, dtype in TYPES.items()}

float32 = TYPES["float32"]
float64 = double = TYPES["float64"]
float16 = half = TYPES["float16"]
bfloat16 = TYPES["bfloat16"]
float8_e5m2 = TYPES["float8_e5m2"]
float8_e4m3fn = TYPES["float8_e4m3fn"]
float8_e4m3fnuz = TYPES["float8_e4m3fnuz"]
float8_e4m3b11fnuz = TYPES["float8_e4m3b11fnuz"]
float8_e5m2fnuz = TYPES["float8_e5m2fnuz"]
float4_e2m1fn = TYPES["float4_e2m1fn"]
int4, uint4, int2, uint2 = TYPES["int4"], TYPES["uint4"], TYPES["int2"], TYPES["uint2"]
int8, int16, int32, int64 = TYPES["int8"], TYPES["int16"], TYPES["int32"], TYPES["int64"]
uint8, uint16, uint32, uint64 = TYPES["uint8"], TYPES["uint16"], TYPES["uint32"], TYPES["uint64"]
complex64, complex128 = TYPES["complex64"], TYPES["complex128"]
bool_ = TYPES["bool"]
string, resource, variant = TYPES["string"], TYPES["resource"], TYPES["variant"]
qint8, quint8, qint16, quint16 = TYPES["qint8"], TYPES["quint8"], TYPES["qint16"], TYPES["quint16"]
qint32 = TYPES["qint32"]

QUANTIZED_DTYPES = frozenset(
    t for name, dtype in TYPES.items() if dtype.is_quantized for t in (dtype, REFERENCES[name])
)
export_constant(
    "dtypes.QUANTIZED_DTYPES", QUANTIZED_DTYPES, v1=["dtypes.QUANTIZED_DTYPES", "QUANTIZED_DTYPES"]
)

PUBLIC = (
    "bfloat16 complex64 complex128 double float16 float32 float64 half int16 int32 int64 int8 "
    "qint16 qint32 qint8 quint16 quint8 resource string uint16 uint32 uint64 uint8 variant"
)
for _name in PUBLIC.split():
    export_constant(_name, globals()[_name], "dtypes." + _name)
export_constant("bool", bool_, "dtypes.bool")
EXPERIMENTAL = (
    "float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz "
    "float4_e2m1fn int4 uint4 int2 uint2"
)
for _name in EXPERIMENTAL.split():
    export_constant("dtypes.experimental." + _name, globals()[_name], "experimental." + _name)

BY_NUMBER = {dtype._enum: dtype for dtype in (*TYPES.values(), *REFERENCES.values())}
BY_NAME = {
    **TYPES,
    **{ref._name: ref for ref in REFERENCES.values()},
    "half": float16,
    "double": float64,
    "float": float32,
}
BY_NUMPY = {dtype.np: dtype for dtype in TYPES.values() if not dtype.is_quantized}
BY_NUMPY[np.dtype(object)] = string
BY_QUANTIZED = {np.dtype(t._numpy_type): t for t in TYPES.values() if t.is_quantized}
BY_PYTHON = {float: float32, bool: bool_, complex: complex128, str: string}
BY_PYTHON |= {bytes: string, object: string}
KNOWN: dict[Any, DType] = {**BY_NUMBER, **BY_NAME, **BY_PYTHON, **BY_NUMPY, **BY_QUANTIZED}


mark_shared(
    *[value for dtype in INSTANCES.values() for value in (dtype._name, dtype._base, dtype.np)]
)


@export("as_dtype", "dtypes.as_dtype")
def as_dtype(type_value: Any) -> DType:
    """Returns the `DType` that something describes.

    Args:
      type_value: a `DType`, a name such as "float32", a NumPy or Python type, or a number of the
        enumeration.

    Returns:
      A `DType`.

    Raises:
      TypeError: there is no such type.

    >>> tf.dtypes.as_dtype(np.float64), tf.dtypes.as_dtype("uint8")
    (tf.float64, tf.uint8)
    """
    if type(type_value) is DType:
        return type_value
    try:
        known = KNOWN.get(type_value)
    except TypeError:
        known = None
    return known if known is not None else _as_dtype_slow(type_value)


def _as_dtype_slow(type_value: Any) -> DType:
    # None, classes such as `int` or `list` and names such as "i4" are not dtypes here, though NumPy accepts them.
    is_foreign = isinstance(type_value, type) and not issubclass(type_value, np.generic)
    has_no_type = type_value is None or is_foreign or isinstance(type_value, str)
    try:
        numpy_type = None if has_no_type else np.dtype(type_value)
    except (TypeError, ValueError):
        numpy_type = None
    if numpy_type is not None:
        if numpy_type in BY_QUANTIZED:
            return BY_QUANTIZED[numpy_type]
        if numpy_type in BY_NUMPY:
            return BY_NUMPY[numpy_type]
        if numpy_type.kind in "SU":
            return string
        swapped = numpy_type.newbyteorder("=")
        if swapped in BY_NUMPY:
            return BY_NUMPY[swapped]
    if hasattr(type_value, "dtype"):
        return as_dtype(type_value.dtype)
    raise TypeError(
        f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType."
    )
