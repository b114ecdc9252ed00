"""Initializers of v1: those of v2 with a dtype given to the constructor."""

import math
from typing import Any

import numpy as np

from penstock._src.api import initializers as v2
from penstock._src.api.array.creation import zeros
from penstock._src.api.random import functions as random
from penstock._src.core import dtypes
from penstock._src.util.export import export
from penstock._src.v1.functions.arrays import constant as v1_constant


class Typed:
    """Adds v1's parameters to an initializer: a default dtype, and `partition_info`."""

    dtype: Any
    # The arguments of the constructor besides the dtype and those of TensorFlow 2's initializer.
    _arguments: tuple[str, ...] = ()

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """The first value of a variable."""
        whole = shape if partition_info is None else partition_info.full_shape
        return self._value(shape, dtypes.as_dtype(dtype or self.dtype), whole)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        """The value of a shape, which is a partition of a whole."""
        return super().__call__(shape, dtype)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {name: getattr(self, name) for name in self._arguments}
        return {**super().get_config(), **own, "dtype": self.dtype.name}  # type: ignore[misc]


class Floating(Typed):
    """Add v1's parameters to an initializer that gives only floating-point numbers."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = v2.floating(dtype)


@export(v1=["zeros_initializer", "initializers.zeros"])
class Zeros(Typed, v2.Zeros):
    """Zeros; of strings, empty ones."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return zeros(shape, dtype)


@export(v1=["ones_initializer", "initializers.ones"])
class Ones(Typed, v2.Ones):
    """Ones."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)


@export(v1=["constant_initializer", "initializers.constant"])
class Constant(Typed, v2.Constant):
    """A constant, or given elements."""

    def __init__(
        self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False
    ) -> None:
        if not v2.is_plain_value(value):
            raise TypeError(
                f"Invalid type for initial value={value} of type: {type(value).__name__}. Expected "
                "Python scalar, list or tuple of values, or numpy.ndarray."
            )
        v2.Constant.__init__(self, value)
        self.dtype, self._verify_shape = dtypes.as_dtype(dtype), verify_shape

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: Any = None
    ) -> Any:
        """The first value of a variable; with `verify_shape`, the constant must have its shape."""
        verify = self._verify_shape if verify_shape is None else verify_shape
        if verify and list(np.shape(self.value)) != list(shape):
            raise TypeError(f"Expected Tensor's shape: {tuple(shape)}, got {np.shape(self.value)}.")
        return v1_constant(self.value, self.dtype if dtype is None else dtype, shape)


@export(v1=["random_normal_initializer", "initializers.random_normal"])
class RandomNormal(Floating, v2.RandomNormal):
    """Samples of a normal distribution."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        v2.RandomNormal.__init__(self, mean, stddev, seed)
        Floating.__init__(self, dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)


