"""Ops that only move values."""

from tests.interop.tflite.cases import (
    I8,
    I16,
    I32,
    I64,
    U8,
    B,
    F,
    bools,
    case,
    const,
    f32,
    given,
    ints,
    out,
    quant,
)

_KINDS = ((F, None), (I32, None), (I8, 0.02), (U8, 0.02), (I16, 0.02))


def _x(kind, *shape):
    dtype, scale = kind
    return quant(dtype, *shape, scale=scale) if scale else ints(dtype, *shape)


def _y(kind):
    dtype, scale = kind
    return out(dtype, scale, {I8: 3, U8: 131, I16: 0}.get(dtype))


for _k in _KINDS:
    case(
        "RESHAPE",
        [_x(_k, 2, 6), const([3, -1])],
        [_y(_k)],
        "ReshapeOptions",
        fields={"new_shape": [3, -1]},
    )
    case("TRANSPOSE", [_x(_k, 2, 3, 4), const([2, 0, 1])], [_y(_k)])
    case("SLICE", [_x(_k, 4, 5), const([1, 0]), const([2, -1])], [_y(_k)])
    case("GATHER", [_x(_k, 4, 5), const([3, 0, 3])], [_y(_k)], "GatherOptions", fields={"axis": 0})
    case(
        "CONCATENATION",
        [_x(_k, 2, 3), _x(_k, 2, 5)],
        [_y(_k)],
        "ConcatenationOptions",
        fields={"axis": -1},
    )
    case(
        "PACK",
        [_x(_k, 2, 3), _x(_k, 2, 3)],
        [_y(_k)],
        "PackOptions",
        fields={"axis": 1, "values_count": 2},
    )
    case("UNPACK", [_x(_k, 2, 3)], [_y(_k), _y(_k)], "UnpackOptions", fields={"axis": 0, "num": 2})
    case("SPLIT", [const(1), _x(_k, 2, 6)], [_y(_k)] * 3, "SplitOptions", fields={"num_splits": 3})
    case(
        "SPLIT_V",
        [_x(_k, 2, 6), const([1, 2, 3]), const(1)],
        [_y(_k)] * 3,
        "SplitVOptions",
        fields={"num_splits": 3},
    )
    case(
        "STRIDED_SLICE",
        [_x(_k, 4, 6), const([0, 1]), const([4, 6]), const([2, 2])],
        [_y(_k)],
        "StridedSliceOptions",
        fields={"begin_mask": 1},
    )
    case("EXPAND_DIMS", [_x(_k, 2, 3), const(1)], [_y(_k)])
    case("SQUEEZE", [_x(_k, 2, 1, 3)], [_y(_k)], "SqueezeOptions", fields={"squeeze_dims": [1]})
    case("PAD", [_x(_k, 2, 3), const([[1, 0], [2, 1]])], [_y(_k)])
    case("REVERSE_V2", [_x(_k, 2, 3), const([1])], [_y(_k)])
    case("TILE", [_x(_k, 2, 3), const([2, 1])], [_y(_k)])
    case("GATHER_ND", [_x(_k, 4, 3, 2), const([[0, 1], [3, 2]])], [_y(_k)])
    case(
        "BATCH_TO_SPACE_ND", [_x(_k, 4, 2, 2, 3), const([2, 2]), const([[0, 1], [0, 0]])], [_y(_k)]
    ) if _k[0] != I16 else None
    case(
        "SPACE_TO_BATCH_ND", [_x(_k, 1, 3, 4, 3), const([2, 2]), const([[0, 1], [0, 0]])], [_y(_k)]
    )
    case(
        "SPACE_TO_DEPTH",
        [_x(_k, 1, 4, 4, 3)],
        [_y(_k)],
        "SpaceToDepthOptions",
        fields={"block_size": 2},
    ) if _k[0] != I16 else None
    case(
        "DEPTH_TO_SPACE",
        [_x(_k, 1, 2, 2, 12)],
        [_y(_k)],
        "DepthToSpaceOptions",
        fields={"block_size": 2},
    ) if _k[0] != I16 else None
    case("BROADCAST_TO", [_x(_k, 1, 3), const([2, 4, 3])], [_y(_k)])
    case("FILL", [const([2, 3]), _x(_k)], [_y(_k)], note=_k[0].__name__)
    case(
        "RESIZE_NEAREST_NEIGHBOR",
        [_x(_k, 1, 4, 5, 2), const([7, 9])],
        [_y(_k)],
        "ResizeNearestNeighborOptions",
    )
    case("DYNAMIC_UPDATE_SLICE", [_x(_k, 4, 5), _x(_k, 2, 2), const([1, 9])], [_y(_k)]) if _k[
        0
    ] != U8 else None
for _k in _KINDS[:4]:
    for _mode in (0, 1):
        case(
            "MIRROR_PAD",
            [_x(_k, 3, 4), const([[1, 1], [2, 0]])],
            [_y(_k)],
            "MirrorPadOptions",
            f"mode={_mode}",
            fields={"mode": _mode},
        )
    case(
        "PADV2",
        [
            _x(_k, 2, 3),
            const([[1, 0], [2, 1]]),
            quant(_k[0], scale=_k[1], constant=True) if _k[1] else const(5, _k[0]),
        ],
        [_y(_k)],
    )
