"""Initializers of TensorFlow 2 beside Keras's: functions of shape and dtype that draw the same numbers at every call if seeded."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.initializers import Initializer, TruncatedNormal, drawn, floating
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.v1.variables import initializers as v1
from penstock._src.v1.variables.orthogonal_initializers import made_orthogonal

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "Identity",
    "Initializer",
    "Orthogonal",
    "TruncatedNormal",
    "VarianceScaling",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
]

_compute_fans = v1.fans
_assert_float_dtype = floating


class VarianceScaling(Initializer):
    """Numbers whose variance is scaled by the numbers of inputs and outputs.

    Args:
      scale: the factor of the variance.
      mode: the divisor of the variance: "fan_in", "fan_out" or "fan_avg".
      distribution: "truncated_normal", "untruncated_normal" or "uniform".
      seed: of the numbers.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
    ) -> None:
        distribution = distribution.lower()
        v1.check_scaling(scale, mode, distribution)
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """Numbers in `shape`."""
        part, kind = self._shape(shape, kwargs), floating(dtype)
        distribution, parameters = v1.scaled(
            self.scale, self.mode, self.distribution, [int(n) for n in shape]
        )
        return drawn(distribution, part, parameters, kind, self.seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in ("scale", "mode", "distribution", "seed")}


class GlorotUniform(VarianceScaling):
    """Uniform numbers of variance 2 / (inputs + outputs) (Glorot & Bengio 2010)."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"seed": self.seed}


class GlorotNormal(VarianceScaling):
    """Normal numbers of variance 2 / (inputs + outputs) (Glorot & Bengio 2010)."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"seed": self.seed}


class Orthogonal(Initializer):
    """A matrix with orthogonal rows or columns (Saxe et al. 2014); all axes but the last are its rows."""

    _makes_parts = False

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """A matrix in `shape`."""
        self._shape(shape, kwargs)
        kind = floating(dtype)
        return self.gain * made_orthogonal(
            shape, lambda flat: drawn("normal", flat, (0.0, 1.0), kind, self.seed)
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"gain": self.gain, "seed": self.seed}


class Identity(Initializer):
    """A matrix with `gain` on its diagonal."""

    _makes_parts = False

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Any:
        """The matrix in `shape`."""
        self._shape(shape, kwargs)
        kind = floating(dtype)
        if len(shape) != 2:
            raise ValueError(
                "Identity matrix initializer: the tensor to initialize must be two-dimensional. "
                f"Received shape={shape}"
            )
        return convert_to_tensor(self.gain * np.eye(int(shape[0]), int(shape[1])), kind)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"gain": self.gain}


def he_normal(seed: Any = None) -> VarianceScaling:
    """Normal numbers of variance 2 / inputs (He et al. 2015)."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: Any = None) -> VarianceScaling:
    """Uniform numbers of variance 2 / inputs (He et al. 2015)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def lecun_normal(seed: Any = None) -> VarianceScaling:
    """Normal numbers of variance 1 / inputs (LeCun et al. 1998)."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: Any = None) -> VarianceScaling:
    """Uniform numbers of variance 1 / inputs (LeCun et al. 1998)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
