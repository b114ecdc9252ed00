"""Resizing of images: nearest, bilinear, bicubic, area, and any kernel of ScaleAndTranslate.

Except for nearest and bilinear, an output along an axis sums its taps (`taps.py`); the gradient sums the transposed ones.
"""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, SLOWEST, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, NARROW, SIGNED
from penstock._src.core.values.groups import Deferred, NotGrouped, is_group
from penstock._src.ops.image import taps, unknown_taps
from penstock._src.ops.image.formats.picture_groups import interpolated_each, resized_each
from penstock._src.ops.image.interpolation import interpolated, kept_table, resampled
from penstock._src.ops.image.taps import bilinear_parts, nearest_indices
from penstock._src.ops.image.unknown_sampling import UnknownSampling
from penstock._src.ops.image.unknown_taps import is_unknown
from penstock._src.ops.rules import check_elements, dims_of, quiet, shape_of, show


def _size(op, images, size):
    """The requested height and width, checked."""
    _check_ranks(op, images, size)
    return _checked(op, images, *map(int, size))


def _lowered_size(op, p, images, size):
    """The requested height and width while lowering, which may depend on unknown extents, checked."""
    _check_ranks(op, images, size)
    return _checked(op, images, *dims_of(p, size, "size"))


def _check_ranks(op, images, size):
    if len(images.shape) != 4:
        raise op.invalid(f"input must be 4-dimensional {show(images.shape)}")
    if size.shape != (2,):
        raise op.invalid(f"shape_t must have two elements {show(size.shape)}")
    _check_corners(op)


def _check_corners(op):
    if getattr(op, "half_pixel_centers", False) and op.align_corners:
        raise op.invalid("If half_pixel_centers is True, align_corners must be False.")


def _checked(op, images, height, width):
    if height <= 0 or width <= 0:
        raise op.invalid("output dimensions must be positive")
    if 0 in images.shape[1:3]:
        raise op.invalid("input image must be of non-zero size")
    if not images.shape[3] and not isinstance(op, ResizeNearestNeighborGrad):
        raise op.invalid("image must have at least one channel")
    check_elements(op, images.shape[0], height, width, images.shape[3])
    return height, width


def _shape(images, size):
    images = images.with_rank(4)
    hw = size.as_shape()
    if hw is None or hw.rank is None:
        hw = TensorShape([None, None])
    return TensorShape([images[0], hw[0], hw[1], images[3]])


class _Resize(Op):
    """Base of the ops with the size as an input."""

    signature = "images: T, size: int32 -> resized_images: float32"
    extents = {"size": "2"}
    T = FLOAT | SIGNED | {dtypes.uint16, dtypes.uint8}

    vectorize = "examples, shared"
    host_kernel = HostKernel(suits_new_sizes=True, takes_deferred=True)

    def shape(self, images, size):
        return _shape(images, size)

    def eager_each(self, images, size):
        if not isinstance(images, Deferred) or is_group(size):
            raise NotGrouped
        return resized_each(self, images, size)

    @quiet
    def eager(self, images, size):
        target = _size(self, images, size)
        if not images.size:
            return np.zeros((images.shape[0], *target, images.shape[3]), np.float32)
        both = [kept_table(self.taps, self, *ends) for ends in zip(images.shape[1:3], target)]
        return resampled(_as_resampled(images), *both)

    def lower(self, p, images, size):
        target = _lowered_size(self, p, images, size)
        both = [_lowered_taps(p, self, *ends) for ends in zip(images.shape[1:3], target)]
        return _lower_resampled(p, images, *both, dtypes.float32)


def _lowered_taps(p, op, inputs, outputs):
    """The taps of an axis: a table, unless an extent is unknown."""
    if is_unknown(inputs, outputs):
        return op.unknown_taps(p, op, inputs, outputs)
    return op.taps(op, int(inputs), int(outputs))


def _lowered_transposed_taps(p, op, inputs, outputs):
    """The taps of the gradient along an axis."""
    forward = _lowered_taps(p, op, inputs, outputs)
    if isinstance(forward, taps.Taps):
        return forward.transposed(int(inputs))
    return unknown_taps.transposed(p, forward, inputs)


def _lower_resampled(p, x, rows, columns, dtype):
    """Images resampled along both axes, as primitives, in the type."""
    x = p.cast(x, dtype)
    for axis, axis_taps in zip(taps.AXES, (rows, columns), strict=True):
        along = taps.lower_along if isinstance(axis_taps, taps.Taps) else unknown_taps.along
        x = along(p, x, axis, axis_taps)
    return x


