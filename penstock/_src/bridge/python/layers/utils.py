"""`tensorflow.python.layers.utils`: checks and conversions of layers' arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.control.conditionals import cond
from penstock._src.api.internal import smart_cond as choose
from penstock._src.api.internal import smart_constant_value
from penstock._src.eager.variable import Variable
from penstock._src.v1.layers.arguments import (
    convert_data_format as convert_data_format,
)
from penstock._src.v1.layers.arguments import (
    normalize_data_format as normalize_data_format,
)
from penstock._src.v1.layers.arguments import (
    normalize_padding as normalize_padding,
)
from penstock._src.v1.layers.arguments import (
    normalize_tuple as normalize_tuple,
)


def conv_output_length(
    input_length: Any, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> Any:
    """Returns the length of a convolution's result along an axis, or None for None."""
    if input_length is None:
        return None
    overhang = {"same": 0, "valid": -1, "full": 1}[_checked(padding)]
    reach = (filter_size - 1) * dilation
    return (input_length + overhang * reach + stride - 1) // stride


def conv_input_length(output_length: Any, filter_size: int, padding: str, stride: int) -> Any:
    """Returns the length of the input of a convolution with a result of this length, or None for None."""
    if output_length is None:
        return None
    pads = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}
    return (output_length - 1) * stride - 2 * pads[_checked(padding)] + filter_size


def _checked(padding: str) -> str:
    assert padding in ("same", "valid", "full")
    return padding


def deconv_output_length(input_length: Any, filter_size: int, padding: str, stride: int) -> Any:
    """Returns the length of a transposed convolution's result along an axis, or None for None."""
    if input_length is None:
        return None
    length = input_length * stride
    if padding == "valid":
        return length + max(filter_size - stride, 0)
    return length - (stride + filter_size - 2) if padding == "full" else length


def smart_cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """Returns the result of one of two functions; one that is known to be the right one is called without a condition."""
    if isinstance(pred, Variable):
        return cond(pred, true_fn, false_fn, name)
    return choose(pred, true_fn, false_fn, name)


def constant_value(pred: Any) -> bool | None:
    """Returns whether a condition is known to be True or False; None if it is not known."""
    if isinstance(pred, Variable):
        return None
    if isinstance(pred, int) and pred in (0, 1):
        pred = bool(pred)
    return smart_constant_value(pred)
