"""Partitions rows by number, and stitches parts together by index."""

from math import prod

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape
from penstock._src.core.typesets import ANY
from penstock._src.native.algorithms.grouping import parting
from penstock._src.native.algorithms.grouping.scatters import scatter_rows
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.array.constant import zero_of
from penstock._src.ops.rules import reshape, show

FEWEST_MOVED = 1 << 11  # elements that native code moves


class DynamicPartition(Op):
    """The rows of a tensor split into `num_partitions` parts by their partition numbers."""

    signature = "data: T, partitions: int32 -> outputs: num_partitions * T"
    minimum = {"num_partitions": 1}
    T = ANY
    num_partitions: int

    def shape(self, data, partitions):
        if data.rank is None or partitions.rank is None:
            return [UNKNOWN] * self.num_partitions
        rows = TensorShape([None]).concatenate(infer.prefix(data, partitions))
        return [rows] * self.num_partitions

    def gradient(self, data, partitions, _outputs, dys):
        count = raw.Shape(partitions)
        numbers = reshape(
            raw.Range(np.int32(0), raw.Prod(count, np.int32([0])), np.int32(1)), count
        )
        places = raw.DynamicPartition(numbers, partitions, num_partitions=self.num_partitions)
        joined = raw.ParallelDynamicStitch(places, dys)
        return reshape(joined, raw.Shape(data)), None

    def eager(self, data, partitions):
        rank = partitions.ndim
        if data.shape[:rank] != partitions.shape:
            raise self.invalid(
                f"data.shape must start with partitions.shape, got data.shape = {show(data.shape)}, "
                f"partitions.shape = {show(partitions.shape)}"
            )
        numbers = np.ascontiguousarray(partitions.reshape(-1))
        rows = data.reshape(numbers.size, *data.shape[rank:])
        if runs_native_code() and not data.dtype.hasobject:
            sizes, first_bad = parting.sizes_of(numbers, self.num_partitions)
            if first_bad < numbers.size:
                raise self._refused(partitions, first_bad)
            return parting.parted(rows, numbers, sizes)
        bad = np.flatnonzero((numbers < 0) | (numbers >= self.num_partitions))
        if bad.size:
            raise self._refused(partitions, int(bad[0]))
        parts = (np.flatnonzero(numbers == i) for i in range(self.num_partitions))
        return [rows.take(part, axis=0) for part in parts]

    def _refused(self, partitions, at):
        """The error for the part of a row that does not exist."""
        places = np.unravel_index(at, partitions.shape)
        place = f"[{','.join(str(int(i)) for i in places)}]" if partitions.ndim else ""
        return self.invalid(
            f"partitions{place} = {partitions[places]} is not in [0, {self.num_partitions})"
        )


class _Stitch(Op):
    """Interleaves parts: row indices[m][i] of the result is data[m][i]."""

    signature = "indices: N * int32, data: N * T -> merged: T"
    minimum = {"N": 1}
    T = ANY

    def shape(self, indices, data):
        values = [i.value for i in indices]
        rest = UNKNOWN
        for i, d in zip(indices, data):
            if i.rank is not None and d.rank is not None:
                rest = rest.merge_with(infer.prefix(d, i))
        if rest.rank is None:
            return UNKNOWN
        known = all(v is not None for v in values)
        count = max([int(v.max()) + 1 for v in values if v.size], default=0) if known else None
        return TensorShape([count]).concatenate(rest)

    def gradient(self, indices, _data, _merged, dy):
        return None, [raw.GatherV2(dy, i, np.int32(0)) for i in indices]

    def eager(self, indices, data):
        rest = data[0].shape[indices[0].ndim :]
        for m, (i, d) in enumerate(zip(indices, data)):
            if d.shape[: i.ndim] != i.shape:
                raise self.invalid(
                    f"data[{m}].shape = {show(d.shape)} does not start with indices[{m}].shape = "
                    f"{show(i.shape)}"
                )
            if d.shape[i.ndim :] != rest:
                raise self.invalid(
                    f"Need data[0].shape[{indices[0].ndim}:] = data[{m}].shape[{i.ndim}:], got "
                    f"data[0].shape = {show(data[0].shape)}, data[{m}].shape = {show(d.shape)}, "
                    f"indices[0].shape = {show(indices[0].shape)}, "
                    f"indices[{m}].shape = {show(i.shape)}"
                )
            if i.size and i.min() < 0:
                at = int(np.argmax(i.reshape(-1) < 0))
                raise self.invalid(f"indices[{at}] is out of range")
        count = max([int(i.max()) + 1 for i in indices if i.size], default=0)
        numbers = np.concatenate([i.reshape(-1) for i in indices])
        rows = [d.reshape(i.size, *rest) for i, d in zip(indices, data)]
        if _moves_natively(self.T.np, count * prod(rest)):
            return _stitched(rows, indices, np.empty((count, *rest), self.T.np), zero_of(self.T))
        # Copying whole rows by `take` is faster than assigning them by their numbers.
        sources = np.full(count, -1, np.intp)
        sources[numbers] = np.arange(numbers.size)
        every = rows[0] if len(rows) == 1 else np.concatenate(rows)
        is_left = sources < 0
        if not is_left.any():
            return every.take(sources, 0)
        out = np.full((count, *rest), zero_of(self.T), self.T.np)
        out[~is_left] = every.take(sources[~is_left], 0)
        return out


def _moves_natively(dtype, size):
    """True if rows of as many elements together are worth a call of native code for each part."""
    return size >= FEWEST_MOVED and not dtype.hasobject and runs_native_code()


def _stitched(rows, indices, out, zero):
    """The rows of all parts at their indices, and zeros at others."""
    is_left = np.ones(len(out), np.bool_)
    for part, numbers in zip(rows, indices):
        is_left[numbers.reshape(-1)] = False
        scatter_rows("set", out, numbers.reshape(-1, 1), part)
    if is_left.any():
        out[is_left] = zero
    return out


class DynamicStitch(_Stitch):
    """Interleaves parts: row indices[m][i] of the result is data[m][i]; of equal indices the last wins."""


class ParallelDynamicStitch(_Stitch):
    """Interleaves parts: row indices[m][i] of the result is data[m][i]."""
