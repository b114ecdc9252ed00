"""Operations that only move values."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import TYPES
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation, SymbolicTensor

# The op, and which inputs hold indices and sizes.
_WITH_INDICES = {
    "BatchToSpaceND": ("BATCH_TO_SPACE_ND", (1, 2)),
    "BroadcastTo": ("BROADCAST_TO", (1,)),
    "ExpandDims": ("EXPAND_DIMS", (1,)),
    "Fill": ("FILL", (0,)),
    "GatherNd": ("GATHER_ND", (1,)),
    "Pad": ("PAD", (1,)),
    "PadV2": ("PADV2", (1,)),
    "Range": ("RANGE", ()),
    "RFFT2D": ("RFFT2D", (1,)),
    "Rank": ("RANK", ()),
    "ReverseV2": ("REVERSE_V2", (1,)),
    "ScatterNd": ("SCATTER_ND", (0, 2)),
    "Slice": ("SLICE", (1, 2)),
    "SpaceToBatchND": ("SPACE_TO_BATCH_ND", (1, 2)),
    "Tile": ("TILE", (1,)),
    "TopKV2": ("TOPK_V2", (1,)),
    "Transpose": ("TRANSPOSE", (1,)),
    "Where": ("WHERE", ()),
}


def _places(graph: GraphWriter, operation: Operation, indices: tuple[int, ...]) -> list[int]:
    return [
        graph.integers(tensor) if i in indices else graph.place(tensor)
        for i, tensor in enumerate(operation.inputs)
    ]


@writes(*_WITH_INDICES)
def movement(graph: GraphWriter, operation: Operation) -> None:
    name, indices = _WITH_INDICES[operation.type]
    version = 2 if name == "BROADCAST_TO" else 1
    graph.add(name, operation, _places(graph, operation, indices), version=version)


@writes("Unique")
def unique(graph: GraphWriter, operation: Operation) -> None:
    kind = TYPES[operation.outputs[1].dtype]
    graph.add("UNIQUE", operation, options=SCHEMA["UniqueOptions"](idx_out_type=kind))


@writes("Reshape")
def reshape(graph: GraphWriter, operation: Operation) -> None:
    graph.add("RESHAPE", operation, _places(graph, operation, (1,)), SCHEMA["ReshapeOptions"]())


@writes("Squeeze")
def squeeze(graph: GraphWriter, operation: Operation) -> None:
    axes = list(operation.raw_op.squeeze_dims)
    graph.add("SQUEEZE", operation, options=SCHEMA["SqueezeOptions"](squeeze_dims=axes))


@writes("Shape")
def shape(graph: GraphWriter, operation: Operation) -> None:
    options = SCHEMA["ShapeOptions"](out_type=TYPES[operation.outputs[0].dtype])
    graph.add("SHAPE", operation, options=options)


@writes("ConcatV2")
def concat(graph: GraphWriter, operation: Operation) -> None:
    *parts, _ = operation.inputs
    axis = int(graph.known(operation, len(parts)))
    options = SCHEMA["ConcatenationOptions"](axis=axis)
    graph.add("CONCATENATION", operation, [graph.place(part) for part in parts], options)


@writes("Pack")
def pack(graph: GraphWriter, operation: Operation) -> None:
    axis = operation.raw_op.axis
    options = SCHEMA["PackOptions"](values_count=len(operation.inputs), axis=axis)
    graph.add("PACK", operation, options=options)


@writes("Unpack")
def unpack(graph: GraphWriter, operation: Operation) -> None:
    options = SCHEMA["UnpackOptions"](num=len(operation.outputs), axis=operation.raw_op.axis)
    graph.add("UNPACK", operation, options=options)


@writes("Split")
def split(graph: GraphWriter, operation: Operation) -> None:
    options = SCHEMA["SplitOptions"](num_splits=len(operation.outputs))
    graph.add("SPLIT", operation, _places(graph, operation, (0,)), options)


@writes("SplitV")
def split_v(graph: GraphWriter, operation: Operation) -> None:
    options = SCHEMA["SplitVOptions"](num_splits=len(operation.outputs))
    graph.add("SPLIT_V", operation, _places(graph, operation, (1, 2)), options)


@writes("StridedSlice")
def strided_slice(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    options = SCHEMA["StridedSliceOptions"](
        begin_mask=op.begin_mask,
        end_mask=op.end_mask,
        ellipsis_mask=op.ellipsis_mask,
        new_axis_mask=op.new_axis_mask,
        shrink_axis_mask=op.shrink_axis_mask,
    )
    version = 6 if op.ellipsis_mask or op.new_axis_mask else 1
    x, *bounds = operation.inputs
    places = [graph.place(x), *(_bound(graph, tensor) for tensor in bounds)]
    graph.add("STRIDED_SLICE", operation, places, options, version)


def _bound(graph: GraphWriter, tensor: SymbolicTensor) -> int:
    """Returns the index of a slice's bounds as int32; those that are computed may be as great as an int64."""
    if tensor.dtype != dtypes.int64 or graph.value(tensor) is not None:
        return graph.integers(tensor)
    place, limits = graph.place(tensor), np.iinfo(np.int32)
    for name, limit in (("MINIMUM", limits.max), ("MAXIMUM", limits.min)):
        extreme = graph.constant(np.int64(limit), "limit")
        place = graph.emit(name, [place, extreme], dtypes.int64, tensor.shape, tensor.op.name)
    return graph.emit("CAST", [place], dtypes.int32, tensor.shape, tensor.op.name)


