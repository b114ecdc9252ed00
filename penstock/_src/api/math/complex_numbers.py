"""Complex numbers and their parts."""

import numpy as np

from penstock._src.api.extending.dispatch import binary, unary
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


@binary("complex", "dtypes.complex")
def complex(real, imag, name=None):
    """Returns complex numbers of real and imaginary parts.

    Args:
      real: float32 or float64.
      imag: the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A complex64 or complex128 tensor of the broadcast shape.

    Raises:
      TypeError: the dtypes differ or are others.

    >>> tf.complex([1.0, 2.0], [0.5, -1.0]).numpy()
    array([1.+0.5j, 2.-1.j ], dtype=complex64)
    """
    real = convert_to_tensor(real, name="real")
    imag = convert_to_tensor(imag, name="imag")
    wide = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
    if real.dtype not in wide or imag.dtype != real.dtype:
        raise TypeError(
            "The `real` and `imag` components have incorrect types: "
            f"{real.dtype.name} {imag.dtype.name}. They must be consistent, and one of "
            f"{[dtypes.float32, dtypes.float64]}"
        )
    return raw.Complex(real=real, imag=imag, Tout=wide[real.dtype], name=name)


@unary("math.real")
def real(input, name=None):
    """Returns the real part; a real tensor is returned unchanged.

    Args:
      input: numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `input`, of the real dtype of the same precision.

    Raises:
      TypeError: `input` is not numeric.

    >>> tf.math.real([1.0 + 2.0j]).numpy()
    array([1.])
    """
    input = convert_to_tensor(input, name="input")
    if not input.dtype.is_complex:
        if not input.dtype.is_numeric:
            raise TypeError(
                f"input must be a numeric tensor, but got tensor with dtype {input.dtype!r}"
            )
        return input
    return raw.Real(input=input, Tout=input.dtype.real_dtype, name=name)


@unary("math.imag", scope="Imag")
def imag(input, name=None):
    """Returns the imaginary part; zeros for a real tensor.

    Args:
      input: numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `input`, of the real dtype of the same precision.

    >>> tf.math.imag([1.0 + 2.0j]).numpy()
    array([2.])
    """
    input = convert_to_tensor(input, name="input")
    if input.dtype.is_complex:
        return raw.Imag(input=input, Tout=input.dtype.real_dtype, name=name)
    return raw.ZerosLike(x=input, name=name)


@unary("math.angle", scope="Angle")
def angle(input, name=None):
    """Returns the argument of complex numbers, in radians; for real ones 0, or pi if negative.

    Args:
      input: numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `input`, of the real dtype of the same precision.

    >>> tf.math.angle([1.0 + 1.0j, -2.0 + 0.0j]).numpy().round(4)
    array([0.7854, 3.1416])
    """
    input = convert_to_tensor(input, name="input")
    if input.dtype.is_complex:
        return raw.Angle(input=input, Tout=input.dtype.real_dtype, name=name)
    zero = convert_to_tensor(0, input.dtype)
    pi = convert_to_tensor(np.pi, input.dtype)
    return raw.SelectV2(condition=input < zero, t=pi, e=raw.ZerosLike(x=input), name=name)


@unary("math.conj")
def conj(x, name=None):
    """Returns the complex conjugate; real tensors are returned unchanged.

    Args:
      x: numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    Raises:
      TypeError: `x` is neither numeric nor a variant.

    >>> tf.math.conj([1.0 + 2.0j]).numpy()
    array([1.-2.j])
    """
    x = convert_to_tensor(x)
    if x.dtype.is_complex or x.dtype == dtypes.variant:
        return raw.Conj(input=x, name=name)
    if x.dtype.is_floating or x.dtype.is_integer:
        return x
    raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}.")
