"""Compares two runs: how far each step differs, and what differs first by more than rounding."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from penstock._src.bridge.cli.verify.records import Record

KINDS = ("layer", "loss", "gradient", "variable")
NARROW = ("float16", "bfloat16", "float8")
NARROW_FACTOR = 20  # factor of the tolerance for narrow floats, relative to float32
NOISE = 1e-6  # fraction of the largest gradient below which a gradient is rounding
TINY = 1e-12


@dataclass(frozen=True)
class Difference:
    """The difference of one array.

    Args:
      ours, theirs: the records.
      error: the greatest difference, relative to what is compared with; infinite where shapes, dtypes or non-finite elements differ.
      at: the element of the sample that differs most.
      reason: what else than numbers differs, or "".
    """

    ours: Record
    theirs: Record
    error: float
    at: int = 0
    reason: str = ""

    def allowed(self, tolerance: float) -> float:
        """The allowed difference: rounding accumulates from step to step."""
        factor = NARROW_FACTOR if self.theirs.dtype.startswith(NARROW) else 1
        return tolerance * factor * max(1, self.theirs.step)

    def describe(self, name: str) -> str:
        """The difference as a sentence.

        Args:
          name: of the other run.
        """
        ours, theirs = self.ours, self.theirs
        what = "the loss" if ours.kind == "loss" else f"{ours.kind} '{ours.name}'"
        place = f" ({ours.place})" if ours.place else ""
        if self.reason:
            return f"{what}{place}: {self.reason}"
        where = f" at {list(ours.index(self.at))}" if ours.shape else ""
        return (
            f"{what}{place}, {ours.dtype}{list(ours.shape)}: {ours.sample[self.at]:.7g} on Penstock, "
            f"{theirs.sample[self.at]:.7g} on {name}{where}"
        )


@dataclass(frozen=True)
class Comparison:
    """All differences of two runs.

    Args:
      differences: in the order of the other run.
      missing: names that only one run has, with that run's number: 0 is ours.
    """

    differences: list[Difference]
    missing: list[tuple[int, Record]]

    def first_beyond(self, tolerance: float) -> Difference | None:
        """The first difference that is larger than allowed."""
        return next((d for d in self.differences if d.error > d.allowed(tolerance)), None)

    def worst(self) -> dict[int, dict[str, float]]:
        """{step: {kind: the greatest error}}."""
        worst_of: dict[int, dict[str, float]] = {}
        for each in self.differences:
            row = worst_of.setdefault(each.theirs.step, {})
            row[each.theirs.kind] = max(row.get(each.theirs.kind, 0.0), each.error)
        return worst_of


def compare(ours: Iterable[Record], theirs: Iterable[Record]) -> Comparison:
    """Compares what two runs computed under the same names, call by call.

    Elements of variables whose gradients were only rounding errors in a step are not compared in later steps: optimizers such as Adam
    take a full step by the sign of such a gradient.
    """
    first, second = _numbered(ours), _numbered(theirs)
    gradients = _greatest(second.values(), "gradient")
    variables = _greatest(second.values(), "variable")
    noise: dict[str, np.ndarray] = {}
    differences = []
    for key, their in second.items():
        if their.kind == "gradient":
            small = np.abs(their.sample) < NOISE * gradients[their.step]
            noise[their.name] = noise.get(their.name, False) | small
        our = first.get(key)
        if our is None:
            continue
        scale = {"gradient": gradients, "variable": variables}.get(their.kind)
        ignored = noise.get(their.name) if their.kind == "variable" else None
        largest = their.largest if scale is None else scale[their.step]
        differences.append(_difference(our, their, largest, ignored))
    missing = [(0, r) for key, r in first.items() if key not in second]
    missing += [(1, r) for key, r in second.items() if key not in first]
    return Comparison(differences, missing)


def _numbered(records: Iterable[Record]) -> dict[tuple[str, str, int], Record]:
    """Records by kind, name and how many of these came before."""
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    numbered = {}
    for record in records:
        counts[record.kind, record.name] += 1
        numbered[record.kind, record.name, counts[record.kind, record.name]] = record
    return numbered


def _greatest(records: Iterable[Record], kind: str) -> dict[int, float]:
    greatest: dict[int, float] = collections.defaultdict(float)
    for record in records:
        if record.kind == kind:
            greatest[record.step] = max(greatest[record.step], record.largest)
    return greatest


def _difference(
    ours: Record, theirs: Record, scale: float, ignored: np.ndarray | None = None
) -> Difference:
    infinite = float("inf")
    for what in ("shape", "dtype"):
        mine, other = getattr(ours, what), getattr(theirs, what)
        if mine != other:
            return Difference(
                ours, theirs, infinite, 0, f"{what} {mine} on Penstock, {other} elsewhere"
            )
    a, b = ours.sample, theirs.sample
    finite = np.isfinite(a) & np.isfinite(b)
    same = finite | (np.isnan(a) & np.isnan(b)) | (a == b)
    if not same.all():
        return Difference(ours, theirs, infinite, int(np.argmin(same)))
    if not a.size:
        return Difference(ours, theirs, 0.0)
    with np.errstate(invalid="ignore"):
        apart = np.where(finite, np.abs(a - b), 0.0)
    if ignored is not None and ignored.shape == apart.shape:
        apart[ignored] = 0.0
    at = int(np.argmax(apart))
    exact = not theirs.dtype.startswith(("float", "bfloat", "complex"))
    if exact:
        return Difference(ours, theirs, infinite if apart[at] else 0.0, at)
    return Difference(ours, theirs, float(apart[at] / max(scale, TINY)), at)
