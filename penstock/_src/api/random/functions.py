"""Random numbers from the global stream, and stateless numbers from a seed."""

import numpy as np

from penstock._src.api.array.creation import shape_vector
from penstock._src.api.array.shaping import shape as extents_of
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import RANKED_FLOATS

from .seeds import is_unseeded, key_and_counter, op_seeds

_UNIFORM = (
    *RANKED_FLOATS,
    dtypes.int32,
    dtypes.int64,
    dtypes.uint32,
    dtypes.uint64,
)


def _is_plain(value, number):
    return isinstance(value, (int, float)) and value == number


def shape_of(shape):
    """A shape argument as an array or tensor of integers; ops reject those that are not vectors."""
    # Arrays keep their integer dtype: another dtype is another kernel with its own stream.
    return convert_to_tensor(shape) if isinstance(shape, np.ndarray) else shape_vector(shape)


def _short(shape):
    """A shape argument as an int32 vector if it is an array."""
    return shape_of(shape.astype(np.int32) if isinstance(shape, np.ndarray) else shape)


def _scaled(numbers, scale, shift, name):
    """numbers * scale + shift; eagerly without steps that change nothing."""
    eager = STATE.graph is None
    if not (eager and _is_plain(scale, 1)):
        numbers = numbers * convert_to_tensor(scale, dtype=numbers.dtype)
    if not (eager and _is_plain(shift, 0)):
        numbers = raw.AddV2(x=numbers, y=convert_to_tensor(shift, dtype=numbers.dtype), name=name)
    return numbers


def _named_shape(shape):
    """A shape argument as an int vector, in graphs as a constant of that name."""
    return (
        shape_of(shape) if STATE.graph is None else convert_to_tensor(shape_of(shape), name="shape")
    )


def _location_and_scale(shape, mean, stddev, kind):
    """Arguments of a distribution, in graphs as constants with these names."""
    for value in (mean, stddev):
        if isinstance(value, float) and not kind.is_floating:
            convert_to_tensor(value, dtype=kind)
    if STATE.graph is None:
        return shape_of(shape), mean, stddev
    return (
        _named_shape(shape),
        convert_to_tensor(mean, dtype=kind, name="mean"),
        convert_to_tensor(stddev, dtype=kind, name="stddev"),
    )


@dispatchable(
    "random.normal",
    v1=["random.normal", "random_normal"],
    named="random_normal",
    direct=is_unseeded,
)
def normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
    """Returns numbers drawn from a normal distribution.

    Args:
      shape: the shape of the result: integers or an integer vector.
      mean: the mean, which broadcasts to `shape`.
      stddev: the standard deviation, which broadcasts to `shape`.
      dtype: a float dtype.
      seed: a Python integer that, with the global seed, determines the numbers.
      name: a name for the operation.

    Returns:
      A tensor of `shape` and `dtype`.

    >>> tf.random.set_seed(5)
    >>> x = tf.random.normal([10000], mean=3.0)
    >>> abs(float(tf.reduce_mean(x)) - 3.0) < 0.1
    True
    """
    kind = dtypes.as_dtype(dtype)
    shape, mean, stddev = _location_and_scale(shape, mean, stddev, kind)
    numbers = raw.RandomStandardNormal(shape=shape, dtype=kind, **op_seeds(seed))
    return _scaled(numbers, stddev, mean, name)


@dispatchable(
    "random.truncated_normal",
    v1=["random.truncated_normal", "truncated_normal"],
    named="truncated_normal",
    direct=is_unseeded,
)
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
    """Returns normal numbers at most two standard deviations away from the mean.

    Numbers further away are drawn again.

    Args:
      shape: the shape of the result: integers or an integer vector.
      mean: the mean, which broadcasts to `shape`.
      stddev: the standard deviation before truncation, which broadcasts to `shape`.
      dtype: a float dtype.
      seed: a Python integer that, with the global seed, determines the numbers.
      name: a name for the operation.

    Returns:
      A tensor of `shape` and `dtype`.

    >>> x = tf.random.truncated_normal([1000], stddev=2.0)
    >>> bool(tf.reduce_max(tf.abs(x)) <= 4.0)
    True
    """
    kind = dtypes.as_dtype(dtype)
    shape, mean, stddev = _location_and_scale(shape, mean, stddev, kind)
    numbers = raw.TruncatedNormal(shape=shape, dtype=kind, **op_seeds(seed))
    return _scaled(numbers, stddev, mean, name)


