"""The few functions of TensorFlow's XLA wrapper that libraries call, in ordinary ops."""

from __future__ import annotations

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def dynamic_update_slice(x, update, start_indices, name=None):
    """`x` with `update` written at `start_indices`, which are moved so that it fits."""
    x = convert_to_tensor(x)
    update = convert_to_tensor(update, dtype=x.dtype)
    begin = cast(convert_to_tensor(start_indices, dtype_hint=dtypes.int32), dtypes.int32)
    size = raw.Shape(input=update)
    room = raw.Shape(input=x) - size
    begin = raw.Maximum(x=raw.Minimum(x=begin, y=room), y=np.int32(0))
    strides = np.ones(x.shape.rank, np.int32)
    return raw.TensorStridedSliceUpdate(
        input=x, begin=begin, end=begin + size, strides=strides, value=update, name=name
    )


def dynamic_slice(x, start_indices, size_indices, name=None):
    """The box of `size_indices` at `start_indices`, which are moved so that it fits."""
    x = convert_to_tensor(x)
    begin = cast(convert_to_tensor(start_indices, dtype_hint=dtypes.int32), dtypes.int32)
    size = cast(convert_to_tensor(size_indices, dtype_hint=dtypes.int32), dtypes.int32)
    room = raw.Shape(input=x) - size
    begin = raw.Maximum(x=raw.Minimum(x=begin, y=room), y=np.int32(0))
    return raw.Slice(input=x, begin=begin, size=size, name=name)
