"""How far two runs of a recipe may be apart.

Training amplifies rounding, some models more than others. So the distance allowed is measured: TensorFlow's own runs with weights
and inputs changed in their last bits show how far rounding alone moves each quantity.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

NUDGES = {"float32": 1e-7, "mixed_bfloat16": 4e-3, "mixed_float16": 5e-4}
MARGIN = 30.0
RELATIVE = {"float32": 2e-5, "mixed_bfloat16": 2e-2, "mixed_float16": 4e-3}
ABSOLUTE = {"float32": 2e-6, "mixed_bfloat16": 2e-3, "mixed_float16": 4e-4}
# From here on (relative to the quantity's size), a nudge shows that the quantity hangs on rounding alone.
CHAOTIC = 0.2


@dataclasses.dataclass
class Difference:
    """The first quantity that differs."""

    name: str
    index: int
    found: float
    expected: float
    allowed: float
    why: str = ""

    def __str__(self) -> str:
        if self.why:
            return f"{self.name}[{self.index}]: {self.why}"
        return (
            f"{self.name}[{self.index}]: {self.found!r} where {self.expected!r} is expected, "
            f"within {self.allowed:.2g}"
        )

    def as_json(self) -> dict[str, Any]:
        """For messages and files."""
        return dataclasses.asdict(self) | {"text": str(self)}


def allowed(policy: str, expected: np.ndarray, nudged: list[np.ndarray]) -> float:
    """The distance allowed for a quantity, or infinity if it hangs on rounding alone."""
    size = float(np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0))
    spread = 0.0
    for other in nudged:
        if other.shape != expected.shape:
            return np.inf
        with np.errstate(invalid="ignore"):
            apart = np.abs(np.asarray(other, "float64") - expected)
        apart = apart[np.isfinite(expected)]
        if not np.all(np.isfinite(apart)):
            return np.inf
        spread = max(spread, float(np.max(apart, initial=0.0)))
    if spread > CHAOTIC * size + 1e-3:
        return np.inf
    return MARGIN * spread + RELATIVE[policy] * size + ABSOLUTE[policy]


def difference(policy: str, found: Any, expected: Any, nudged: list[Any]) -> Difference | None:
    """The first quantity in which `found` is farther from `expected` than is allowed, or None."""
    for name, values in expected.items():
        if name not in found:
            return Difference(name, 0, 0, 0, 0, "missing")
        if len(found[name]) != len(values):
            return Difference(name, 0, len(found[name]), len(values), 0, "another number of values")
        limits = []
        for index, wanted in enumerate(values):
            got = np.asarray(found[name][index])
            wanted = np.asarray(wanted)
            if got.shape != wanted.shape:
                return Difference(
                    name, index, 0, 0, 0, f"shape {got.shape}, expected {wanted.shape}"
                )
            if got.dtype != wanted.dtype:
                return Difference(name, index, 0, 0, 0, f"{got.dtype}, expected {wanted.dtype}")
            got, wanted = got.astype("float64"), wanted.astype("float64")
            others = [np.asarray(n[name][index], "float64") for n in nudged if name in n]
            limit = allowed(policy, wanted, others)
            limits.append(limit)
            if np.isinf(limit):
                continue
            finite = np.isfinite(wanted)
            if not np.array_equal(
                np.where(finite, 0, wanted), np.where(finite, 0, got), equal_nan=True
            ):
                return Difference(name, index, 0, 0, 0, "other values are not finite")
            apart = np.where(
                finite, np.abs(np.where(finite, got - np.where(finite, wanted, 0), 0)), 0
            )
            if apart.size and apart.max() > limit:
                where = np.unravel_index(int(np.argmax(apart)), apart.shape)
                return Difference(name, index, float(got[where]), float(wanted[where]), limit)
        if limits and all(np.isinf(limit) for limit in limits):
            return None  # what follows hangs on it
    return None
