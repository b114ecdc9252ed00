"""Strided slices: resolves masks and bounds against the dimensions of a tensor."""

import functools
from collections.abc import Sequence

from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.ir.extents.dims import range_length, slice_indices
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class SliceEntry:
    """The selection along one dimension of the input (`axis`), or a new dimension (axis None).

    An `is_index` entry takes one element and drops the dimension. `begin` and `end` are None for an open slice; `position` is
    the entry's index in the vectors of bounds, None for dimensions without an entry.
    """

    axis: int | None
    position: int | None
    is_index: bool = False
    begin: int | None = None
    end: int | None = None
    stride: int = 1

    @property
    def is_new(self) -> bool:
        """True if the entry inserts a dimension of 1."""
        return self.axis is None

    @property
    def is_full(self) -> bool:
        """True if the entry keeps the whole dimension."""
        return not (self.is_new or self.is_index) and (
            self.begin is None and self.end is None and self.stride == 1
        )

    def count(self, dimension: int) -> int:
        """Returns the number of elements taken from a dimension."""
        return dimension if self.is_full else range_length(*slice_indices(self.slice(), dimension))

    def slice(self) -> slice:
        """Returns the equivalent Python slice."""
        return slice(self.begin, self.end, self.stride)


def resolve(
    rank: int,
    begin: Sequence[int | None],
    end: Sequence[int | None],
    strides: Sequence[int | None],
    masks: "Masks",
) -> list[SliceEntry]:
    """Returns the entries of a slice of a tensor of this rank, in order; unknown bounds are None.

    Raises:
      RefusedValue: the vectors do not fit the rank or the masks.
    """
    count = len(begin)
    if len(end) != count or len(strides) != count:
        raise RefusedValue(
            "Expected begin, end, and strides to be 1D equal size tensors, but got shapes "
            f"[{count}], [{len(end)}], and [{len(strides)}] instead."
        )
    ellipses = [i for i in range(count) if masks.ellipsis >> i & 1]
    if masks.ellipsis & (masks.ellipsis - 1):
        raise RefusedValue("Multiple ellipses in slice spec not allowed")
    named = sum(1 for i in range(count) if i not in ellipses and not masks.new_axis >> i & 1)
    if named > rank:
        raise RefusedValue(f"Index out of range using input dim {rank}; input has only {rank} dims")
    entries: list[SliceEntry] = []
    axis = 0
    for i in range(count):
        bit = 1 << i
        if masks.ellipsis & bit:
            entries += [SliceEntry(a, None) for a in range(axis, axis + rank - named)]
            axis += rank - named
        elif masks.new_axis & bit:
            entries.append(SliceEntry(None, i))
        else:
            entries.append(_entry(axis, i, begin[i], end[i], strides[i], masks))
            axis += 1
    return entries + [SliceEntry(a, None) for a in range(axis, rank)]


def _entry(
    axis: int, i: int, begin: int | None, end: int | None, stride: int | None, masks: "Masks"
) -> SliceEntry:
    step = 1 if stride is None else stride
    if step == 0:
        raise RefusedValue(f"strides[{i}] must be non-zero")
    if masks.shrink_axis >> i & 1:
        if step < 0:
            raise RefusedValue("only stride 1 allowed on non-range indexing.")
        # The begin mask is ignored for an index.
        return SliceEntry(axis, i, True, begin)
    first = None if masks.begin >> i & 1 else begin
    last = None if masks.end >> i & 1 else end
    return SliceEntry(axis, i, False, first, last, step)


@dataclass(frozen=True)
class Masks:
    """The five masks: bit i applies to entry i of the bounds."""

    begin: int = 0
    end: int = 0
    ellipsis: int = 0
    new_axis: int = 0
    shrink_axis: int = 0

    def is_open(self, i: int, which: str) -> bool:
        """True if a bound of entry i is ignored."""
        return bool(getattr(self, which) >> i & 1)


def check_index(entry: SliceEntry, dimension: int) -> int:
    """Returns the element that an index entry takes, counted from the front.

    Raises:
      RefusedValue: there is no such element.
    """
    index = 0 if entry.begin is None else entry.begin
    if not -dimension <= index < dimension:
        raise RefusedValue(f"slice index {index} of dimension {entry.axis} out of bounds.")
    return index + dimension if index < 0 else index


def basic_index(entries: Sequence[SliceEntry], shape: Sequence[int]) -> tuple:
    """Returns the NumPy index that takes the same elements.

    Raises:
      RefusedValue: an index is out of bounds.
    """
    return tuple(
        None
        if e.is_new
        else check_index(e, shape[e.axis])  # type: ignore[index]
        if e.is_index
        else e.slice()
        for e in entries
    )


@functools.lru_cache(4096)
def open_index(
    rank: int,
    begin: tuple[int, ...],
    end: tuple[int, ...],
    strides: tuple[int, ...],
    masks: tuple[int, int, int, int, int],
) -> tuple:
    """Returns the NumPy index of a slice of a tensor of this rank, with unchecked indices.

    Raises:
      RefusedValue: the vectors do not fit the rank or the masks.
    """
    entries = resolve(rank, begin, end, strides, Masks(*masks))
    return tuple(None if e.is_new else (e.begin or 0) if e.is_index else e.slice() for e in entries)


def sliced_shape(entries: Sequence[SliceEntry], shape: Sequence[int]) -> list[int]:
    """Returns the shape of the slice."""
    return [
        1 if e.is_new else e.count(shape[e.axis])  # type: ignore[index]
        for e in entries
        if not e.is_index
    ]


def before_new_axes(entries: Sequence[SliceEntry], shape: Sequence[int]) -> list[int]:
    """Returns the number of elements taken along every dimension of the input: 1 for an index."""
    taken = {e.axis: 1 if e.is_index else e.count(shape[e.axis]) for e in entries if not e.is_new}
    return [taken[axis] for axis in range(len(shape))]