case(
    "CONCATENATION",
    [quant(U8, 2, 3, scale=0.01), quant(U8, 2, 5, scale=0.03)],
    [out(U8, 0.02)],
    "ConcatenationOptions",
    "scales",
    fields={"axis": 1},
    steps=1,
)
for _aligned, _half in ((False, False), (True, False), (False, True)):
    for _k in _KINDS:
        if _k[0] == I32:
            continue
        _v = f32(1, 4, 5, 2) if _k[0] == F else _x(_k, 1, 4, 5, 2)
        case(
            "RESIZE_BILINEAR",
            [_v, const([7, 9])],
            [_y(_k)],
            "ResizeBilinearOptions",
            f"{_aligned}{_half}",
            fields={"align_corners": _aligned, "half_pixel_centers": _half},
            steps=1,
        )
    case(
        "RESIZE_NEAREST_NEIGHBOR",
        [f32(1, 4, 5, 2), const([7, 9])],
        [out(F)],
        "ResizeNearestNeighborOptions",
        f"{_aligned}{_half}",
        fields={"align_corners": _aligned, "half_pixel_centers": _half},
    )
case("SHAPE", [f32(2, 3)], [out(I32)], "ShapeOptions", fields={"out_type": 2})
case("SHAPE", [f32(2, 3)], [out(I64)], "ShapeOptions", "int64", fields={"out_type": 4})
case("RANK", [f32(2, 3)], [out(I32)])
case("RANGE", [given(1), given(9), given(3)], [out(I32)])
case("RANGE", [given(1, F), given(2, F), given(0.25, F)], [out(F)])
case("BROADCAST_ARGS", [given([2, 1]), given([3])], [out(I32)])
case(
    "GATHER",
    [f32(2, 4, 5), const([[1, 0], [2, 2]])],
    [out(F)],
    "GatherOptions",
    "batch",
    fields={"axis": 2, "batch_dims": 1},
)
case(
    "REVERSE_SEQUENCE",
    [f32(3, 5), given([2, 5, 0])],
    [out(F)],
    "ReverseSequenceOptions",
    fields={"seq_dim": 1, "batch_dim": 0},
)
case(
    "ONE_HOT",
    [given([0, 2, 5]), const(4), const(2.5, F), const(-1, F)],
    [out(F)],
    "OneHotOptions",
    fields={"axis": -1},
)
case(
    "ONE_HOT",
    [given([0, 2, 5]), const(4), const(3), const(-1)],
    [out(I32)],
    "OneHotOptions",
    "first",
    fields={"axis": 0},
)
case("WHERE", [bools(3, 4)], [out(I64)])
case(
    "UNIQUE",
    [given([3, 1, 3, 7, 1])],
    [out(I32), out(I32)],
    "UniqueOptions",
    fields={"idx_out_type": 2},
)
case(
    "UNIQUE",
    [given([3, 1, 3, 7, 1], F)],
    [out(F), out(I64)],
    "UniqueOptions",
    fields={"idx_out_type": 4},
)
case("MATRIX_DIAG", [f32(2, 3)], [out(F)])
case("MATRIX_SET_DIAG", [f32(2, 3, 3), f32(2, 3)], [out(F)])
case("EMBEDDING_LOOKUP", [given([2, 0, 3]), f32(4, 5)], [out(F)])
case(
    "EMBEDDING_LOOKUP",
    [given([2, 0, 3]), quant(I8, 4, 5, zero=0, constant=True)],
    [out(F)],
    note="hybrid",
)
case(
    "EMBEDDING_LOOKUP",
    [given([2, 0, 3]), quant(I8, 4, 5, zero=0, constant=True, axis=0)],
    [out(F)],
    note="per row",
)
case(
    "STRIDED_SLICE",
    [f32(4, 6, 2), const([1, 0, 0]), const([2, 3, 2]), const([1, 1, 1])],
    [out(F)],
    "StridedSliceOptions",
    "shrink",
    fields={"shrink_axis_mask": 1, "end_mask": 4},
)
case(
    "STRIDED_SLICE",
    [f32(4, 6), const([-1, 5]), const([0, 0]), const([-1, -2])],
    [out(F)],
    "StridedSliceOptions",
    "backwards",
    fields={"end_mask": 1},
)
case(
    "STRIDED_SLICE",
    [f32(4, 6, 2), const([1, 0]), const([2, 3]), const([1, 1])],
    [out(F)],
    "StridedSliceOptions",
    "ellipsis",
    fields={"ellipsis_mask": 2, "new_axis_mask": 0},
)
case(
    "STRIDED_SLICE",
    [f32(4, 6), const([1, 2]), const([2, 3]), const([1, 1])],
    [out(F)],
    "StridedSliceOptions",
    "offset",
    fields={"offset": True},
)
case("REVERSE_V2", [bools(2, 3), const([0])], [out(B)])
