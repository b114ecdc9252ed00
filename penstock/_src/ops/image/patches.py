"""Patches of images and volumes."""

import math
from typing import Literal

import numpy as np

from penstock._src.core.calls.facts import SLOWEST, HostKernel
from penstock._src.core.errors import OpError, OutOfRangeError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import unknown_shape
from penstock._src.core.typesets import BOOL, COMPLEX, FLOAT, INTEGER
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops.array.space_batch import pad_plain
from penstock._src.ops.nn.window import same_padding
from penstock._src.ops.rules import (
    check_elements,
    ints,
    joined,
    part,
    product_of,
    reshape,
    shape_of,
    show,
)

Padding = Literal["SAME", "VALID"]


def window_of(size, kernel, stride, rate, padding):
    """Returns the number of patches along a dimension, and the padding before and after.

    Raises:
      ValueError: the number would be negative.
    """
    reach = (kernel - 1) * rate + 1
    if padding == "VALID":
        room = size - reach + stride
        count = room // stride if room >= 0 else -(-room // stride)  # rounded towards 0
        if count < 0:
            raise ValueError(
                f"Computed output size would be negative: {int(count)} [input_size: {int(size)}, "
                f"effective_filter_size: {reach}, stride: {stride}]"
            )
        return count, 0, 0
    count = (size + stride - 1) // stride
    total = same_padding(size, count, reach, stride)
    return count, total // 2, total - total // 2


