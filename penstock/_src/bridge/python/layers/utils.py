"""`tensorflow.python.layers.utils`: checks and conversions of layers' arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.control.conditionals import cond
from penstock._src.api.internal import smart_cond as choose
from penstock._src.api.internal import smart_constant_value
from penstock._src.eager.variable import Variable
from penstock._src.v1.layers.arguments import conv_input_length as conv_input_length
from penstock._src.v1.layers.arguments import conv_output_length as conv_output_length
from penstock._src.v1.layers.arguments import (
    convert_data_format as convert_data_format,
)
from penstock._src.v1.layers.arguments import deconv_output_length as deconv_output_length
from penstock._src.v1.layers.arguments import (
    normalize_data_format as normalize_data_format,
)
from penstock._src.v1.layers.arguments import (
    normalize_padding as normalize_padding,
)
from penstock._src.v1.layers.arguments import (
    normalize_tuple as normalize_tuple,
)


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
