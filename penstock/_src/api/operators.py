"""The operators, indexing and Python protocols of tensors."""

import inspect
from typing import Any

import numpy as np

from penstock._src.core import dtypes, errors
from penstock._src.core.calls.tracebacks import shorten, shortening
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor, is_convertible, number
from penstock._src.core.dispatch import STATE, executing_eagerly, in_v1_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import Dimension
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import FLOAT, INTEGER
from penstock._src.eager.constants import number_input
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable, Variable
from penstock._src.graph.operation import scope_of

from .array import indexing
from .borrowed_operators import OF_OTHERS, typed
from .extending.dispatch import dispatchable
from .extending.item_calls import ITEMS, eager_item, is_basic, with_numbers
from .linalg.products import matmul
from .math import arithmetic, elementwise, logic


def _declines(other: Any) -> bool:
    """True if a binary operator defers to `other`'s reflected method."""
    if isinstance(other, (Tensor, IndexedSlices)):  # slices are converted to a dense tensor
        return False
    kind = type(other)
    if kind in (float, int, bool, list, tuple, np.ndarray, str, bytes):
        return False
    if issubclass(kind, np.generic):
        return False
    if getattr(kind, "__array_priority__", 0) > 100:
        return True
    return hasattr(kind, "_type_spec") and not is_convertible(kind)


# The raw ops of operators, and the enum values of the dtypes of eager tensors for which they are all that an operator does.
_REAL = frozenset(dtype._enum for dtype in FLOAT | INTEGER)
_FLOATS = frozenset(dtype._enum for dtype in FLOAT)
_DIRECT = {
    "add": ("AddV2", _REAL),
    "sub": ("Sub", _REAL),
    "mul": ("Mul", _REAL),
    "truediv": ("RealDiv", _FLOATS),
    "floordiv": ("FloorDiv", _REAL),
    "mod": ("FloorMod", _REAL),
    "pow": ("Pow", _FLOATS),
}
_NO_ATTRIBUTES: dict[str, Any] = {}


def _operand(value, dtype):
    """Returns an eager tensor, variable or number as an eager tensor of this dtype, or None if it has another dtype."""
    kind = type(value)
    if kind is ResourceVariable:
        value = value._read()
    elif kind is float or kind is int:
        quick = number(value, dtype)
        return None if quick is None else EagerTensor(*quick)
    elif kind is np.ndarray and value.dtype is dtype.np:
        return EagerTensor(value.copy(), dtype)
    return value if type(value) is EagerTensor and value._dtype is dtype else None


def _binary(op, reflected=False):
    op_type, types = _DIRECT.get(op.name, ("", frozenset()))
    run, scope = None, {}  # the raw op's function, found at the first call, and its global names

    def operator(self, other):
        nonlocal run, scope
        try:
            if type(self) is EagerTensor and self._dtype._enum in types:
                operand = other
                if type(other) is not EagerTensor or other._dtype is not self._dtype:
                    operand = _operand(other, self._dtype) if STATE.graph is None else None
                if operand is not None:
                    x, y = (operand, self) if reflected else (self, operand)
                    if run is None:
                        function = getattr(raw, op_type)
                        # In this order: other threads go by the function.
                        scope = function.__globals__
                        run = function
                    # What the function does first, without its frame.
                    quick = scope["quick"]
                    result = None if quick is None else quick(_NO_ATTRIBUTES, x, y)
                    if result is not None:
                        return result
                    if STATE.graph is None:
                        return run(x, y)
            if not isinstance(self, Tensor):
                return (
                    op.of_others(typed(other, self), self)
                    if reflected
                    else op.of_others(self, other)
                )
            if _declines(other):
                return NotImplemented
            return _of_any(self, other)
        except Exception as error:
            shorten(error)
            raise

    def _of_any(self, other):
        try:
            if reflected and STATE.graph is None and not isinstance(other, Tensor):
                other = convert_to_tensor(other, dtype=self.dtype.base_dtype, name="x")
            return op(other, self) if reflected else op(self, other)
        except (TypeError, ValueError) as error:
            method = getattr(type(other), op.reflected if not reflected else op.direct, None)
            if method is None or isinstance(other, (Tensor, np.ndarray, str, list, tuple)):
                raise
            if isinstance(other, (int, float, complex, bool, bytes)):
                raise
            return _others_result(method, other, self, error)

    return operator


