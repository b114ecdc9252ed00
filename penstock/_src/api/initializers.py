"""The basic classes of tf.initializers: constants and random numbers."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.util.export import export

from .array.creation import constant, ones, zeros
from .random import functions as random


class Initializer:
    """A callable of shape and dtype, with a configuration."""

    # True if the initializer can create a part of a variable, described by two more arguments.
    _makes_parts = True

    def _shape(self, shape, arguments):
        """The requested shape, or that of a partition; checks the arguments besides shape and dtype."""
        for name in arguments:
            if name not in ("partition_shape", "partition_offset"):
                raise TypeError(
                    "Keyword argument should be one of ['partition_shape', 'partition_offset']. "
                    f"Received: {name}"
                )
            if not self._makes_parts:
                raise ValueError(
                    f"{type(self).__name__} initializer doesn't support partition-related arguments"
                )
        return arguments.get("partition_shape", shape)

    def __call__(self, shape, dtype=None, **kwargs):
        """The initial value of a variable."""
        raise NotImplementedError

    def get_config(self):
        """Returns the arguments of the constructor.

        Returns:
          A dictionary, which `from_config` takes.
        """
        return {}

    @classmethod
    def from_config(cls, config):
        """Returns an initializer of a configuration.

        Args:
          config: what `get_config` returned.

        Returns:
          An initializer of this class.
        """
        config = dict(config)
        config.pop("dtype", None)
        return cls(**config)


def drawn(distribution, shape, parameters, dtype, seed):
    """Numbers of a distribution ("normal", "uniform", "truncated_normal"); with a seed, the same at every call."""
    if seed is None:
        return getattr(random, distribution)(shape, *parameters, dtype)
    return getattr(random, f"stateless_{distribution}")(shape, [seed, 0], *parameters, dtype)


@export("zeros_initializer", v1=[])
class Zeros(Initializer):
    """An initializer that returns zeros.

    >>> tf.zeros_initializer()([2], tf.int32).numpy()
    array([0, 0], dtype=int32)
    """

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Zeros of `shape`."""
        kind = dtypes.as_dtype(dtype)
        if not (kind.is_numeric or kind.is_bool):
            raise ValueError(
                f"Argument `dtype` expected to be numeric or boolean. Received {kind}."
            )
        return zeros(self._shape(shape, kwargs), kind)


@export("ones_initializer", v1=[])
class Ones(Initializer):
    """An initializer that returns ones.

    >>> tf.ones_initializer()([2]).numpy()
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Ones of `shape`."""
        kind = dtypes.as_dtype(dtype)
        if not (kind.is_numeric or kind.is_bool):
            raise ValueError(
                f"Argument `dtype` expected to be numeric or boolean. Received {kind}."
            )
        return ones(self._shape(shape, kwargs), kind)


def is_plain_value(value):
    """True if a constant initializer may have this value."""
    return np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))


@export("constant_initializer", v1=[])
class Constant(Initializer):
    """An initializer that returns a constant, or given entries in another shape.

    Args:
      value: a number, or nested lists or an array of as many entries as are asked for.
      support_partition: whether a part of the entries may be asked for.

    Raises:
      TypeError: the value is something else.

    >>> tf.constant_initializer([1, 2, 3, 4])([2, 2], tf.int32).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """

    def __init__(self, value=0, support_partition=False):
        if not is_plain_value(value):
            raise TypeError(
                f"Invalid type for initial value: {value!r} of type {type(value).__name__}. Expected "
                "Python scalar, list or tuple of values, or numpy.ndarray."
            )
        self.value, self.support_partition = value, support_partition
        self._makes_parts = support_partition

    def __call__(self, shape, dtype=None, **kwargs):
        """The constant in `shape`."""
        return constant(self.value, dtype, [int(n) for n in self._shape(shape, kwargs)])

    def get_config(self):
        """Returns the arguments of the constructor.

        Returns:
          A dictionary, which `from_config` takes.
        """
        return {"value": self.value}


@export("random_normal_initializer", v1=[])
class RandomNormal(Initializer):
    """An initializer that returns numbers of a normal distribution.

    Args:
      mean: the mean.
      stddev: the standard deviation.
      seed: a Python integer; with it, all calls return the same numbers.

    >>> tf.random_normal_initializer(stddev=0.1, seed=1)([2, 3]).shape
    TensorShape([2, 3])
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Numbers in `shape`."""
        kind, shape = floating(dtype), self._shape(shape, kwargs)
        return drawn("normal", shape, (self.mean, self.stddev), kind, self.seed)

    def get_config(self):
        """Returns the arguments of the constructor.

        Returns:
          A dictionary, which `from_config` takes.
        """
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


@export("random_uniform_initializer", v1=[])
class RandomUniform(Initializer):
    """Numbers of a uniform distribution.

    Args:
      minval: the least number.
      maxval: numbers are less than this.
      seed: an int.
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Numbers in `shape`."""
        kind = dtypes.as_dtype(dtype)
        if not (kind.is_floating or kind.is_integer):
            raise ValueError(
                f"Argument `dtype` expected to be numeric or boolean. Received {kind}."
            )
        shape = self._shape(shape, kwargs)
        return drawn("uniform", shape, (self.minval, self.maxval), kind, self.seed)

    def get_config(self):
        """The arguments of the constructor."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class TruncatedNormal(Initializer):
    """Numbers of a normal distribution that is cut off at two deviations."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Numbers in `shape`."""
        kind, shape = floating(dtype), self._shape(shape, kwargs)
        return drawn("truncated_normal", shape, (self.mean, self.stddev), kind, self.seed)

    def get_config(self):
        """The arguments of the constructor."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


def floating(dtype):
    """The dtype, which must be one of floating-point numbers."""
    kind = dtypes.as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(f"Argument `dtype` is expected to be floating point. Received: {kind!r}.")
    return kind
