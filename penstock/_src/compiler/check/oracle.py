"""The largest distance between a function's results and their interpretation that rounding explains."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.check import factorizations, rounding, sums  # noqa: F401  kinds that round
from penstock._src.compiler.check.members import PLAIN, Members, Value, Ways
from penstock._src.compiler.check.noise import is_floating, smallest, spacing, wide
from penstock._src.ir.function import Function
from penstock._src.util.dataclass import dataclass

CLOSE = 4.0  # units in the last place that are never a difference


@dataclass(frozen=True)
class Round:
    """Members that are added where those before do not explain a difference."""

    members: int
    flips: bool  # True to draw decisions that rounding may change
    far: float  # factor of the members' deviation above which results differ
    loud: float = 1.0  # factor by which roundings are enlarged


# The last round is for functions that are not linear at the scale of rounding: four times the error of x is sixteen times that
# of an x * x that is only noise.
ROUNDS = (
    Round(4, False, 8.0),
    Round(8, True, 4.0),
    Round(16, True, 4.0),
    Round(32, True, 1.0, loud=4.0),
)


class Oracle:
    """The results of a function for some arguments, with their uncertainty. Interpretations are made when they are first needed."""

    def __init__(
        self, function: Function, arguments: Sequence[np.ndarray], ways: Ways = PLAIN
    ) -> None:
        """
        Args:
          function: the interpreted function.
          arguments: arrays, those of variables included.
          ways: which algorithms the program computes by.

        Raises:
          InvalidArgumentError: the function refuses the arguments.
        """
        self.function, self.ways = function, ways
        self.arguments = [[np.asarray(a)] for a in arguments]
        results, updates = Members(0).run(function, self.arguments)
        self.center = [value[0] for value in (*results, *updates)]
        self.away: list[Any] = [0.0] * len(self.center)
        self.rounds = 0

    def doubt(self) -> bool:
        """Adds members; returns False if there are already enough."""
        if self.rounds == len(ROUNDS):
            return False
        added = ROUNDS[self.rounds]
        self.rounds += 1
        members = Members(added.members, self.rounds, self.ways, added.flips, added.loud)
        results, updates = members.run(self.function, self.arguments)
        with np.errstate(all="ignore"):
            for i, value in enumerate((*results, *updates)):
                self.away[i] = np.maximum(self.away[i], added.far * _deviation(value))
        return True

    def wrong(self, results: Sequence[Any]) -> tuple[int, tuple[int, ...]] | None:
        """The index of the first array that differs and of its first wrong element, or None.

        Args:
          results: the results of the function, then the new values of variables.
        """
        left = {
            i: places
            for i, array in enumerate(results)
            if (places := far(array, self.center[i])) is not None
        }
        while left:
            for i in list(left):
                if left[i].shape == self.center[i].shape:
                    left[i] = left[i] & ~self._explained(i, results[i])
                    if not left[i].any():
                        del left[i]
            if not left or not self.doubt():
                break
        for i, places in left.items():
            where = np.argwhere(places)
            return i, tuple(where[0].tolist()) if places.shape == self.center[i].shape else ()
        return None

    def _explained(self, i: int, array: Any) -> Any:
        """A mask of the elements of an array that are within the members' deviation."""
        center, away = self.center[i], self.away[i]
        if array.dtype.kind == "b":
            return np.broadcast_to(away > 0, center.shape)
        kind = wide(array.dtype)
        with np.errstate(all="ignore"):
            near = np.abs(array.astype(kind) - center.astype(kind)) <= away
            return (near & (away > 0)) | np.isinf(away)


def far(array: Any, center: Any) -> np.ndarray | None:
    """A mask of the elements that differ by more than some units in the last place; None if there are none. All True for another type or shape."""
    if array.shape != center.shape or array.dtype != center.dtype:
        return np.ones((1,) * (center.ndim + 1), bool)
    if array.dtype.kind == "b":
        wrong = array.view(np.uint8) != center.view(np.uint8)
    elif not is_floating(array.dtype):
        wrong = array != center
    else:
        kind = wide(array.dtype)
        a, b = array.astype(kind), center.astype(kind)
        with np.errstate(all="ignore"):
            ulps = 1 if array.dtype.itemsize <= 2 else CLOSE
            allowed = ulps * spacing(array.dtype) * np.abs(b) + CLOSE * smallest(array.dtype)
            near = (np.abs(a - b) <= allowed) & np.isfinite(b)
            wrong = ~(near | (a == b) | (np.isnan(a) & np.isnan(b)))
    return wrong if wrong.any() else None


def _deviation(value: Value) -> Any:
    if value[0].dtype.kind != "b":
        return rounding.deviation(value)
    return np.any([member != value[0] for member in value], 0).astype(float)
