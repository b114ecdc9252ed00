"""`TFLite_Detection_PostProcess`: the boxes of objects out of what a detector says of each of its anchors.

Of boxes that overlap the one with the highest score stays. The quick way does so once, by each anchor's best class; the regular way for each class.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.values.bounds import normal_bounds
from penstock._src.formats.tflite.reading.call import Call, custom
from penstock._src.formats.tflite.reading.quantized_kernels.values import dequantize

_FIRST = np.int32(0)
_USUAL_PER_CLASS = 100
_NEEDED = (
    "num_classes max_detections max_classes_per_detection nms_iou_threshold nms_score_threshold y_scale x_scale h_scale w_scale"
).split()


@custom("TFLite_Detection_PostProcess")
def detection_postprocess(call: Call) -> list[Any]:
    """Boxes [1, n, 4], their classes and scores [1, n], and how many of n there are [1]; the others are zeros."""
    options = call.named_options(*_NEEDED)
    classes = int(options["num_classes"])
    encoded, scores, anchors = (_reals(call, i) for i in range(3))
    boxes = _decoded(encoded[0, :, :4], anchors, options)
    scores = scores[0]
    per_anchor = call.extent(1, 2)
    if per_anchor not in (classes, classes + 1):
        raise call.invalid(f"{per_anchor} scores of an anchor for {classes} classes.")
    detections = _Detections(
        boxes,
        scores[:, per_anchor - classes :],
        classes,
        int(options["max_detections"]),
        float(options["nms_iou_threshold"]),
        # Scores that equal the threshold count.
        _just_below(np.float32(options["nms_score_threshold"])),
    )
    if options.get("use_regular_nms", False):
        each = int(options.get("detections_per_class", _USUAL_PER_CLASS))
        results = detections.by_class(each)
    else:
        results = detections.by_best_class(int(options["max_classes_per_detection"]))
    return [raw.ExpandDims(input=x, axis=_FIRST) for x in results]


def _just_below(threshold: np.float32) -> float:
    """Returns the largest number below a threshold."""
    below = np.nextafter(np.array(threshold), np.float32(-np.inf))
    return float(normal_bounds(below, -np.inf))


def _reals(call: Call, i: int) -> Any:
    return (
        dequantize(call.tensor(i), call.quantization(i)) if call.is_quantized(i) else call.tensor(i)
    )


def _decoded(encoded: Any, anchors: Any, options: Any) -> Any:
    """Corners of boxes from centers and sizes relative to anchors, y before x."""
    centers = np.array([options["y_scale"], options["x_scale"]], np.float32)
    sizes = np.array([options["h_scale"], options["w_scale"]], np.float32)
    middle = encoded[:, :2] / centers * anchors[:, 2:] + anchors[:, :2]
    half = np.float32(0.5) * raw.Exp(x=encoded[:, 2:] / sizes) * anchors[:, 2:]
    return raw.ConcatV2(values=[middle - half, middle + half], axis=np.int32(1))


@dataclass(frozen=True)
class _Detections:
    """Boxes `[n, 4]` and their scores `[n, classes]`, to choose from."""

    boxes: Any
    scores: Any
    classes: int
    most: int
    overlap: float
    threshold: float

    def _chosen(self, scores: Any, most: int) -> tuple[Any, Any]:
        """Indices of boxes that do not overlap, by descending scores, filled up with zeros; and which of them count."""
        indices, count = raw.NonMaxSuppressionV4(
            boxes=self.boxes,
            scores=scores,
            max_output_size=np.int32(most),
            iou_threshold=np.float32(self.overlap),
            score_threshold=np.float32(self.threshold),
            pad_to_max_output_size=True,
        )
        return indices, raw.Less(x=np.arange(most, dtype=np.int32), y=count)

    def by_best_class(self, per_box: int) -> list[Any]:
        """Boxes chosen by their best classes' scores; each is there for its best `per_box` classes."""
        several = min(per_box, self.classes)
        scores, kinds = raw.TopKV2(input=self.scores, k=np.int32(several))
        indices, counted = self._chosen(scores[:, 0], self.most)
        repeated = raw.BroadcastTo(
            input=raw.ExpandDims(input=_taken(self.boxes, indices), axis=np.int32(1)),
            shape=np.array([self.most, several, 4], np.int32),
        )
        rows = [repeated, _taken(kinds, indices), _taken(scores, indices)]
        spare = self.most * (per_box - several)
        return [*(_flat(_masked(x, counted), spare) for x in rows), _count(counted)]

    def by_class(self, most: int) -> list[Any]:
        """The best of the boxes that are chosen for each class."""
        boxes, kinds, scores = [], [], []
        for kind in range(self.classes):
            column = self.scores[:, kind]
            indices, counted = self._chosen(column, most)
            boxes.append(_taken(self.boxes, indices))
            kinds.append(np.full(most, kind, np.float32))
            # What does not count comes last.
            low = np.float32(-np.inf)
            scores.append(raw.SelectV2(condition=counted, t=_taken(column, indices), e=low))
        joined = raw.ConcatV2(values=scores, axis=_FIRST)
        kept = min(self.most, most * self.classes)
        best, places = raw.TopKV2(input=joined, k=np.int32(kept))
        counted = raw.Greater(x=best, y=np.float32(-np.inf))
        rows = [
            _taken(raw.ConcatV2(values=boxes, axis=_FIRST), places),
            _taken(np.concatenate(kinds), places),
            best,
        ]
        spare = self.most - kept
        return [*(_flat(_masked(x, counted)[:, None], spare) for x in rows), _count(counted)]


def _taken(x: Any, indices: Any) -> Any:
    return raw.GatherV2(params=x, indices=indices, axis=_FIRST)


def _masked(x: Any, counted: Any) -> Any:
    """Floats with zeros in rows that do not count."""
    x = raw.Cast(x=x, DstT=dtypes.float32)
    rows = raw.Reshape(tensor=counted, shape=np.array([-1] + [1] * (x.shape.rank - 1), np.int32))
    return raw.SelectV2(condition=rows, t=x, e=np.float32(0))


def _flat(x: Any, spare: int) -> Any:
    """The first two axes as one, followed by a number of zeros."""
    rest = x.shape.as_list()[2:]
    flat = raw.Reshape(tensor=x, shape=np.array([-1, *rest], np.int32))
    if not spare:
        return flat
    pads = np.array([[0, spare]] + [[0, 0]] * len(rest), np.int32)
    return raw.Pad(input=flat, paddings=pads)


def _count(counted: Any) -> Any:
    return raw.Sum(
        input=raw.Cast(x=counted, DstT=dtypes.float32), axis=np.int32(0), keep_dims=False
    )