def _others_result(method, other, tensor, error):
    """The result of an operator that only the other operand's class supports; the tensor's error if that fails too."""
    try:
        result = method(other, tensor)
    except Exception:
        raise error from None
    if result is NotImplemented:
        raise error
    return result


class _Operator:
    """A binary function and the names of its operator methods."""

    def __init__(self, name, function):
        self.name = name
        self.direct, self.reflected = f"__{name}__", f"__r{name}__"
        self.function = function
        # For classes that reuse the operators of tensors: with dispatch.
        self.of_others = OF_OTHERS[name]

    def __call__(self, x, y):
        return self.function(x, y)


def _named(op_type, name):
    """A raw op that is named after the operator in graphs."""

    def call(x, y):
        op = getattr(raw, op_type)
        return op(x, y) if STATE.graph is None else op(x, y, name=name)

    return call


_add_numbers, _add_strings = _named("AddV2", "add"), _named("Add", "add")
_real_division = _named("RealDiv", "truediv")


def _add(x, y):
    dtype = x.dtype if isinstance(x, Tensor) else y.dtype
    if STATE.graph is None:
        # A non-tensor that does not fit the tensor's dtype keeps its own, and AddV2 raises the error.
        x = convert_to_tensor(x, dtype_hint=dtype.base_dtype)
        y = convert_to_tensor(y, dtype_hint=dtype.base_dtype)
    return _add_strings(x, y) if dtype == dtypes.string else _add_numbers(x, y)


def _logic(bits, truth):
    def apply(x, y):
        dtype = x.dtype if isinstance(x, Tensor) else y.dtype
        return truth(x, y) if dtype.base_dtype.is_bool else bits(x, y)

    return apply


_OPERATORS = {
    "add": _add,
    "sub": _named("Sub", "sub"),
    "mul": lambda x, y: _product(x, y),
    "truediv": lambda x, y: _true_division(x, y),
    "floordiv": _named("FloorDiv", "floordiv"),
    "mod": _named("FloorMod", "mod"),
    "pow": _named("Pow", "pow"),
    "matmul": lambda x, y: _matrix_product(x, y),
    "and": _logic(_named("BitwiseAnd", "and"), _named("LogicalAnd", "and")),
    "or": _logic(_named("BitwiseOr", "or"), _named("LogicalOr", "or")),
    "xor": _logic(_named("BitwiseXor", "xor"), logic.logical_xor),
}


_multiply = _named("Mul", "mul")


def _product(x, y):
    """The product; logical "and" if an operand is a boolean tensor."""
    if not any(isinstance(v, Tensor) and v.dtype.base_dtype.is_bool for v in (x, y)):
        return _multiply(x, y)
    x, y = (elementwise.cast(v, dtypes.bool_) for v in (x, y))
    return logic.logical_and(x, y)


def _matrix_product(x, y):
    """The product of matrices, where an operand that is not a tensor gets the other's dtype."""
    if STATE.graph is None:
        return matmul(x, y)
    with STATE.graph.name_scope("matmul") as scope:
        if not isinstance(x, Tensor):
            x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
        return matmul(x, y, name=scope)


def _true_division(x, y):
    dtype = (x if isinstance(x, Tensor) else y).dtype
    if dtype.is_floating and all(
        type(z) in (float, int) or (isinstance(z, Tensor) and z.dtype is dtype) for z in (x, y)
    ):
        return _real_division(x, y)
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x, dtype=dtype.base_dtype, name="x")
    return arithmetic.truediv(x, y, name=None if STATE.graph is None else "truediv")


def _compare(op, of_others):
    def operator(self, other):
        try:
            if not isinstance(self, Tensor):
                return of_others(self, other)
            return NotImplemented if _declines(other) else op(self, number_input(other, self))
        except Exception as error:
            shorten(error)
            raise

    return operator


def _invert(self):
    try:
        is_truth = getattr(self, "dtype", dtypes.bool_).base_dtype.is_bool
        if not isinstance(self, Tensor):
            return elementwise.logical_not(self) if is_truth else elementwise.invert(self)
        return raw.LogicalNot(self) if is_truth else raw.Invert(self)
    except Exception as error:
        shorten(error)
        raise


