"""Random crops of images that contain enough of an object."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX, SIGNED
from penstock._src.ops.random.distributions import words_to_float32
from penstock._src.ops.random.stateful import reserve
from penstock._src.ops.random.stateless import stream_of_seed
from penstock._src.ops.rules import show

_LEAST_AREA = 1.0  # objects smaller than a pixel do not count


class _Words:
    """Random numbers from the words of a stream."""

    def __init__(self, stream):
        self.stream, self.at, self.held = stream, 0, stream.words(64)

    def _next(self):
        if self.at == self.held.size:
            self.held = self.stream.words(2 * self.held.size)
        self.at += 1
        return self.held[self.at - 1]

    def fraction(self):
        """A float32 in [0, 1)."""
        return words_to_float32(np.array([self._next()], np.uint32))[0]

    def below(self, limit):
        """An integer in [0, limit), without bias."""
        if limit & (limit - 1) == 0:
            return int(self._next()) & (limit - 1)
        least = 0xFFFFFFFF % limit + 1
        word = int(self._next())
        while word < least:
            word = int(self._next())
        return word % limit


def _crop(words, width, height, areas, aspect):
    """One random rectangle (y, x, height, width) of an aspect ratio, or None."""
    least, most = (np.float32(a) * np.float32(width) * np.float32(height) for a in areas)
    rounded = lambda x: int(np.rint(np.float32(x)))  # noqa: E731
    rows, limit = rounded(np.sqrt(least / aspect)), rounded(np.sqrt(most / aspect))
    if rounded(limit * aspect) > width:
        limit = int((width + 0.5 - 1e-7) / aspect)
        if rounded(limit * aspect) > width:
            limit -= 1
    limit = min(limit, height)
    rows = min(rows, limit)
    if rows < limit:
        rows += words.below(limit - rows + 1)
    columns = rounded(rows * aspect)
    if rows * columns < least:
        rows += 1
        columns = rounded(rows * aspect)
    if rows * columns > most:
        rows -= 1
        columns = rounded(rows * aspect)
    if not (least <= rows * columns <= most and 0 < columns <= width and 0 < rows <= height):
        return None
    y = words.below(height - rows) if rows < height else 0
    x = words.below(width - columns) if columns < width else 0
    return y, x, rows, columns


def _covers(crop, objects, least):
    """True if the crop contains enough of an object."""
    y, x, rows, columns = crop
    for top, left, bottom, right in objects:
        area = (bottom - top) * (right - left)
        if area < _LEAST_AREA:
            continue
        high = min(bottom, y + rows) - max(top, y)
        wide = min(right, x + columns) - max(left, x)
        shared = high * wide if high > 0 and wide > 0 else 0
        if np.float32(shared) / np.float32(area) >= least:
            return True
    return False


class _Distorted(Op):
    """A random crop: its origin, its size, and its corners as fractions of the image."""

    ranks = {"min_object_covered": (0,)}

    differentiable = False
    T = SIGNED | {dtypes.uint8}
    aspect_ratio_range: list[float] = [0.75, 1.3300000429153442]
    area_range: list[float] = [0.05000000074505806, 1.0]
    max_attempts: int = 100
    use_image_if_no_bounding_boxes: bool = False

    def shape(self, *inputs):
        return [3], [3], [1, 1, 4]

    def sampled(self, stream, image_size, bounding_boxes, least):
        if not 0 < self.max_attempts < 2**31:
            raise self.invalid(f"Max attempts must be non-negative: {self.max_attempts}")
        if least < 0:
            raise self.invalid(f"Min object covered must be non-negative: {least:g}")
        if image_size.shape != (3,):
            raise self.invalid(
                f"image_size must contain 3 elements. Received {show(image_size.shape)}"
            )
        if bounding_boxes.ndim != 3 or bounding_boxes.shape[-1] != 4:
            raise self.invalid(
                "bounding_boxes must have shape [batch, num_boxes, 4]. Received "
                f"{show(bounding_boxes.shape)}"
            )
        height, width = int(image_size[0]), int(image_size[1])
        boxes = bounding_boxes.reshape(-1, 4)
        if not len(boxes):
            if not self.use_image_if_no_bounding_boxes:
                raise self.invalid(
                    "No bounding boxes provided as input. One must enable "
                    "use_image_if_no_bounding_boxes if you wish to not provide any bounding boxes."
                )
            boxes = np.float32([[0, 0, 1, 1]])
        outside = boxes[(boxes < 0) | (boxes > 1)]
        if outside.size:
            raise self.invalid(f"All bounding box coordinates must be in [0.0, 1.0]: {outside[0]}")
        scale = np.array([height, width, height, width], np.float32)
        objects = (boxes * scale).astype(np.int64).tolist()
        chosen = self._first(_Words(stream), width, height, objects, np.float32(least))
        y, x, rows, columns = chosen or (0, 0, height, width)
        kind = image_size.dtype
        whole = np.array(-1).astype(kind)  # 255 of uint8
        corners = np.float32([y, x, y + rows, x + columns]) / scale
        return (
            np.array([y, x, 0], kind),
            np.array([rows, columns, whole], kind),
            corners.astype(np.float32).reshape(1, 1, 4),
        )

    def _first(self, words, width, height, objects, least):
        low, high = (np.float32(r) for r in self.aspect_ratio_range)
        for _ in range(self.max_attempts):
            aspect = words.fraction() * (high - low) + low
            crop = _crop(words, width, height, self.area_range, aspect)
            if crop is not None and _covers(crop, objects, least):
                return crop
        return None


class StatelessSampleDistortedBoundingBox(_Distorted):
    """A random crop that contains enough of an object, from a pair of seeds."""

    signature = """image_size: T, bounding_boxes: float32, min_object_covered: float32, seed: Tseed
        -> begin: T, size: T, bboxes: float32"""
    extents = {"image_size": "3", "bounding_boxes": "?, ?, 4", "seed": "2"}
    differentiable = True
    Tseed = INDEX

    def eager(self, image_size, bounding_boxes, min_object_covered, seed):
        stream = stream_of_seed(self, seed)
        return self.sampled(stream, image_size, bounding_boxes, min_object_covered)


class SampleDistortedBoundingBoxV2(_Distorted):
    """A random crop that contains enough of an object, from the op's own stream."""

    signature = """image_size: T, bounding_boxes: float32, min_object_covered: float32
        -> begin: T, size: T, bboxes: float32"""
    extents = {"image_size": "3", "bounding_boxes": "?, ?, 4"}
    seed: int = 0
    seed2: int = 0
    stateful = True

    def eager(self, image_size, bounding_boxes, min_object_covered):
        stream = reserve(self, self.max_attempts)
        return self.sampled(stream, image_size, bounding_boxes, min_object_covered)


class SampleDistortedBoundingBox(_Distorted):
    """A random crop that contains enough of an object."""

    signature = "image_size: T, bounding_boxes: float32 -> begin: T, size: T, bboxes: float32"
    extents = {"image_size": "3", "bounding_boxes": "?, ?, 4"}
    seed: int = 0
    seed2: int = 0
    min_object_covered: float = 0.10000000149011612
    stateful = True

    def eager(self, image_size, bounding_boxes):
        stream = reserve(self, self.max_attempts)
        return self.sampled(stream, image_size, bounding_boxes, self.min_object_covered)
