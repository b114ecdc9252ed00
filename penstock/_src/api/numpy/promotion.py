"""Type promotion of NumPy's functions."""

import numpy as np

from penstock._src.api.array import creation
from penstock._src.api.extending.weak_tensor import WeakTensor
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest
from penstock._src.util.export import export, export_constant

from . import lattice


class Rules:
    """The promotion in effect: NumPy's ("legacy"), or the lattice's ("safe", "all")."""

    mode = "legacy"
    # whether Python's floating numbers are 32 bits wide
    prefer_float32 = False
    # whether results may be 64 bits wide at all
    allow_float64 = True
    # the mode that was asked for: "off" where tensors' own operators convert nothing
    conversion = "off"

    def set_conversion(self, mode):
        """Sets the mode: "off", "legacy", "safe" or "all"."""
        self.conversion = mode
        self.mode = "legacy" if mode == "off" else mode


RULES = Rules()

_TYPES = {
    "bool_": np.bool_,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "float16": np.float16,
    "float32": np.float32,
    "float64": np.float64,
    "complex64": np.complex64,
    "complex128": np.complex128,
    "inexact": np.inexact,
    "object_": np.object_,
    "string_": np.bytes_,
    "unicode_": np.str_,
}
_ALIASES = {"int64": "int_", "float64": "float_", "complex128": "complex_"}
for _name in _TYPES:
    globals()[f"{_name}_type"] = _TYPES[_name]
    _more = [f"experimental.numpy.{_ALIASES[_name]}"] if _name in _ALIASES else []
    export_constant(f"experimental.numpy.{_name}", globals()[f"{_name}_type"], *_more, v1=[])

e, pi, inf, newaxis = np.e, np.pi, np.inf, None
for _name in ("e", "pi", "inf"):
    export_constant(f"experimental.numpy.{_name}", globals()[_name], v1=[])
export_constant("experimental.numpy.newaxis", newaxis, v1=[])


@export("experimental.numpy.iinfo", v1=[])
class iinfo(np.iinfo):
    """The limits of an integer type.

    Args:
      int_type: a TensorFlow or NumPy dtype.
    """

    def __new__(cls, int_type):
        """Returns NumPy's `iinfo` of a type of either library."""
        return np.iinfo(dtypes.as_dtype(int_type).as_numpy_dtype)


@export("experimental.numpy.finfo", v1=[])
def finfo(dtype):
    """Returns the limits of a float dtype, as `numpy.finfo` does.

    Args:
      dtype: a float dtype.

    Returns:
      A `numpy.finfo`.

    >>> float(tf.experimental.numpy.finfo(np.float32).eps) < 1e-6
    True
    """
    return np.finfo(dtypes.as_dtype(dtype).as_numpy_dtype)


@export("experimental.numpy.issubdtype", v1=[])
def issubdtype(arg1, arg2):
    """True if a type is below another in NumPy's type hierarchy.

    Args:
      arg1, arg2: TensorFlow or NumPy dtypes, or NumPy's abstract types.

    Returns:
      A bool.
    """
    return np.issubdtype(_numpy_type(arg1), _numpy_type(arg2))


def _numpy_type(x):
    return x.as_numpy_dtype if isinstance(x, dtypes.DType) else x


def default_float():
    """float64, or float32 where the lattice promotes or float64 is not allowed."""
    wide = RULES.mode == "legacy" and RULES.allow_float64
    return dtypes.float64 if wide else dtypes.float32


def canonical(dtype):
    """A dtype argument as DType; Python's float and int are 64-bit."""
    if dtype is None:
        return None
    if dtype is float:
        return default_float()
    if dtype is int:
        return dtypes.int64 if RULES.mode == "legacy" else dtypes.int32
    if isinstance(dtype, str) and dtype not in dtypes.KNOWN:
        # a code of NumPy's, such as "l" or "U8"
        dtype = np.dtype(dtype)
    if isinstance(dtype, np.dtype) and dtype.kind in "SU":
        return dtypes.string
    return dtypes.as_dtype(dtype)