def _negate(self):
    try:
        return raw.Neg(self) if isinstance(self, Tensor) else elementwise.negative(self)
    except Exception as error:
        shorten(error)
        raise


def _absolute(self):
    try:
        return elementwise.abs(self)
    except Exception as error:
        shorten(error)
        raise


@dispatchable("__operators__.eq", v1=["__operators__.eq"])
def tensor_equals(self, other):
    """True where elements are equal. In TensorFlow 1's graphs: True if both are the same tensor.

    Args:
      other: what converts to a tensor of the same dtype; the shapes broadcast.

    Returns:
      A bool tensor; False where `other` is None or can't be compared.
    """
    if other is None:
        return False
    if not Tensor._USE_EQUALITY or (STATE.graph is not None and in_v1_graph()):
        return self is other
    if not isinstance(self, Tensor):
        return _compare_or_differ(logic.equal, self, other, False)
    if _declines(other):
        return NotImplemented
    try:
        return _compare_or_constant(raw.Equal, self, number_input(other, self), False)
    except Exception as error:
        shorten(error)
        raise


@dispatchable("__operators__.ne", v1=["__operators__.ne"])
def tensor_not_equals(self, other):
    """True where elements differ. In TensorFlow 1's graphs: True if the tensors are not the same object.

    Args:
      other: what converts to a tensor of the same dtype; the shapes broadcast.

    Returns:
      A bool tensor; True where `other` is None or can't be compared.
    """
    if other is None:
        return True
    if not Tensor._USE_EQUALITY or (STATE.graph is not None and in_v1_graph()):
        return self is not other
    if not isinstance(self, Tensor):
        return _compare_or_differ(logic.not_equal, self, other, True)
    if _declines(other):
        return NotImplemented
    try:
        return _compare_or_constant(raw.NotEqual, self, number_input(other, self), True)
    except Exception as error:
        shorten(error)
        raise


def _compare_or_differ(compare, x, y, otherwise):
    """Elementwise comparison of ragged tensors; rows that do not match count as different."""
    try:
        return compare(x, y)
    except (ValueError, errors.InvalidArgumentError):
        return otherwise


def _compare_or_constant(op, x, y, otherwise):
    """Elementwise comparison; incompatible shapes count as different."""
    try:
        return op(x, y, incompatible_shape_error=False)
    except (TypeError, ValueError):
        if isinstance(y, (Tensor, np.ndarray, int, float, complex, bool, list, tuple, str, bytes)):
            raise
        return otherwise


def _bool(self):
    try:
        if not hasattr(self, "numpy"):
            raise _no_python_value(self, "bool")
        return bool(self._value if self.shape.rank == 0 else self.numpy())
    except Exception as error:
        shorten(error)
        raise


def _no_python_value(tensor, use):
    from_graph = "Using a symbolic `tf.Tensor` as a Python `bool` is not allowed."
    if use == "iter":
        from_graph = "Iterating over a symbolic `tf.Tensor` is not allowed."
    return errors.OperatorNotAllowedInGraphError(
        f"{from_graph} You can attempt the following resolutions to the problem: If you are "
        "running in Graph mode, use Eager execution mode or decorate this function with "
        "@tf.function. If you are using AutoGraph, you can try decorating this function with "
        "@tf.function. If that does not work, then you may be using an unsupported feature or "
        "your source code may not be visible to AutoGraph."
    )


@shortening
def _iterate(self):
    if not hasattr(self, "numpy"):
        raise _no_python_value(self, "iter")
    if self.shape.rank == 0:
        raise TypeError("Cannot iterate over a scalar tensor.")
    return _Rows(self)


class _Rows:
    """Iterates over the first axis."""

    def __init__(self, tensor):
        self.tensor, self.index, self.limit = tensor, 0, tensor.shape[0]

    def __iter__(self):
        return self

    def __next__(self):
        if self.index >= self.limit:
            raise StopIteration
        self.index += 1
        return self.tensor[self.index - 1]

    def __length_hint__(self):
        return self.limit - self.index


@shortening
def _length(self):
    if not hasattr(self, "numpy"):
        raise TypeError(
            f"len is not well defined for a symbolic Tensor ({self.name}). Please call `x.shape` "
            "rather than `len(x)` for shape information."
        )
    if self.shape.rank == 0:
        raise TypeError("Scalar tensor has no `len()`")
    return self.shape[0]


