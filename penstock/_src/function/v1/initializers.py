"""Initializers of v1: those of v2 with the type fixed when they are made."""

from typing import Any

from penstock._src.api import initializers as v2
from penstock._src.core import dtypes
from penstock._src.util.export import export


class _Typed:
    """What v1 adds to an initializer: a type of its own, and `partition_info`."""

    dtype: Any

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """The first value of a variable."""
        return super().__call__(shape, dtype or self.dtype)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "dtype": self.dtype.name}  # type: ignore[misc]


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
    """A constant, or given entries."""

    def __init__(
        self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False
    ) -> None:
        v2.constant_initializer.__init__(self, value)
        self.dtype = dtypes.as_dtype(dtype)


@export(v1=["random_normal_initializer", "initializers.random_normal"])
class RandomNormal(_Typed, v2.random_normal_initializer):
    """Numbers of a normal distribution."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        v2.random_normal_initializer.__init__(self, mean, stddev, seed)
        self.dtype = dtypes.as_dtype(dtype)


@export(v1=["random_uniform_initializer", "initializers.random_uniform"])
class RandomUniform(_Typed, v2.random_uniform_initializer):
    """Numbers of a uniform distribution; from 0 to 1 for floats unless told otherwise."""

    def __init__(
        self, minval: Any = 0.0, maxval: Any = None, seed: Any = None, dtype: Any = dtypes.float32
    ) -> None:
        high = 1.0 if maxval is None else maxval
        v2.random_uniform_initializer.__init__(self, minval, high, seed)
        self.dtype = dtypes.as_dtype(dtype)