@export(v1=["random_uniform_initializer", "initializers.random_uniform"])
class RandomUniform(Typed, v2.RandomUniform):
    """Samples of a uniform distribution; from 0 to 1 for floats by default."""

    def __init__(
        self, minval: Any = 0.0, maxval: Any = None, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        high = 1.0 if maxval is None else maxval
        v2.RandomUniform.__init__(self, minval, high, seed)
        self.dtype = dtypes.as_dtype(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)


@export(v1=["truncated_normal_initializer", "initializers.truncated_normal"])
class TruncatedNormal(Floating, v2.TruncatedNormal):
    """Samples of a normal distribution truncated at two standard deviations."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        v2.TruncatedNormal.__init__(self, mean, stddev, seed)
        Floating.__init__(self, dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


@export(v1=["variance_scaling_initializer", "initializers.variance_scaling"])
class VarianceScaling(Floating, v2.Initializer):
    """Samples with a variance scaled by the numbers of inputs and outputs.

    Args:
      scale: the factor of the variance.
      mode: the divisor of the variance: "fan_in", "fan_out" or "fan_avg".
      distribution: "truncated_normal" ("normal"), "untruncated_normal" or "uniform".
      seed: of the numbers.
      dtype: of the numbers.
    """

    _arguments = ("scale", "mode", "distribution", "seed")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        distribution = distribution.lower()
        check_scaling(scale, mode, distribution, ("normal",))
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        super().__init__(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        extents = [int(extent) for extent in whole]
        name, parameters = scaled(self.scale, self.mode, self.distribution, extents)
        return getattr(random, name)(shape, *parameters, dtype, self.seed)


def check_scaling(scale: float, mode: str, distribution: str, more: tuple[str, ...] = ()) -> None:
    """Checks the arguments of an initializer that scales a variance; `more` are further names of distributions."""
    if scale <= 0.0:
        raise ValueError(f"Argument `scale` must be a positive float. Received: {scale}")
    modes = ("fan_in", "fan_out", "fan_avg")
    if mode not in modes:
        raise ValueError(f"Argument `mode` should be one of {modes}. Received: {mode}")
    known = ("uniform", "truncated_normal", "untruncated_normal", *more)
    if distribution not in known:
        raise ValueError(
            f"Argument `distribution` should be one of {known}. Received: {distribution}"
        )


def scaled(
    scale: float, mode: str, distribution: str, shape: list[int]
) -> tuple[str, tuple[float, float]]:
    """The function of random numbers and its parameters for a variance of `scale` over a number of inputs or outputs."""
    inside, outside = fans(shape)
    count = {"fan_in": inside, "fan_out": outside}.get(mode, (inside + outside) / 2.0)
    variance = scale / max(1.0, count)
    if distribution == "uniform":
        limit = math.sqrt(3.0 * variance)
        return "uniform", (-limit, limit)
    if distribution == "untruncated_normal":
        return "normal", (0.0, math.sqrt(variance))
    # Truncation at two standard deviations reduces the standard deviation by this factor.
    return "truncated_normal", (0.0, math.sqrt(variance) / _CUT)


# The standard deviation of a standard normal distribution truncated at two deviations.
_CUT = 0.87962566103423978


def fans(shape: list[int]) -> tuple[float, float]:
    """Returns the numbers of inputs and outputs of a kernel with axes (spatial axes, inputs, outputs)."""
    if len(shape) < 2:
        count = float(math.prod(shape))
        return count, count
    field = math.prod(shape[:-2])
    return float(field * shape[-2]), float(field * shape[-1])


@export(v1=["glorot_uniform_initializer", "initializers.glorot_uniform"])
class GlorotUniform(VarianceScaling):
    """Uniform samples of variance 2 / (inputs + outputs) (Glorot & Bengio 2010)."""

    _arguments = ("seed",)

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        # As in TensorFlow, a dtype given here is ignored in favor of the call's.
        super().__init__(1.0, "fan_avg", "uniform", seed)


@export(v1=["glorot_normal_initializer", "initializers.glorot_normal"])
class GlorotNormal(VarianceScaling):
    """Normal samples of variance 2 / (inputs + outputs) (Glorot & Bengio 2010)."""

    _arguments = ("seed",)

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        # As in TensorFlow, a dtype given here is ignored in favor of the call's.
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


@export(v1=["initializers.he_normal"])
def he_normal(seed: Any = None) -> VarianceScaling:
    """Normal samples of variance 2 / inputs (He et al. 2015)."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


@export(v1=["initializers.he_uniform"])
def he_uniform(seed: Any = None) -> VarianceScaling:
    """Uniform samples of variance 2 / inputs (He et al. 2015)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


@export(v1=["initializers.lecun_normal"])
def lecun_normal(seed: Any = None) -> VarianceScaling:
    """Normal samples of variance 1 / inputs (LeCun et al. 1998)."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


@export(v1=["initializers.lecun_uniform"])
def lecun_uniform(seed: Any = None) -> VarianceScaling:
    """Uniform samples of variance 1 / inputs (LeCun et al. 1998)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


@export(v1=["uniform_unit_scaling_initializer", "initializers.uniform_unit_scaling"])
class UniformUnitScaling(Floating, v2.Initializer):
    """Uniform samples with limits of ± factor * sqrt(3 / inputs) (Sussillo & Abbott 2014)."""

    _arguments = ("factor", "seed")

    def __init__(self, factor: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.factor, self.seed = factor, seed

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        inputs = max(1.0, math.prod(float(extent) for extent in list(whole)[:-1]))
        limit = self.factor * math.sqrt(3.0 / inputs)
        return random.uniform(shape, -limit, limit, dtype, self.seed)
