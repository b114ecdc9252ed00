"""`tensorflow.python.ops.distributions.util`: checks and small functions that distributions are made of."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.array.indexing import boolean_mask, where
from penstock._src.api.array.shaping import transpose
from penstock._src.api.control.conditionals import cond as conditional
from penstock._src.api.control.scopes import control_dependencies, name_scope_v1
from penstock._src.api.debugging.asserts import (
    assert_equal,
    assert_greater_equal,
    assert_less_equal,
    assert_near,
    assert_non_negative,
)
from penstock._src.api.debugging.shape_asserts import assert_rank_at_least
from penstock._src.api.math import elementwise as m
from penstock._src.api.math.activations import sigmoid
from penstock._src.api.math.reduction import reduce_logsumexp, reduce_max, reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape, broadcast_static_shape
from penstock._src.graph.static_values import get_static_value, static_value
from penstock._src.v1.distributions.base import new_seed as gen_new_seed

INTEGER_LIKE = (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)
UNSIGNED = (dtypes.bool_, dtypes.uint8, dtypes.uint16)
FLOATING = (dtypes.float16, dtypes.float32, dtypes.float64)


def _after(assertions: list[Any], tensor: Any) -> Any:
    """A tensor that exists only if assertions hold."""
    pending = [assertion for assertion in assertions if assertion is not None]
    if not pending:
        return tensor
    with control_dependencies(pending):
        return raw.Identity(input=tensor)


def assert_integer_form(
    x: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    int_dtype: Any = None,
    name: str = "assert_integer_form",
) -> Any:
    """Asserts that floating-point numbers are integers that `int_dtype` can hold.

    Raises:
      TypeError: there is no integer type of the size of `x`'s.
    """
    del data
    with name_scope_v1(name):
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_integer:
            return raw.NoOp()
        if int_dtype is None:
            sizes = {dtypes.float16: dtypes.int16, dtypes.float32: dtypes.int32}
            int_dtype = {**sizes, dtypes.float64: dtypes.int64}.get(x.dtype)
            if int_dtype is None:
                raise TypeError(f"Unrecognized type {x.dtype.name}")
        message = message or f"{x} has non-integer components"
        whole = m.cast(m.cast(x, int_dtype), x.dtype)
        return assert_equal(x, whole, message=message, summarize=summarize)


def embed_check_nonnegative_integer_form(
    x: Any, name: str = "embed_check_nonnegative_integer_form"
) -> Any:
    """Returns `x` if its elements are integers, and none is negative."""
    with name_scope_v1(name):
        x = convert_to_tensor(x, name="x")
        checks = [assert_non_negative(x, message=f"'{x}' must be non-negative.")]
        if not x.dtype.is_integer:
            message = f"'{x}' cannot contain fractional components."
            checks.append(assert_integer_form(x, message=message))
        return _after(checks, x)


def assert_symmetric(matrix: Any) -> Any:
    """Returns a matrix if it equals its transpose."""
    rank = len(matrix.shape)
    flipped = transpose(matrix, [*range(rank - 2), rank - 1, rank - 2])
    return _after([assert_equal(matrix, flipped)], matrix)


def same_dynamic_shape(a: Any, b: Any) -> Any:
    """True if two tensors have the same shape, as scalar tensor."""
    first, second = (raw.Shape(input=convert_to_tensor(value)) for value in (a, b))

    def extents_equal() -> Any:
        # Side by side, since a branch that is not taken may have vectors of different lengths.
        one = raw.ConcatV2(values=[first, second], axis=0)
        other = raw.ConcatV2(values=[second, first], axis=0)
        return raw.All(input=raw.Equal(x=one, y=other), axis=[0])

    same_rank = raw.Equal(x=raw.Size(input=first), y=raw.Size(input=second))
    return conditional(same_rank, extents_equal, lambda: convert_to_tensor(False))


def maybe_get_static_value(x: Any, dtype: Any = None) -> Any:
    """The value of a tensor if it is known without running anything, else None; other values as they are."""
    if x is None:
        return None
    try:
        value = get_static_value(x)
    except TypeError:  # not a tensor: a value itself
        value = x
    return value if value is None or dtype is None else np.array(value, dtype)


def prefer_static_value(x: Any) -> Any:
    """The value of a tensor if it is known without running anything, else the tensor."""
    value = get_static_value(x)
    return x if value is None else np.asarray(value)


def prefer_static_rank(x: Any) -> Any:
    """The rank of a tensor, as a number if it is known."""
    return prefer_static_value(raw.Rank(input=convert_to_tensor(x)))


def prefer_static_shape(x: Any) -> Any:
    """The shape of a tensor, as an array if it is known."""
    return prefer_static_value(raw.Shape(input=convert_to_tensor(x)))


def prefer_static_broadcast_shape(
    shape1: Any, shape2: Any, name: str = "prefer_static_broadcast_shape"
) -> Any:
    """The shape that two shapes broadcast to, as TensorShape if it is known.

    Raises:
      ValueError: one is a TensorShape that is known in part, and the other a tensor.
    """
    with name_scope_v1(name):
        known = [
            shape if isinstance(shape, TensorShape) else maybe_get_static_value(shape)
            for shape in (shape1, shape2)
        ]
        if known[0] is not None and known[1] is not None:
            return broadcast_static_shape(as_shape(known[0]), as_shape(known[1]))
        vectors = []
        for shape in (shape1, shape2):
            if isinstance(shape, TensorShape):
                if not shape.is_fully_defined():
                    raise ValueError("Cannot broadcast from partially defined `TensorShape`.")
                shape = shape.as_list()
            vectors.append(convert_to_tensor(shape, dtype=dtypes.int32, name="shape"))
        return raw.BroadcastArgs(s0=vectors[0], s1=vectors[1])


def _range_of(dtype: Any) -> tuple[int, int]:
    """The least and the greatest integer up to which a type holds all integers.

    Raises:
      TypeError: it is not a type of numbers that distributions have.
    """
    if dtype in FLOATING:
        greatest = 2 ** (np.finfo(dtype.as_numpy_dtype).nmant + 1)
    elif dtype in INTEGER_LIKE or dtype in UNSIGNED:
        greatest = 1 if dtype == dtypes.bool_ else int(np.iinfo(dtype.as_numpy_dtype).max)
    else:
        raise TypeError(f"Unrecognized dtype: {dtype.name}")
    return (0 if dtype in UNSIGNED else -greatest), greatest


def embed_check_categorical_event_shape(
    categorical_param: Any, name: str = "embed_check_categorical_event_shape"
) -> Any:
    """Returns the parameter of a categorical distribution if its last axis can be that of the classes.

    Raises:
      TypeError: it is of no floating-point type.
      ValueError: it has no axis, fewer than two classes, or more than its type can number.
    """
    with name_scope_v1(name):
        x = convert_to_tensor(categorical_param, name="categorical_param")
        if x.dtype not in FLOATING:
            raise TypeError(f"Unable to validate size of unrecognized dtype ({x.dtype.name}).")
        greatest = _range_of(x.dtype)[1]
        too_few = "A categorical-distribution parameter must have at least 2 events."
        no_axis = "A categorical-distribution parameter must have at least 1 dimension."
        if x.shape.rank == 0:
            raise ValueError(no_axis)
        size = x.shape[-1] if x.shape.rank else None
        if size is None:
            event_size = raw.Shape(input=x, name="x_shape")[-1]
            too_many = (
                f"Number of classes exceeds `dtype` precision, i.e., {x.dtype.name} dtype cannot "
                f"exceed {greatest} shape."
            )
            checks = [
                assert_rank_at_least(x, 1, message=no_axis),
                assert_greater_equal(event_size, 2, message=too_few),
                assert_less_equal(event_size, greatest, message=too_many),
            ]
            return _after(checks, x)
        if size < 2:
            raise ValueError(too_few)
        if size > greatest:
            raise ValueError(
                f"Number of classes exceeds `dtype` precision, i.e., {x.dtype.name} implies shape "
                f"({size}) cannot exceed {greatest}."
            )
        return x


def embed_check_integer_casting_closed(
    x: Any,
    target_dtype: Any,
    assert_nonnegative: bool = True,
    name: str = "embed_check_casting_closed",
) -> Any:
    """Returns numbers if a type holds them exactly, one of the two types being an integer one.

    Raises:
      TypeError: a type is not a type of numbers, or none is an integer one.
    """
    with name_scope_v1(name):
        x = convert_to_tensor(x, name="x")
        least, greatest = _range_of(x.dtype)
        target_least, target_greatest = _range_of(target_dtype)
        if x.dtype in FLOATING and target_dtype in FLOATING:
            raise TypeError(
                f"At least one of {x}.dtype ({x.dtype.name}) and target_dtype ({target_dtype.name}) "
                "must be integer-type."
            )
        checks = []
        if assert_nonnegative:
            checks.append(assert_non_negative(x, message="Elements must be non-negative."))
        if x.dtype in FLOATING:
            message = f"Elements must be {target_dtype.name}-equivalent."
            checks.append(assert_integer_form(x, int_dtype=target_dtype, message=message))
            return _after(checks, x)
        if greatest > target_greatest:
            message = f"Elements cannot exceed {target_greatest}."
            checks.append(assert_less_equal(x, target_greatest, message=message))
        if not assert_nonnegative and least < target_least:
            message = f"Elements cannot be smaller than {target_least}."
            checks.append(assert_greater_equal(x, target_least, message=message))
        return _after(checks, x)


def get_logits_and_probs(
    logits: Any = None,
    probs: Any = None,
    multidimensional: bool = False,
    validate_args: bool = False,
    name: str = "get_logits_and_probs",
    dtype: Any = None,
) -> tuple[Any, Any]:
    """Logits and probabilities, from the one that is passed.

    Args:
      logits: log-odds, or with `multidimensional` logarithms up to a constant of each row.
      probs: probabilities.
      multidimensional: whether the last axis is that of classes.
      validate_args: whether the values are checked.
      name: of the scope of the operations.
      dtype: of what is given.

    Raises:
      ValueError: both are given, or none.
      TypeError: it is of no floating-point type.
    """
    with name_scope_v1(name):
        if (probs is None) == (logits is None):
            raise ValueError("Must pass probs or logits, but not both.")
        if probs is None:
            logits = convert_to_tensor(logits, name="logits", dtype=dtype)
            if not logits.dtype.is_floating:
                raise TypeError("logits must having floating type.")
            if not multidimensional:
                return logits, sigmoid(logits, name="probs")
            if validate_args:
                logits = embed_check_categorical_event_shape(logits)
            return logits, raw.Softmax(logits=logits, name="probs")
        probs = convert_to_tensor(probs, name="probs", dtype=dtype)
        if not probs.dtype.is_floating:
            raise TypeError("probs must having floating type.")
        if validate_args:
            probs = _checked_probs(probs, multidimensional)
        with name_scope_v1("logits"):
            odds = m.log(probs)
            return (odds if multidimensional else odds - m.log1p(-1.0 * probs)), probs


def _checked_probs(probs: Any, multidimensional: bool) -> Any:
    with name_scope_v1("validate_probs"):
        one = convert_to_tensor(1.0, dtype=probs.dtype)
        checks = [assert_non_negative(probs)]
        if multidimensional:
            probs = embed_check_categorical_event_shape(probs)
            total = reduce_sum(probs, -1)
            checks.append(assert_near(total, one, message="probs does not sum to 1."))
        else:
            message = "probs has components greater than 1."
            checks.append(assert_less_equal(probs, one, message=message))
        return _after(checks, probs)


def log_combinations(n: Any, counts: Any, name: str = "log_combinations") -> Any:
    """The logarithm of the multinomial coefficient: `n` over the counts of the last axis."""
    with name_scope_v1(name):
        n, counts = convert_to_tensor(n, name="n"), convert_to_tensor(counts, name="counts")
        return m.lgamma(n + 1) - reduce_sum(m.lgamma(counts + 1), [-1])


def matrix_diag_transform(
    matrix: Any, transform: Callable[[Any], Any] | None = None, name: str | None = None
) -> Any:
    """A matrix with a function applied to its diagonal."""
    with name_scope_v1(name, "matrix_diag_transform"):
        matrix = convert_to_tensor(matrix, name="matrix")
        if transform is None:
            return matrix
        diagonal = transform(raw.MatrixDiagPart(input=matrix))
        return raw.MatrixSetDiag(input=matrix, diagonal=diagonal)


def rotate_transpose(x: Any, shift: Any, name: str = "rotate_transpose") -> Any:
    """A tensor whose axes are moved to the right by `shift`, the last ones to the front."""
    with name_scope_v1(name):
        x, shift = convert_to_tensor(x, name="x"), convert_to_tensor(shift, name="shift")
        rank, known = x.shape.rank, get_static_value(shift)
        if rank is not None and known is not None:
            if rank < 2 or known % rank == 0:
                return x
            return transpose(x, perm=np.roll(np.arange(rank), known))
        rank = raw.Rank(input=x)
        axes = raw.Range(start=0, limit=rank, delta=1)
        return transpose(x, perm=raw.FloorMod(x=axes - m.cast(shift, dtypes.int32), y=rank))


def pick_vector(cond: Any, true_vector: Any, false_vector: Any, name: str = "pick_vector") -> Any:
    """One of two vectors, which may be of different lengths.

    Raises:
      TypeError: the condition is not a boolean, or the vectors are of different types.
    """
    with name_scope_v1(name):
        cond = convert_to_tensor(cond, name="cond")
        if cond.dtype != dtypes.bool_:
            raise TypeError(f"{cond}.dtype={cond.dtype} which is not {dtypes.bool_}")
        known = static_value(cond)  # as in TensorFlow, only values that are not tensors are known
        if known is not None:
            return true_vector if known else false_vector
        one, other = convert_to_tensor(true_vector), convert_to_tensor(false_vector)
        if one.dtype != other.dtype:
            raise TypeError(f"{one}.dtype={one.dtype} does not match {other}.dtype={other.dtype}")
        chosen = [raw.Fill(dims=raw.Shape(input=one), value=cond)]
        chosen.append(raw.Fill(dims=raw.Shape(input=other), value=raw.LogicalNot(x=cond)))
        both = raw.ConcatV2(values=[one, other], axis=0)
        return boolean_mask(both, raw.ConcatV2(values=chosen, axis=0))


def _reversed(x: Any, axis: Any) -> Any:
    return raw.ReverseV2(tensor=x, axis=raw.Pack(values=[axis]))


def _triangle(x: Any, axis_rank: int) -> tuple[Any, Any]:
    """The last extent of a tensor of at least `axis_rank` axes, as a number if it is known, and the leading extents."""
    shape = x.shape.with_rank_at_least(axis_rank)
    known = shape[-1] if shape.rank is not None else None
    return (raw.Shape(input=x)[-1] if known is None else int(known)), shape[:-axis_rank]


def fill_triangular(x: Any, upper: bool = False, name: str | None = None) -> Any:
    """Triangular matrices of the elements of vectors, laid out from the last row on, clockwise.

    Args:
      x: `[..., n * (n + 1) / 2]`.
      upper: whether the upper triangle is filled.
      name: of the scope of the operations.

    Returns:
      `[..., n, n]`.

    Raises:
      ValueError: the vectors are of another length.
    """
    with name_scope_v1(name, "fill_triangular"):
        x = convert_to_tensor(x, name="x")
        count, lead = _triangle(x, 1)
        if isinstance(count, int):
            n = (math.isqrt(8 * count + 1) - 1) // 2
            if n * (n + 1) != 2 * count:
                raise ValueError(
                    f"Input right-most shape ({count}) does not correspond to a triangular matrix."
                )
            final = lead.concatenate([n, n])
        else:
            n = m.cast(m.sqrt(0.25 + m.cast(2 * count, dtypes.float32)), dtypes.int32)
            final = lead.concatenate([None, None])
        last = prefer_static_rank(x) - 1
        halves = [x, _reversed(x[..., n:], last)] if upper else [x[..., n:], _reversed(x, last)]
        target = raw.ConcatV2(values=[raw.Shape(input=x)[:-1], raw.Pack(values=[n, n])], axis=0)
        square = raw.Reshape(tensor=raw.ConcatV2(values=halves, axis=last), shape=target)
        lower = np.int64(0 if upper else -1)
        filled = raw.MatrixBandPart(input=square, num_lower=lower, num_upper=np.int64(-1) - lower)
        filled.set_shape(final)
        return filled


def fill_triangular_inverse(x: Any, upper: bool = False, name: str | None = None) -> Any:
    """The vectors that `fill_triangular` turns into the given triangular matrices.

    Args:
      x: `[..., n, n]`.
      upper: whether the upper triangle is read.
      name: of the scope of the operations.

    Returns:
      `[..., n * (n + 1) / 2]`.
    """
    with name_scope_v1(name, "fill_triangular_inverse"):
        x = convert_to_tensor(x, name="x")
        n, lead = _triangle(x, 2)
        count = n * (n + 1) // 2
        columns = prefer_static_rank(x) - 1
        if upper:
            first, rest = x[..., 0, :], x[..., 1:, :]
        else:
            first, rest = _reversed(x[..., -1, :], columns - 1), x[..., :-1, :]
        # Turned by 180 degrees, the other triangle lies beside the one that is read.
        together = rest + _reversed(_reversed(rest, columns), columns - 1)
        target = raw.ConcatV2(
            values=[raw.Shape(input=x)[:-2], raw.Pack(values=[n * (n - 1)])], axis=0
        )
        end = raw.Reshape(tensor=together, shape=target)[..., : count - n]
        vector = raw.ConcatV2(values=[first, end], axis=columns - 1)
        vector.set_shape(lead.concatenate([count if isinstance(count, int) else None]))
        return vector


def tridiag(below: Any = None, diag: Any = None, above: Any = None, name: str | None = None) -> Any:
    """Matrices of up to three diagonals.

    Raises:
      ValueError: all are missing.
    """
    with name_scope_v1(name, "tridiag"):
        parts = [
            raw.MatrixDiagV2(
                diagonal=convert_to_tensor(values),
                k=np.int32(k),
                num_rows=np.int32(-1),
                num_cols=np.int32(-1),
                padding_value=np.zeros((), convert_to_tensor(values).dtype.as_numpy_dtype),
            )
            for values, k in ((below, -1), (diag, 0), (above, 1))
            if values is not None
        ]
        if not parts:
            raise ValueError("Must specify at least one of `below`, `diag`, `above`.")
        return functools.reduce(lambda a, b: a + b, parts)


def reduce_weighted_logsumexp(
    logx: Any,
    w: Any = None,
    axis: Any = None,
    keep_dims: bool = False,
    return_sign: bool = False,
    name: str | None = None,
) -> Any:
    """log(abs(sum(w * exp(logx)))), computed without overflow, and with `return_sign` the sum's sign."""
    with name_scope_v1(name, "reduce_weighted_logsumexp"):
        logx = convert_to_tensor(logx, name="logx")
        if w is None:
            total = reduce_logsumexp(logx, axis=axis, keepdims=keep_dims)
            return (total, raw.OnesLike(x=total)) if return_sign else total
        w = convert_to_tensor(w, dtype=logx.dtype, name="w")
        terms = logx + m.log(m.abs(w))
        greatest = reduce_max(terms, axis, keepdims=True)
        greatest = where(raw.IsInf(x=greatest), raw.ZerosLike(x=greatest), greatest)
        total = reduce_sum(m.sign(w) * m.exp(terms - greatest), axis, keepdims=keep_dims)
        if not keep_dims:
            greatest = reduce_sum(greatest, axis)  # over axes of one element
        sign = m.sign(total)
        result = greatest + m.log(sign * total)
        return (result, sign) if return_sign else result