@dispatchable(
    "random.uniform",
    v1=["random.uniform", "random_uniform"],
    named="random_uniform",
    direct=is_unseeded,
)
def uniform(shape, minval=0, maxval=None, dtype=dtypes.float32, seed=None, name=None):
    """Returns numbers drawn with equal probability from a range.

    Each call draws others; `tf.random.set_seed` makes a program repeat them,
    `tf.random.stateless_uniform` a call.

    Args:
      shape: the shape of the result: integers or an integer vector.
      minval: the lower end, which may be drawn; it broadcasts to `shape`.
      maxval: the upper end, which is not drawn; by default 1 for floats, and needed for integers.
      dtype: a float dtype, int32, int64, uint32 or uint64.
      seed: a Python integer that, with the global seed, determines the numbers.
      name: a name for the operation.

    Returns:
      A tensor of `shape` and `dtype`.

    Raises:
      ValueError: integers are asked for without `maxval`, or `dtype` is another.
      InvalidArgumentError: an upper end is not above the lower one.

    >>> tf.random.set_seed(1)
    >>> x = tf.random.uniform([1000], minval=2.0, maxval=4.0)
    >>> bool(tf.reduce_min(x) >= 2), bool(tf.reduce_max(x) < 4)
    (True, True)
    >>> tf.random.uniform([3], maxval=10, dtype=tf.int32).shape
    TensorShape([3])
    """
    kind = dtypes.as_dtype(dtype)
    if kind not in _UNIFORM[:6]:
        raise ValueError(
            f"Argument `dtype` got invalid value {kind}. Accepted dtypes are {tuple(_UNIFORM[:6])}."
        )
    if maxval is None:
        if kind.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {kind!r}")
        maxval = 1
    from_zero = isinstance(minval, int) and minval == 0
    shape = _named_shape(shape)
    if kind.is_integer or not (from_zero and isinstance(maxval, int) and maxval == 1):
        minval = convert_to_tensor(minval, dtype=kind, name="min")
        maxval = convert_to_tensor(maxval, dtype=kind, name="max")
    if kind.is_integer:
        seeds = op_seeds(seed)
        return raw.RandomUniformInt(shape=shape, minval=minval, maxval=maxval, **seeds, name=name)
    numbers = raw.RandomUniform(shape=shape, dtype=kind, **op_seeds(seed))
    if not from_zero:
        return raw.AddV2(x=numbers * (maxval - minval), y=minval, name=name)
    return raw.Mul(x=numbers, y=maxval) if isinstance(maxval, Tensor) else numbers


@dispatchable("random.gamma", v1=["random.gamma", "random_gamma"], scope="random_gamma")
def gamma(shape, alpha, beta=None, dtype=dtypes.float32, seed=None, name=None):
    """Numbers of gamma distributions: `shape` of them for each entry of `alpha` and `beta`.

    Args:
      shape: leading shape of the result.
      alpha: shape parameters.
      beta: inverse scale parameters, 1 by default.
      dtype: of the result.
      seed: of this call.
      name: a name for the operation.

    Returns:
      A tensor of shape `shape + (alpha + beta).shape` and of dtype `dtype`.
    """
    kind = dtypes.as_dtype(dtype)
    shape = convert_to_tensor(_short(shape), name="shape")
    alpha = convert_to_tensor(alpha, dtype=kind, name="alpha")
    beta = convert_to_tensor(1 if beta is None else beta, dtype=kind, name="beta")
    batch = raw.BroadcastArgs(s0=extents_of(alpha), s1=extents_of(beta))
    alpha = raw.BroadcastTo(input=alpha, shape=batch)
    numbers = raw.RandomGamma(shape=shape, alpha=alpha, **op_seeds(seed))
    tiny = np.asarray(np.finfo(kind.as_numpy_dtype).tiny, kind.as_numpy_dtype)
    return raw.Maximum(x=tiny, y=numbers / beta, name=name)


