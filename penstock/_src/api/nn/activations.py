"""Activations with parameters, softmax, and dropout."""

import numbers

import numpy as np

from penstock._src.api.array.axes import exchanged_axes
from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.random import functions as random
from penstock._src.api.random.seeds import get_seed
from penstock._src.autodiff.custom import custom_gradient
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.eager.constants import index_input
from penstock._src.eager.tensor import EagerTensor


@unary("nn.leaky_relu", direct=True)
def leaky_relu(features, alpha=0.2, name=None):
    """Returns `features` where they are positive, and alpha * features elsewhere.

    Args:
      features: real numbers; integers become float32.
      alpha: the slope of the negative half, a Python number.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `features`.

    >>> tf.nn.leaky_relu([-10.0, 0.0, 2.0], alpha=0.1).numpy()
    array([-1.,  0.,  2.], dtype=float32)
    """
    features = convert_to_tensor(features, name="features")
    if features.dtype.is_integer:
        features = cast(features, dtypes.float32)
    if isinstance(alpha, Tensor):
        alpha = float(alpha.numpy())
    return raw.LeakyRelu(features=features, alpha=float(alpha), name=name)


@unary("nn.gelu", v1=[])
def gelu(features, approximate=False, name=None):
    """Returns `features` times the probability that a standard normal number is smaller.

    Source: Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016.

    Args:
      features: floats.
      approximate: if True, the probability is approximated by a hyperbolic tangent, which is
        faster.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `features`.

    Raises:
      ValueError: the features are not floats.

    >>> tf.nn.gelu([-1.0, 0.0, 1.0]).numpy().round(4)
    array([-0.1587,  0.    ,  0.8413], dtype=float32)
    >>> tf.nn.gelu([-1.0, 0.0, 1.0], approximate=True).numpy().round(4)
    array([-0.1588,  0.    ,  0.8412], dtype=float32)
    """
    x = convert_to_tensor(features, name="features")
    if not x.dtype.is_floating:
        raise ValueError(
            f"`features.dtype` must be a floating point tensor. Received: features.dtype={x.dtype}"
        )
    if type(x) is EagerTensor and x.dtype is dtypes.float32 and not approximate:
        # Python's numbers become cached tensors.
        return 0.5 * x * raw.Erfc(x=-x * 0.7071067811865476)
    kind = x.dtype.as_numpy_dtype
    half, one = np.asarray(0.5, kind), np.asarray(1.0, kind)
    with scope_in_graph(name, "Gelu"):
        # float32 constants for every dtype, as in TensorFlow
        if approximate:
            cubic = x + np.asarray(np.float32(0.044715), kind) * raw.Pow(x=x, y=np.asarray(3, kind))
            inner = raw.Tanh(x=np.asarray(0.7978845608028654, kind) * cubic)
            return half * x * (one + inner)
        halved = half * x
        return halved * raw.Erfc(x=-x * cast(0.7071067811865476, x.dtype))


@unary("nn.silu", "nn.swish")
def silu(features, beta=1.0):
    """Returns features * sigmoid(beta * features), also known as swish.

    Args:
      features: float or complex numbers.
      beta: a scalar, which may be trained.

    Returns:
      A tensor of the shape and dtype of `features`.

    >>> tf.nn.silu([-1.0, 0.0, 1.0]).numpy().round(4)
    array([-0.2689,  0.    ,  0.7311], dtype=float32)
    """
    features = convert_to_tensor(features, name="features")
    if type(features) is EagerTensor and type(beta) is float and beta == 1.0:
        if features.dtype.is_floating:
            return features * raw.Sigmoid(x=features)
    beta = convert_to_tensor(beta, name="beta")
    beta = cast(beta, features.dtype)
    if features.dtype.is_complex:
        return _complex_silu(features, beta)
    return features * raw.Sigmoid(x=beta * features)


@custom_gradient
def _complex_silu(features, beta):
    """silu of complex numbers; as in TensorFlow, its gradient is not conjugated."""
    logistic = raw.Sigmoid(x=beta * features)

    def gradient(dy):
        rest = 1 - logistic
        slope = logistic * (1 + beta * features * rest)
        turned = dy * features * features * logistic * rest
        return dy * slope, reduce_sum(turned)

    return features * logistic, gradient


