"""Weights as int8 with scales."""

import numpy as np

from penstock._src.formats.saved_model.quantized.units import Unit
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Weight:
    """A weight w = integers * scale.

    Attributes:
      integers: int8, of the weight's shape, between -127 and 127.
      scale: float32, broadcasts to the result of the operation.
      sums: int32: the integers added up over the axes that the operation sums, broadcasts to its result.
    """

    integers: np.ndarray
    scale: np.ndarray
    sums: np.ndarray


def quantized_weight(unit: Unit, per_channel: bool) -> Weight:
    """Returns the weight of a unit: the largest magnitude is 127, of all or of each channel."""
    value, summed = unit.value, unit.summed_axes
    over = summed if per_channel else None
    largest = np.max(np.abs(value), axis=over, keepdims=True)
    scales = np.where(largest == 0, np.float32(1), largest / np.float32(127)).astype(np.float32)
    integers = np.clip(np.rint(value / scales), -127, 127).astype(np.int8)
    if unit.kind == "gather" or not per_channel:
        scale = scales.reshape(())
    else:
        scale = unit.as_in_result(np.squeeze(scales, summed))
    sums = unit.as_in_result(integers.sum(summed, dtype=np.int32))
    return Weight(integers, scale, sums)
