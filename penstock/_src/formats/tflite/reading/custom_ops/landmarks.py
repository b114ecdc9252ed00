"""MediaPipe's ops of models that look at parts of a face: crops are cut out of features around landmarks, and what is found in them is moved back.

A matrix takes places in a crop to places in the image: each row of the result is a sum of the place's coordinates, the last column is added.
"""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, custom

_OF_MATRICES = (
    "left_rotation_idx right_rotation_idx target_rotation_radians subset_idxs output_height output_width scale_x scale_y"
).split()


@custom("TransformLandmarks")
def transform_landmarks(call: Call) -> Any:
    """The first two coordinates of each landmark moved by a matrix, others as they are."""
    x, matrix = call.tensor(0), call.tensor(1)
    moved = raw.BatchMatMulV2(x=x[..., :2], y=matrix[:, :2, :2], adj_y=True)
    moved = raw.AddV2(x=moved, y=raw.ExpandDims(input=matrix[:, :2, 3], axis=np.int32(1)))
    return raw.ConcatV2(values=[moved, x[..., 2:]], axis=np.int32(-1))


@custom("Landmarks2TransformMatrix")
def landmarks_to_transform_matrix(call: Call) -> Any:
    """The matrix of a crop that holds some landmarks: turned like the line between two of them, and as many times larger than they need as the options say."""
    options, marks = call.named_options(*_OF_MATRICES), call.tensor(0)
    first = marks[:, int(options["left_rotation_idx"])]
    second = marks[:, int(options["right_rotation_idx"])]
    angle = raw.Atan2(y=second[:, 1] - first[:, 1], x=second[:, 0] - first[:, 0])
    angle -= np.float32(options["target_rotation_radians"])
    cos, sin = raw.Cos(x=angle), raw.Sin(x=angle)
    turn = _stacked([[cos, -sin], [sin, cos]])

    chosen = np.array(options["subset_idxs"], np.int32)
    marks = raw.GatherV2(params=marks[..., :2], indices=chosen, axis=np.int32(1))
    upright = raw.BatchMatMulV2(x=marks, y=turn)
    high = raw.Max(input=upright, axis=np.array([1], np.int32), keep_dims=False)
    low = raw.Min(input=upright, axis=np.array([1], np.int32), keep_dims=False)
    sizes = np.array([options["output_width"], options["output_height"]], np.float32)
    scales = np.array([options["scale_x"], options["scale_y"]], np.float32) / sizes
    steps = raw.ExpandDims(input=(high - low) * scales, axis=np.int32(1))
    linear = turn * steps
    middle = raw.ExpandDims(input=(high + low) * np.float32(0.5), axis=np.int32(2))
    shift = raw.BatchMatMulV2(x=turn, y=middle) - raw.Sum(
        input=linear * (sizes / 2), axis=np.array([2], np.int32), keep_dims=True
    )
    none, one = raw.ZerosLike(x=cos), raw.OnesLike(x=cos)
    rest = _stacked([[none, none, one, none], [none, none, none, one]])
    depth = raw.ZerosLike(x=shift)
    above = raw.ConcatV2(values=[linear, depth, shift], axis=np.int32(2))
    return raw.ConcatV2(values=[above, rest], axis=np.int32(1))


def _stacked(rows: list[list[Any]]) -> Any:
    """Matrices of numbers that each have a batch's axis."""
    return raw.Pack(values=[raw.Pack(values=row, axis=1) for row in rows], axis=1)


@custom("TransformTensorBilinear")
def transform_tensor_bilinear(call: Call) -> Any:
    """A crop of features: each element is interpolated from the four around its position, and is 0 outside the features."""
    options = call.named_options("output_height", "output_width")
    x, matrix = call.tensor(0), call.tensor(1)
    height, width = int(options["output_height"]), int(options["output_width"])
    rows, columns = np.mgrid[:height, :width].reshape(2, -1).astype(np.float32) + np.float32(0.5)
    places = np.stack([columns, rows])  # centers of the crop's elements
    positions = raw.BatchMatMulV2(x=matrix[:, :2, :2], y=np.stack([places])) + matrix[:, :2, 3:]
    positions -= np.float32(0.5)
    extents = [call.extent(0, 2), call.extent(0, 1)]
    last = np.array(extents, np.float32).reshape(2, 1) - 1
    inside = raw.LogicalAnd(
        x=raw.GreaterEqual(x=positions, y=np.float32(0)), y=raw.LessEqual(x=positions, y=last)
    )
    floor = raw.Minimum(x=raw.Maximum(x=raw.Floor(x=positions), y=np.float32(0)), y=last)
    share = positions - floor
    next_one = raw.Minimum(x=floor + np.float32(1), y=last)
    flat = raw.Reshape(
        tensor=x,
        shape=np.array([-1, extents[0] * extents[1], call.extent(0, 3)], np.int32),
    )

    def read(column: Any, row: Any) -> Any:
        index = raw.Cast(x=row * np.float32(extents[0]) + column, DstT=dtypes.int32)
        return raw.GatherV2(params=flat, indices=index, axis=np.int32(1), batch_dims=1)

    across, down = (raw.ExpandDims(input=share[:, i], axis=np.int32(2)) for i in (0, 1))
    above, below = (
        read(floor[:, 0], row[:, 1]) * (np.float32(1) - across)
        + read(next_one[:, 0], row[:, 1]) * across
        for row in (floor, next_one)
    )
    crop = above * (np.float32(1) - down) + below * down
    whole = raw.All(input=inside, axis=np.array([1], np.int32), keep_dims=False)
    crop = raw.SelectV2(
        condition=raw.ExpandDims(input=whole, axis=np.int32(2)), t=crop, e=np.float32(0)
    )
    return raw.Reshape(tensor=crop, shape=np.array([-1, height, width, x.shape[3]], np.int32))
