"""Assertions about values: checked statically if possible, else at run time."""

import numpy as np

from penstock._src.api.control.scopes import no_op
from penstock._src.api.extending.dispatch import binary_assert, dispatchable, unary
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.operation import scope_of
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.signatures import with_sections


@dispatchable("Assert", "debugging.Assert")
def Assert(condition, data, summarize=None, name=None):
    """Raises an error that shows `data`, unless `condition` holds.

    Args:
      condition: a bool scalar.
      data: a list of tensors that the message shows.
      summarize: how many entries of each it shows; by default 3.
      name: a name for the operation.

    Returns:
      In a graph the operation that checks, else None.

    Raises:
      InvalidArgumentError: the condition is False.

    >>> tf.Assert(tf.constant(2) > 1, ["2 is greater"])
    """
    count = 3 if summarize is None else summarize
    if STATE.graph is None:
        if not condition:
            shown = "\n".join(_shown(d, count) for d in data)
            raise errors.InvalidArgumentError(
                None, None, f"Expected '{condition!s}' to be true. Summarized data: {shown}"
            )
        return None
    if isinstance(condition, int | np.generic | np.ndarray):
        known = condition
    else:  # a variable has no value yet
        known = get_static_value(condition) if isinstance(condition, Tensor) else None
    if known is not None and bool(known):
        return no_op(name=name)
    with scope_in_graph(name, "Assert"):
        condition = convert_to_tensor(condition, name="condition")
        parts = [convert_to_tensor(d) for d in data]
        return raw.Assert(condition=condition, data=parts, summarize=count)


def _entries(tensor, count):
    """Up to `count` entries of a tensor as texts, and "..." for further ones."""
    flat = np.asarray(tensor.numpy()).reshape(-1)
    limit = flat.size if count is None or count < 0 else count
    return [str(v) for v in flat[:limit].tolist()] + ["..."] * (limit < flat.size)


def _shown(item, count):
    """Up to `count` entries of a value, as text."""
    if isinstance(item, Tensor):
        return ", ".join(_entries(item, count))
    if isinstance(item, str):
        return str(item.encode())
    return str(convert_to_tensor(item).numpy()) if not isinstance(item, np.ndarray) else str(item)


def _listed(item, count):
    """A value as comparisons show it: a tensor as a list of up to `count` texts."""
    if isinstance(item, Tensor) and item.shape.rank != 0:
        return str(_entries(item, count))
    return str(item.numpy() if isinstance(item, Tensor) else item)


def describe(x):
    """Return a tensor's description for messages: its name in a graph, else its shape and type."""
    name = getattr(x, "name", None) if STATE.graph is not None else None
    return name or f"shape={x.shape} dtype={x.dtype.name}"


def compare(sign, op, x, y, data, summarize, message, name):
    """Checks a comparison in a scope of the assertion's name."""
    with scope_of((x, y), name, f"assert_{_NAMES[sign]}"):
        return _compared(sign, op, x, y, data, summarize, message)


def _compared(sign, op, x, y, data, summarize, message):
    # Converted separately: values of different dtypes are not compared.
    x, y = convert_to_tensor(x, name="x"), convert_to_tensor(y, name="y")
    if STATE.graph is None:
        holds = op(x=x, y=y)
        if np.all(holds.numpy()):
            return None
        if summarize is None:
            summarize = 3
        elif summarize < 0:
            summarize = 10**9
        lines = (
            _failure(sign, x, y, holds.numpy(), summarize)
            if data is None
            else [_listed(d, summarize) for d in data]
        )
        if message or (data is not None and message is not None):
            lines = [message, *lines]
        raise errors.InvalidArgumentError(None, None, "\n".join(str(line) for line in lines))
    if data is None:
        data = [
            message or "",
            f"Condition x {sign} y did not hold element-wise:",
            f"x ({describe(x)}) = ",
            x,
            f"y ({describe(y)}) = ",
            y,
        ]
        data = data if message else data[1:]
    elif message is not None:
        data = [message, *data]
    condition = op(x=x, y=y)
    known_x, known_y = get_static_value(x), get_static_value(y)
    if known_x is not None and known_y is not None:
        holds = np.all(_NUMPY[sign](known_x, known_y))
        if holds:
            return no_op(name="static_checks_determined_all_ok")
        lines = [str(get_static_value(d)) if isinstance(d, Tensor) else str(d) for d in data]
        raise errors.InvalidArgumentError(None, None, "\n".join(lines))
    return Assert(_all(condition), data, summarize=summarize)


def _all(condition):
    """Return a bool scalar: True if a condition holds for all elements."""
    rank = condition.shape.rank
    axes = (
        np.arange(rank, dtype=np.int32)
        if rank is not None
        else raw.Range(start=0, limit=raw.Rank(input=condition), delta=1)
    )
    return raw.All(input=condition, axis=axes)


