"""Segments, scatters, sorting, scans, boxes, transforms."""

import numpy as np

from tests.interop.tflite.cases import (
    I8,
    I32,
    I64,
    F,
    Tensor,
    case,
    const,
    f32,
    given,
    ints,
    out,
)

for _dtype in (F, I32, I8):
    _v = f32(3, 9) if _dtype == F else ints(_dtype, 3, 9)
    case("TOPK_V2", [_v, const(4)], [out(_dtype), out(I32)])
for _dtype in (F, I32, I64):
    _v = f32(3, 9) if _dtype == F else ints(_dtype, 3, 9)
    for _exclusive in (False, True):
        case(
            "CUMSUM",
            [_v, const(1)],
            [out(_dtype)],
            "CumsumOptions",
            f"{_exclusive}",
            fields={"exclusive": _exclusive, "reverse": _exclusive},
            rtol=1e-5,
        )
case("SEGMENT_SUM", [f32(5, 2), given([0, 0, 1, 2, 2])], [out(F)])
for _op in ("SUM", "PROD", "MAX", "MIN"):
    case(f"UNSORTED_SEGMENT_{_op}", [f32(5, 2), given([2, 0, 2, -1, 0]), const(4)], [out(F)])
    case(f"UNSORTED_SEGMENT_{_op}", [ints(I32, 5, 2), given([2, 0, 2, 1, 0]), const(4)], [out(I32)])
for _dtype in (F, I32, I8, I64):
    _v = f32(2, 3) if _dtype == F else ints(_dtype, 2, 3)
    case("SCATTER_ND", [given([[1], [3]]), _v, const([5, 3])], [out(_dtype)], note=_dtype.__name__)
case(
    "SPARSE_TO_DENSE",
    [given([[0, 1], [2, 0]]), const([3, 4]), given([5, 7]), given(-1)],
    [out(I32)],
    "SparseToDenseOptions",
)
_boxes = np.float32(
    [
        [0, 0, 1, 1],
        [0, 0.1, 1, 1.1],
        [0, -0.1, 1, 0.9],
        [0, 10, 1, 11],
        [0, 10.1, 1, 11.1],
        [0, 100, 1, 101],
    ]
)
_scores = np.float32([0.9, 0.75, 0.6, 0.95, 0.5, 0.3])
case(
    "NON_MAX_SUPPRESSION_V4",
    [Tensor(_boxes), Tensor(_scores), const(5), const(0.5, F), const(0.4, F)],
    [out(I32), out(I32)],
)
case(
    "NON_MAX_SUPPRESSION_V5",
    [Tensor(_boxes), Tensor(_scores), const(5), const(0.5, F), const(0.1, F), const(0, F)],
    [out(I32), out(F), out(I32)],
    rtol=1e-5,
)
case("RFFT2D", [f32(2, 8, 8), const([8, 8])], [out(np.complex64)], rtol=1e-4, atol=1e-4)
case("DILATE", [f32(3, 2), const([2, 3]), const(-1, F)], [out(F)])
case("DILATE", [ints(I32, 3, 2), const([1, 2]), const(-1)], [out(I32)])
