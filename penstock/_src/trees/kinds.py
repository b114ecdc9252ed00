"""A forest of YDF as the ops of TensorFlow Decision Forests compute it: features come by their kind."""

from __future__ import annotations

import numpy as np

from penstock._src.core import dtypes
from penstock._src.trees.program import Program
from penstock._src.trees.readers import table, ydf


class Forest:
    """A forest whose features are given as numbers, booleans and categories, each kind in the order of the model's columns.

    Args:
      folder: of YDF.
      prefix: what the names of its files begin with.

    Attributes:
      widths: how many numbers, booleans and categories a row has.
      classes: the names of predictions; one empty name if they are not classes.
    """

    def __init__(self, folder: str, prefix: str) -> None:
        with table.named_errors(folder):
            ensemble = ydf.read(folder, prefix)
            self._kinds = ydf.kinds_of(folder, prefix)
        self._program = Program(ensemble)
        self._predict = self._program.of_rows(dtypes.float32)
        self._labels = [str(each).encode() for each in ensemble.labels]
        self.widths = tuple([sum(k.kind == kind for k in self._kinds) for kind in range(3)])
        self.classes = self._labels or [b""]
        self._is_pair = len(self._labels) == 2

    def predictions(
        self, numbers: np.ndarray, booleans: np.ndarray, categories: np.ndarray
    ) -> np.ndarray:
        """Returns predictions, [rows, classes] or [rows, 1].

        Args:
          numbers: NaN where they are missing.
          booleans: 0, 1, or NaN.
          categories: numbers of categories; -1 where they are missing. Those that the model does not know count as 0.
        """
        groups = numbers, booleans, categories
        count = max((len(g) for g, w in zip(groups, self.widths, strict=True) if w), default=0)
        rows = np.empty((count, len(self._kinds)), np.float32)
        for place, each in enumerate(self._kinds):
            rows[:, place] = _feature(each, groups[each.kind][:, each.place])
        predicted = self._predict(rows)
        if predicted.ndim == 2:
            return predicted
        return np.stack([1 - predicted, predicted], 1) if self._is_pair else predicted[:, None]


def _feature(each: ydf.Kind, values: np.ndarray) -> np.ndarray:
    if not each.categories:
        return values
    known = np.where((values >= 0) & (values < each.categories), values, 0)
    return np.where(values == -1, np.float32(np.nan), known.astype(np.float32))


def forest_in(folder: str, prefix: str) -> Forest:
    """Returns the forest of a folder.

    Args:
      folder: of YDF.
      prefix: what the names of its files begin with.

    Raises:
      DataLossError: a file is damaged.
    """
    return Forest(folder, prefix)
