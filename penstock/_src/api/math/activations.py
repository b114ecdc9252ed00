"""Activation functions."""

from penstock._src.api.extending.dispatch import unary
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


@unary("math.log_sigmoid", named="LogSigmoid")
def log_sigmoid(x, name=None):
    """Returns the logarithm of the sigmoid, log(1 / (1 + exp(-x))).

    It is computed as `-softplus(-x)`, which does not overflow where the sigmoid would round to 0.

    Args:
      x: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.math.log_sigmoid([-100.0, 0.0, 2.0]).numpy().round(4)
    array([-100.    ,   -0.6931,   -0.1269], dtype=float32)
    """
    return raw.Neg(x=raw.Softplus(features=-convert_to_tensor(x, name="x")), name=name)


__getattr__ = op_functions(
    globals(),
    unary="""
sigmoid math.sigmoid nn.sigmoid = Sigmoid(x)
    Returns 1 / (1 + exp(-x)), between 0 and 1.

    Args:
      x: float or complex numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> tf.sigmoid([-2.0, 0.0, 2.0]).numpy().round(4)
    array([0.1192, 0.5   , 0.8808], dtype=float32)
nn.relu = Relu(features)
    Returns `features` where they are positive, and 0 elsewhere.

    The gradient at 0 is 0. NaN stays NaN.

    Args:
      features: real numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `features`.

    >>> tf.nn.relu([-1.0, 0.0, 2.5]).numpy()
    array([0. , 0. , 2.5], dtype=float32)
nn.relu6 = Relu6(features)
    Returns `features` limited to the range from 0 to 6.

    Args:
      features: real numbers.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `features`.

    >>> tf.nn.relu6([-1.0, 2.5, 8.0]).numpy()
    array([0. , 2.5, 6. ], dtype=float32)
nn.elu = Elu(features)
    Returns `features` where they are positive, and exp(features) - 1 elsewhere.

    Source: Clevert, Unterthiner, Hochreiter, "Fast and Accurate Deep Network Learning by
    Exponential Linear Units", 2015.

    Args:
      features: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `features`, above -1.

    >>> tf.nn.elu([-1.0, 0.0, 2.0]).numpy().round(4)
    array([-0.6321,  0.    ,  2.    ], dtype=float32)
nn.selu = Selu(features)
    Returns the scaled exponential linear unit of `features`.

    It is 1.0507 times `features` where they are positive, and 1.7581 times exp(features) - 1
    elsewhere: constants that keep the activations of a deep network at mean 0 and variance 1.

    Source: Klambauer and others, "Self-Normalizing Neural Networks", 2017.

    Args:
      features: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `features`.

    >>> tf.nn.selu([-1.0, 0.0, 2.0]).numpy().round(4)
    array([-1.1113,  0.    ,  2.1014], dtype=float32)
math.softplus nn.softplus = Softplus(features)
    Returns log(exp(features) + 1), a smooth form of the rectifier.

    It does not overflow: for large features it is the features themselves.

    Args:
      features: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `features`.

    >>> tf.math.softplus([-2.0, 0.0, 100.0]).numpy().round(4)
    array([  0.1269,   0.6931, 100.    ], dtype=float32)
nn.softsign math.softsign = Softsign(features)
    Returns features / (|features| + 1), between -1 and 1.

    Args:
      features: floats.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `features`.

    >>> tf.nn.softsign([-3.0, 0.0, 1.0]).numpy()
    array([-0.75,  0.  ,  0.5 ], dtype=float32)
""",
)