class _Patches(Op):
    """Patches at regular intervals, each flattened into the depth."""

    def spatial(self):
        """Returns kernel sizes, strides and rates of the spatial dimensions."""
        rates = self.attrs.get("rates", (1,) * len(self.ksizes))
        return self.ksizes[1:-1], self.strides[1:-1], rates[1:-1]

    def windows(self, dims):
        """Returns (count, low, high) for each spatial dimension."""
        try:
            return [window_of(d, *v, self.padding) for d, v in zip(dims, zip(*self.spatial()))]
        except ValueError as error:
            raise self.invalid(str(error)) from None

    def patched_shape(self, images):
        """Returns the static shape of the patches."""
        rank = len(self.ksizes)
        dims = images.with_rank(rank)
        wrong = [stride for stride in self.spatial()[1] if stride <= 0]
        if wrong:
            raise ValueError(f"Stride must be > 0, but got {wrong[0]}")
        if dims.rank is None:
            return unknown_shape(rank)
        spatial = [
            None if d is None else window_of(d, *v, self.padding)[0]
            for d, v in zip(dims.as_list()[1:-1], zip(*self.spatial()))
        ]
        depth = infer.times(dims[rank - 1], int(np.prod(self.spatial()[0])))
        return [dims[0], *spatial, depth]

    def extract(self, images):
        """Returns the patches of an array."""
        self.check(images)
        windows = self.windows(images.shape[1:-1])
        counts, kernels = [w[0] for w in windows], self.spatial()[0]
        depth = math.prod(kernels) * images.shape[-1]
        check_elements(self, images.shape[0], *counts, depth)
        shape = (images.shape[0], *counts, depth)
        if 0 in shape:
            return np.zeros(shape, images.dtype)
        # Positions outside of the images read the zero after their last pixel.
        padded = pad_plain(images, [(0, 0), *[(0, 1)] * len(counts), (0, 0)])
        return padded[:, *self.pixels(images.shape[1:-1], windows)].reshape(shape)

    def pixels(self, dims, windows):
        """Returns the coordinate that each element of a patch reads in each dimension, as arrays of two axes each."""
        rank = len(dims)
        coordinates = []
        for i, (size, (count, low, _), values) in enumerate(
            zip(dims, windows, zip(*self.spatial()))
        ):
            kernel, stride, rate = values
            at = np.arange(count)[:, None] * stride + np.arange(kernel) * rate - low
            at = np.where((at >= 0) & (at < size), at, size)
            shape = [1] * (2 * rank)
            shape[i], shape[rank + i] = count, kernel
            coordinates.append(at.reshape(shape))
        return coordinates

    def check(self, images):
        """Refuses images of another rank, and attributes that say nothing.

        Raises:
          InvalidArgumentError: a rank is wrong, or a number no int32.
          OutOfRangeError: a number is not positive.
          UnimplementedError: patches would reach across examples or channels.
        """
        rank = type(self).rank
        if images.ndim != rank:
            raise self.invalid(f"input must be {rank}-dimensional{show(images.shape)}")
        for name in ("ksizes", "strides", "rates"):
            values = self.attrs.get(name)
            if values is None:
                continue
            if len(values) != rank:
                raise self.invalid(f"{name} must have {rank} elements. Received {list(values)}")
            for value in values:
                if not -(2**31) <= value < 2**31:
                    raise self.invalid(f"Attr {name} has value {value} out of range for an int32")
            if values[0] != 1 or values[-1] != 1:
                raise UnimplementedError(
                    f"{self.op_type}: {name} must be 1 for examples and channels. Received {list(values)}"
                )
            if min(values) <= 0:
                raise OutOfRangeError(
                    f"{self.op_type}: {name} must be positive. Received {list(values)}"
                )

    def lowered(self, p, images):
        """Lowers the patches to a view of windows."""
        try:
            self.check(images)
        except OpError as error:
            raise NotLowerable(error.message) from None
        kernels, strides, rates = self.spatial()
        windows = self.windows(images.shape[1:-1])
        if any(count == 0 for count, _, _ in windows):
            raise NotLowerable("there are no patches")
        spatial = list(range(1, len(kernels) + 1))
        lows, highs = [w[1] for w in windows], [w[2] for w in windows]
        view = p.windows(images, spatial, kernels, strides, rates, lows, highs)
        # batch, positions, depth, offsets -> batch, positions, offsets, depth
        m = len(kernels)
        order = [*range(m + 1), *range(m + 2, 2 * m + 2), m + 1]
        view = p.transpose(view, order)
        return p.reshape(view, (*view.shape[: m + 1], int(np.prod(kernels)) * images.shape[-1]))

    def gathered_back(self, images, dy):
        """Returns the gradient of the images: the elements of patches are added to their pixels."""
        places, count = self.places(images)
        batch = shape_of(images)[0:1]
        rows = raw.Transpose(
            reshape(dy, raw.ConcatV2([batch, ints([-1])], np.int32(0))), ints([1, 0])
        )
        total = raw.UnsortedSegmentSum(rows, places, count)
        return reshape(raw.Transpose(total, ints([1, 0])), shape_of(images))

    def places(self, images):
        """Returns the pixel index of each element of a patch, -1 for padding, and the number of pixels."""
        known = images.shape[1:]
        if known.is_fully_defined():
            count = np.int32(known.num_elements())
            numbers = np.arange(1, count + 1, dtype=np.int32).reshape(1, *known.as_list())
            return self.extract(numbers).reshape(-1) - 1, count
        dims = part(raw.Shape(input=images), 1, len(self.ksizes))
        count = reshape(product_of(dims), [])
        numbers = raw.Range(start=np.int32(1), limit=count + 1, delta=np.int32(1))
        attrs = {n: v for n, v in self.attrs.items() if n != "T"}
        shown = getattr(raw, self.op_type)(reshape(numbers, joined(ints([1]), dims)), **attrs)
        return reshape(shown, [-1]) - 1, count


class ExtractImagePatches(_Patches):
    """Patches of images at regular intervals, each flattened into the depth."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    minimum = {"ksizes": 4, "strides": 4, "rates": 4}

    rank = 4

    signature = "images: T -> patches: T"
    T = FLOAT | INTEGER | COMPLEX | BOOL
    ksizes: list[int]
    strides: list[int]
    rates: list[int]
    padding: Padding

    def shape(self, images):
        return self.patched_shape(images)

    def gradient(self, images, _patches, dy):
        return self.gathered_back(images, dy)

    def eager(self, images):
        return self.extract(images)

    def lower(self, p, images):
        return self.lowered(p, images)


class ExtractVolumePatches(_Patches):
    """Patches of volumes at regular intervals, each flattened into the depth."""

    minimum = {"ksizes": 5, "strides": 5}

    rank = 5

    signature = "input: T -> patches: T"
    T = FLOAT | INTEGER
    ksizes: list[int]
    strides: list[int]
    padding: Padding

    def shape(self, input):
        return self.patched_shape(input)

    def gradient(self, input, _patches, dy):
        return self.gathered_back(input, dy)

    def eager(self, input):
        return self.extract(input)

    def lower(self, p, input):
        return self.lowered(p, input)