_NAMES = {
    "==": "equal",
    "!=": "none_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
_NUMPY = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _failure(sign, x, y, holds, count):
    lines = [f"Condition x {sign} y did not hold."]
    if count <= 0:
        return lines
    first, second = np.asarray(x.numpy()), np.asarray(y.numpy())
    if x.shape == y.shape and first.ndim:
        places = np.argwhere(~holds)
        shown = min(count, len(places))
        lines += [
            f"Indices of first {shown} different values:",
            places[:shown],
            "Corresponding x values:",
            first[~holds].reshape(-1)[:shown],
            "Corresponding y values:",
            second[~holds].reshape(-1)[:shown],
        ]
    for label, values in (("x", first.reshape(-1)), ("y", second.reshape(-1))):
        shown = min(values.size, count)
        lines += [f"First {shown} elements of {label}:", values[:shown]]
    return lines


# The common part of assertions that compare.
_RESULT = """
  message: how the text of the error begins.
  summarize: how many entries the message shows; by default 3.
  name: a name for the operation.

Returns:
  In a graph the operation that checks, else None.

Raises:
  InvalidArgumentError: it is not so; while a function is traced, if that is known then.
"""
_OF_TWO = """
Args:
  x: a tensor: for an order, of real numbers.
  y: a tensor of the same dtype. The shapes broadcast.
""" + _RESULT.lstrip("\n")
_OF_SIGN = """
Args:
  x: real numbers.
""" + _RESULT.lstrip("\n")


@binary_assert("debugging.assert_equal", "assert_equal", v1=[])
@with_sections(_OF_TWO)
def assert_equal(x, y, message=None, summarize=None, name=None):
    """Raises an error unless x == y everywhere.

    >>> tf.debugging.assert_equal([1, 1], 1)
    """
    return check_equal(x, y, None, summarize, message, name)


def check_equal(x, y, data, summarize, message, name):
    """`assert_equal` that prints `data`, if given, instead of the values."""
    with scope_in_graph(name, "assert_equal"):
        if x is y:
            return None if STATE.graph is None else no_op()
    return compare("==", raw.Equal, x, y, data, summarize, message, name)


@binary_assert("debugging.assert_none_equal", v1=[])
@with_sections(_OF_TWO)
def assert_none_equal(x, y, summarize=None, message=None, name=None):
    """Raises an error unless x != y everywhere."""
    return compare("!=", raw.NotEqual, x, y, None, summarize, message, name)


@binary_assert("debugging.assert_less", "assert_less", v1=[])
@with_sections(_OF_TWO)
def assert_less(x, y, message=None, summarize=None, name=None):
    """Raises an error unless x < y everywhere."""
    return compare("<", raw.Less, x, y, None, summarize, message, name)


@binary_assert("debugging.assert_less_equal", v1=[])
@with_sections(_OF_TWO)
def assert_less_equal(x, y, message=None, summarize=None, name=None):
    """Raises an error unless x <= y everywhere."""
    return compare("<=", raw.LessEqual, x, y, None, summarize, message, name)


@binary_assert("debugging.assert_greater", "assert_greater", v1=[])
@with_sections(_OF_TWO)
def assert_greater(x, y, message=None, summarize=None, name=None):
    """Raises an error unless x > y everywhere.

    >>> tf.debugging.assert_greater([2, 3], 1)
    """
    return compare(">", raw.Greater, x, y, None, summarize, message, name)


@binary_assert("debugging.assert_greater_equal", v1=[])
@with_sections(_OF_TWO)
def assert_greater_equal(x, y, message=None, summarize=None, name=None):
    """Raises an error unless x >= y everywhere."""
    return compare(">=", raw.GreaterEqual, x, y, None, summarize, message, name)


def against_zero(sign, op, x, summarize, message, name, default, data=None):
    """Checks a comparison with zero in a scope of the assertion's name."""
    if data is not None:
        with scope_of((x,), name, default):
            x = convert_to_tensor(x, name="x")
            zero = convert_to_tensor(0, dtype=x.dtype)
            return compare(sign, op, x, zero, data, summarize, message, None)
    head = f"{message}.  " if message else ""
    with scope_of((x,), name, default):
        x = convert_to_tensor(x, name="x")
        zero = convert_to_tensor(0, dtype=x.dtype)
        failed = f"Condition x {sign} 0 did not hold element-wise:"
        if STATE.graph is not None:
            data = [head, failed, f"x ({describe(x)}) = ", x]
            return compare(sign, op, x, zero, data, summarize, None, None)
        if np.all(op(x=x, y=zero).numpy()):
            return None
        values = [str(v) for v in np.asarray(x.numpy()).reshape(-1)[: summarize or 3].tolist()]
        raise errors.InvalidArgumentError(
            None, None, f"{head}\n{failed}\nx ({describe(x)}) = \n{values}"
        )


@unary("debugging.assert_positive", v1=[])
@with_sections(_OF_SIGN)
def assert_positive(x, message=None, summarize=None, name=None):
    """Raises an error unless x > 0 everywhere."""
    return against_zero(">", raw.Greater, x, summarize, message, name, "assert_positive")


@unary("debugging.assert_negative", v1=[])
@with_sections(_OF_SIGN)
def assert_negative(x, message=None, summarize=None, name=None):
    """Raises an error unless x < 0 everywhere."""
    return against_zero("<", raw.Less, x, summarize, message, name, "assert_negative")


@unary("debugging.assert_non_negative", v1=[])
@with_sections(_OF_SIGN)
def assert_non_negative(x, message=None, summarize=None, name=None):
    """Raises an error unless x >= 0 everywhere."""
    return against_zero(">=", raw.GreaterEqual, x, summarize, message, name, "assert_non_negative")


@unary("debugging.assert_non_positive", v1=[])
@with_sections(_OF_SIGN)
def assert_non_positive(x, message=None, summarize=None, name=None):
    """Raises an error unless x <= 0 everywhere."""
    return against_zero("<=", raw.LessEqual, x, summarize, message, name, "assert_non_positive")


@binary_assert("debugging.assert_near", v1=[])
def assert_near(x, y, rtol=None, atol=None, message=None, summarize=None, name=None):
    """Raises InvalidArgumentError unless |x - y| < atol + rtol * |y| everywhere.

    Both tolerances are 10 times the machine epsilon of the type by default.

    Args:
      x: float or integer numbers.
      y: numbers of the same dtype. The shapes broadcast.
      rtol, atol: the relative and the absolute tolerance, scalars; by default 10 times the machine
        epsilon of the type.
      message: how the text of the error begins.
      summarize: how many entries the message shows; by default 3.
      name: a name for the operation.

    Returns:
      In a graph the operation that checks, else None.
    """
    with scope_in_graph(name, "assert_near"):
        return near(x, y, rtol, atol, message, summarize)


def near(x, y, rtol, atol, message, summarize, data=None):
    """Checks that values are close, in the scope that the caller has entered."""
    x = convert_to_tensor(x, name="x")
    y = convert_to_tensor(y, dtype=x.dtype, name="y")
    kind = x.dtype.real_dtype.as_numpy_dtype
    if not (x.dtype.is_floating or x.dtype.is_complex):
        raise ValueError(f"data type {kind!r} not inexact")
    eps = np.asarray(10 * 2.0 ** -dtypes.float_format(kind).mantissa, kind)
    relative, absolute = (
        convert_to_tensor(eps if value is None else value, x.dtype.real_dtype, name=label)
        for value, label in ((rtol, "rtol"), (atol, "atol"))
    )
    size = raw.ComplexAbs(x=y, Tout=x.dtype.real_dtype) if x.dtype.is_complex else raw.Abs(x=y)
    difference = x - y
    difference = (
        raw.ComplexAbs(x=difference, Tout=x.dtype.real_dtype)
        if x.dtype.is_complex
        else raw.Abs(x=difference)
    )
    holds = difference < absolute + relative * size
    condition = _all(holds)
    data = (
        data
        if data is not None
        else [
            f"{message}.  " if message else "",
            f"x and y not equal to tolerance rtol = {relative!s}, atol = {absolute!s}",
            f"x ({describe(x)}) = ",
            x,
            f"y ({describe(y)}) = ",
            y,
        ]
    )
    return Assert(condition, data, summarize=summarize)


@unary("debugging.check_numerics", v1=["debugging.check_numerics", "check_numerics"])
def check_numerics(tensor, message, name=None):
    """Returns `tensor`, unless it holds an infinity or NaN.

    Args:
      tensor: floats.
      message: how the text of the error begins.
      name: a name for the operation.

    Returns:
      `tensor`.

    Raises:
      InvalidArgumentError: an entry is infinite or NaN.

    >>> tf.debugging.check_numerics([1.0, 2.0], "loss").numpy()
    array([1., 2.], dtype=float32)
    """
    return raw.CheckNumerics(tensor=tensor, message=message, name=name)


@dispatchable("debugging.assert_all_finite", v1=[])
def assert_all_finite(x, message, name=None):
    """Returns `x`, unless it holds an infinity or NaN.

    Args:
      x: floats.
      message: how the text of the error begins.
      name: a name for the operation.

    Returns:
      `x`.

    Raises:
      InvalidArgumentError: an entry is infinite or NaN.

    >>> tf.debugging.assert_all_finite([1.0, 2.0], "loss").numpy()
    array([1., 2.], dtype=float32)
    """
    return raw.CheckNumerics(tensor=x, message=message, name=name)


@dispatchable("debugging.assert_scalar", v1=[], scope="assert_scalar")
def assert_scalar(tensor, message=None, name=None):
    """Raises ValueError unless `tensor` is a scalar.

    Args:
      tensor: any dtype.
      message: how the text of the error begins.
      name: of the operation.

    Raises:
      ValueError: its shape is not known to be [].
    """
    tensor = convert_to_tensor(tensor)
    if tensor.shape.rank != 0:
        label = getattr(tensor, "name", None) if STATE.graph is not None else None
        which = f" for {label}" if label else ""
        head = f"{message}.  " if message else ""
        raise ValueError(f"{head}Expected scalar shape{which}, saw shape: {tensor.shape}.")
