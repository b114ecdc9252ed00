"""Bounding boxes: suppress overlapping ones, draw them, sample them."""

import heapq

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.native.algorithms.suppression import LANES, PLANES, suppression
from penstock._src.native.builtins.kernel import kernel
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.rules import quiet, show

_BEST_AT_ONCE = 64  # boxes drawn in the first attempt, in addition to some for each requested box


def overlap(boxes, i, others):
    """Intersection over union of box i with others; corners may come in any order."""
    y1, x1 = boxes[:, [0, 2]].min(1), boxes[:, [1, 3]].min(1)
    y2, x2 = boxes[:, [0, 2]].max(1), boxes[:, [1, 3]].max(1)
    area = (y2 - y1) * (x2 - x1)
    height = np.maximum(np.minimum(y2[i], y2[others]) - np.maximum(y1[i], y1[others]), 0)
    width = np.maximum(np.minimum(x2[i], x2[others]) - np.maximum(x1[i], x1[others]), 0)
    shared = height * width
    with np.errstate(all="ignore"):
        ratio = shared / (area[i] + area[others] - shared)
    return np.where((area[i] <= 0) | (area[others] <= 0), boxes.dtype.type(0), ratio)


def suppress(similarity, scores, most, iou_threshold, score_threshold, soft_sigma=0.0):
    """Indices and scores of the boxes kept, best first.

    A box that overlaps a kept one loses score (Bodla et al. 2017, "Soft-NMS") or, with soft_sigma of
    zero, is dropped.
    """
    scale = -0.5 / soft_sigma if soft_sigma > 0 else 0.0
    queue = [(-float(s), i, 0) for i, s in enumerate(scores) if s > score_threshold]
    heapq.heapify(queue)
    kept, values = [], []
    while len(kept) < most and queue:
        negative, i, seen = heapq.heappop(queue)
        original = score = np.float32(-negative)
        dropped = False
        ratios = similarity(i, np.array(kept[seen:][::-1], np.int64)) if len(kept) > seen else []
        for ratio in ratios:
            if soft_sigma > 0:
                weight = np.exp(np.float32(scale) * ratio * ratio)
                score = np.float32(score * weight)
            elif ratio > iou_threshold:
                dropped = True
                break
            if score <= score_threshold:
                break
        if dropped:
            continue
        if score == original:
            kept.append(i)
            values.append(score)
        elif score > score_threshold:
            heapq.heappush(queue, (-float(score), i, len(kept)))
    return np.array(kept, np.int32), np.array(values, np.float32)


def _suppress_natively(boxes, scores, most, iou_threshold, score_threshold, soft_sigma):
    """`suppress` by the overlap of boxes."""
    planes = _planes(boxes)
    if soft_sigma <= 0:
        best = _best(scores, most)
        order = best[_ordered(scores[best], score_threshold)]
        kept = _kept(planes, order, most, iou_threshold)
        if len(kept) < most and len(best) < len(scores):
            kept = _kept(planes, _ordered(scores, score_threshold), most, iou_threshold)
        return kept, scores[kept]
    order, scores = _ordered(scores, score_threshold), scores.copy()
    kept = _kept_weakened(planes, order, scores, most, soft_sigma, score_threshold)
    return kept, scores[kept]


def _best(scores, most):
    """The indices, in order, of the boxes among which as many are likely to be kept; all unless these are few."""
    count = _BEST_AT_ONCE + 4 * most
    if len(scores) > 4 * count:
        least = np.partition(scores, -count)[-count]
        if not np.isnan(least):
            return np.flatnonzero(scores >= least)
    return np.arange(len(scores))


def _ordered(scores, score_threshold):
    """The indices of the scores above a threshold, the best first."""
    order, count = _best_first(scores, score_threshold)
    return order[: int(count)]


_FEWEST_KEYS = 64  # along the axis, from which whole numbers pay
_MAGNITUDE, _INDEX = (1 << 31) - 1, (1 << 32) - 1  # bits of a float32 and of a key


