"""Logical expressions: `tensorflow.python.autograph.operators.logical`."""

from typing import Any

from penstock._src.api.math.logic import equal
from penstock._src.core.registry import raw
from penstock._src.function.autograph import operators, values
from penstock._src.function.autograph.builtins import is_tensor
from penstock._src.function.autograph.operators import and_, or_


def not_(a: Any) -> Any:
    """Returns `not a`, a tensor for a tensor."""
    return raw.LogicalNot(x=a) if is_tensor(a) else operators.not_(a)


def eq(a: Any, b: Any) -> Any:
    """Returns `a == b`, elementwise for tensors in every graph."""
    if values.is_symbolic(a) or values.is_symbolic(b):
        return equal(a, b)
    return a == b


def not_eq(a: Any, b: Any) -> Any:
    """Returns `a != b`, of tensors or others."""
    return not_(eq(a, b)) if values.is_symbolic(a) or values.is_symbolic(b) else a != b