def softplus_inverse(x: Any, name: str | None = None) -> Any:
    """The number whose softplus, log(1 + exp(y)), is `x`."""
    with name_scope_v1(name, "softplus_inverse"):
        x = convert_to_tensor(x, name="x")
        bound = float(np.log(np.finfo(x.dtype.as_numpy_dtype).eps)) + 2.0
        is_small, is_large = x < math.exp(bound), x > -bound
        # Beyond the bounds the value is that of the limit; a harmless one is put in for the gradient.
        inner = where(raw.LogicalOr(x=is_small, y=is_large), raw.OnesLike(x=x), x)
        y = inner + m.log(-m.expm1(-inner))
        return where(is_small, m.log(x), where(is_large, x, y))


def dimension_size(x: Any, axis: int) -> Any:
    """An extent of a tensor, as a number if it is known."""
    known = x.shape.with_rank_at_least(abs(axis))[axis] if x.shape.rank is not None else None
    return raw.Shape(input=x)[axis] if known is None else int(known)


def parent_frame_arguments() -> dict[str, Any]:
    """The arguments by name of the function that calls this, those of `**kwargs` included."""
    frame = inspect.currentframe()
    names, _, keywords, values = inspect.getargvalues(frame.f_back)  # type: ignore[union-attr, arg-type]
    return {**{name: values[name] for name in names}, **(values[keywords] if keywords else {})}


class AppendDocstring:
    """Appends a note to the docstring of a method, and a list of what its `**kwargs` mean.

    Args:
      additional_note: the note.
      kwargs_dict: {name: meaning}.

    Raises:
      ValueError: a name contains white space, or a meaning several lines.
    """

    def __init__(
        self, additional_note: str = "", kwargs_dict: dict[str, str] | None = None
    ) -> None:
        self._note = additional_note
        rows = []
        for key, meaning in sorted((kwargs_dict or {}).items()):
            if any(character.isspace() for character in key):
                raise ValueError(f'Parameter name "{key}" contains whitespace.')
            if "\n" in meaning.lstrip():
                raise ValueError(f'Parameter description for "{key}" contains newlines.')
            rows.append(f"*  `{key}`: {meaning.lstrip()}")
        if rows:
            self._note += "\n\n##### `kwargs`:\n\n" + "\n".join(rows)

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def documented(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

        documented.__doc__ = f"{fn.__doc__}\n{self._note}" if fn.__doc__ else self._note
        return documented