@dispatchable("random.poisson", v1=[], scope="random_poisson")
def poisson(shape, lam, dtype=dtypes.float32, seed=None, name=None):
    """Returns numbers drawn from Poisson distributions.

    Args:
      shape: the beginning of the shape of the result.
      lam: floats, not negative: the means.
      dtype: the dtype of the result: a float, int32 or int64.
      seed: a Python integer that, with the global seed, determines the numbers.
      name: a name for the operation.

    Returns:
      A tensor of shape `shape + lam.shape`.

    >>> tf.random.poisson([5], [2.0, 100.0]).shape
    TensorShape([5, 2])
    """
    kind = dtypes.as_dtype(dtype)
    seeds = op_seeds(seed)
    shape = convert_to_tensor(_short(shape), name="shape")
    rate = convert_to_tensor(lam, name="RandomPoissonV2/rate")
    return raw.RandomPoissonV2(shape=shape, rate=rate, dtype=kind, **seeds, name=name)


@dispatchable("random.categorical", v1=["random.categorical"], scope="categorical")
def categorical(logits, num_samples, dtype=None, seed=None, name=None):
    """Returns classes drawn with given logarithms of probabilities.

    Args:
      logits: floats, `[batch, classes]`, which need not be normalized.
      num_samples: an int32 scalar: how many classes are drawn for each row.
      dtype: the dtype of the result: int64 (the default) or int32.
      seed: a Python integer that, with the global seed, determines the numbers.
      name: a name for the operation.

    Returns:
      A tensor `[batch, num_samples]` of numbers from 0 to classes - 1.

    Raises:
      InvalidArgumentError: `logits` is not a matrix.

    >>> tf.random.categorical([[0.0, float("-inf")]], 4).numpy()
    array([[0, 0, 0, 0]])
    """
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    logits = convert_to_tensor(logits, name="logits")
    seeds = op_seeds(seed)
    return raw.Multinomial(
        logits=logits, num_samples=num_samples, output_dtype=kind, **seeds, name=name
    )


@dispatchable("random.shuffle", v1=["random.shuffle", "random_shuffle"])
def shuffle(value, seed=None, name=None):
    """Returns `value` with the entries of its first axis in random order.

    The gradient goes back to where each entry came from.

    Args:
      value: a tensor of rank 1 or more.
      seed: a Python integer that, with the global seed, determines the order.
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `value`.

    >>> tf.sort(tf.random.shuffle([3, 1, 2])).numpy()
    array([1, 2, 3], dtype=int32)
    """
    return raw.RandomShuffle(value=value, **op_seeds(seed), name=name)


# -- stateless