def _as_resampled(images):
    """Images in a type that `resampled` takes and gives in float32."""
    return images if images.dtype == np.uint8 else images.astype(np.float32)


def _both_taps(op, shape, size):
    """The taps of rows and columns."""
    return op.taps(op, shape[1], size[0]), op.taps(op, shape[2], size[1])


def _transposed_taps(op, shape, size):
    """The taps of the gradient: of images of a shape by those resized to the size."""
    return [one.transposed(inputs) for one, inputs in zip(_both_taps(op, shape, size), shape[1:3])]


class _ResizeGrad(Op):
    """The gradient of a resize: the transposed taps."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    differentiable = False
    align_corners: bool = False
    half_pixel_centers: bool = False

    def shape(self, grads, original_image):
        image = original_image.with_rank(4)
        return TensorShape([grads.with_rank(4)[0], image[1], image[2], grads[3]])

    def _check(self, grads, original_image):
        _check_corners(self)
        for name, array in (("input_grad", grads), ("original_image", original_image)):
            if len(array.shape) != 4:
                raise self.invalid(f"{name} must be 4-dimensional{show(array.shape)}")
        if 0 in original_image.shape[1:3]:
            raise self.invalid("original dimensions must be positive")
        if 0 in grads.shape[1:3]:
            raise self.invalid("resized dimensions must be positive")

    @quiet
    def eager(self, grads, original_image):
        self._check(grads, original_image)
        rows, columns = _transposed_taps(self, original_image.shape, grads.shape[1:3])
        wide = _wide(self.T).np
        return resampled(grads.astype(wide), rows, columns).astype(original_image.dtype)

    def lower(self, p, grads, original_image):
        self._check(grads, original_image)
        ends = zip(original_image.shape[1:3], grads.shape[1:3])
        both = [_lowered_transposed_taps(p, self, *each) for each in ends]
        gradient = _lower_resampled(p, grads, *both, _wide(self.T))
        return p.cast(gradient, original_image.dtype)


def _wide(dtype):
    """The type that sums of a type are computed in."""
    return dtypes.float32 if dtype in NARROW else dtype


class ResizeBilinear(_Resize):
    """Images resized by bilinear interpolation."""

    align_corners: bool = False
    half_pixel_centers: bool = False
    taps = staticmethod(taps.bilinear_taps)
    unknown_taps = staticmethod(unknown_taps.bilinear_taps)

    def eager_each(self, images, size):
        resized = None if is_group(size) else interpolated_each(self, images, size)
        return super().eager_each(images, size) if resized is None else resized

    def gradient(self, images, _size, _output, dy):
        image = images if images.dtype.is_floating else raw.Cast(x=images, DstT=dtypes.float32)
        by_images = raw.ResizeBilinearGrad(
            grads=dy,
            original_image=image,
            align_corners=self.align_corners,
            half_pixel_centers=self.half_pixel_centers,
        )
        return by_images, None

    @quiet
    def eager(self, images, size):
        height, width = _size(self, images, size)
        if not images.size:
            return np.zeros((images.shape[0], height, width, images.shape[3]), np.float32)
        # Interpolation by a part of 0 would make NaN of infinite pixels.
        if images.shape[1:3] == (height, width):
            return images.astype(np.float32)
        return interpolated(self, images, height, width)

    def lower(self, p, images, size):
        height, width = _lowered_size(self, p, images, size)
        x = p.cast(images, dtypes.float32)
        keeps_size = unknown_taps.are_equal(p, x.shape[1:3], (height, width))
        if keeps_size is True:
            return x
        for axis, outputs in ((2, width), (1, height)):
            first, second, part = _lowered_parts(p, self, x.shape[axis], outputs)
            shape = [1, 1, 1, 1]
            shape[axis] = outputs
            one, other = p.gather(x, first, axis), p.gather(x, second, axis)
            between = one + (other - one) * p.reshape(part, shape)
            # An image that keeps its size is copied, with its infinities beside finite pixels.
            x = between if keeps_size is False else p.select(keeps_size, one, between)
        return x


def _lowered_parts(p, op, inputs, outputs):
    """`bilinear_parts` as nodes."""
    if is_unknown(inputs, outputs):
        return unknown_taps.bilinear_parts(p, op, inputs, outputs)
    first, second, part = bilinear_parts(op, int(inputs), int(outputs))
    ends = [p.constant(end.astype(np.int32)) for end in (first, second)]
    return *ends, p.constant(part)


class ResizeBilinearGrad(_ResizeGrad):
    """The gradient of ResizeBilinear."""

    signature = "grads: float32, original_image: T -> output: T"
    T = FLOAT
    taps = staticmethod(taps.bilinear_taps)
    unknown_taps = staticmethod(unknown_taps.bilinear_taps)


class ResizeBicubic(_Resize):
    """Images resized by bicubic interpolation."""

    align_corners: bool = False
    half_pixel_centers: bool = False
    taps = staticmethod(taps.bicubic_taps)
    unknown_taps = staticmethod(unknown_taps.bicubic_taps)

    def gradient(self, images, _size, _output, dy):
        if images.dtype not in ResizeBicubicGrad.T:
            return None, None
        by_images = raw.ResizeBicubicGrad(
            grads=dy,
            original_image=images,
            align_corners=self.align_corners,
            half_pixel_centers=self.half_pixel_centers,
        )
        return by_images, None


class ResizeBicubicGrad(_ResizeGrad):
    """The gradient of ResizeBicubic."""

    signature = "grads: float32, original_image: T -> output: T"
    differentiable = True
    T = frozenset({dtypes.float32, dtypes.float64})
    taps = staticmethod(taps.bicubic_taps)
    unknown_taps = staticmethod(unknown_taps.bicubic_taps)


class ResizeArea(_Resize):
    """Images resized so that each output averages the area that it covers."""

    align_corners: bool = False
    taps = staticmethod(taps.area_taps)
    unknown_taps = staticmethod(unknown_taps.area_taps)


class ResizeNearestNeighbor(Op):
    """Images resized by copying the nearest pixel."""

    host_kernel = HostKernel(suits_new_sizes=True)
    signature = "images: T, size: int32 -> resized_images: T"
    extents = {"size": "2"}
    T = FLOAT | SIGNED | {dtypes.uint16, dtypes.uint8}
    align_corners: bool = False
    half_pixel_centers: bool = False
    vectorize = "examples, shared"

    def shape(self, images, size):
        return _shape(images, size)

    def gradient(self, images, _size, _output, dy):
        shape = [None] if images.shape.rank is None else images.shape.as_list()[1:3]
        if None in shape:
            size = raw.StridedSlice(input=shape_of(images), begin=[1], end=[3], strides=[1])
        else:
            size = np.array(shape, np.int32)
        by_images = raw.ResizeNearestNeighborGrad(
            grads=dy,
            size=size,
            align_corners=self.align_corners,
            half_pixel_centers=self.half_pixel_centers,
        )
        return by_images, None

    @quiet
    def eager(self, images, size):
        height, width = _size(self, images, size)
        rows = nearest_indices(self, images.shape[1], height)
        columns = nearest_indices(self, images.shape[2], width)
        # indices are inside: clipping them is quicker than looking whether they are
        return images.take(rows, 1, mode="clip").take(columns, 2, mode="clip")

    def lower(self, p, images, size):
        height, width = _lowered_size(self, p, images, size)
        for axis, outputs in ((1, height), (2, width)):
            images = p.gather(images, _lowered_indices(p, self, images.shape[axis], outputs), axis)
        return images


def _lowered_indices(p, op, inputs, outputs):
    """`nearest_indices` as a node."""
    if is_unknown(inputs, outputs):
        return unknown_taps.nearest_indices(p, op, inputs, outputs)
    return p.constant(nearest_indices(op, int(inputs), int(outputs)).astype(np.int32))


class ResizeNearestNeighborGrad(Op):
    """The gradient of ResizeNearestNeighbor: each pixel's sum over its copies."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    signature = "grads: T, size: int32 -> output: T"
    extents = {"size": "2"}
    T = FLOAT | {dtypes.int32, dtypes.int8, dtypes.uint8}
    align_corners: bool = False
    half_pixel_centers: bool = False
    taps = staticmethod(taps.nearest_taps)
    unknown_taps = staticmethod(unknown_taps.nearest_taps)

    def shape(self, grads, size):
        return _shape(grads, size)

    @quiet
    def eager(self, grads, size):
        shape = (None, *_size(self, grads, size))
        rows, columns = _transposed_taps(self, shape, grads.shape[1:3])
        wide = _wide(self.T).np
        return resampled(grads.astype(wide), rows, columns).astype(grads.dtype)

    def lower(self, p, grads, size):
        ends = zip(_lowered_size(self, p, grads, size), grads.shape[1:3])
        both = [_lowered_transposed_taps(p, self, *each) for each in ends]
        gradient = _lower_resampled(p, grads, *both, _wide(self.T))
        return p.cast(gradient, grads.dtype)


