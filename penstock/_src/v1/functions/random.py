"""Random functions with TensorFlow 1's names and orders of arguments."""

from penstock._src.api.random.functions import categorical, stateless_categorical
from penstock._src.api.random.seeds import op_seeds
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export


@export(v1=["multinomial", "random.multinomial"])
def multinomial(logits, num_samples, seed=None, name=None, output_dtype=None):
    """Draws classes from unnormalised log-probabilities."""
    return categorical(logits, num_samples, output_dtype, seed, name)


@export(v1=["random.stateless_multinomial"])
def stateless_multinomial(logits, num_samples, seed, output_dtype=dtypes.int64, name=None):
    """Draws classes from unnormalised log-probabilities, by the seed alone."""
    return stateless_categorical(logits, num_samples, seed, output_dtype, name)


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