@dispatchable("random.stateless_uniform", named="stateless_random_uniform")
def stateless_uniform(
    shape, seed, minval=0, maxval=None, dtype=dtypes.float32, name=None, alg="auto_select"
):
    """Returns numbers drawn with equal probability from a range, as `seed` determines.

    The same seed and shape always give the same numbers, on every machine.

    Args:
      shape: the shape of the result: integers or an integer vector.
      seed: a vector of two integers.
      minval: the lower end, which may be drawn.
      maxval: the upper end, which is not drawn; by default 1 for floats. None with `minval` None
        draws integers of all bits.
      dtype: a float dtype, int32, int64, uint32 or uint64.
      name: a name for the operation.
      alg: "philox", "threefry" or "auto_select".

    Returns:
      A tensor of `shape` and `dtype`.

    Raises:
      ValueError: integers are asked for with only one end, or `alg` is another word.
      InvalidArgumentError: `seed` has another shape.

    >>> tf.random.stateless_uniform([3], seed=[1, 2], maxval=10, dtype=tf.int32).numpy()
    array([0, 9, 4], dtype=int32)
    """
    kind = dtypes.as_dtype(dtype)
    if kind not in _UNIFORM:
        raise ValueError(
            f"Argument `dtype` got invalid value {kind}. Accepted dtypes are {_UNIFORM}."
        )
    if kind.is_integer:
        if (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer `dtype` argument {kind}, argument `minval` and `maxval` must be both "
                f"None or not None. Got `minval`={minval} and `maxval`={maxval}."
            )
        if minval is not None and kind in (dtypes.uint32, dtypes.uint64):
            raise ValueError(
                f"Argument `dtype` got invalid value {kind} when argument `minval` is not None. "
                "Please don't use unsigned integers in this case."
            )
    elif maxval is None:
        maxval = 1
    shape = _named_shape(shape)
    full_range = kind.is_integer and minval is None
    if not full_range:
        low = convert_to_tensor(minval, dtype=kind, name="min")
        high = convert_to_tensor(maxval, dtype=kind, name="max")
    key, counter, number = key_and_counter(seed, alg)
    stream = dict(shape=shape, key=key, counter=counter, alg=number)
    if full_range:
        return raw.StatelessRandomUniformFullIntV2(**stream, dtype=kind, name=name)
    if kind.is_integer:
        return raw.StatelessRandomUniformIntV2(**stream, minval=low, maxval=high, name=name)
    numbers = raw.StatelessRandomUniformV2(**stream, dtype=kind)
    return raw.AddV2(x=numbers * (high - low), y=low, name=name)


@dispatchable("random.stateless_normal", named="stateless_random_normal")
def stateless_normal(
    shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None, alg="auto_select"
):
    """Returns numbers drawn from a normal distribution, as `seed` determines.

    Args:
      shape: the shape of the result: integers or an integer vector.
      seed: a vector of two integers.
      mean: the mean, which broadcasts to `shape`.
      stddev: the standard deviation, which broadcasts to `shape`.
      dtype: a float dtype.
      name: a name for the operation.
      alg: "philox", "threefry" or "auto_select".

    Returns:
      A tensor of `shape` and `dtype`.

    Raises:
      InvalidArgumentError: `seed` has another shape.

    >>> tf.random.stateless_normal([3], seed=[1, 2]).numpy().round(3)
    array([0.544, 0.207, 0.074], dtype=float32)
    """
    kind = dtypes.as_dtype(dtype)
    shape, mean, stddev = _location_and_scale(shape, mean, stddev, kind)
    key, counter, number = key_and_counter(seed, alg)
    numbers = raw.StatelessRandomNormalV2(
        shape=shape, key=key, counter=counter, alg=number, dtype=kind
    )
    return _scaled_always(numbers, stddev, mean, name)


def _scaled_always(numbers, scale, shift, name):
    kind = numbers.dtype
    scaled = numbers * convert_to_tensor(scale, dtype=kind)
    return raw.AddV2(x=scaled, y=convert_to_tensor(shift, dtype=kind), name=name)


@dispatchable("random.stateless_truncated_normal", named="stateless_truncated_normal")
def stateless_truncated_normal(
    shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None, alg="auto_select"
):
    """Returns normal numbers at most two standard deviations away, as `seed` determines.

    Args:
      shape: the shape of the result: integers or an integer vector.
      seed: a vector of two integers.
      mean: the mean, which broadcasts to `shape`.
      stddev: the standard deviation before truncation, which broadcasts to `shape`.
      dtype: a float dtype.
      name: a name for the operation.
      alg: "philox", "threefry" or "auto_select".

    Returns:
      A tensor of `shape` and `dtype`.

    Raises:
      InvalidArgumentError: `seed` has another shape.

    >>> tf.random.stateless_truncated_normal([3], seed=[1, 2]).numpy().round(3)
    array([0.544, 0.207, 0.074], dtype=float32)
    """
    kind = dtypes.as_dtype(dtype)
    shape, mean, stddev = _location_and_scale(shape, mean, stddev, kind)
    key, counter, number = key_and_counter(seed, alg)
    numbers = raw.StatelessTruncatedNormalV2(
        shape=shape, key=key, counter=counter, alg=number, dtype=kind
    )
    return _scaled_always(numbers, stddev, mean, name)