@dispatchable("nn.crelu", v1=[], scope="CRelu")
def crelu(features, axis=-1, name=None):
    """Returns the rectified `features` and the rectified -features, joined along an axis.

    Args:
      features: real numbers.
      axis: the axis to join along.
      name: a name for the operation.

    Returns:
      A tensor that is twice as long along `axis`.

    >>> tf.nn.crelu([-1.0, 2.0]).numpy()
    array([0., 2., 1., 0.], dtype=float32)
    """
    features = convert_to_tensor(features, name="features")
    both = raw.ConcatV2(values=[features, -features], axis=axis)
    return raw.Relu(features=both, name=name)


def _along(op, logits, axis, name):
    """Applies a row-wise op along any axis, which is moved to the end and back."""
    logits = convert_to_tensor(logits)
    rank = logits._rank()
    if axis is None:
        axis = -1
    if axis == -1 or rank is not None and axis == rank - 1:
        return op(logits=logits, name=name)
    if not isinstance(axis, (int, np.integer)):
        axis = int(axis)
    if rank is not None and not -rank <= axis < rank:
        raise errors.InvalidArgumentError(
            f"`dim` must be in the range [-{rank}, {rank}) where {rank} is the number of dimensions "
            f"in the input. Received: dim={axis}"
        )
    perm = exchanged_axes(logits, axis, -1)
    turned = raw.Transpose(x=logits, perm=perm)
    return raw.Transpose(x=op(logits=turned), perm=perm, name=name)


@dispatchable("nn.softmax", "math.softmax", v1=[], direct=True)
def softmax(logits, axis=None, name=None):
    """Returns exp(logits) / sum(exp(logits)) along an axis: positive numbers that add up to 1.

    The greatest logit is taken off first, so that no exponential overflows.

    Args:
      logits: floats, of rank 1 or more.
      axis: the axis of the classes, by default the last.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `logits`.

    Raises:
      InvalidArgumentError: `logits` is empty along the axis or a scalar, or `axis` is out of
        range.

    >>> tf.math.softmax([1.0, 2.0, 3.0]).numpy().round(4)
    array([0.09  , 0.2447, 0.6652], dtype=float32)
    """
    return _along(raw.Softmax, logits, axis, name)


@unary("nn.log_softmax", "math.log_softmax", v1=[], direct=True)
def log_softmax(logits, axis=None, name=None):
    """Returns logits - log(sum(exp(logits))) along an axis.

    It is the logarithm of `tf.nn.softmax`, without its rounding of small probabilities to 0.

    Args:
      logits: floats, of rank 1 or more.
      axis: the axis of the classes, by default the last.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `logits`.

    Raises:
      InvalidArgumentError: `axis` is out of range.

    >>> tf.math.log_softmax([1.0, 2.0, 3.0]).numpy().round(4)
    array([-2.4076, -1.4076, -0.4076], dtype=float32)
    """
    return _along(raw.LogSoftmax, logits, axis, name)


def noise_shape_of(x, noise_shape):
    """Returns the shape of dropout's random numbers; None in `noise_shape` is an extent of `x`."""
    if noise_shape is None:
        return raw.Shape(input=x) if not x.shape.is_fully_defined() else x.shape
    if isinstance(noise_shape, Tensor):
        return noise_shape
    extents = list(noise_shape)
    if x.shape.rank == len(extents):
        extents = [x.shape[i] if n is None else n for i, n in enumerate(extents)]
    if any(n is None for n in extents):
        dynamic = raw.Shape(input=x)
        extents = [dynamic[i] if n is None else n for i, n in enumerate(extents)]
    return extents


@dispatchable("nn.dropout", v1=[], scope="dropout")
def dropout(x, rate, noise_shape=None, seed=None, name=None):
    """Returns `x` with a random part of its entries set to 0 and the others scaled up.

    What stays is divided by `1 - rate`, so that the mean stays the same. It always drops: a layer
    such as `tf.keras.layers.Dropout` does so during training only.

    Args:
      x: floats.
      rate: the probability with which an entry is dropped, a number or scalar tensor from 0 up to
        but excluding 1.
      noise_shape: the shape of the random choice, which broadcasts to that of `x`: along an axis
        of length 1 entries are dropped together.
      seed: a Python integer, see `tf.random.set_seed`.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    Raises:
      ValueError: `rate` is out of range, or `x` is not of floats.

    >>> tf.random.set_seed(0)
    >>> tf.nn.dropout(tf.ones([6]), rate=0.5, seed=1).numpy()
    array([2., 0., 0., 2., 2., 2.], dtype=float32)
    """
    if isinstance(rate, numbers.Real) and rate == 0:
        get_seed(seed)  # so that later draws do not depend on the rate, as in TensorFlow
    return general_dropout(
        x,
        rate,
        lambda shape, dtype: random.uniform(_known_extents(shape), seed=seed, dtype=dtype),
        noise_shape,
        name,
    )


