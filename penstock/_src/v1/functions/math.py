"""Division as in Python 2, Poisson samples, clipping by the average norm."""

import numpy as np

from penstock._src.api.extending.dispatch import binary
from penstock._src.api.random.seeds import op_seeds
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export


@binary(v1=["floor_div"])
def floor_div(x, y, name=None):
    """`x / y`, rounded down."""
    return raw.FloorDiv(x=x, y=y, name=name)


@binary(v1=["div"])
def div(x, y, name=None):
    """`x / y`; for integers rounded down, as in Python 2."""
    x = convert_to_tensor(x)
    divide = raw.FloorDiv if x.dtype.is_integer else raw.RealDiv
    return divide(x=x, y=y, name=name)


@export(v1=["random_poisson", "random.poisson"])
def random_poisson(lam, shape, dtype=dtypes.float32, seed=None, name=None):
    """Draws `shape` samples of each rate from Poisson distributions."""
    return raw.RandomPoissonV2(
        shape=convert_to_tensor(shape, dtypes.int32),
        rate=convert_to_tensor(lam),
        dtype=dtype,
        **op_seeds(seed),
        name=name,
    )


@export(v1=["clip_by_average_norm"])
def clip_by_average_norm(t, clip_norm, name=None):
    """Scales `t` down so that its norm divided by its number of elements is at most `clip_norm`."""
    t = convert_to_tensor(t, name="t")
    size = raw.Cast(x=raw.Size(input=t), DstT=t.dtype)
    everywhere = np.arange(t.shape.rank, dtype=np.int32)
    inverse = raw.Rsqrt(x=raw.Sum(input=t * t, axis=everywhere, keep_dims=True))
    limit = convert_to_tensor(clip_norm, dtype=t.dtype)
    factor = raw.Minimum(x=inverse * size, y=1.0 / limit)
    return raw.Identity(input=t * limit * factor, name=name)
