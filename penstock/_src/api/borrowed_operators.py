"""The operators of objects that are not tensors but borrow their methods, such as Keras 2's symbolic tensors.

They are public functions, which ask dispatchers; the names of these functions become names of Keras' layers.
"""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

from .extending.dispatch import binary
from .linalg.products import matmul
from .math import arithmetic, logic

# What an operator converts to the other operand's dtype.
_VALUES = (bool, int, float, complex, list, tuple, np.ndarray, np.generic)


def typed(value: Any, operand: Any) -> Any:
    """A number, list or array as a tensor of the dtype of the other operand, if that has one; else the value itself."""
    dtype = getattr(operand, "dtype", None)
    if dtype is None or not isinstance(value, _VALUES):
        return value
    return convert_to_tensor(value, dtype=dtype.base_dtype, name="x")


@binary("__operators__.add")
def add_operands(x, y, name=None):
    """Returns x + y, as the operator does.

    Args:
      x: numbers or strings.
      y: what converts to the same dtype; the shapes broadcast.
      name: of the operation.

    Returns:
      A tensor of the broadcast shape.
    """
    x, y = arithmetic.pair(x, y)
    add = raw.Add if x.dtype.base_dtype is dtypes.string else raw.AddV2
    return add(x=x, y=y, name=name)


def _logic_of_others(bits, truth):
    """The operator of objects that are not tensors; those without a dtype are treated as booleans."""

    def apply(x, y):
        kinds = [x.dtype for x in (x, y) if hasattr(x, "dtype")]
        is_truth = not kinds or dtypes.as_dtype(kinds[0]).base_dtype.is_bool
        return truth(x, y) if is_truth else bits(x, y)

    return apply


OF_OTHERS = {
    "add": add_operands,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.truediv,
    "floordiv": arithmetic.floordiv,
    "mod": arithmetic.floormod,
    "pow": arithmetic.pow,
    "matmul": matmul,
    "and": _logic_of_others(logic.bitwise_and, logic.logical_and),
    "or": _logic_of_others(logic.bitwise_or, logic.logical_or),
    "xor": _logic_of_others(logic.bitwise_xor, logic.logical_xor),
}
