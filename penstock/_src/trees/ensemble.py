"""Ensemble: the record of an ensemble of trees, whichever library has made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from penstock._src.core.values.bounds import normal_bounds
from penstock._src.ops.trees.tables import Tables

Number = Literal["float32", "float64"]


@dataclass(frozen=True)
class Feature:
    """A column of rows.

    Attributes:
      name: of the column; its number if the library has none.
      vocabulary: texts of a category, whose numbers are those that trees test; None of numbers.
      zero_is_missing: whether numbers of at most 1e-35 count as missing.
      whole: whether a number with a fraction, which is not a category, counts as missing.
    """

    name: str
    vocabulary: tuple[str, ...] | None = None
    zero_is_missing: bool = False
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Ensemble:
    """An ensemble of decision trees.

    Attributes:
      library: that has made it.
      features: of a row.
      tables: the trees; thresholds are of float64.
      base: what sums begin with, of the type in which the library adds leaves.
      number: the type in which the library compares features.
      link: the function of sums that is the prediction, a name in links.py.
      divisor: of sums, before the link.
      slope: of the link "sigmoid".
      labels: of classes, if there are any.
    """

    library: str
    features: tuple[Feature, ...]
    tables: Tables
    base: np.ndarray
    number: Number
    link: str
    divisor: float = 1.0
    slope: float = 1.0
    labels: tuple[str | int | float, ...] = ()

    @property
    def trees(self) -> int:
        """The number of trees."""
        return len(self.tables.roots)

    def thresholds(self, number: Number) -> np.ndarray:
        """Returns the thresholds as numbers of a type, with which rows of this type go the same way."""
        wide = self.tables.threshold
        end = np.inf if self.tables.strict else -np.inf
        if number == "float64":
            return normal_bounds(wide, end)
        with np.errstate(over="ignore"):
            narrow = wide.astype(np.float32)
        # x < wide: the least float32 that is not below
        wrong = narrow < wide if self.tables.strict else narrow > wide
        moved = np.where(wrong, np.nextafter(narrow, np.float32(end)), narrow)
        return normal_bounds(moved, end)
