"""Initializers of v1: those of v2 with a dtype given to the constructor."""

import math
from typing import Any

import numpy as np

from penstock._src.api import initializers as v2
from penstock._src.api.array.creation import constant
from penstock._src.api.random.functions import normal, truncated_normal, uniform
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.functions.arrays import constant as v1_constant


class _Typed:
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


@export(v1=["zeros_initializer", "initializers.zeros"])
class Zeros(_Typed, v2.zeros_initializer):
    """Zeros."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)


@export(v1=["ones_initializer", "initializers.ones"])
class Ones(_Typed, v2.ones_initializer):
    """Ones."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)


@export(v1=["constant_initializer", "initializers.constant"])
class Constant(_Typed, v2.constant_initializer):
    """A constant, or given elements."""

    def __init__(
        self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False
    ) -> None:
        v2.constant_initializer.__init__(self, value)
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
class RandomNormal(_Typed, v2.random_normal_initializer):
    """Samples of a normal distribution."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        v2.random_normal_initializer.__init__(self, mean, stddev, seed)
        self.dtype = dtypes.as_dtype(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return normal(shape, self.mean, self.stddev, dtype, self.seed)


@export(v1=["random_uniform_initializer", "initializers.random_uniform"])
class RandomUniform(_Typed, v2.random_uniform_initializer):
    """Samples of a uniform distribution; from 0 to 1 for floats by default."""

    def __init__(
        self, minval: Any = 0.0, maxval: Any = None, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        high = 1.0 if maxval is None else maxval
        v2.random_uniform_initializer.__init__(self, minval, high, seed)
        self.dtype = dtypes.as_dtype(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return uniform(shape, self.minval, self.maxval, dtype, self.seed)


@export(v1=["truncated_normal_initializer", "initializers.truncated_normal"])
class TruncatedNormal(_Typed, v2.TruncatedNormal):
    """Samples of a normal distribution truncated at two standard deviations."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        v2.TruncatedNormal.__init__(self, mean, stddev, seed)
        self.dtype = dtypes.as_dtype(dtype)


@export(v1=["variance_scaling_initializer", "initializers.variance_scaling"])
class VarianceScaling(_Typed, v2.Initializer):
    """Samples whose variance is scaled by the numbers of inputs and outputs.

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
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be a positive float. Received: {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"Invalid `mode` argument: {mode}.")
        distribution = distribution.lower()
        if distribution not in ("normal", "uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(f"Invalid `distribution` argument: {distribution}.")
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.dtype = dtypes.as_dtype(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        variance = self.scale / max(1.0, self._fan([int(extent) for extent in whole]))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return uniform(shape, -limit, limit, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        # Truncation at two standard deviations reduces the standard deviation by this factor.
        return truncated_normal(shape, 0.0, math.sqrt(variance) / _CUT, dtype, self.seed)

    def _fan(self, shape: list[int]) -> float:
        inside, outside = fans(shape)
        return {"fan_in": inside, "fan_out": outside}.get(self.mode, (inside + outside) / 2.0)


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
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


@export(v1=["glorot_normal_initializer", "initializers.glorot_normal"])
class GlorotNormal(VarianceScaling):
    """Normal samples of variance 2 / (inputs + outputs) (Glorot & Bengio 2010)."""

    _arguments = ("seed",)

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


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
class UniformUnitScaling(_Typed, v2.Initializer):
    """Uniform samples with limits of ± factor * sqrt(3 / inputs) (Sussillo & Abbott 2014)."""

    _arguments = ("factor", "seed")

    def __init__(self, factor: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.factor, self.seed, self.dtype = factor, seed, dtypes.as_dtype(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        inputs = max(1.0, math.prod(float(extent) for extent in list(whole)[:-1]))
        limit = self.factor * math.sqrt(3.0 / inputs)
        return uniform(shape, -limit, limit, dtype, self.seed)


@export(v1=["orthogonal_initializer", "initializers.orthogonal"])
class Orthogonal(_Typed, v2.Initializer):
    """A matrix with orthogonal rows or columns, from the QR factorization of a random normal matrix (Saxe et al. 2014)."""

    _arguments = ("gain", "seed")

    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        self.gain, self.seed, self.dtype = gain, seed, dtypes.as_dtype(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        extents = [int(extent) for extent in shape]
        if len(extents) < 2:
            raise ValueError(
                f"The tensor to initialize must be at least two-dimensional. Received shape={shape}"
            )
        rows, columns = math.prod(extents[:-1]), extents[-1]
        flat = [max(rows, columns), min(rows, columns)]
        q, r = raw.Qr(input=normal(flat, 0.0, 1.0, dtype, self.seed))
        q = q * raw.Sign(
            x=raw.MatrixDiagPart(input=r)
        )  # makes the distribution uniform over orthogonal matrices
        if rows < columns:
            q = raw.Transpose(x=q, perm=[1, 0])
        return self.gain * raw.Reshape(tensor=q, shape=extents)


@export(v1=["initializers.identity"])
class Identity(_Typed, v2.Initializer):
    """A matrix with `gain` on its diagonal."""

    _arguments = ("gain",)

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32) -> None:
        self.gain, self.dtype = gain, dtypes.as_dtype(dtype)

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices: {shape}"
            )
        return constant(self.gain * np.eye(int(shape[0]), int(shape[1])), dtype)