@dispatchable(
    "nn.experimental.stateless_dropout",
    v1=["nn.experimental.stateless_dropout"],
    scope="stateless_dropout",
)
def stateless_dropout(x, rate, seed, rng_alg=None, noise_shape=None, name=None):
    """Returns `x` with some entries set to 0 and the others scaled up, as `seed` decides.

    The same seed always drops the same entries.

    Args:
      x: floats.
      rate: the probability with which an entry is dropped, a number or scalar tensor from 0 up to
        but excluding 1.
      seed: a vector of two integers.
      rng_alg: the algorithm: "philox", "threefry" or "auto_select" (the default).
      noise_shape: the shape of the random choice, which broadcasts to that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    Raises:
      ValueError: `rate` is out of range, or `x` is not of floats.

    >>> tf.nn.experimental.stateless_dropout(tf.ones([6]), rate=0.5, seed=[1, 0]).numpy()
    array([2., 0., 2., 0., 0., 0.], dtype=float32)
    """
    alg = rng_alg or "auto_select"
    return general_dropout(
        x,
        rate,
        lambda shape, dtype: random.stateless_uniform(
            _known_extents(shape), seed=seed, dtype=dtype, alg=alg
        ),
        noise_shape,
        name,
    )


def _known_extents(shape):
    """Returns a shape as a tensor in eager execution, since native code makes calls of tensors alone."""
    is_known = STATE.graph is None and isinstance(shape, TensorShape)
    return index_input(shape.as_list()) if is_known else shape


def _number_like(value, x):
    """Returns a number as a constant in the dtype of `x`."""
    array = np.asarray(value, x.dtype.as_numpy_dtype)
    return EagerTensor(array, x.dtype) if STATE.graph is None else convert_to_tensor(array)


def _tensor_rate(rate, dtype):
    """Checks a rate that is not a number: it must be a scalar tensor of the input's dtype."""
    if isinstance(rate, np.ndarray) or not hasattr(rate, "dtype"):
        raise ValueError(f"`rate` must be a scalar or scalar tensor. Received: rate={rate}")
    rate = convert_to_tensor(rate)
    rate.shape.assert_has_rank(0)
    if rate.dtype != dtype:
        raise ValueError(
            "`x.dtype` must be compatible with `rate.dtype`. "
            f"Received: x.dtype={dtype} and rate.dtype={rate.dtype}"
        )
    return rate


@dispatchable("nn.experimental.general_dropout", v1=["nn.experimental.general_dropout"])
def general_dropout(x, rate, uniform_sampler, noise_shape=None, name=None):
    """`tf.nn.dropout` with numbers from `uniform_sampler(shape, dtype)`.

    Args:
      x: floats.
      rate: the probability that an entry becomes 0, in [0, 1); the others are divided by 1 - rate.
      uniform_sampler: a function that returns numbers in [0, 1) in a shape and dtype.
      noise_shape: the shape of the numbers, which broadcasts to that of `x`; by default that of
        `x`.
      name: of the operation.

    Returns:
      A tensor of the shape and dtype of `x`.

    Raises:
      ValueError: `rate` is not in [0, 1), or `x` is not of floats.
    """
    is_number = isinstance(rate, numbers.Real)
    if is_number and not 0 <= rate < 1:
        raise ValueError(
            f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}"
        )
    x = convert_to_tensor(x, name="x")
    if not x.dtype.is_floating:
        raise ValueError(
            "`x.dtype` must be a floating point tensor as `x` will be scaled. Received: "
            f"x_dtype={x.dtype}"
        )
    if is_number and rate == 0:
        return x
    if is_number:
        scaled = raw.Mul(x=x, y=_number_like(1 / (1 - rate), x))
        rate = np.asarray(rate, x.dtype.as_numpy_dtype)
        if STATE.graph is None:
            rate = EagerTensor(rate, x.dtype)
    else:
        rate = _tensor_rate(rate, x.dtype)
        scaled = raw.RealDiv(x=x, y=raw.Sub(x=_number_like(1, x), y=rate))
    numbers_drawn = uniform_sampler(shape=noise_shape_of(x, noise_shape), dtype=x.dtype)
    keep = raw.GreaterEqual(x=numbers_drawn, y=rate)
    result = raw.SelectV2(condition=keep, t=scaled, e=_number_like(0, x), name=name)
    if result.shape.rank is None or not result.shape.is_fully_defined():
        result.set_shape(x.shape)
    return result
