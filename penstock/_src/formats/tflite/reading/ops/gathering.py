"""Sorting, boxes, Fourier transforms."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin


@builtin("TOPK_V2")
def top_k(call: Call) -> Any:
    return call.by_row(call.tensor(0), raw.Cast(x=call.tensor(1), DstT=dtypes.int32))


@builtin("NON_MAX_SUPPRESSION_V4")
def non_max_suppression_v4(call: Call) -> Any:
    boxes, scores, most, overlap, score = call.tensors()
    selected = raw.NonMaxSuppressionV4(
        boxes=boxes,
        scores=scores,
        max_output_size=most,
        iou_threshold=overlap,
        score_threshold=score,
        pad_to_max_output_size=True,
    )
    return [selected[0], selected[1]]


@builtin("NON_MAX_SUPPRESSION_V5")
def non_max_suppression_v5(call: Call) -> Any:
    boxes, scores, most, overlap, score, sigma = call.tensors()
    if np.any(call.array(5) != 0) and np.any(call.array(3) < 1):
        # TFLite suppresses boxes beyond the threshold although their scores are softened; TensorFlow does not.
        raise call.unimplemented("softened scores together with a threshold of overlap")
    selected = raw.NonMaxSuppressionV5(
        boxes=boxes,
        scores=scores,
        max_output_size=most,
        iou_threshold=overlap,
        score_threshold=score,
        soft_nms_sigma=sigma,
        pad_to_max_output_size=True,
    )
    return [selected[0], selected[1], selected[2]]
