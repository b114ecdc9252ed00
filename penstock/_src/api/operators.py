"""The operators and Python protocols of tensors; `[...]` is in `array/subscripts.py`."""

import inspect
import operator
from typing import Any

import numpy as np

from penstock._src.core import dtypes, errors
from penstock._src.core.calls.tracebacks import shorten, shortening
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor, is_convertible, number
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import FLOAT, INTEGER
from penstock._src.eager.constants import number_input
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable, Variable

from .array.subscripts import subscript
from .borrowed_operators import OF_OTHERS, typed
from .extending.dispatch import dispatchable
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
        "getitem": subscript,
    }.items():
        setattr(Tensor, f"__{name}__", method)


def install_variable_operators() -> None:
    """Installs the operators of tensors in `Variable`."""

    def through_value(name):
        def through(self, *others):
            try:
                return getattr(Tensor, name)(self._read(), *others)
            except Exception as error:
                shorten(error)
                raise

        through.__name__ = name
        return through

    def comparison(name, compare_objects):
        def compare(self, other):
            if not Tensor._USE_EQUALITY or in_v1_graph():
                return compare_objects(self, other)
            value = other.value() if isinstance(other, Variable) else other
            return getattr(Tensor, name)(self.value(), value)

        return compare

    def get_item_of_variable(var, slice_spec):
        """`var[slice_spec]`, applied to the variable's value."""
        return Tensor.__getitem__(var._read(), slice_spec)

    if "__getitem__" not in Variable.__dict__:
        Variable.__getitem__ = get_item_of_variable  # type: ignore[misc]
    for name in (*Tensor.OVERLOADABLE_OPERATORS, "__pos__"):
        if name not in Variable.__dict__ and hasattr(Tensor, name):
            setattr(Variable, name, through_value(name))
    # Only here, so that the order of imports does not decide what they mean.
    for name, compare_objects in (("__eq__", operator.is_), ("__ne__", operator.is_not)):
        setattr(Variable, name, comparison(name, compare_objects))


def raw_compare(name):
    """The raw comparison op, looked up when first called."""

    def compare(x, y):
        return getattr(raw, name)(x, y)

    return compare


install_operators()
install_variable_operators()
