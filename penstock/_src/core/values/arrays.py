"""Converts Python values to NumPy arrays by TensorFlow's rules, and back."""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import LateText
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values import memory_limit
from penstock._src.core.values.memory import LARGE, Block, recycled_block
from penstock._src.util.process import heap

INT32 = np.iinfo(np.int32)
INT64 = np.iinfo(np.int64)
MIXED = "Can't convert Python sequence with mixed types to Tensor."
OUT_OF_RANGE = "Can't convert Python sequence with out-of-range integer to Tensor."
FLOAT32_MAX = float(np.finfo(np.float32).max)
ALIGNMENT = 64
SMALL = 4096  # bytes below which alignment does not matter
_MOST_ELEMENTS = 2**63 - 1  # of an array

MOST_AXES = 32  # of lists in lists; one that contains itself has any number
_SEQUENCES = frozenset({list, tuple, range})
_TEXTS = frozenset({str, bytes})
_NUMBERS = frozenset({int, float})
_WHOLE = frozenset({int, np.int32, np.int64})
# Python's floats become these if they are not larger.
_PLAIN_FLOATS: dict[DType, float] = {
    dtypes.float32: FLOAT32_MAX,
    dtypes.float64: float("inf"),
    dtypes.float16: 65504.0,
    dtypes.bfloat16: 1e38,
}
_PLAIN_INTEGERS = {
    kind: np.iinfo(kind.np)
    for kind in (dtypes.int8, dtypes.uint8, dtypes.int16, dtypes.uint16, dtypes.int32, dtypes.int64)
}
_BY_PLAIN = {kind.np: kind for kind in (dtypes.bool_, *_PLAIN_FLOATS, *_PLAIN_INTEGERS)}
MOST_EXACT = 2**53  # integers beside floats up to here are floats themselves
FEW = 32  # elements that Python compares as quickly as NumPy


@functools.cache
def name_of(dtype: np.dtype) -> str:
    """Return `dtype.name`, which NumPy puts together in microseconds each time."""
    return dtype.name


def empty_aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an uninitialized array with data that starts at a multiple of 64 bytes.

    Raises:
      ResourceExhaustedError: there is not enough memory.
    """
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    try:
        if size >= LARGE:
            raw, address = recycled_block(size + ALIGNMENT)
        else:
            raw = Block((size + ALIGNMENT,), np.uint8)
            address = raw.ctypes.data
    except MemoryError:
        raise memory_limit.exhausted(shape, dtype) from None
    return np.ndarray(shape, dtype, raw, -address % ALIGNMENT)


def empty_pooled(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an uninitialized array, a large one in pooled memory: the system's own would be mapped page by page.

    Raises:
      ResourceExhaustedError: there is not enough memory.
      ValueError: an array cannot be so large.
    """
    count = math.prod(shape)
    if count * dtype.itemsize < LARGE or count > _MOST_ELEMENTS:  # NumPy raises the error
        return np.empty(shape, dtype)
    return empty_aligned(shape, dtype)