_ALLOWED_INDICES = (
    "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
    "tf.int32/tf.int64 tensors are valid indices"
)


def _check_index(index):
    if isinstance(index, (int, np.integer)) and not isinstance(index, (bool, np.bool_)):
        return
    if isinstance(index, np.ndarray) and index.ndim == 0 and index.dtype.kind in "iu":
        return
    if isinstance(index, np.ndarray) and index.ndim > 1 and index.dtype.kind == "i":
        return  # the op refuses it, as it does a tensor
    if (
        not isinstance(index, np.ndarray)
        and hasattr(index, "__index__")
        and not isinstance(index, (bool, np.bool_, Tensor))
        and not getattr(index, "shape", None)  # a variable of several numbers has the method, too
    ):
        return
    dtype = getattr(index, "dtype", None)
    if dtype is not None and not isinstance(index, np.ndarray):
        kind = dtypes.as_dtype(dtype)
        rank = getattr(index.shape, "rank", None) if hasattr(index, "shape") else None
        # vectors alone are refused by the operator: the op refuses what has more axes
        if kind in (dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.int8) and (
            rank != 1
        ):
            return
    raise TypeError(f"{_ALLOWED_INDICES}, got {index!r}")


def _subscript(tensor, slice_spec, var=None):
    """`tensor[slice_spec]`; a basic index of an eager tensor is not dispatched on."""
    result = ITEMS.quick(tensor, slice_spec)
    if result is not None:
        return result
    try:
        if type(tensor) is EagerTensor and STATE.graph is None:
            spec = with_numbers(slice_spec)
            result = ITEMS.quick(tensor, spec)
            if result is None and is_basic(spec):
                result = eager_item(tensor, spec)
            if result is not None:
                return result
        return get_item(tensor, slice_spec, *(() if var is None else (var,)))
    except Exception as error:
        shorten(error)
        raise


@dispatchable("__operators__.getitem", v1=["__operators__.getitem"])
def get_item(tensor, slice_spec, var=None):
    """`tensor[slice_spec]`: ints, slices, `...`, `None` and scalar integer tensors.

    A boolean tensor or array as the only index takes the entries where it is True.

    Args:
      tensor: any dtype.
      slice_spec: an entry or a tuple of them.
      var: the variable that `tensor` is a value of, for `assign` to slices.

    Returns:
      A tensor of the same dtype.
    """
    if isinstance(slice_spec, bool) or _is_mask(slice_spec):
        return indexing.boolean_mask(tensor, slice_spec)
    begin, end, strides, masks = bounds_of(slice_spec)
    with scope_of((tensor, *begin, *end, *strides), None, "strided_slice") as scope:
        packed = pack_bounds(begin, end, strides)
        name = scope or "strided_slice"
        # Other objects than tensors dispatch on the subscript, not on the slice op.
        return indexing.strided_slice.__wrapped__(tensor, *packed, **masks, var=var, name=name)


def bounds_of(slice_spec):
    """Returns the begins, ends, strides and masks of an index."""
    entries = slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    begin, end, strides = [], [], []
    masks = dict.fromkeys(
        ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0
    )
    for position, entry in enumerate(entries):
        bit = 1 << position
        if isinstance(entry, slice):
            for bound, target, mask in (
                (entry.start, begin, "begin_mask"),
                (entry.stop, end, "end_mask"),
            ):
                if bound is None or _is_undefined(bound):
                    target.append(0)
                    masks[mask] |= bit
                else:
                    _check_index(bound)
                    target.append(bound)
            if entry.step is None or _is_undefined(entry.step):
                strides.append(1)
            else:
                _check_index(entry.step)
                strides.append(entry.step)
        elif entry is Ellipsis or entry is None:
            masks["ellipsis_mask" if entry is Ellipsis else "new_axis_mask"] |= bit
            begin.append(0)
            end.append(0)
            strides.append(1)
        else:
            _check_index(entry)
            begin.append(entry)
            end.append(entry + 1)
            strides.append(1)
            masks["shrink_axis_mask"] |= bit
    return begin, end, strides, masks


