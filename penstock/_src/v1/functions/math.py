"""Division as Python 2 has it, and Poisson numbers of given rates."""

from penstock._src.api.random.seeds import op_seeds
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export


@export(v1=["div"])
def div(x, y, name=None):
    """`x / y`; of integers as Python 2 has it, rounded down."""
    x = convert_to_tensor(x)
    divide = raw.FloorDiv if x.dtype.is_integer else raw.RealDiv
    return divide(x=x, y=y, name=name)


@export(v1=["random_poisson", "random.poisson"])
def random_poisson(lam, shape, dtype=dtypes.float32, seed=None, name=None):
    """Draws from Poisson distributions: `shape` samples of each rate."""
    return raw.RandomPoissonV2(
        shape=convert_to_tensor(shape, dtypes.int32),
        rate=convert_to_tensor(lam),
        dtype=dtype,
        **op_seeds(seed),
        name=name,
    )
