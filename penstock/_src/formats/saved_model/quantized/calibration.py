"""Ranges of the activations of units over samples."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from penstock._src.api.python_function import numpy_function
from penstock._src.core.convert import convert_to_tensor
from penstock._src.formats.frozen import FrozenFunction
from penstock._src.formats.saved_model.quantized.rewriting import rewritten
from penstock._src.formats.saved_model.quantized.units import Unit

Range = tuple[float, float]
# Ranges by activations: each is a tensor of the frozen function or of a body in it.
Ranges = dict[int, Range]


class _Observed:
    """The ranges of the tensors of one function."""

    def __init__(self, averages: bool) -> None:
        self.averages = averages
        self.totals: dict[int, Range] = {}
        self.counts: dict[int, int] = {}

    def add(self, key: int, value: np.ndarray) -> np.ndarray:
        """Takes a value of a tensor; returns it."""
        if value.size:
            low, high = float(value.min()), float(value.max())
            if not np.isfinite([low, high]).all():
                raise ValueError("a sample gives values that are not finite.")
            before = self.totals.get(key)
            if before is not None and self.averages:
                low, high = low + before[0], high + before[1]
            elif before is not None:
                low, high = min(low, before[0]), max(high, before[1])
            self.totals[key] = low, high
            self.counts[key] = self.counts.get(key, 0) + 1
        return value

    def ranges(self) -> Ranges:
        """The range of each tensor: the widest, or the average of its runs."""
        if not self.averages:
            return dict(self.totals)
        return {k: (a / self.counts[k], b / self.counts[k]) for k, (a, b) in self.totals.items()}


def ranges_of(frozen: FrozenFunction, samples: Iterable[Any], averages: bool) -> Ranges:
    """Returns the ranges of the activations of a function's units, by the tensors' ids.

    Args:
      frozen: the function.
      samples: {input: value} each.
      averages: the average of the samples' ranges, instead of the widest.

    Raises:
      KeyError: a sample has other inputs.
      ValueError: there are no samples, or one gives values that are not finite.
    """
    observed = _Observed(averages)

    def watch(unit: Unit, x: Any, again: Callable[[Any], Any]) -> Any:
        if unit.kind == "gather":
            return again(x)
        key = unit.activation._id
        seen = numpy_function(lambda value: observed.add(key, value), [x], x.dtype)
        seen.set_shape(x.shape)
        return again(seen)

    watched = rewritten(frozen, watch)
    count = 0
    for sample in samples:
        if set(sample) != set(frozen.inputs):
            raise KeyError(
                "Invalid input keys for representative sample. The function expects input keys of: "
                f"{set(frozen.inputs)}. Got: {set(sample)}. Please provide correct input keys for "
                "representative samples."
            )
        watched(
            *(convert_to_tensor(sample[name], dtype=t.dtype) for name, t in frozen.inputs.items())
        )
        count += 1
    if not count:
        raise ValueError(f"The representative dataset of signature {frozen.name!r} has no samples.")
    return observed.ranges()
