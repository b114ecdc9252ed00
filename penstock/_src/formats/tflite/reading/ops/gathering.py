"""Sums over segments, scatters, sorting, scans, boxes."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin


@builtin("TOPK_V2")
def top_k(call: Call) -> Any:
    top = raw.TopKV2(
        input=call.tensor(0),
        k=raw.Cast(x=call.tensor(1), DstT=dtypes.int32),
        index_type=call.output(1).dtype,
    )
    return [top[0], top[1]]


@builtin("CUMSUM", options="CumsumOptions")
def cumsum(call: Call) -> Any:
    options = call.options
    return raw.Cumsum(
        x=call.tensor(0), axis=call.tensor(1), exclusive=options.exclusive, reverse=options.reverse
    )


@builtin("SEGMENT_SUM")
def segment_sum(call: Call) -> Any:
    return raw.SegmentSum(data=call.tensor(0), segment_ids=call.tensor(1))


def _unsorted(name: str, op: str) -> None:
    @builtin(name)
    def unsorted(call: Call) -> Any:
        data, ids, count = call.tensors()
        return getattr(raw, op)(data=data, segment_ids=ids, num_segments=count)


_unsorted("UNSORTED_SEGMENT_SUM", "UnsortedSegmentSum")
_unsorted("UNSORTED_SEGMENT_PROD", "UnsortedSegmentProd")
_unsorted("UNSORTED_SEGMENT_MAX", "UnsortedSegmentMax")
_unsorted("UNSORTED_SEGMENT_MIN", "UnsortedSegmentMin")


@builtin("SCATTER_ND")
def scatter_nd(call: Call) -> Any:
    indices, updates, shape = call.tensors()
    return raw.ScatterNd(indices=indices, updates=updates, shape=shape)


@builtin("SPARSE_TO_DENSE", options="SparseToDenseOptions")
def sparse_to_dense(call: Call) -> Any:
    indices, shape, values, default = call.tensors()
    return raw.SparseToDense(
        sparse_indices=indices,
        output_shape=shape,
        sparse_values=values,
        default_value=default,
        validate_indices=call.options.validate_indices,
    )


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


@builtin("RFFT2D")
def rfft_2d(call: Call) -> Any:
    return raw.RFFT2D(input=call.tensor(0), fft_length=call.tensor(1))


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
