"""Blocks with dynamic start indices, which are clamped so that the block fits, as in XLA."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import unknown_shape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops.rules import dims_of, shape_of, show


def fitting_block(op, whole, starts, sizes):
    """Returns the index of a block of `sizes`, with its starts clamped to an array of shape `whole`."""
    starts, sizes = np.ravel(starts).tolist(), [int(n) for n in sizes]
    if len(starts) != len(whole) or len(sizes) != len(whole):
        raise op.invalid(
            f"expected one start and one size for each of {len(whole)} dimensions. Received "
            f"{len(starts)} starts and a block of {show(sizes)}."
        )
    if any(not 0 <= n <= w for n, w in zip(sizes, whole)):
        raise op.invalid(f"a block of {show(sizes)} does not fit into {show(whole)}.")
    first = [min(max(s, 0), w - n) for s, n, w in zip(starts, sizes, whole)]
    return tuple(slice(f, f + n) for f, n in zip(first, sizes))


def starts_of(p, starts, rank):
    """Returns the elements of a vector of starts as nodes."""
    return [p.take_index(starts, 0, i) for i in range(rank)]


class XlaDynamicSlice(Op):
    """The block of `size_indices` elements that begins at `start_indices`."""

    signature = "input: T, start_indices: Tindices, size_indices: Tindices -> output: T"
    T = ANY
    Tindices = INDEX

    def shape(self, input, start_indices, size_indices):
        sizes = infer.held(size_indices)
        return unknown_shape(input.rank) if sizes.rank is None else sizes

    def gradient(self, input, start_indices, _size_indices, _output, dy):
        whole = raw.ZerosLike(x=input)
        return raw.XlaDynamicUpdateSlice(input=whole, update=dy, indices=start_indices), None, None

    def eager(self, input, start_indices, size_indices):
        block = fitting_block(self, input.shape, start_indices, np.ravel(size_indices))
        return np.array(input[block], order="C")

    def lower(self, p, input, start_indices, size_indices):
        sizes = dims_of(p, size_indices, "the size")
        if start_indices.shape != (len(input.shape),) or len(sizes) != len(input.shape):
            raise NotLowerable("starts and sizes are not one for each dimension")
        return p.dynamic_slice(input, starts_of(p, start_indices, len(input.shape)), sizes)


class XlaDynamicUpdateSlice(Op):
    """The input with `update` in place of the block that begins at `indices`."""

    signature = "input: T, update: T, indices: Tindices -> output: T[input]"
    T = ANY
    Tindices = INDEX

    def gradient(self, _input, update, indices, _output, dy):
        zeros = raw.ZerosLike(x=update)
        rest = raw.XlaDynamicUpdateSlice(input=dy, update=zeros, indices=indices)
        sizes = raw.Cast(x=shape_of(update), DstT=indices.dtype)
        return rest, raw.XlaDynamicSlice(dy, indices, sizes), None

    def eager(self, input, update, indices):
        block = fitting_block(self, input.shape, indices, update.shape)
        output = input.copy()
        output[block] = update
        return output

    def lower(self, p, input, update, indices):
        return p.dynamic_update_slice(input, update, starts_of(p, indices, len(input.shape)))
