"""Checks of arguments and values that several operators share."""

from __future__ import annotations

from penstock._src.api.debugging.asserts import assert_equal
from penstock._src.api.scopes import no_op
from penstock._src.core import dtypes
from penstock._src.core.registry import raw

_FLOATS = (
    dtypes.float16,
    dtypes.float32,
    dtypes.float64,
    dtypes.complex64,
    dtypes.complex128,
)


def assert_real(x, message):
    """An assertion that no entry has an imaginary part."""
    if not x.dtype.is_complex:
        return no_op()
    imaginary = raw.Imag(input=x)
    return assert_equal(imaginary, raw.ZerosLike(x=imaginary), message=message)


def check_matrix(x, name, rank=2, floating=True):
    """Raises if `x` has fewer axes, or a type that operators do not take."""
    if floating and x.dtype.base_dtype not in _FLOATS:
        names = ", ".join(f"tf.{d.name}" for d in _FLOATS)
        raise TypeError(f"Argument `{name}` must have dtype in [{names}]. Received: {x.dtype!r}.")
    if x.shape.rank is not None and x.shape.rank < rank:
        plural = "s" if rank > 1 else ""
        shown = x.numpy() if hasattr(x, "numpy") else x
        raise ValueError(
            f"Argument `{name}` must have at least {rank} dimension{plural}. Received: {shown}."
        )


def check_operators(operators, separator):
    """The operators as a list, and the name made of theirs; raises unless their types agree."""
    operators = list(operators)
    if not operators:
        raise ValueError(f"Expected a non-empty list of operators. Found: {operators}")
    if any(o.dtype != operators[0].dtype for o in operators):
        shown = "   ".join(str((o.name, o.dtype)) for o in operators)
        raise TypeError(f"Expected all operators to have the same dtype.  Found {shown}")
    return operators, separator.join(o.name for o in operators)


def promise(value, hint, what):
    """True where the parts promise `value`; raises if the caller denies it."""
    if not value:
        return hint
    if hint is False:
        raise ValueError(f"{what}.")
    return True