def _planes(boxes):
    """The least and largest coordinates of boxes [..., count, 4], and their areas, [..., PLANES, count]."""
    corners = np.ascontiguousarray(boxes.swapaxes(-1, -2))
    first, second = corners[..., :2, :], corners[..., 2:, :]
    planes = np.empty((*boxes.shape[:-2], PLANES, boxes.shape[-2]), np.float32)
    low, high = planes[..., :2, :], planes[..., 2:4, :]
    np.minimum(first, second, out=low)
    np.maximum(first, second, out=high)
    sides = high - low
    np.multiply(sides[..., 0, :], sides[..., 1, :], out=planes[..., 4, :])
    return planes


def _best_first(scores, score_threshold):
    """The order of scores along the last axis, the best first, and how many are above a threshold."""
    return _ascending(-scores), (scores > score_threshold).sum(-1)


def _ascending(values):
    """The stable order of values along the last axis, NaN last: that of whole numbers made of a float32 and its index, which sort faster."""
    is_short = values.shape[-1] < _FEWEST_KEYS
    if is_short or values.dtype != np.float32 or np.isnan(values).any():
        return np.argsort(values, axis=-1, kind="stable")
    # Adding 0 makes -0 equal to 0. Negative floats ascend as their magnitudes' bits descend.
    keys = (values + np.float32(0)).view(np.int32).astype(np.int64)
    keys ^= (keys >> 63) & _MAGNITUDE
    keys <<= 32
    keys |= np.arange(values.shape[-1])
    keys.sort(-1)
    keys &= _INDEX
    return keys


