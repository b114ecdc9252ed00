"""Shapes as tensors: `tensorflow.python.ops.shape_util`."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.array.creation import shape_vector
from penstock._src.core.convert import convert_to_tensor


def shape_tensor(shape: Any) -> Any:
    """Returns a shape as a tensor of integers, int32 if these hold its sizes.

    Raises:
      ValueError: a size is not known.
    """
    return convert_to_tensor(shape if isinstance(shape, np.ndarray) else shape_vector(shape))
