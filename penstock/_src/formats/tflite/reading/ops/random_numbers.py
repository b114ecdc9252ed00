"""Random numbers: Philox's, as TensorFlow's ops of the same seeds give them."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin


@builtin("RANDOM_UNIFORM", options="RandomOptions")
def random_uniform(call: Call) -> Any:
    options = call.options
    return raw.RandomUniform(
        shape=call.tensor(0), dtype=dtypes.float32, seed=options.seed, seed2=options.seed2
    )


@builtin("RANDOM_STANDARD_NORMAL", options="RandomOptions")
def random_standard_normal(call: Call) -> Any:
    options = call.options
    return raw.RandomStandardNormal(
        shape=call.tensor(0), dtype=dtypes.float32, seed=options.seed, seed2=options.seed2
    )


@builtin("MULTINOMIAL", options="RandomOptions")
def multinomial(call: Call) -> Any:
    options = call.options
    return raw.Multinomial(
        logits=call.tensor(0),
        num_samples=call.tensor(1),
        seed=options.seed,
        seed2=options.seed2,
        output_dtype=call.output().dtype,
    )