def _kept(planes, order, most, iou_threshold):
    """The selected boxes, by native code; candidates are visited in a given order."""
    most = min(most, len(order))
    width = -(-most // LANES) * LANES
    kept, room = np.empty(most, np.int32), np.zeros((PLANES, width), np.float32)
    threshold = np.array([iou_threshold], np.float32)
    arguments = planes, planes.shape[1], order, len(order), most, threshold, room, width, kept
    return kept[: suppression().suppress(*arguments)]


def _kept_weakened(planes, order, scores, most, soft_sigma, score_threshold):
    """The selected boxes, by native code that lowers the scores of overlapping boxes in the given array."""
    kept = np.empty(min(most, len(order)), np.int32)
    limits = np.float32(-0.5) / np.float32(soft_sigma), np.float32(score_threshold)
    limits = np.array(limits)
    compared = np.zeros(len(scores), np.int64)
    arguments = planes, len(scores), order, len(order), len(kept), limits, scores, compared, kept
    return kept[: suppression().weaken(*arguments)]


def _check(op, boxes, scores, iou_threshold):
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise op.invalid(f"boxes must be 2-D with 4 columns. Received {show(boxes.shape)}")
    if scores.ndim != 1:
        raise op.invalid(f"scores must be 1-D{show(scores.shape)}")
    if scores.shape[0] != boxes.shape[0]:
        raise op.invalid("scores has incompatible shape")
    if not 0 <= iou_threshold <= 1:
        raise op.invalid("iou_threshold must be in [0, 1]")


def _refuse_vectors(op, numbers):
    """Raises InvalidArgumentError if an input after the first two, which are arrays, is not a scalar."""
    for argument, number in zip(op.inputs[2:], numbers):
        if np.ndim(number):
            raise op.invalid(f"{argument.name} must be 0-D, got shape {show(np.shape(number))}")


def _suppressed(op, boxes, scores, most, iou, least=-np.inf, soft=0.0):
    _refuse_vectors(op, (most, iou, least, soft))
    _check(op, boxes, scores, iou)
    if soft < 0:
        raise op.invalid("soft_nms_sigma_val must be >= 0")
    if most < 0:
        raise op.invalid("output size must be non-negative")
    wide, of_boxes = boxes.astype(np.float32), scores.astype(np.float32)
    if runs_native_code():
        limits = int(most), float(iou), float(least), float(soft)
        with np.errstate(all="ignore"):
            kept, values = _suppress_natively(wide, of_boxes, *limits)
    else:
        kept, values = suppress(
            lambda i, others: overlap(wide, i, others),
            of_boxes,
            int(most),
            float(iou),
            float(least),
            float(soft),
        )
    return kept, values.astype(scores.dtype)


def _padded(x, count):
    return np.concatenate([x, np.zeros(max(count - x.size, 0), x.dtype)])


def _chosen_shape(boxes, scores, max_output_size, padded=False):
    """The static shape of indices of chosen boxes; raises ValueError if the inputs do not fit."""
    boxes.with_rank(2).merge_with([*scores.with_rank(1), 4])
    count = max_output_size.with_rank(0).value if padded else None
    return [None if count is None else int(count)]


class NonMaxSuppression(Op):
    """Indices of boxes, best first, without those that overlap a better one."""

    signature = "boxes: float32, scores: float32, max_output_size: int32 -> selected_indices: int32"
    ranks = {"max_output_size": (0,)}
    iou_threshold: float = 0.5
    differentiable = False

    def shape(self, boxes, scores, max_output_size):
        return _chosen_shape(boxes, scores, max_output_size)

    def eager(self, boxes, scores, max_output_size):
        return _suppressed(self, boxes, scores, max_output_size, self.iou_threshold)[0]


class NonMaxSuppressionV2(Op):
    """NonMaxSuppression with the threshold as an input."""

    signature = """boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold
        -> selected_indices: int32"""
    ranks = {"max_output_size": (0,), "iou_threshold": (0,)}
    T: {dtypes.float16, dtypes.float32} = dtypes.float32
    T_threshold: {dtypes.float16, dtypes.float32} = dtypes.float32
    differentiable = False

    def shape(self, boxes, scores, max_output_size, iou_threshold):
        return _chosen_shape(boxes, scores, max_output_size)

    def eager(self, boxes, scores, max_output_size, iou_threshold):
        return _suppressed(self, boxes, scores, max_output_size, iou_threshold)[0]


class NonMaxSuppressionV3(Op):
    """NonMaxSuppressionV2 of boxes above a score."""

    signature = """boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold,
        score_threshold: T_threshold -> selected_indices: int32"""
    ranks = {"max_output_size": (0,), "iou_threshold": (0,), "score_threshold": (0,)}
    T: {dtypes.float16, dtypes.float32} = dtypes.float32
    T_threshold: {dtypes.float16, dtypes.float32} = dtypes.float32

    def shape(self, boxes, scores, max_output_size, iou_threshold, score_threshold):
        return _chosen_shape(boxes, scores, max_output_size)

    def eager(self, boxes, scores, max_output_size, iou_threshold, score_threshold):
        return _suppressed(self, boxes, scores, max_output_size, iou_threshold, score_threshold)[0]


class NonMaxSuppressionV4(Op):
    """NonMaxSuppressionV3 with the indices padded, and their number."""

    signature = """boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold,
        score_threshold: T_threshold -> selected_indices: int32, valid_outputs: int32"""
    ranks = {"max_output_size": (0,), "iou_threshold": (0,), "score_threshold": (0,)}
    T: {dtypes.float16, dtypes.float32} = dtypes.float32
    T_threshold: {dtypes.float16, dtypes.float32} = dtypes.float32
    pad_to_max_output_size: bool = False

    def shape(self, boxes, scores, max_output_size, iou_threshold, score_threshold):
        padded = self.pad_to_max_output_size
        return _chosen_shape(boxes, scores, max_output_size, padded), ()

    def eager(self, boxes, scores, max_output_size, iou_threshold, score_threshold):
        kept, _ = _suppressed(self, boxes, scores, max_output_size, iou_threshold, score_threshold)
        whole = _padded(kept, int(max_output_size)) if self.pad_to_max_output_size else kept
        return whole, np.int32(kept.size)


class NonMaxSuppressionV5(Op):
    """NonMaxSuppressionV4 that may lower scores instead of dropping boxes."""

    signature = """boxes: T, scores: T, max_output_size: int32, iou_threshold: T,
        score_threshold: T, soft_nms_sigma: T
        -> selected_indices: int32, selected_scores: T, valid_outputs: int32"""
    ranks = {
        "max_output_size": (0,),
        "iou_threshold": (0,),
        "score_threshold": (0,),
        "soft_nms_sigma": (0,),
    }
    T: {dtypes.float16, dtypes.float32} = dtypes.float32
    pad_to_max_output_size: bool = False

    def shape(self, boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma):
        chosen = _chosen_shape(boxes, scores, max_output_size, self.pad_to_max_output_size)
        return chosen, chosen, ()

    def eager(self, boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma):
        kept, values = _suppressed(
            self, boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma
        )
        count = np.int32(kept.size)
        if self.pad_to_max_output_size:
            kept, values = (_padded(x, int(max_output_size)) for x in (kept, values))
        return kept, values, count


class NonMaxSuppressionWithOverlaps(Op):
    """NonMaxSuppressionV3 by a given matrix of overlaps."""

    signature = """overlaps: float32, scores: float32, max_output_size: int32,
        overlap_threshold: float32, score_threshold: float32 -> selected_indices: int32[?]"""
    ranks = {"max_output_size": (0,), "overlap_threshold": (0,), "score_threshold": (0,)}
    extents = {"overlaps": "n, n", "scores": "n"}
    differentiable = False

    def eager(self, overlaps, scores, max_output_size, overlap_threshold, score_threshold):
        self.check(overlaps, scores, max_output_size, overlap_threshold, score_threshold)
        kept: list[int] = []
        dropped = np.zeros(len(scores), bool)
        for box in _ordered(scores, float(score_threshold)).tolist():
            if len(kept) >= max_output_size:
                break
            if not dropped[box]:
                kept.append(box)
                dropped |= overlaps[:, box] > overlap_threshold
        return np.array(kept, np.int32)

    def check(self, overlaps, scores, *numbers):
        """Refuses a matrix without a row and a column for each score, and limits that are not scalars.

        Raises:
          InvalidArgumentError: a shape is wrong, or the largest number of results negative.
        """
        _refuse_vectors(self, numbers)
        if overlaps.ndim != 2:
            raise self.invalid(f"overlaps must be 2-D{show(overlaps.shape)}")
        if overlaps.shape[0] != overlaps.shape[1]:
            raise self.invalid(f"overlaps must be square{show(overlaps.shape)}")
        if scores.ndim != 1:
            raise self.invalid(f"scores must be 1-D{show(scores.shape)}")
        if len(scores) != len(overlaps):
            raise self.invalid("scores has incompatible shape")
        if numbers[0] < 0:
            raise self.invalid("output size must be non-negative")


class CombinedNonMaxSuppression(Op):
    """The best boxes of each image over all classes."""

    signature = """boxes: float32, scores: float32, max_output_size_per_class: int32,
        max_total_size: int32, iou_threshold: float32, score_threshold: float32
        -> nmsed_boxes: float32, nmsed_scores: float32, nmsed_classes: float32,
        valid_detections: int32"""
    ranks = {
        "max_output_size_per_class": (0,),
        "max_total_size": (0,),
        "iou_threshold": (0,),
        "score_threshold": (0,),
    }
    pad_per_class: bool = False
    clip_boxes: bool = True

    def shape(
        self,
        boxes,
        scores,
        max_output_size_per_class,
        max_total_size,
        iou_threshold,
        score_threshold,
    ):
        boxes, scores = boxes.with_rank(4), scores.with_rank(3)
        batch = boxes[:1].merge_with(scores[:1])
        limit, each = max_total_size.value, max_output_size_per_class.value
        size = None if limit is None else int(limit)
        if self.pad_per_class:
            classes = scores[2]
            known = None not in (limit, each, classes)
            size = min(int(limit), int(each) * classes) if known else None
        rows = batch.concatenate([size])
        return rows.concatenate([4]), rows, rows, batch

    def eager(
        self,
        boxes,
        scores,
        max_output_size_per_class,
        max_total_size,
        iou_threshold,
        score_threshold,
    ):
        if boxes.ndim != 4 or scores.ndim != 3:
            raise self.invalid(
                f"boxes must be 4-D and scores 3-D. Received {show(boxes.shape)}, {show(scores.shape)}"
            )
        if boxes.shape[:2] != scores.shape[:2] or boxes.shape[2] not in (1, scores.shape[2]):
            raise self.invalid(
                "boxes must have the images and boxes of scores, and one class or as many as scores. "
                f"Received {show(boxes.shape)}, {show(scores.shape)}"
            )
        classes, total, per_class = (
            scores.shape[2],
            int(max_total_size),
            int(max_output_size_per_class),
        )
        for name, number in (("max_size_per_class", per_class), ("max_total_size", total)):
            if number <= 0:
                raise self.invalid(f"{name} must be > 0")
        size = min(total, per_class * classes) if self.pad_per_class else total
        out = [np.zeros((boxes.shape[0], size, *rest), np.float32) for rest in ((4,), (), ())]
        valid = np.zeros(boxes.shape[0], np.int32)
        if not classes:
            return (*out, valid)
        suppressed = self._suppression(boxes, scores, per_class, iou_threshold, score_threshold)
        for image in range(boxes.shape[0]):
            kept, values = zip(*(suppressed(image, c) for c in range(classes)), strict=True)
            values = np.concatenate(values)
            best = np.argsort(-values, kind="stable")[:size]
            numbers = np.repeat(np.arange(classes), [len(part) for part in kept])[best]
            columns = numbers if boxes.shape[2] > 1 else 0
            chosen = boxes[image, np.concatenate(kept)[best], columns]
            count = valid[image] = len(best)
            out[0][image, :count] = chosen.clip(0, 1) if self.clip_boxes else chosen
            out[1][image, :count], out[2][image, :count] = values[best], numbers
        return (*out, valid)

    def _suppression(self, boxes, scores, per_class, iou_threshold, score_threshold):
        """A function from an image and a class to the selected boxes and their scores."""
        last = boxes.shape[2] - 1

        def in_python(image, c):
            of_class = boxes[image, :, min(c, last)]
            limits = per_class, iou_threshold, score_threshold
            return _suppressed(self, of_class, scores[image, :, c], *limits)

        if not (
            runs_native_code()
            and boxes.size
            and scores.size
            and boxes.shape[3] == 4
            and 0 <= iou_threshold <= 1
            and per_class >= 0
        ):
            return in_python
        planes = _planes(boxes.swapaxes(1, 2))
        by_class = np.ascontiguousarray(scores.swapaxes(1, 2))
        order, counts = _best_first(by_class, score_threshold)
        counts = counts.tolist()

        def natively(image, c):
            best = order[image, c, : counts[image][c]]
            kept = _kept(planes[image, min(c, last)], best, per_class, iou_threshold)
            return kept, by_class[image, c, kept]

        return natively


_COLORS = np.array(
    [
        [1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1], [0.5, 0, 0.5, 1], [0.5, 0.5, 0, 1],
        [0.5, 0, 0, 1], [0, 0, 0.5, 1], [0, 1, 1, 1], [1, 0, 1, 1],
    ],
    np.float32,
)  # fmt: skip

# Depths with colors, and the error for others.
_DEPTHS = (1, 3, 4)
_WRONG_DEPTH = "Channel depth should be either 1 (GRY), 3 (RGB), or 4 (RGBA)"


def _drawn_shape(images):
    """The shape of images with boxes, of a depth that has colors."""
    images = images.with_rank(4)
    if images.rank is not None and images[3] is not None and images[3] not in _DEPTHS:
        raise ValueError(f"{_WRONG_DEPTH}. Received {images}")
    return images


def _draw(op, images, boxes, colors):
    if images.ndim != 4:
        raise op.invalid("The rank of the images should be 4")
    if boxes.ndim == 3 and boxes.shape[0] != images.shape[0]:
        raise op.invalid("The batch sizes should be the same")
    if boxes.ndim != 3 or boxes.shape[2] != 4:
        raise op.invalid(f"The boxes should be [batch, count, 4]. Received {show(boxes.shape)}")
    depth = images.shape[3]
    if depth not in _DEPTHS:
        raise op.invalid(f"{_WRONG_DEPTH}. Received {show(images.shape)}")
    if colors is not None and (colors.ndim != 2 or colors.shape[1] < depth):
        raise op.invalid(
            f"colors must have equal or more channels than the image provided: {show(colors.shape)}"
        )
    if colors is not None and colors.size:
        table = colors[:, :depth].astype(np.float32)
    else:
        table = np.ones((1, 1), np.float32) if depth == 1 else _COLORS[:, :depth]
    table = np.ascontiguousarray(table, images.dtype)
    out = images.copy()
    outline(out, _corners(boxes, *out.shape[1:3]), table)
    return out


def _corners(boxes, height, width):
    """The pixels of the top, left, bottom and right of each box of each image.

    A box within a row or a column of pixels is drawn as a line or a pixel.
    """
    pixels = boxes * (np.array([height, width, height, width]) - 1).astype(boxes.dtype)
    # Values outside int64 become the least int64, as in TensorFlow's kernel.
    return np.where(np.abs(pixels) < 2.0**63, pixels, -(2.0**63)).astype(np.int64)


def _draw_line(image, row, column, down, right, count, color):
    for _ in range(count):
        pixel = image[row, column]
        for channel in range(len(color)):
            pixel[channel] = color[channel]
        row += down
        column += right


@kernel(
    "images: T[batch, height, width, depth], corners: int64[batch, count, 4], colors: T[rows, depth]"
)
def outline(images, corners, colors):
    """Draws the boxes of each image that do not end before they begin, box i in color i modulo their number."""
    batch, height, width, _ = images.shape
    for b in range(batch):
        image = images[b]
        for i in range(corners.shape[1]):
            box = corners[b, i]
            top, left, bottom, right = box[0], box[1], box[2], box[3]
            if top > bottom or left > right:
                continue
            if top >= height or bottom < 0 or left >= width or right < 0:
                continue
            color = colors[i % len(colors)]
            first, begin = max(top, 0), max(left, 0)
            rows = min(bottom, height - 1) + 1 - first
            columns = min(right, width - 1) + 1 - begin
            if top >= 0:
                _draw_line(image, top, begin, 0, 1, columns, color)
            if bottom < height:
                _draw_line(image, bottom, begin, 0, 1, columns, color)
            if left >= 0:
                _draw_line(image, first, left, 1, 0, rows, color)
            if right < width:
                _draw_line(image, first, right, 1, 0, rows, color)


class DrawBoundingBoxes(Op):
    """Images with the outlines of boxes."""

    signature = "images: T, boxes: float32 -> output: T"
    extents = {"boxes": "?, ?, 4"}
    T: {dtypes.float16, dtypes.float32} = dtypes.float32
    differentiable = False

    def shape(self, images, boxes):
        return _drawn_shape(images)

    @quiet
    def eager(self, images, boxes):
        return _draw(self, images, boxes, None)


class DrawBoundingBoxesV2(Op):
    """Images with the outlines of boxes in given colors."""

    signature = "images: T, boxes: float32, colors: float32 -> output: T"
    T: {dtypes.float16, dtypes.float32} = dtypes.float32

    def shape(self, images, boxes, colors):
        return _drawn_shape(images)

    @quiet
    def eager(self, images, boxes, colors):
        return _draw(self, images, boxes, colors)