def _check_sampling(op, scale, translation):
    if op.kernel_type not in taps.KERNELS:
        raise op.invalid(f"Unrecognized kernel type: {op.kernel_type}")
    if scale.shape != (2,) or translation.shape != (2,):
        raise op.invalid(
            "scale and translation must have two elements. Received "
            f"{show(scale.shape)}, {show(translation.shape)}"
        )


def _samplings(op, scale, translation):
    """Return the sampling of rows and of columns."""
    _check_sampling(op, scale, translation)
    kernel = op.kernel_type, op.antialias
    return [taps.Sampling(*kernel, scale[i], translation[i]) for i in range(2)]


def _kernel_gradient_taps(op, inputs, outputs, scale, translation):
    samplings = _samplings(op, scale, translation)
    return [one.gradient_taps(*sizes) for one, *sizes in zip(samplings, inputs, outputs)]


def _lowered_kernel_taps(p, op, method, inputs, outputs, scale, translation):
    """Return a method's result for both samplings: tables, unless extents or scales are known only at run time."""
    _check_sampling(op, scale, translation)
    if not is_unknown(*inputs, *outputs):
        known = p.known.value(scale), p.known.value(translation)
        if known[0] is not None and known[1] is not None:
            ends = ([int(n) for n in side] for side in (inputs, outputs))
            samplings = _samplings(op, *known)
            return [getattr(one, method)(*sizes) for one, *sizes in zip(samplings, *ends)]
    parts = ([p.take_index(x, 0, i) for x in (scale, translation)] for i in range(2))
    samplings = [UnknownSampling(op.kernel_type, op.antialias, *part) for part in parts]
    return [getattr(one, method)(p, *sizes) for one, *sizes in zip(samplings, inputs, outputs)]