def _is_undefined(value):
    """True if a bound is undefined: AutoGraph's missing value, or an unknown Dimension."""
    return type(value).__name__ == "UndefinedReturnValue" or (
        isinstance(value, Dimension) and value.value is None
    )


def _is_mask(spec):
    if isinstance(spec, np.ndarray):
        return spec.dtype == bool
    return isinstance(spec, Tensor) and spec.dtype.is_bool


_NAMES_OF_BOUNDS = ("stack", "stack_1", "stack_2")


def pack_bounds(begin, end, strides):
    everything = begin + end + strides
    if all(isinstance(v, (int, np.integer)) for v in everything):
        wide = any(not -(2**31) <= v < 2**31 for v in everything)
        kind = np.int64 if wide else np.int32
        bounds = [np.array(v, kind) for v in (begin, end, strides)]
        if STATE.graph is None:
            return bounds
        return [convert_to_tensor(v, name=n) for v, n in zip(bounds, _NAMES_OF_BOUNDS)]
    wide = any(
        isinstance(v, (np.int64,)) or getattr(v, "dtype", None) == dtypes.int64
        for v in everything
        if hasattr(v, "dtype")
    )
    kind = dtypes.int64 if wide else dtypes.int32
    named = zip((begin, end, strides), _NAMES_OF_BOUNDS)
    return [_packed(values, kind, name) for values, name in named]


def _packed(values, kind, name):
    if not values:
        return np.zeros(0, kind.as_numpy_dtype)
    if all(isinstance(v, (int, np.integer)) for v in values):
        return convert_to_tensor(np.array(values, kind.as_numpy_dtype), name=name)
    parts = []
    for position, value in enumerate(values):
        part = convert_to_tensor(value) if hasattr(value, "dtype") else value
        if isinstance(part, Tensor):
            part = elementwise.cast(part, kind)
        else:
            part = convert_to_tensor(int(part), dtype=kind, name=f"{name}/{position}")
        parts.append(part)
    return raw.Pack(values=parts, name=name)


def install_operators() -> None:
    """Installs the operators in `Tensor`."""
    for name, function in _OPERATORS.items():
        op = _Operator(name, function)
        setattr(Tensor, op.direct, _binary(op))
        setattr(Tensor, op.reflected, _binary(op, reflected=True))
    for name, op, of_others in (
        ("lt", raw_compare("Less"), logic.less),
        ("le", raw_compare("LessEqual"), logic.less_equal),
        ("gt", raw_compare("Greater"), logic.greater),
        ("ge", raw_compare("GreaterEqual"), logic.greater_equal),
    ):
        setattr(Tensor, f"__{name}__", _compare(op, of_others))
    for name, method in {
        "div": Tensor.__truediv__,
        "rdiv": Tensor.__rtruediv__,
        "neg": _negate,
        "pos": lambda self: self,
        "abs": _absolute,
        "invert": _invert,
        "eq": inspect.unwrap(tensor_equals),
        "ne": inspect.unwrap(tensor_not_equals),
        "bool": _bool,
        "nonzero": _bool,
        "iter": _iterate,
        "len": _length,
        "getitem": _subscript,
    }.items():
        setattr(Tensor, f"__{name}__", method)


def install_variable_operators() -> None:
    """Installs the operators of tensors in `Variable`."""

    def through_value(name):
        def operator(self, *others):
            try:
                return getattr(Tensor, name)(self._read(), *others)
            except Exception as error:
                shorten(error)
                raise

        operator.__name__ = name
        return operator

    def get_item_of_variable(var, slice_spec):
        """`var[slice_spec]`, applied to the variable's value."""
        return Tensor.__getitem__(var._read(), slice_spec)

    if "__getitem__" not in Variable.__dict__:
        Variable.__getitem__ = get_item_of_variable  # type: ignore[misc]
    for name in (*Tensor.OVERLOADABLE_OPERATORS, "__pos__"):
        if name not in Variable.__dict__ or name in ("__eq__", "__ne__"):
            if hasattr(Tensor, name):
                setattr(Variable, name, through_value(name))


def raw_compare(name):
    """The raw comparison op, looked up when first called."""

    def compare(x, y):
        return getattr(raw, name)(x, y)

    return compare


install_operators()
install_variable_operators()
__all__ = ["executing_eagerly", "get_item", "install_operators"]
