"""Arguments of classes that define `__tf_flatten__`."""

import dataclasses
from typing import Any

import penstock as tf


@dataclasses.dataclass
class Scaled:
    """A tensor, and a factor that is Python's."""

    value: Any
    factor: int

    def __tf_flatten__(self):
        return (self.factor,), (self.value,)

    @classmethod
    def __tf_unflatten__(cls, metadata, components):
        return cls(components[0], metadata[0])


def test_other_metadata_make_another_trace():
    @tf.function
    def product(x):
        return Scaled(x.value * x.factor, x.factor + 1)

    for factor in (3, 4, 3):
        result = product(Scaled(tf.constant(5.0), factor))
        assert (result.value.numpy(), result.factor) == (5 * factor, factor + 1)
    assert product.experimental_get_tracing_count() == 2