class ScaleAndTranslate(Op):
    """Images scaled and moved, sampled with a kernel."""

    host_kernel = HostKernel(suits_new_sizes=True)
    signature = """images: T, size: int32, scale: float32, translation: float32
        -> resized_images: float32"""
    extents = {"size": "2"}
    T = FLOAT | SIGNED | {dtypes.uint16, dtypes.uint8}
    kernel_type: str = "lanczos3"
    antialias: bool = True

    def shape(self, images, size, scale, translation):
        return _shape(images, size)

    def gradient(self, images, _size, scale, translation, _output, dy):
        image = images if images.dtype.is_floating else raw.Cast(x=images, DstT=dtypes.float32)
        by_images = raw.ScaleAndTranslateGrad(
            grads=dy,
            original_image=image,
            scale=scale,
            translation=translation,
            kernel_type=self.kernel_type,
            antialias=self.antialias,
        )
        return by_images, None, None, None

    @quiet
    def eager(self, images, size, scale, translation):
        target = _size(self, images, size)
        if (scale <= 0).any():
            raise self.invalid("Scale must be greater than zero.")
        samplings = _samplings(self, scale, translation)
        ends = zip(samplings, images.shape[1:3], target)
        both = [kept_table(taps.Sampling.taps, *each) for each in ends]
        return resampled(_as_resampled(images), *both)

    def lower(self, p, images, size, scale, translation):
        target = _lowered_size(self, p, images, size)
        p.check(p.reduce_all(p.gt(scale, 0.0)), "Scale must be greater than zero.")
        both = _lowered_kernel_taps(p, self, "taps", images.shape[1:3], target, scale, translation)
        return _lower_resampled(p, images, *both, dtypes.float32)


class ScaleAndTranslateGrad(Op):
    """The gradient of ScaleAndTranslate."""

    host_kernel = HostKernel(compiles_from=HEAVY)
    signature = """grads: T, original_image: T, scale: float32, translation: float32
        -> output: T[original_image]"""
    T = frozenset({dtypes.float32})
    kernel_type: str = "lanczos3"
    antialias: bool = True

    @quiet
    def eager(self, grads, original_image, scale, translation):
        sizes = original_image.shape[1:3], grads.shape[1:3]
        rows, columns = _kernel_gradient_taps(self, *sizes, scale, translation)
        return resampled(grads, rows, columns)

    def lower(self, p, grads, original_image, scale, translation):
        sizes = original_image.shape[1:3], grads.shape[1:3]
        both = _lowered_kernel_taps(p, self, "gradient_taps", *sizes, scale, translation)
        return _lower_resampled(p, grads, *both, grads.dtype)
