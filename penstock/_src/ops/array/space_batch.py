"""Space-to-batch, space-to-depth and their inverses."""

import math
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape, unknown_shape
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ops import infer
from penstock._src.ops.array.slice import contiguous
from penstock._src.ops.rules import (
    show,
    value_of,
)

Layout = Literal["NHWC", "NCHW", "NCHW_VECT_C"]
Padding = Literal["SAME", "VALID"]


# -- space and batch -------------------------------------------------------------------------------


def folded(shape, block, pads):
    """Returns the steps from padded space to batch: split shape, permutation, result shape."""
    m = len(block)
    cut, result = [shape[0]], [shape[0] * int(np.prod(block))]
    for d, b, (low, high) in zip(shape[1 : m + 1], block, pads):
        cut += [(d + low + high) // b, b]
        result.append((d + low + high) // b)
    order = [*range(2, 2 * m + 1, 2), 0, *range(1, 2 * m, 2), *range(2 * m + 1, len(shape) + m)]
    return [*cut, *shape[m + 1 :]], order, [*result, *shape[m + 1 :]]


def unfolded(shape, block):
    """Returns the steps from batch to space: split shape, permutation, result shape."""
    m = len(block)
    batch = shape[0] // int(np.prod(block))
    order = [m]
    result = [batch]
    for i, (d, b) in enumerate(zip(shape[1 : m + 1], block)):
        order += [m + 1 + i, i]
        result.append(d * b)
    order += range(2 * m + 1, len(shape) + m)
    return [*block, batch, *shape[1:]], order, [*result, *shape[m + 1 :]]


_LARGEST = np.iinfo(np.int64).max  # of a length


def check_blocks(op, rank, block, pads, what):
    """Raises InvalidArgumentError unless block sizes and pads are valid for a tensor of this rank."""
    if block.ndim != 1:
        raise op.invalid(f"block_shape rank should be 1 instead of {block.ndim}")
    m = block.size
    if rank < 1 + m:
        raise op.invalid(f"input rank should be >= {1 + m} instead of {rank}")
    if pads.shape != (m, 2):
        raise op.invalid(f"{what} should have shape [{m}, 2] instead of {show(pads.shape)}")
    if (pads < 0).any():
        raise op.invalid(f"{what.capitalize()} must be non-negative")


def space_to_batch(op, input, block, pads):
    """Returns blocks of space moved to the batch."""
    check_blocks(op, input.ndim, block, pads, "paddings")
    for i, b in enumerate(block.tolist()):
        if b <= 0:
            raise op.invalid(
                f"All values in block_shape must be positive, got value, {b} at index {i}."
            )
    block, pads = block.tolist(), pads.tolist()
    if input.shape[0] * math.prod(block) > _LARGEST:
        raise op.invalid(
            "Negative output dimension size caused by overflow when multiplying "
            f"{input.shape[0]} and {math.prod(block)}"
        )
    for i, (d, b, (low, high)) in enumerate(zip(input.shape[1:], block, pads)):
        if (d + low + high) % b:
            raise op.invalid(
                f"padded_shape[{i}]={d + low + high} is not divisible by block_shape[{i}]={b}"
            )
    cut, order, result = folded(input.shape, block, pads)
    around = [(0, 0), *[tuple(p) for p in pads], *[(0, 0)] * (input.ndim - len(block) - 1)]
    padded = np.pad(input, around) if input.dtype.kind != "V" else pad_plain(input, around)
    return contiguous(padded.reshape(cut).transpose(order)).reshape(result)


def pad_plain(input, around):
    """Returns the array with zeros around it."""
    out = np.zeros([n + low + high for n, (low, high) in zip(input.shape, around)], input.dtype)
    out[tuple(slice(low, low + n) for n, (low, _) in zip(input.shape, around))] = input
    return out


def batch_to_space(op, input, block, crops):
    """Returns blocks of the batch moved to space."""
    check_blocks(op, input.ndim, block, crops, "crops")
    total = int(np.prod(block))
    if total <= 0 or (block <= 0).any():
        raise op.invalid(f"Product of block sizes must be positive, got {total}")
    if input.shape[0] % total:
        raise op.invalid(
            f"Input batch dimension ({input.shape[0]}) is not divisible by product of block sizes "
            f"({total})"
        )
    cut, order, result = unfolded(input.shape, block.tolist())
    space = contiguous(input.reshape(cut).transpose(order)).reshape(result)
    index = [slice(None)]
    for i, (low, high) in enumerate(crops.tolist()):
        if low + high > result[i + 1]:
            raise op.invalid(
                f"cropped_shape[{i}]={result[i + 1] - low - high} must be non-negative"
            )
        index.append(slice(low, result[i + 1] - high))
    return contiguous(space[tuple(index)])


def static_space(input, block, pads, to_batch):
    """Returns the static shape of a move between space and batch."""
    if input.rank is None:
        return UNKNOWN
    sizes, around = infer.value_or_none(block), pads.value
    if sizes is None:
        if infer.vector_length(block) is None:
            return unknown_shape(input.rank)
        kept = input.with_rank_at_least(1 + block[0]).as_list()[1 + block[0] :]
        return TensorShape([*[None] * (1 + block[0]), *kept])
    dims = input.with_rank_at_least(1 + len(sizes)).as_list()
    if min(sizes, default=1) <= 0:
        raise ValueError("block_shape must be positive")
    if around is not None and (np.asarray(around) < 0).any():
        raise ValueError(f"{'paddings' if to_batch else 'crops'} cannot be negative")
    for b in sizes:
        dims[0] = _times(dims[0], b) if to_batch else _divided(dims[0], b)
    for i, b in enumerate(sizes, 1):
        if around is None or dims[i] is None:
            dims[i] = None
            continue
        low, high = (int(v) for v in around[i - 1])
        if to_batch:
            dims[i] = _divided(dims[i] + low + high, b)
            continue
        dims[i] = _times(dims[i], b)
        for crop in (low, high):
            if dims[i] < crop:
                raise ValueError(
                    f"Negative dimension size caused by subtracting {crop} from {dims[i]}"
                )
            dims[i] -= crop
    return TensorShape(dims)


def _times(extent, number):
    """A length times a number; None if it is unknown."""
    if extent is None:
        return None
    if extent * number > _LARGEST:
        raise ValueError(
            f"Negative dimension size caused by overflow when multiplying {extent} and {number}"
        )
    return extent * number


def _divided(extent, number):
    """A length divided by a number; None if it is unknown."""
    if extent is not None and extent % number:
        raise ValueError(f"Dimension size must be evenly divisible by {number} but is {extent}")
    return None if extent is None else extent // number


def lower_space_to_batch(p, input, block, pads):
    """Lowers blocks of space moved to the batch."""
    if len(input.shape) < 1 + len(block) or min(block, default=1) <= 0:
        raise NotLowerable("blocks that do not fit")
    for d, b, (low, high) in zip(input.shape[1:], block, pads):
        if (d + low + high) % b or min(low, high) < 0:
            raise NotLowerable("space that does not divide into blocks")
    rest = [0] * (len(input.shape) - len(block) - 1)
    lows, highs = [0, *[a for a, _ in pads], *rest], [0, *[b for _, b in pads], *rest]
    padded = p.pad(input, lows, highs, 0) if any(lows + highs) else input
    cut, order, result = folded(input.shape, block, pads)
    return p.reshape(p.transpose(p.reshape(padded, cut), order), result)


def lower_batch_to_space(p, input, block, crops):
    """Lowers blocks of the batch moved to space."""
    if len(input.shape) < 1 + len(block) or min(block, default=1) <= 0:
        raise NotLowerable("blocks that do not fit")
    if input.shape[0] % int(np.prod(block)):
        raise NotLowerable("a batch that does not divide into blocks")
    cut, order, result = unfolded(input.shape, block)
    space = p.reshape(p.transpose(p.reshape(input, cut), order), result)
    for axis, (low, high) in enumerate(crops, 1):
        if min(low, high) < 0 or low + high > result[axis]:
            raise NotLowerable("crops that do not fit")
        if not (dims.same(low, 0) and dims.same(high, 0)):
            space = p.slice_axis(space, axis, low, result[axis] - high)
    return space


def known_blocks(p, op, input, block, pads, what):
    """Returns the static block sizes and pads while lowering, checked."""
    block, pads = value_of(p, block, "the block shape"), value_of(p, pads, f"the {what}")
    check_blocks(op, input.rank, block, pads, what)
    return block.tolist(), [tuple(pair) for pair in pads.tolist()]


class SpaceToBatchND(Op):
    """Blocks of the padded spatial dimensions moved to the batch."""

    extents = {"block_shape": "axes", "paddings": "axes, 2"}
    signature = "input: T, block_shape: Tblock_shape, paddings: Tpaddings -> output: T"
    elements = Elements(vectorizes_one_by_one=True)
    T = ANY
    Tblock_shape: INDEX = dtypes.int32
    Tpaddings: INDEX = dtypes.int32

    def shape(self, input, block_shape, paddings):
        return static_space(input, block_shape, paddings, True)

    def gradient(self, _input, block_shape, paddings, _output, dy):
        return raw.BatchToSpaceND(dy, block_shape, paddings), None, None

    def eager(self, input, block_shape, paddings):
        return space_to_batch(self, input, block_shape, paddings)

    def lower(self, p, input, block_shape, paddings):
        return lower_space_to_batch(
            p, input, *known_blocks(p, self, input, block_shape, paddings, "paddings")
        )


class BatchToSpaceND(Op):
    """Blocks of the batch moved to the spatial dimensions, which are then cropped."""

    extents = {"block_shape": "axes", "crops": "axes, 2"}
    signature = "input: T, block_shape: Tblock_shape, crops: Tcrops -> output: T"
    elements = Elements(vectorizes_one_by_one=True)
    T = ANY
    Tblock_shape: INDEX = dtypes.int32
    Tcrops: INDEX = dtypes.int32

    def shape(self, input, block_shape, crops):
        return static_space(input, block_shape, crops, False)

    def gradient(self, _input, block_shape, crops, _output, dy):
        return raw.SpaceToBatchND(dy, block_shape, crops), None, None

    def eager(self, input, block_shape, crops):
        return batch_to_space(self, input, block_shape, crops)

    def lower(self, p, input, block_shape, crops):
        return lower_batch_to_space(
            p, input, *known_blocks(p, self, input, block_shape, crops, "crops")
        )


class _SquareBlocks(Op):
    """A move between the two spatial dimensions of NHWC images and the batch."""

    T = ANY
    block_size: int
    minimum = {"block_size": 2}

    @property
    def block(self):
        """The block sizes of both dimensions."""
        return np.array([self.block_size] * 2, np.int32)

    def check_rank(self, images):
        """Raises InvalidArgumentError unless these are images of four dimensions."""
        if images.ndim != 4:
            raise self.invalid(f"Input rank should be: 4instead of: {images.ndim}")


class _StaticBlock:
    """A block size in the form of a static input, for the general shape rule."""

    def __init__(self, value):
        self.value = value


class SpaceToBatch(_SquareBlocks):
    """Square blocks of padded images moved to the batch."""

    signature = "input: T, paddings: Tpaddings -> output: T"
    extents = {"paddings": "2, 2"}
    Tpaddings: INDEX = dtypes.int32

    def shape(self, input, paddings):
        return static_space(input.with_rank(4), _StaticBlock(self.block), paddings, True)

    def gradient(self, _input, paddings, _output, dy):
        return raw.BatchToSpace(dy, paddings, block_size=self.block_size), None

    def eager(self, input, paddings):
        self.check_rank(input)
        return space_to_batch(self, input, self.block, paddings)

    def lower(self, p, input, paddings):
        block = p.constant(self.block)
        return lower_space_to_batch(
            p, input, *known_blocks(p, self, input, block, paddings, "paddings")
        )


class BatchToSpace(_SquareBlocks):
    """Square blocks of the batch moved to images, which are then cropped."""

    signature = "input: T, crops: Tidx -> output: T"
    ranks = {"crops": (2,)}
    Tidx: INDEX = dtypes.int32

    def shape(self, input, crops):
        return static_space(input.with_rank(4), _StaticBlock(self.block), crops, False)

    def gradient(self, _input, crops, _output, dy):
        return raw.SpaceToBatch(dy, crops, block_size=self.block_size), None

    def eager(self, input, crops):
        self.check_rank(input)
        return batch_to_space(self, input, self.block, crops)

    def lower(self, p, input, crops):
        block = p.constant(self.block)
        return lower_batch_to_space(p, input, *known_blocks(p, self, input, block, crops, "crops"))


# -- space and depth -------------------------------------------------------------------------------


def squeezed_out(shape, b, data_format, to_depth):
    """Returns the steps between space and depth: split shape, permutation, result shape."""
    if data_format == "NHWC":
        n, h, w, c = shape
        if to_depth:
            return [n, h // b, b, w // b, b, c], [0, 1, 3, 2, 4, 5], [n, h // b, w // b, c * b * b]
        return [n, h, w, b, b, c // (b * b)], [0, 1, 3, 2, 4, 5], [n, h * b, w * b, c // (b * b)]
    n, c, h, w = shape[:4]
    rest = list(shape[4:])
    tail = [6] if rest else []
    if to_depth:
        cut = [n, c, h // b, b, w // b, b, *rest]
        return cut, [0, 3, 5, 1, 2, 4, *tail], [n, c * b * b, h // b, w // b, *rest]
    cut = [n, b, b, c // (b * b), h, w, *rest]
    return cut, [0, 3, 4, 1, 5, 2, *tail], [n, c // (b * b), h * b, w * b, *rest]


class _SpaceDepth(Op):
    """A move between the spatial dimensions and the depth of images."""

    signature = "input: T -> output: T"
    T = ANY
    block_size: int
    data_format: Layout = "NHWC"
    minimum = {"block_size": 2}
    vectorize = "examples"

    def shape(self, input):
        rank = 5 if self.data_format == "NCHW_VECT_C" else 4
        dims = input.with_rank(rank)
        if dims.rank is None:
            return unknown_shape(rank)
        h, w, c = (1, 2, 3) if self.data_format == "NHWC" else (2, 3, 1)
        b, sizes = self.block_size, dims.as_list()
        square = b * b
        for axis in (h, w) if self.to_depth else (c,):
            by = b if self.to_depth else square
            if sizes[axis] is not None and sizes[axis] % by:
                raise ValueError(
                    f"Dimension size must be evenly divisible by {by} but is {sizes[axis]}"
                )
        for axis in (h, w):
            if sizes[axis] is not None:
                sizes[axis] = sizes[axis] // b if self.to_depth else sizes[axis] * b
        if sizes[c] is not None:
            sizes[c] = sizes[c] * square if self.to_depth else sizes[c] // square
        return sizes

    def eager(self, input):
        rank = 5 if self.data_format == "NCHW_VECT_C" else 4
        if input.ndim != rank:
            be = "be" if self.to_depth else "be:"
            of = "of" if self.to_depth else "of:"
            raise self.invalid(f"Input rank should {be} {rank} instead {of} {input.ndim}")
        h, w, c = (1, 2, 3) if self.data_format == "NHWC" else (2, 3, 1)
        b, s = self.block_size, input.shape
        if self.to_depth and (s[h] % b or s[w] % b):
            raise self.invalid(
                f"Image width {s[w]} and height {s[h]} should be divisible by block_size: {b}"
            )
        if not self.to_depth and s[c] % (b * b):
            raise self.invalid(f"Input depth dimension {s[c]} should be divisible by: {b * b}")
        cut, order, result = squeezed_out(s, b, self.data_format, self.to_depth)
        return contiguous(input.reshape(cut).transpose(order)).reshape(result)

    def lower(self, p, input):
        b, s = self.block_size, input.shape
        h, w, c = (1, 2, 3) if self.data_format == "NHWC" else (2, 3, 1)
        if len(s) != (5 if self.data_format == "NCHW_VECT_C" else 4):
            raise NotLowerable("a tensor that is not a batch of images")
        if (s[h] % b or s[w] % b) if self.to_depth else s[c] % (b * b):
            raise NotLowerable("sizes that do not divide into blocks")
        cut, order, result = squeezed_out(s, b, self.data_format, self.to_depth)
        return p.reshape(p.transpose(p.reshape(input, cut), order), result)


class SpaceToDepth(_SpaceDepth):
    """Square blocks of pixels moved to the depth."""

    to_depth = True

    def gradient(self, _input, _output, dy):
        return raw.DepthToSpace(dy, block_size=self.block_size, data_format=self.data_format)


class DepthToSpace(_SpaceDepth):
    """Parts of the depth moved to square blocks of pixels."""

    to_depth = False

    def gradient(self, _input, _output, dy):
        return raw.SpaceToDepth(dy, block_size=self.block_size, data_format=self.data_format)
