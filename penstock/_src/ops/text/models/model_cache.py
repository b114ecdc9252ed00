"""Models that are read once."""

import functools
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

Model = TypeVar("Model")


class ModelCache(Generic[Model]):
    """Reads models in arrays of bytes, and keeps the last ones.

    Args:
      read: gives the model in bytes.
      most: how many models are kept.
    """

    def __init__(self, read: Callable[[bytes], Model], most: int = 8) -> None:
        self._most = most
        self._of_bytes = functools.lru_cache(maxsize=most)(read)
        self._of_arrays: tuple[tuple[np.ndarray, Model], ...] = ()

    def __call__(self, array: np.ndarray) -> Model:
        """The model in an array.

        Args:
          array: uint8.
        """
        for known, model in self._of_arrays:
            if known is array:
                return model
        model = self._of_bytes(array.tobytes())
        # An array is not written to while it is referred to here, if its memory is its own: hashing a model's bytes takes longer than cutting a short text.
        if array.flags.owndata:
            self._of_arrays = ((array, model), *self._of_arrays[: self._most - 1])
        return model