@dispatchable(
    "random.stateless_parameterized_truncated_normal",
    scope="stateless_parameterized_truncated_normal",
)
def stateless_parameterized_truncated_normal(
    shape, seed, means=0.0, stddevs=1.0, minvals=-2.0, maxvals=2.0, name=None
):
    """Numbers of normal distributions truncated at given bounds, a function of `seed`.

    Args:
      shape: of the result, a vector of integers.
      seed: two integers `[2]`.
      means, stddevs: of the distributions before they are truncated; they broadcast to `shape`.
      minvals, maxvals: the bounds; they broadcast to `shape`.
      name: of the operation.

    Returns:
      A tensor of shape `shape`, of the dtype of the first parameter that is a tensor, else
      float32.
    """
    kind = next(
        (p.dtype for p in (means, stddevs, minvals, maxvals) if isinstance(p, Tensor)),
        dtypes.float32,
    )
    shape = _named_shape(shape)
    parameters = dict(means=means, stddevs=stddevs, minvals=minvals, maxvals=maxvals)
    parts = {k: convert_to_tensor(p, dtype=kind, name=k) for k, p in parameters.items()}
    return raw.StatelessParameterizedTruncatedNormal(shape=shape, seed=seed, **parts, name=name)


@dispatchable("random.stateless_gamma", scope="stateless_random_gamma")
def stateless_gamma(shape, seed, alpha, beta=None, dtype=dtypes.float32, name=None):
    """Returns numbers drawn from gamma distributions, as `seed` determines.

    The gradient flows into `alpha` and `beta`, by implicit differentiation.

    Args:
      shape: the shape of the result, which ends in the broadcast shape of `alpha` and `beta`.
      seed: a vector of two integers.
      alpha: positive floats: the shape parameter.
      beta: positive floats: the inverse scale, by default 1.
      dtype: a float dtype.
      name: a name for the operation.

    Returns:
      A tensor of `shape` and `dtype`.

    Raises:
      InvalidArgumentError: `shape` does not end in that shape.

    >>> x = tf.random.stateless_gamma([1000], seed=[1, 2], alpha=4.0)
    >>> abs(float(tf.reduce_mean(x)) - 4.0) < 0.3
    True
    """
    kind = dtypes.as_dtype(dtype)
    shape = convert_to_tensor(shape_of(shape), name="shape")
    alpha = convert_to_tensor(alpha, dtype=kind, name="alpha")
    beta = convert_to_tensor(1 if beta is None else beta, dtype=kind, name="beta")
    batch = raw.BroadcastArgs(s0=extents_of(alpha), s1=extents_of(beta))
    alpha = raw.BroadcastTo(input=alpha, shape=batch)
    key, counter, number = key_and_counter(seed, "auto_select")
    numbers = raw.StatelessRandomGammaV3(
        shape=shape, key=key, counter=counter, alg=number, alpha=alpha
    )
    tiny = np.asarray(np.finfo(kind.as_numpy_dtype).tiny, kind.as_numpy_dtype)
    return raw.Maximum(x=tiny, y=numbers / beta, name=name)


@dispatchable("random.stateless_binomial", scope="stateless_random_binomial")
def stateless_binomial(shape, seed, counts, probs, output_dtype=dtypes.int32, name=None):
    """Returns how often trials succeed, as `seed` determines.

    Args:
      shape: the shape of the result, which ends in the broadcast shape of `counts` and `probs`.
      seed: a vector of two integers.
      counts: numbers of trials, not negative.
      probs: the probability that a trial succeeds; its dtype is that of `counts`, where both are
        tensors.
      output_dtype: the dtype of the result: int32, int64 or a float.
      name: a name for the operation.

    Returns:
      A tensor of `shape` and `output_dtype`.

    >>> x = tf.random.stateless_binomial([1000], seed=[1, 2], counts=10.0, probs=0.3)
    >>> abs(float(tf.reduce_mean(tf.cast(x, tf.float32))) - 3.0) < 0.3
    True
    """
    shape = _named_shape(shape)
    probs = convert_to_tensor(probs, dtype_hint=dtypes.float32, name="probs")
    counts = cast(convert_to_tensor(counts, dtype_hint=probs.dtype, name="counts"), probs.dtype)
    return raw.StatelessRandomBinomial(
        shape=shape,
        seed=seed,
        counts=counts,
        probs=probs,
        dtype=dtypes.as_dtype(output_dtype),
        name=name,
    )


