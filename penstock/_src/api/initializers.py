"""The basic classes of tf.initializers: constants and random numbers."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export

from .array.creation import ones, zeros
from .random import functions as random


class Initializer:
    """A callable of shape and dtype, with a configuration."""

    def __call__(self, shape, dtype=None, **kwargs):
        """The initial value of a variable."""
        raise NotImplementedError

    def get_config(self):
        """The arguments of the constructor."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The initializer of a configuration."""
        config = dict(config)
        config.pop("dtype", None)
        return cls(**config)


def _partition(shape, kwargs):
    """The requested shape, or that of a partition."""
    part = kwargs.get("partition_shape")
    return shape if part is None else part


@export("zeros_initializer", v1=[])
class zeros_initializer(Initializer):
    """Zeros."""

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Zeros of `shape`."""
        kind = dtypes.as_dtype(dtype)
        if not (kind.is_numeric or kind.is_bool or kind == dtypes.string):
            raise ValueError(
                f"Argument `dtype` expected to be numeric or boolean. Received {kind}."
            )
        return zeros(_partition(shape, kwargs), kind)


@export("ones_initializer", v1=[])
class ones_initializer(Initializer):
    """Ones."""

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Ones of `shape`."""
        kind = dtypes.as_dtype(dtype)
        if not (kind.is_numeric or kind.is_bool):
            raise ValueError(
                f"Argument `dtype` expected to be numeric or boolean. Received {kind}."
            )
        return ones(_partition(shape, kwargs), kind)


@export("constant_initializer", v1=[])
class constant_initializer(Initializer):
    """A constant, or given entries."""

    def __init__(self, value=0, support_partition=False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value={value} of type: {type(value).__name__}. Expected "
                "Python scalar, list or tuple of values, or numpy.ndarray."
            )
        self.value, self.support_partition = value, support_partition

    def __call__(self, shape, dtype=None, **kwargs):
        """The constant in `shape`."""
        tensor = convert_to_tensor(
            self.value, dtype=None if dtype is None else dtypes.as_dtype(dtype)
        )
        wanted = [int(n) for n in _partition(shape, kwargs)]
        count = tensor.shape.num_elements()
        if count == int(np.prod(wanted)):
            return raw.Reshape(tensor=tensor, shape=np.array(wanted, np.int32))
        if count == 1:
            scalar = raw.Reshape(tensor=tensor, shape=np.zeros(0, np.int32))
            return raw.Fill(dims=np.array(wanted, np.int32), value=scalar)
        raise TypeError(
            f"Eager execution of tf.constant with unsupported shape. Tensor {tensor} has {count} "
            f"elements, but got `shape` {tuple(wanted)}."
        )

    def get_config(self):
        """The arguments of the constructor."""
        return {"value": self.value}


@export("random_normal_initializer", v1=[])
class random_normal_initializer(Initializer):
    """Numbers of a normal distribution."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Numbers in `shape`."""
        kind = _floating(dtype)
        shape = _partition(shape, kwargs)
        if self.seed:  # the same numbers at every call
            return random.stateless_normal(shape, [self.seed, 0], self.mean, self.stddev, kind)
        return random.normal(shape, self.mean, self.stddev, kind)

    def get_config(self):
        """The arguments of the constructor."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


@export("random_uniform_initializer", v1=[])
class random_uniform_initializer(Initializer):
    """Numbers of a uniform distribution."""

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Numbers in `shape`."""
        kind = dtypes.as_dtype(dtype)
        if not (kind.is_floating or kind.is_integer):
            raise ValueError(
                f"Argument `dtype` expected to be numeric or boolean. Received {kind}."
            )
        shape = _partition(shape, kwargs)
        if self.seed:  # the same numbers at every call
            return random.stateless_uniform(shape, [self.seed, 0], self.minval, self.maxval, kind)
        return random.uniform(shape, self.minval, self.maxval, kind)

    def get_config(self):
        """The arguments of the constructor."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class TruncatedNormal(Initializer):
    """Numbers of a normal distribution that is cut off at two deviations."""

    def __init__(self, mean=0.0, stddev=1.0, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape, dtype=dtypes.float32, **kwargs):
        """Numbers in `shape`."""
        shape = _partition(shape, kwargs)
        return random.truncated_normal(
            shape, self.mean, self.stddev, dtypes.as_dtype(dtype), self.seed
        )

    def get_config(self):
        """The arguments of the constructor."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


def _floating(dtype):
    kind = dtypes.as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(f"Argument `dtype` expected to be floating point. Received {kind}.")
    return kind