@export("experimental.numpy.result_type", v1=[])
def result_type(*arrays_and_dtypes):
    """The dtype that these arrays and dtypes are promoted to.

    Args:
      *arrays_and_dtypes: arrays, numbers and dtypes.

    Returns:
      A dtype.
    """
    if RULES.mode != "legacy":
        return lattice.result_kind(arrays_and_dtypes, safe=RULES.mode == "safe")[0]
    return _numpys_type(arrays_and_dtypes)


def _numpys_type(arrays_and_dtypes):
    """The dtype to which NumPy promotes."""
    kinds = [_number(kind) for x in arrays_and_dtypes for kind in _contributions(x)]
    # Empty lists count for nothing beside others.
    return dtypes.as_dtype(allowed(np.result_type(*kinds or [np.float64])))


def _number(x):
    """A Python number with the requested width."""
    if RULES.prefer_float32 and isinstance(x, (float, complex)):
        return np.float32(x) if isinstance(x, float) else np.complex64(x)
    return x


def allowed(kind):
    """The type itself, or the narrower one if 64 bits are not allowed."""
    if RULES.allow_float64:
        return kind
    narrow = {np.dtype(np.float64): np.float32, np.dtype(np.complex128): np.complex64}
    return np.dtype(narrow.get(np.dtype(kind), kind))


def _of_value(contribution):
    """Return the dtype of an array made of a value, given the value's contribution to promotion."""
    if isinstance(contribution, (bool, int, float, complex)) and RULES.mode != "legacy":
        return np.dtype(lattice.kind_of(contribution)[0].as_numpy_dtype)
    return allowed(np.result_type(_number(contribution)))


@export("experimental.numpy.promote_types", v1=[])
def promote_types(type1, type2):
    """The type that both types are promoted to.

    Args:
      type1, type2: TensorFlow or NumPy dtypes.

    Returns:
      A NumPy dtype.
    """
    return np.promote_types(_numpy_type(type1), _numpy_type(type2))


def _contributions(x):
    """The value passed to NumPy's result_type for one of several arguments; numbers in lists stay Python numbers."""
    leaves = nest.flatten(list(x)) if isinstance(x, (list, tuple)) else [x]
    return [_contribution(v) for v in leaves]


def _contribution(x):
    """The value passed to NumPy's result_type for an argument."""
    if RULES.mode == "legacy" and RULES.prefer_float32 and isinstance(x, (float, complex)):
        return _number(x)  # NumPy's float64 and complex128 are Python numbers, too
    if isinstance(x, dtypes.DType):
        return np.dtype(x.as_numpy_dtype)
    if isinstance(x, type):
        return np.dtype(x)
    if isinstance(x, Tensor) or hasattr(x, "dtype") and hasattr(x, "shape"):
        return np.dtype(dtypes.as_dtype(x.dtype).as_numpy_dtype)
    if isinstance(x, (bool, int, float, complex)):
        return x
    if isinstance(x, (list, tuple)):
        leaves = nest.flatten(list(x))
        if not leaves:
            return np.dtype(np.float64)
        if RULES.mode != "legacy":
            joined, _ = lattice.result_kind(leaves, safe=False)
            return np.dtype(object if joined == dtypes.string else joined.as_numpy_dtype)
        return np.result_type(*[_number(_contribution(v)) for v in leaves])
    return np.asarray(x).dtype