@dispatchable("random.stateless_poisson", scope="stateless_random_poisson")
def stateless_poisson(shape, seed, lam, dtype=dtypes.int32, name=None):
    """Numbers of Poisson distributions, a function of `seed`; `shape` ends with `lam`'s.

    Args:
      shape: of the result, a vector of integers; it ends with the shape of `lam`.
      seed: two integers `[2]`.
      lam: the expected numbers, floats.
      dtype: of the result.
      name: of the operation.

    Returns:
      A tensor of this shape and dtype.
    """
    shape = _named_shape(shape)
    if not isinstance(lam, Tensor):
        lam = convert_to_tensor(lam, dtype_hint=dtypes.float32, name="StatelessRandomPoisson/lam")
    return raw.StatelessRandomPoisson(
        shape=shape, seed=seed, lam=lam, dtype=dtypes.as_dtype(dtype), name=name
    )


@dispatchable("random.stateless_categorical", scope="stateless_categorical")
def stateless_categorical(logits, num_samples, seed, dtype=dtypes.int64, name=None):
    """Returns classes drawn with given logarithms of probabilities, as `seed` determines.

    Args:
      logits: floats, `[batch, classes]`, which need not be normalized.
      num_samples: an int32 scalar: how many classes are drawn for each row.
      seed: a vector of two integers.
      dtype: the dtype of the result: int64 or int32.
      name: a name for the operation.

    Returns:
      A tensor `[batch, num_samples]` of numbers from 0 to classes - 1.

    Raises:
      InvalidArgumentError: `logits` is not a matrix.

    >>> tf.random.stateless_categorical([[0.0, 0.0, 0.0]], 6, seed=[1, 2]).numpy()
    array([[2, 2, 0, 2, 1, 1]])
    """
    return raw.StatelessMultinomial(
        logits=logits,
        num_samples=num_samples,
        seed=seed,
        output_dtype=dtypes.int64 if dtype is None else dtypes.as_dtype(dtype),
        name=name,
    )


@dispatchable("random.experimental.stateless_shuffle")
@scoped("stateless_shuffle")
def stateless_shuffle(value, seed, alg="auto_select", name=None):
    """The rows of `value` in an order that is a function of `seed`.

    Args:
      value: `[n, ...]` of any dtype.
      seed: two integers `[2]`.
      alg: "philox", "threefry" or "auto_select": Philox.
      name: of the operations.

    Returns:
      A tensor of the same shape and dtype.
    """
    key, counter, number = key_and_counter(seed, alg)
    return raw.StatelessShuffle(value=value, key=key, counter=counter, alg=number, name=name)


@dispatchable("random.experimental.index_shuffle")
def index_shuffle(index, seed, max_index):
    """The position of `index` in a random permutation of 0 ... max_index, a function of `seed`.

    Args:
      index: an int32 or int64 scalar or vector.
      seed: two integers `[2]`, or `[n, 2]`: a row of them for each index.
      max_index: a scalar or vector of the dtype of `index`.

    Returns:
      A tensor of the shape and dtype of `index`.

    Raises:
      InvalidArgumentError: the shape of `seed` is another; ValueError in graphs.
    """
    seed = convert_to_tensor(seed)
    # The op takes a third integer, which is the same for all seeds.
    paddings = [[0, 0]] * ((seed.shape.rank or 1) - 1) + [[1, 0]]
    filler = np.asarray(498247692, seed.dtype.as_numpy_dtype)
    seed = raw.PadV2(input=seed, paddings=np.array(paddings, np.int32), constant_values=filler)
    return raw.RandomIndexShuffle(index=index, seed=seed, max_index=max_index, rounds=4)
