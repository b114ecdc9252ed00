"""Runs of two libraries side by side: which operations of TensorFlow and of Penstock compute the same.

Both trace the same program, but keep other books of loops. Operations of the same kind, name and line are pairs, in the order in which they ran. Of the others, those are compared
whose kind, shape and line both runs have equally often: each must have the value of one of them. Gradients are left out, since the libraries make them of other
operations: `own_kernels.py` compares each of these on equal operands.
"""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from penstock._src.observe.recordings.comparison import allowed_for, apart
from penstock._src.observe.recordings.repeated import Computed
from penstock._src.util.locations import Location

# Names of one operation.
_SAME = {
    "StatelessWhile": "While",
    "StatelessIf": "If",
    "StatelessCase": "Case",
    "Add": "AddV2",
    "FusedBatchNormV2": "FusedBatchNormV3",
}
# They make no values of their own, or keep the books of loops and gradients, which each library does in its way.
_LEFT_OUT = (
    "Const",
    "Identity",
    "IdentityN",
    "NoOp",
    "Shape",
    "OnesLike",
    "ZerosLike",
    "AddN",
    "Bitcast",
)
_LEFT_OUT_WORDS = ("TensorList", "PartitionedCall", "BroadcastGradientArgs", "While", "If", "Case")


_OF_GRADIENTS = ("gradient_tape/", "gradients/")  # in TensorFlow's names


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The comparison of the operations of two runs.

    Args:
      lines: the first operation that differs, in words; none if none does.
      compared: how many operations of the first run have counterparts.
      alone: how many of the first run have none.
    """

    lines: list[str]
    compared: int
    alone: int


def compare(
    first: Sequence[Computed], second: Sequence[Computed], tolerance: float | None
) -> Comparison:
    """Compares the forward operations of two libraries' runs.

    Args:
      first, second: what their operations computed.
      tolerance: how far values may lie apart, relative to the largest; None: by rounding of their type.
    """
    names = _Groups(second, _name), _Groups(first, _name)
    kinds = _Groups(second, _kind), _Groups(first, _kind)
    compared = count = 0
    allowed = _Tolerance(tolerance)
    for one in first:
        # Rounding grows in gradients, and later values are computed from them.
        if is_of_gradient(one):
            allowed = _Tolerance(tolerance, True)
        if not _is_compared(one):
            continue
        count += 1
        number = names[1].number_of(one)
        namesakes = names[0].of(one)
        others = kinds[0].of(one)
        if number < len(namesakes):
            other = namesakes[number]
            how = _difference(one, other, allowed)
        elif len(others) == len(kinds[1].of(one)):
            how, other = _nearest(one, others, allowed)
        else:
            continue
        compared += 1
        if how:
            line = f"first difference: {one.where()}: {how}"
            if one.where() != other.where():
                line += f"\n  in the second: {other.where()}"
            return Comparison([line], compared, count - compared)
    return Comparison([], compared, count - compared)


class _Groups:
    """Operations that have something in common, in their order."""

    def __init__(self, computed: Sequence[Computed], key: Callable[[Computed], Hashable]) -> None:
        self._key = key
        self._groups: dict[Hashable, list[Computed]] = collections.defaultdict(list)
        self._numbers: dict[int, int] = {}
        for each in filter(_is_compared, computed):
            group = self._groups[key(each)]
            self._numbers[id(each)] = len(group)
            group.append(each)

    def of(self, each: Computed) -> list[Computed]:
        """The operations that have the same key as this one."""
        return self._groups.get(self._key(each), [])

    def number_of(self, each: Computed) -> int:
        """Which one of its group an operation is."""
        return self._numbers[id(each)]


def is_of_gradient(each: Computed) -> bool:
    """True if an operation is a part of a gradient."""
    return each.gradient_of is not None or any(mark in each.name for mark in _OF_GRADIENTS)


def _is_compared(each: Computed) -> bool:
    return (
        not is_of_gradient(each)
        and each.kind not in _LEFT_OUT
        and not any(word in each.kind for word in _LEFT_OUT_WORDS)
        and any(isinstance(value, np.ndarray) for value in each.values)
    )


def _name(each: Computed) -> Hashable:
    """The key by which the same operation is found in both runs."""
    return _SAME.get(each.kind, each.kind), each.name, _place(each.location)


def _kind(each: Computed) -> Hashable:
    """The key by which possible counterparts are found."""
    shapes = tuple(v.shape if isinstance(v, np.ndarray) else None for v in each.values)
    return _SAME.get(each.kind, each.kind), _place(each.location), shapes


def _place(location: Location | None) -> tuple[str, int] | None:
    """A line by its file's name: the folders of two recordings may differ."""
    return None if location is None else (os.path.basename(location.file), location.line)


class _Tolerance(NamedTuple):
    """The allowed distance of values: relative to the largest, or None for rounding, which may have grown."""

    of_user: float | None
    is_grown: bool = False


def _difference(one: Computed, other: Computed, tolerance: _Tolerance) -> str:
    """The difference of two operations, in words."""
    for value, changed in zip(one.values, other.values):
        # For two dtypes, the more exact one sets the tolerance: differing dtypes are a difference.
        rounding = min(allowed_for(value, *tolerance), allowed_for(changed, *tolerance))
        how = apart(value, changed, rounding)
        if how:
            return how
    return ""


def _nearest(
    one: Computed, others: Sequence[Computed], tolerance: _Tolerance
) -> tuple[str, Computed]:
    """The difference of an operation from the one that equals it, or else from the first."""
    for other in others:
        if not _difference(one, other, tolerance):
            return "", other
    return _difference(one, others[0], tolerance), others[0]