def to_array(x, dtype=None):
    """`x` as tensor with NumPy's default types."""
    kind = canonical(dtype)
    if isinstance(x, (IndexedSlices, WeakTensor)):
        x = convert_to_tensor(x)
    if isinstance(x, Tensor):
        return x if kind is None else cast(x, kind)
    if kind is None:
        contribution = _contribution(x)
        kind = dtypes.as_dtype(_of_value(contribution))
        if isinstance(contribution, np.dtype) and contribution.kind in "SU":
            kind = dtypes.string
    if isinstance(x, (list, tuple)) and any(_holds_tensor(v) for v in nest.flatten(list(x))):
        return _packed(x, kind)
    if hasattr(x, "__tf_tensor__"):
        return cast(convert_to_tensor(x), kind)
    if kind == dtypes.string:
        return convert_to_tensor(x, dtype=kind)
    return convert_to_tensor(np.asarray(x).astype(kind.as_numpy_dtype), dtype=kind)


def _holds_tensor(x):
    """True for what becomes a tensor without NumPy, which sees neither graphs nor tapes: tensors, variables, weak tensors."""
    return is_tensor_like(x) or hasattr(x, "__tf_tensor__")


def extents(shape):
    """A shape, which is an int, a tensor or a sequence of either, as an integer vector."""
    parts = shape if isinstance(shape, (list, tuple)) else [shape]
    if not any(isinstance(n, Tensor) for n in parts):
        return creation.shape_vector(np.atleast_1d(shape).tolist())
    vector = convert_to_tensor(shape, dtype_hint=dtypes.int32)
    return raw.ExpandDims(input=vector, axis=0) if vector.shape.rank == 0 else vector


def _packed(values, kind):
    parts = [
        _packed(v, kind) if isinstance(v, (list, tuple)) else to_array(v, kind) for v in values
    ]
    return raw.Pack(values=parts)


def promoted(*values, inexact=False):
    """All values as tensors of their common type (a float one if `inexact`)."""
    return _as(result_type(*values), values, inexact)


def promoted_pair(x1, x2, inexact=False):
    """Both arguments of a binary function as tensors of NumPy's common type; sequences are promoted by the rules in effect."""
    sequences = isinstance(x1, (list, tuple)) or isinstance(x2, (list, tuple))
    by_lattice = RULES.mode != "legacy" and (sequences or not _numpy_promotes(x1, x2))
    kind = result_type(x1, x2) if by_lattice else _numpys_type((x1, x2))
    return _as(kind, (x1, x2), inexact)


def _numpy_promotes(x1, x2):
    """True if NumPy has a common type of both; it has none of bfloat16 and most others."""
    try:
        _numpys_type((x1, x2))
    except TypeError:
        return False
    return True


def _as(kind, values, inexact):
    if inexact and (kind.is_integer or kind.is_bool):
        kind = default_float()
    return [to_array(v, kind) for v in values]


def numbers(x1, x2, of_bools):
    """Both as tensors of their common dtype; booleans as integers of dtype `of_bools`."""
    x1, x2 = promoted_pair(x1, x2)
    return (cast(x1, of_bools), cast(x2, of_bools)) if x1.dtype.is_bool else (x1, x2)


def is_no_float(x):
    """True if the dtype of tensor `x` has neither infinities nor NaNs."""
    return isinstance(x, Tensor) and not x.dtype.is_floating


def inexact(x):
    """`x` as a tensor of one of NumPy's float or complex types, which exclude bfloat16."""
    x = to_array(x)
    is_inexact = np.issubdtype(x.dtype.as_numpy_dtype, np.inexact)
    return x if is_inexact else cast(x, default_float())


def floats(x):
    """`x` as tensor of floats or complex numbers: integers and truth values as the default floats."""
    x = to_array(x)
    return cast(x, default_float()) if x.dtype.is_integer or x.dtype.is_bool else x


def over_number(x, divisor):
    """`x` over a float64 of NumPy's, which makes the quotient as wide where operators promote."""
    if RULES.conversion == "off":
        return x / number(divisor, x)
    x, wide = promoted(x, np.float64(divisor))
    return x / wide


def number(value, like):
    """A Python number in the type of a tensor."""
    return np.asarray(value, like.dtype.as_numpy_dtype)


def static_axis(axis, rank):
    """A non-negative axis."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {rank}")
    return axis % rank