def concatenated(arrays: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Return arrays of one dtype joined along an axis, a large result in pooled memory.

    Raises:
      ValueError: their shapes do not fit.
      ResourceExhaustedError: there is not enough memory.
    """
    first = arrays[0]
    if sum([array.nbytes for array in arrays]) < LARGE or first.dtype.hasobject:
        return np.concatenate(arrays, axis)
    if not -first.ndim <= axis < first.ndim or any([a.ndim != first.ndim for a in arrays]):
        return np.concatenate(arrays, axis)  # raises
    shape = list(first.shape)
    shape[axis] = sum([array.shape[axis] for array in arrays])
    return np.concatenate(arrays, axis, out=empty_pooled(tuple(shape), first.dtype))


def zeros_aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an array of zeros with data that starts at a multiple of 64 bytes. A large one takes memory page by page as it is written to.

    Raises:
      ResourceExhaustedError: there is not enough memory.
    """
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if not size:
        return empty_aligned(shape, dtype)
    try:
        if size > memory_limit.limit():
            raise MemoryError
        raw = np.zeros(size + ALIGNMENT, np.uint8).view(Block)
    except MemoryError:
        raise memory_limit.exhausted(shape, dtype) from None
    address = raw.ctypes.data
    if size >= LARGE:
        heap.take_small_pages(address, size + ALIGNMENT)
    start = -address % ALIGNMENT
    # The base stays a block: programs copy variables that are views of plain arrays.
    return raw[start : start + size].view(dtype).reshape(shape).view(np.ndarray)


def part_of(array: np.ndarray, start: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the elements from `start` on, counted in row-major order, in this shape: a view if the array is contiguous, else a copy."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.flat
    return flat[start : start + math.prod(shape)].reshape(shape)


def aligned_copy(array: np.ndarray) -> np.ndarray:
    """Return a C-contiguous copy with data that starts at a multiple of 64 bytes."""
    copy = empty_aligned(array.shape, array.dtype)
    copy[...] = array
    return copy


def to_array(value: Any, dtype: DType | None, in_graph: bool = False) -> tuple[np.ndarray, DType]:
    """Converts a Python value or array to an array and its dtype.

    In graphs, Python booleans convert to any numeric dtype; eagerly, only to the common ones.


    Raises:
      TypeError: an element does not fit `dtype`.
      ValueError: the value is not rectangular, or its type is unsupported.
    """
    if isinstance(value, TensorShape):
        value = _of_shape(value, dtype)
    if isinstance(value, (np.ndarray, np.generic)):
        return _from_numpy(np.asarray(value), dtype)
    if not isinstance(value, (bool, int, float, complex, str, bytes, list, tuple, range)):
        if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
            return _from_numpy(np.asarray(value), dtype)
        if hasattr(value, "__dlpack__"):
            return _from_numpy(np.from_dlpack(value), dtype)
        if isinstance(value, (memoryview, bytearray)):
            value = list(value)
    if not in_graph:
        return _from_python(value, dtype, in_graph)
    try:
        return _from_python(value, dtype, in_graph)
    except ValueError as error:
        if value is None:
            raise ValueError("None values not supported.") from None
        if "non-rectangular" in str(error):
            raise ValueError(
                "setting an array element with a sequence: the nested sequence has an "
                "inhomogeneous shape."
            ) from error
        raise TypeError(
            f"Failed to convert elements of {value!r} to Tensor. Consider casting elements to a supported "
            "type. See https://www.tensorflow.org/api_docs/python/tf/dtypes for supported TF dtypes."
        ) from error


def plain_array(
    value: Any, dtype: DType | None, in_graph: bool = False
) -> tuple[np.ndarray, DType] | None:
    """Fast path of `to_array` for a number or a string, or nested lists of those of one type that all fit a common dtype; None for other cases."""
    leaves: list[Any] = [value]
    shape: list[int] = []
    kinds = {type(value)}
    while kinds <= _SEQUENCES and len(kinds) == 1:
        lengths = set(map(len, leaves))
        if len(lengths) != 1 or len(shape) == MOST_AXES:
            return None
        shape += lengths
        leaves = list(itertools.chain.from_iterable(leaves))
        kinds = set(map(type, leaves))
    if kinds == _NUMBERS:
        array = _plain_floats(leaves, dtype, MOST_EXACT)
    elif len(kinds) != 1:
        return None
    else:
        (kind,) = kinds
        if kind in _TEXTS:
            array = _plain_strings(leaves, kind) if dtype in (None, dtypes.string) else None
        elif kind is float:
            array = _plain_floats(leaves, dtype, None)
        elif kind is bool:
            array = np.array(leaves) if dtype in (None, dtypes.bool_) else None
        elif kind is not int and not shape:
            return None  # one of NumPy's, which keeps its dtype
        elif kind in _WHOLE:
            array = _plain_integers(leaves, dtype)
        else:
            is_own = kind is np.float32 or (kind is np.float64 and not in_graph)
            array = np.array(leaves) if is_own and dtype is None else None
    if array is None:
        return None
    return array.reshape(shape), dtypes.string if array.dtype == object else _BY_PLAIN[array.dtype]


def _plain_floats(leaves: list[Any], dtype: DType | None, most: int | None) -> np.ndarray | None:
    """Python's numbers as floats; None if the general path has to find out whether one fits: those above `most`, finite ones that become infinite."""
    chosen = dtypes.float32 if dtype is None else dtype
    if chosen not in _PLAIN_FLOATS:
        return None
    limit = _PLAIN_FLOATS[chosen] if most is None else min(most, _PLAIN_FLOATS[chosen])
    if len(leaves) < FEW:
        if max(map(abs, leaves)) <= limit:
            # 16-bit floats would be rounded to float32 first.
            is_wide = chosen.size >= 4
            return np.array(leaves, chosen.np if is_wide else np.float64).astype(
                chosen.np, copy=False
            )
        if most is not None:
            return None
    elif most is not None and not max(map(abs, leaves)) <= limit:  # integers may be beyond floats
        return None
    wide = np.array(leaves, np.float64)
    sizes = np.abs(wide)
    if ((sizes > limit) & (sizes < np.inf)).any():
        return None
    return wide.astype(chosen.np)


def _plain_integers(leaves: list[Any], dtype: DType | None) -> np.ndarray | None:
    """Whole numbers of Python or NumPy; None if the general path has to find out whether they fit."""
    low, high = min(leaves), max(leaves)
    is_int32 = INT32.min <= low and high <= INT32.max
    if dtype is None:
        dtype = dtypes.int32 if is_int32 else dtypes.int64
    if dtype in (dtypes.float32, dtypes.float64):
        return np.array(leaves, dtype.np) if is_int32 and type(low) is int else None
    bounds = _PLAIN_INTEGERS.get(dtype)
    if bounds is None or not (bounds.min <= low and high <= bounds.max):
        return None
    return np.array(leaves, dtype.np)


def _plain_strings(leaves: list[Any], kind: type) -> np.ndarray | None:
    """Strings as an array of bytes; None if the general path has to refuse one."""
    try:
        return np.fromiter(map(str.encode, leaves) if kind is str else leaves, object, len(leaves))
    except UnicodeEncodeError:  # half of a surrogate pair
        return None


def dtype_of_arrays(value: Any) -> DType | None:
    """The dtype of the arrays in nested lists of nothing else, if all have the same; None for anything else.

    Elsewhere such lists are numbers, so that arrays of uint8 become int32. Elements of datasets and their types keep the dtype of arrays.
    """
    if not isinstance(value, list) or not value:
        return None
    kinds = {
        part.dtype if isinstance(part, np.ndarray) else dtype_of_arrays(part) for part in value
    }
    own = kinds.pop() if len(kinds) == 1 else None
    return own if own is None or isinstance(own, DType) else dtypes.BY_NUMPY.get(own)


def _of_shape(shape: TensorShape, dtype: DType | None) -> Any:
    """The dimensions as an array: int32, or int64 if asked for or needed."""
    if not shape.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape {shape} to a Tensor.")
    dimensions: list[Any] = shape.as_list()
    if dtype not in (None, dtypes.int32, dtypes.int64):
        raise TypeError(
            f"Cannot convert TensorShape {shape} to dtype {dtype!r}. Allowed dtypes are tf.int32 and tf.int64."
        )
    fits = max(dimensions, default=0) < 2**31
    if dtype is dtypes.int32 and not fits:
        raise ValueError(
            f"Cannot convert TensorShape {shape} to int32: a dimension is too large, use int64."
        )
    return np.array(dimensions, np.int32 if fits and dtype is not dtypes.int64 else np.int64)


def with_own_dtype(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the array with this very object as its dtype if it is equal, else the array itself.

    Arrays that were unpickled, or read by h5py, have an object of their own, which copies and results of NumPy keep. Native code compares these objects, and
    leaves arrays with others to Python.
    """
    if array.dtype is not dtype and array.dtype == dtype:
        return array.view(dtype)
    return array


def _from_numpy(array: np.ndarray, dtype: DType | None) -> tuple[np.ndarray, DType]:
    own = dtypes.BY_NUMPY.get(array.dtype)
    if own is None:
        try:
            own = dtypes.as_dtype(array.dtype)
        except TypeError:
            raise ValueError(
                "Failed to convert a NumPy array to a Tensor (Unsupported numpy type: "
                f"{array.dtype})."
            ) from None
    if own is dtypes.string:
        return _strings(array, dtype)
    if dtype is None or dtype is own:
        return np.array(with_own_dtype(array, own.np), own.np, order="C"), own
    if dtype is dtypes.string and array.size:
        raise ValueError(
            "Failed to convert a NumPy array to a Tensor (Unsupported object type "
            f"{type(array.flat[0].item()).__name__})."
        )
    if own.is_complex and not (dtype.is_complex or dtype.is_bool):
        array = array.real
    with np.errstate(all="ignore"):
        return np.array(array.astype(dtype.np), order="C"), dtype


def _strings(array: np.ndarray, dtype: DType | None) -> tuple[np.ndarray, DType]:
    """Arrays of str, bytes or objects as object arrays of bytes, or as the numbers that they spell."""
    if array.dtype.kind == "O" and array.size and not isinstance(array.flat[0], (str, bytes)):
        return _from_python(array.tolist(), dtype)
    if dtype is not None and dtype is not dtypes.string:
        try:
            return array.astype(dtype.np), dtype
        except ValueError as error:
            raise ValueError(f"Strings cannot be converted to {dtype.name}: {error}") from None
    out = np.empty(array.shape, object)
    flat = out.reshape(-1)
    for i, element in enumerate(array.reshape(-1).tolist()):
        if isinstance(element, str):
            element = element.encode()
        elif not isinstance(element, bytes):
            raise ValueError(
                "Failed to convert a NumPy array to a Tensor (Unsupported object type "
                f"{type(element).__name__})."
            )
        flat[i] = element
    return out, dtypes.string


def _from_python(
    value: Any, dtype: DType | None, in_graph: bool = False
) -> tuple[np.ndarray, DType]:
    leaves: list[Any] = []
    shape = _walk(value, leaves, in_graph)
    kinds = _kinds(leaves)
    if dtype is None and "string" in kinds and kinds != {"string"}:
        raise _mixed(leaves)
    if dtype is None and in_graph and leaves and "string" not in kinds:
        array, chosen = _together(leaves)
        return array.reshape(shape), chosen
    chosen = dtype if dtype is not None else _infer(leaves, kinds)
    _check_kinds(leaves, kinds, chosen, in_graph)
    if chosen is dtypes.string:
        array = np.empty(len(leaves), object)
        array[:] = [leaf.encode() if isinstance(leaf, str) else bytes(leaf) for leaf in leaves]
        return array.reshape(shape), chosen
    try:
        with np.errstate(all="ignore"):
            array = np.array(leaves if leaves else [], dtype=_staging(chosen, kinds)).astype(
                chosen.np
            )
    except OverflowError:
        raise ValueError(OUT_OF_RANGE) from None
    return array.reshape(shape), chosen


def _staging(dtype: DType, kinds: set[str]) -> Any:
    """The NumPy dtype in which Python numbers are collected before the cast to `dtype`."""
    if kinds <= {"int", "bool"} and (dtype.is_integer or dtype.is_quantized):
        return np.uint64 if dtype is dtypes.uint64 else np.int64
    if dtype.is_bool:
        return np.bool_
    if dtype.is_floating and "complex" not in kinds:
        return np.float64
    return np.complex128 if dtype.is_complex else None


def _walk(value: Any, leaves: list[Any], in_graph: bool) -> tuple[int, ...]:
    """Appends the elements of a nested sequence in order; returns its shape. In graphs only Python's own sequences are some."""
    if isinstance(value, np.ndarray) or (
        not isinstance(value, (list, tuple, range, str, bytes)) and hasattr(value, "__array__")
    ):
        array = np.asarray(value)
        leaves.extend(array.reshape(-1) if array.dtype.kind != "O" else array.reshape(-1).tolist())
        return array.shape
    if isinstance(value, TensorShape):
        value = value.as_list()
    if not in_graph and _is_like_a_sequence(value):
        value = _elements(value)
    if not isinstance(value, (list, tuple, range)):
        leaves.append(value)
        return ()
    if not value:
        return (0,)
    walked = [_walk(element, leaves, in_graph) for element in value]
    shapes = set(walked)
    if len(shapes) > 1:
        if not walked[0]:
            raise ValueError(f"{MIXED} Received lists beside other values.")
        raise ValueError(
            "Can't convert non-rectangular Python sequence to Tensor. tf.ragged.constant takes rows of different lengths."
        )
    return (len(value), *shapes.pop())


def _is_like_a_sequence(value: Any) -> bool:
    """True if a user's class has a length and elements, and no keys."""
    kind = type(value)
    return (
        hasattr(kind, "__len__")
        and hasattr(kind, "__getitem__")
        and not hasattr(kind, "keys")
        and not isinstance(value, (list, tuple, range, str, bytes, bytearray, memoryview))
    )


def _elements(value: Any) -> list[Any]:
    """The elements of a sequence-like object."""
    try:
        return [value[i] for i in range(len(value))]
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError(
            f"Attempt to convert a value ({value!r}) of {type(value)} to a Tensor: its elements cannot be read "
            f"({type(error).__name__}: {error})."
        ) from error


def _kinds(leaves: list[Any]) -> set[str]:
    """The kinds of the elements; those of a type are alike."""
    return {_kind(leaf) for leaf in {type(leaf): leaf for leaf in reversed(leaves)}.values()}


def _kind(leaf: Any) -> str:
    if isinstance(leaf, (bool, np.bool_)):
        return "bool"
    if isinstance(leaf, (int, np.integer)):
        return "int"
    if isinstance(leaf, (float, np.floating)):
        return "float"
    if isinstance(leaf, (str, bytes)):
        return "string"
    if isinstance(leaf, (complex, np.complexfloating)):
        return "complex"
    if hasattr(leaf, "__index__") and not isinstance(leaf, DType):
        return "int"
    if type(leaf).__module__ == "ml_dtypes":
        return "float"
    raise unsupported(leaf)


def _mixed(leaves: list[Any]) -> ValueError:
    """The error for Python values that have no common dtype."""
    names = dict.fromkeys(type(leaf).__name__ for leaf in leaves)
    return ValueError(f"{MIXED} Received {' and '.join(names)}.")


def unsupported(value: Any) -> ValueError:
    """The error for a value that does not convert to a tensor."""

    def text() -> str:
        kind = type(value)
        return (
            f"Attempt to convert a value ({value!r}) with an unsupported type ({kind}) to a Tensor."
        )

    # Functions of tensors are tried first for ragged ones, too, which take long to write.
    return ValueError(LateText(text))


def _infer(leaves: list[Any], kinds: set[str], asked: bool = False) -> DType:
    """The dtype of Python numbers outside of graphs; their range matters less if another dtype is `asked` for."""
    if not leaves:
        return dtypes.float32
    if "string" in kinds:
        return dtypes.string
    first = _kind(leaves[0])
    if (first == "bool" and kinds != {"bool"}) or ("complex" in kinds and first != "complex"):
        raise _mixed(leaves)
    if _has_foreign(leaves, first):
        raise _mixed(leaves)
    if first == "complex":
        return dtypes.complex128
    if first == "bool":
        return dtypes.bool_
    if first == "int":
        before = itertools.takewhile(lambda leaf: _kind(leaf) != "float", leaves)
        of_integers = _integer_dtype([int(leaf) for leaf in before])
        if "float" not in kinds:
            return of_integers
    of_numpy = isinstance(leaves[0], np.floating)
    own = dtypes.as_dtype(leaves[0].dtype) if of_numpy else dtypes.float32
    if not asked or own is dtypes.float16:
        _check_range(leaves, own)
    return own


def _has_foreign(leaves: list[Any], first: str) -> bool:
    """True if a list that begins with an element of kind `first` does not take all: NumPy's booleans among numbers, or ml_dtypes."""
    return any(
        (kind is np.bool_ and first != "bool") or kind.__module__ == "ml_dtypes"
        for kind in set(map(type, leaves))
    )


def _check_range(leaves: list[Any], dtype: DType) -> None:
    """Raises if a finite float among the elements becomes infinite; integers may."""
    if _kinds(leaves) != {"float"}:
        leaves = [leaf for leaf in leaves if _kind(leaf) == "float"]
    floats = np.array(leaves, np.float64)
    with np.errstate(over="ignore"):
        rounded = floats.astype(dtype.np)
    if np.any(np.isinf(rounded) & np.isfinite(floats)):
        raise ValueError(
            "Can't convert Python sequence with a value out of range for a double-precision float."
        )


def _integer_dtype(values: list[int]) -> DType:
    """int32 if it holds the values, else int64."""
    low, high = min(values), max(values)
    if INT32.min <= low and high <= INT32.max:
        return dtypes.int32
    if INT64.min <= low and high <= INT64.max:
        return dtypes.int64
    raise ValueError(OUT_OF_RANGE)


def _together(leaves: list[Any]) -> tuple[np.ndarray, DType]:
    """The numbers as NumPy takes them together, but float32 for float64, and int32 if they fit."""
    with np.errstate(all="ignore"):
        array = np.array(leaves)
        if array.dtype == np.object_:
            if {_kind(leaf) for leaf in leaves} - {"int", "bool"}:
                raise ValueError(OUT_OF_RANGE)
            array = np.array([int(leaf) for leaf in leaves], object)
        if array.dtype in (np.int64, np.object_):
            chosen = _integer_dtype([int(array.min()), int(array.max())])
        elif array.dtype == np.float64:
            chosen = dtypes.float32
        else:
            chosen = dtypes.as_dtype(array.dtype)
        return array.astype(chosen.np, copy=False), chosen


# dtypes to which Python numbers and booleans convert elementwise.
_OF_BOOLS = frozenset(
    (
        dtypes.bool_,
        dtypes.float16,
        dtypes.float32,
        dtypes.float64,
        dtypes.int32,
        dtypes.int64,
        dtypes.uint64,
        dtypes.complex128,
        dtypes.string,
    )
)


def _check_kinds(leaves: list[Any], kinds: set[str], dtype: DType, in_graph: bool) -> None:
    """Raises if Python values of these kinds cannot be converted to `dtype`."""
    if "string" in kinds and kinds != {"string"} and not in_graph:
        raise _mixed(leaves)
    allowed = {"bool", "int", "float"}
    if not dtype.is_numpy_compatible:
        if not leaves and (in_graph or dtype is not dtypes.variant):
            raise TypeError(f"Cannot convert an empty list to a tensor of dtype {dtype.name}")
        allowed = set()
    elif dtype is dtypes.string:
        allowed = {"string"}
    elif dtype.is_bool:
        allowed = {"bool"}
    elif dtype.is_integer or dtype.is_quantized:
        allowed = {"bool", "int"}
    elif dtype.is_complex:
        allowed = {"bool", "int", "float", "complex"}
    if not in_graph:
        if not _is_direct(leaves, kinds, allowed, dtype):
            # Infer the dtype of Python numbers first, then cast.
            if _infer(leaves, kinds, asked=True).is_bool and not dtype.is_bool:
                allowed -= {"bool"}
    if not kinds <= allowed:
        wrong = next(leaf for leaf in leaves if _kind(leaf) not in allowed)
        if in_graph:
            kind = type(wrong).__name__
            raise TypeError(f"Expected {dtype.name}, but got {wrong} of type '{kind}'.")
        raise TypeError(f"Cannot convert {wrong!r} to EagerTensor of dtype {dtype.name}")


def _is_direct(leaves: list[Any], kinds: set[str], allowed: set[str], dtype: DType) -> bool:
    """True if the elements outside of a graph become numbers of `dtype` one by one, not as numbers of their own dtype first."""
    if dtype not in _OF_BOOLS or not kinds <= allowed:
        return False
    if "float" in kinds and dtype in (dtypes.float16, dtypes.float32):
        try:
            _check_range(leaves, dtype)
        except ValueError:
            return False
    if dtype.is_bool or dtype is dtypes.string:
        return True
    return not _has_foreign(leaves, "int")


def in_order(array: np.ndarray) -> np.ndarray:
    """A constant whose bytes are in the order of its elements: programs that read a view, such as a transposed one, would copy it in each call."""
    if array.flags.c_contiguous:
        return array
    array = np.asarray(array, order="C")
    array.setflags(write=False)
    return array
