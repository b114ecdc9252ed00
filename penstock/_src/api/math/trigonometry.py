"""Trigonometric and hyperbolic functions."""

from penstock._src.api.extending.op_functions import op_functions

__getattr__ = op_functions(
    globals(),
    unary="""
acos math.acos = Acos(x)
    Returns the angle, from 0 to pi, whose cosine is `x`.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN for real numbers outside [-1, 1].

    >>> tf.acos([1.0, 0.0, 2.0]).numpy().round(4)
    array([0.    , 1.5708,    nan], dtype=float32)
acosh math.acosh = Acosh(x)
    Returns the number, not negative, whose hyperbolic cosine is `x`.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN for real numbers below 1.

    >>> tf.math.acosh([1.0, 2.0, 0.5]).numpy().round(4)
    array([0.   , 1.317,   nan], dtype=float32)
asin math.asin = Asin(x)
    Returns the angle, from -pi/2 to pi/2, whose sine is `x`.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN for real numbers outside [-1, 1].

    >>> tf.math.asin([0.0, 1.0]).numpy().round(4)
    array([0.    , 1.5708], dtype=float32)
asinh math.asinh = Asinh(x)
    Returns the number whose hyperbolic sine is `x`.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.asinh([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.8814], dtype=float32)
atan math.atan = Atan(x)
    Returns the angle, between -pi/2 and pi/2, whose tangent is `x`.

    `tf.math.atan2` takes two arguments and finds the quadrant.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.atan([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.7854], dtype=float32)
atanh math.atanh = Atanh(x)
    Returns the number whose hyperbolic tangent is `x`.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; infinite for -1 and 1, NaN for real numbers beyond
      them.

    >>> tf.math.atanh([0.0, 0.5, 1.0]).numpy().round(4)
    array([0.    , 0.5493,    inf], dtype=float32)
cos math.cos = Cos(x)
    Returns the cosine of an angle in radians.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN for infinities.

    >>> tf.math.cos([0.0, 3.14159265]).numpy().round(4)
    array([ 1., -1.], dtype=float32)
cosh math.cosh = Cosh(x)
    Returns the hyperbolic cosine, (e**x + e**-x) / 2.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.cosh([0.0, 1.0]).numpy().round(4)
    array([1.    , 1.5431], dtype=float32)
sin math.sin = Sin(x)
    Returns the sine of an angle in radians.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN for infinities.

    >>> tf.math.sin([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.8415], dtype=float32)
sinh math.sinh = Sinh(x)
    Returns the hyperbolic sine, (e**x - e**-x) / 2.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.sinh([0.0, 1.0]).numpy().round(4)
    array([0.    , 1.1752], dtype=float32)
tan math.tan = Tan(x)
    Returns the tangent of an angle in radians.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`; NaN for infinities.

    >>> tf.math.tan([0.0, 0.5]).numpy().round(4)
    array([0.    , 0.5463], dtype=float32)
tanh math.tanh nn.tanh = Tanh(x)
    Returns the hyperbolic tangent, between -1 and 1.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.tanh([-100.0, 0.0, 0.5]).numpy().round(4)
    array([-1.    ,  0.    ,  0.4621], dtype=float32)
""",
)
