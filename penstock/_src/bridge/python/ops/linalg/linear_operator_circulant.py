"""Kernels of convolutions, and the transforms by which circulant operators are diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.api.array.ranges import linspace, meshgrid
from penstock._src.api.linalg.operators.kinds.convolution import FORWARD as _FFT_OP
from penstock._src.api.linalg.operators.kinds.convolution import INVERSE as _IFFT_OP
from penstock._src.api.linalg.operators.kinds.convolution import complex_of
from penstock._src.api.math.elementwise import abs as magnitude
from penstock._src.api.math.elementwise import cast
from penstock._src.api.signal.fourier import ifftshift
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

__all__ = ["_FFT_OP", "_IFFT_OP", "exponential_power_convolution_kernel"]


def _to_complex(x: Any) -> Any:
    return x if x.dtype.is_complex else cast(x, complex_of(x.dtype))


def exponential_power_convolution_kernel(
    grid_shape: Sequence[int],
    length_scale: Any,
    power: Any = None,
    divisor: Any = None,
    zero_inflation: Any = None,
) -> Any:
    """Returns exp(-(|x| / length_scale) ** power / divisor) on a grid of [0, 1] ** d, with x = 0 at its first place.

    Args:
      grid_shape: the numbers of places along each of one to three axes.
      length_scale: the scale along each axis.
      power: 2 by default.
      divisor: `power` by default.
      zero_inflation: how much of the kernel is replaced by a one at x = 0.
    """
    count = len(grid_shape)
    length_scale = convert_to_tensor(length_scale, name="length_scale")
    dtype = length_scale.dtype
    power = convert_to_tensor(2.0 if power is None else power, dtype=dtype)
    divisor = power if divisor is None else convert_to_tensor(divisor, dtype=dtype)
    zero, one = np.asarray(0, dtype.np), np.asarray(1, dtype.np)
    axes = [linspace(zero, one, num=size) for size in grid_shape]
    exponent = np.asarray(0, dtype.np)
    for i, place in enumerate(meshgrid(*axes, indexing="ij")):
        middle = axes[i][int(grid_shape[i]) // 2]
        exponent = exponent - magnitude((place - middle) / length_scale[i]) ** power / divisor
    kernel = raw.Exp(x=ifftshift(exponent, axes=range(-count, 0)))
    if zero_inflation is None:
        return kernel
    inflation = convert_to_tensor(zero_inflation, dtype=dtype)
    at_zero = np.zeros(tuple(int(size) for size in grid_shape), dtype.np)
    at_zero[(0,) * count] = 1
    return (one - inflation) * kernel + inflation * at_zero