@writes("GatherV2")
def gather(graph: GraphWriter, operation: Operation) -> None:
    axis = int(graph.known(operation, 2))
    options = SCHEMA["GatherOptions"](axis=axis, batch_dims=operation.raw_op.batch_dims)
    inputs = [graph.place(operation.inputs[0]), graph.place(operation.inputs[1])]
    graph.add("GATHER", operation, inputs, options, 5)


@writes("ResourceGather", "Gather")
def gather_rows(graph: GraphWriter, operation: Operation) -> None:
    graph.add("GATHER", operation, options=SCHEMA["GatherOptions"]())


@writes("MirrorPad")
def mirror_pad(graph: GraphWriter, operation: Operation) -> None:
    mode = operation.raw_op.mode
    symmetric = mode in ("SYMMETRIC", b"SYMMETRIC")
    options = SCHEMA["MirrorPadOptions"](mode=int(symmetric))
    graph.add("MIRROR_PAD", operation, _places(graph, operation, (1,)), options)


@writes("SpaceToDepth", "DepthToSpace")
def space_to_depth(graph: GraphWriter, operation: Operation) -> None:
    layout: Any = operation.raw_op.data_format
    if layout not in ("NHWC", b"NHWC"):
        raise graph.unimplemented(operation, f"the layout {layout}")
    name = "SPACE_TO_DEPTH" if operation.type == "SpaceToDepth" else "DEPTH_TO_SPACE"
    options = SCHEMA[f"{operation.type}Options"](block_size=operation.raw_op.block_size)
    graph.add(name, operation, options=options)


@writes("OneHot")
def one_hot(graph: GraphWriter, operation: Operation) -> None:
    options = SCHEMA["OneHotOptions"](axis=operation.raw_op.axis)
    graph.add("ONE_HOT", operation, _places(graph, operation, (1,)), options)


@writes("Cumsum")
def cumsum(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    options = SCHEMA["CumsumOptions"](exclusive=op.exclusive, reverse=op.reverse)
    graph.add("CUMSUM", operation, _places(graph, operation, (1,)), options)


@writes("ResizeBilinear", "ResizeNearestNeighbor")
def resize(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    options = SCHEMA[f"{operation.type}Options"](
        align_corners=op.align_corners, half_pixel_centers=op.half_pixel_centers
    )
    name = "RESIZE_BILINEAR" if operation.type == "ResizeBilinear" else "RESIZE_NEAREST_NEIGHBOR"
    graph.add(name, operation, _places(graph, operation, (1,)), options, 3)
