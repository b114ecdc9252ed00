"""The ops that TensorFlow.js 4.22 computes in graph models, and others in terms of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.tfjs.einsum import as_product
from penstock._src.formats.tfjs.ignored import without_ignored
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.static_values import constant_value

KNOWN = frozenset(
    """
Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul
BatchMatMulV2 BatchToSpaceND BiasAdd Bincount BroadcastArgs BroadcastTo Cast Ceil ClipByValue
Complex ComplexAbs Concat ConcatV2 Const Conv1D Conv2D Conv2DBackpropInput Conv3D Cos Cosh CropAndResize
Cumprod Cumsum DenseBincount DepthToSpace DepthwiseConv2d DepthwiseConv2dNative Dilation2D Div DivNoNan Einsum
Elu EmptyTensorList EnsureShape Enter Equal Erf Exit Exp ExpandDims Expm1 FFT
Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3
FusedDepthwiseConv2dNative Gather GatherNd GatherV2 Greater GreaterEqual HashTable HashTableV2 IFFT IRFFT
Identity IdentityN If Imag ImageProjectiveTransformV3 InitializeTable InitializeTableV2 IsFinite IsInf IsNan
LRN LeakyRelu Less LessEqual LinSpace ListDiff Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr
LookupTableFind LookupTableFindV2 LookupTableImport LookupTableImportV2 LookupTableSize LookupTableSizeV2
LoopCond LowerBound MatMul Max MaxPool MaxPool3D MaxPoolWithArgmax Maximum Mean Merge Min
Minimum MirrorPad Mul Multinomial Neg NextIteration NoOp NonMaxSuppressionV2 NonMaxSuppressionV3
NonMaxSuppressionV4 NonMaxSuppressionV5 NotEqual OneHot Ones OnesLike Pack Pad PadV2 Placeholder
PlaceholderWithDefault Pow Prelu Print Prod RFFT RaggedGather RaggedRange RaggedTensorToTensor
RandomStandardNormal RandomUniform RandomUniformInt Range Rank Real RealDiv Reciprocal Relu Relu6 Reshape
ResizeBilinear ResizeNearestNeighbor Reverse ReverseV2 Round Rsqrt ScatterNd Select SelectV2 Selu Shape ShapeN
Sigmoid Sign Sin Sinh Size Slice Snapshot Softmax Softplus SpaceToBatchND SparseFillEmptyRows SparseReshape
SparseSegmentMean SparseSegmentSum SparseToDense Split SplitV Sqrt Square SquaredDifference Squeeze
StatelessIf StatelessWhile StaticRegexReplace StopGradient StridedSlice StringNGrams StringSplit
StringToHashBucketFast Sub Sum Switch Tan Tanh TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3
TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3
TensorListConcat TensorListConcatV2 TensorListFromTensor TensorListGather TensorListGetItem TensorListLength
TensorListPopBack TensorListPushBack TensorListReserve TensorListResize TensorListScatter TensorListScatterV2
TensorListSetItem TensorListSplit TensorListStack TensorScatterUpdate Tile TopKV2 Transpose TruncatedNormal
Unique UniqueV2 Unpack UpperBound Where While Zeros ZerosLike _FusedConv2D _FusedMatMul
""".split()
)

Rewrite = Callable[[Operation, Sequence[SymbolicTensor]], Any]
_REWRITES: dict[str, Rewrite] = {}


def rewrite(*names: str) -> Callable[[Rewrite], Rewrite]:
    """Registers a function that adds ops of equal value to the current graph and returns the result."""

    def register(function: Rewrite) -> Rewrite:
        _REWRITES.update(dict.fromkeys(names, function))
        return function

    return register


def rewritten(node: Operation, inputs: Sequence[SymbolicTensor]) -> list[SymbolicTensor] | None:
    """Returns the results of an operation as known ops compute them; None if it is one of these.

    Raises:
      UnimplementedError: it has no counterpart.
    """
    function = _REWRITES.get(node.type)
    if function is not None:
        return [function(node, inputs)]
    if node.type not in KNOWN:
        raise UnimplementedError(
            f"TensorFlow.js has no counterpart of {node.type} '{node.name}'"
            f"{f' ({node.location})' if node.location else ''}."
        )
    return without_ignored(node, inputs)


@rewrite("BatchMatMulV3")
def _batch_matmul(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    attrs = node.raw_op.attrs
    return raw.BatchMatMulV2(x=inputs[0], y=inputs[1], adj_x=attrs["adj_x"], adj_y=attrs["adj_y"])


rewrite("Einsum")(as_product)


@rewrite("Softsign")
def _softsign(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    x = inputs[0]
    return raw.RealDiv(x=x, y=raw.AddV2(x=raw.Abs(x=x), y=_like(1.0, x)))


@rewrite("Erfc")
def _erfc(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    return raw.Sub(x=_like(1.0, inputs[0]), y=raw.Erf(x=inputs[0]))


@rewrite("Inv")
def _inv(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    return raw.Reciprocal(x=inputs[0])


@rewrite("Rint")
def _rint(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    return raw.Round(x=inputs[0])


@rewrite("Xlogy")
def _xlogy(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    x, y = inputs
    is_zero = raw.Equal(x=x, y=_like(0.0, x))
    safe = raw.SelectV2(condition=is_zero, t=_like(1.0, y), e=y)
    return raw.Mul(x=x, y=raw.Log(x=safe))


@rewrite("TruncateDiv")
def _truncate_div(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    x, y = inputs
    if not x.dtype.is_integer:
        raise UnimplementedError(
            f"TensorFlow.js has no counterpart of TruncateDiv of {x.dtype.name}."
        )
    # For numbers that are not negative, floor is truncation.
    quotient = raw.FloorDiv(x=raw.Abs(x=x), y=raw.Abs(x=y))
    return raw.Mul(x=raw.Mul(x=raw.Sign(x=x), y=raw.Sign(x=y)), y=quotient)


@rewrite("FloorDiv")
def _floor_div(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    x, y = inputs
    if x.dtype.is_integer:
        return raw.FloorDiv(x=x, y=y)
    return raw.Floor(x=raw.RealDiv(x=x, y=y))  # its own gives integers of 32 bits


@rewrite("Mod", "TruncateMod")
def _mod(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    # Its own is that of floored quotients; with numbers that are not negative, both are equal.
    x, y = inputs
    return raw.Mul(x=raw.Sign(x=x), y=raw.FloorMod(x=raw.Abs(x=x), y=raw.Abs(x=y)))


@rewrite("EuclideanNorm")
def _norm(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    x, axes = inputs
    keep_dims = node.raw_op.attrs["keep_dims"]
    return raw.Sqrt(x=raw.Sum(input=raw.Square(x=x), axis=axes, keep_dims=keep_dims))


@rewrite("UnsortedSegmentSum")
def _sums_of_segments(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    x, numbers, count = inputs
    known = constant_value(numbers)
    if known is None or known.ndim != 1 or (known < 0).any():
        raise UnimplementedError(
            f"TensorFlow.js has no counterpart of UnsortedSegmentSum '{node.name}' of segments that are not known."
        )
    lead = raw.Reshape(tensor=count, shape=np.array([1], np.int32))
    rest = raw.Slice(input=raw.Shape(input=x), begin=[1], size=[-1])
    shape = raw.ConcatV2(values=[raw.Cast(x=lead, DstT=rest.dtype), rest], axis=0)
    return raw.ScatterNd(indices=known[:, None].astype(np.int32), updates=x, shape=shape)


@rewrite("SpaceToDepth")
def _space_to_depth(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    size, x = node.raw_op.attrs["block_size"], inputs[0]
    _, height, width, depth = x.shape.as_list() if x.shape.rank == 4 else [None] * 4
    if node.raw_op.attrs["data_format"] != "NHWC" or None in (height, width, depth):
        raise UnimplementedError(
            f"TensorFlow.js has no counterpart of SpaceToDepth '{node.name}' of images of unknown size or NCHW."
        )
    cut = raw.Reshape(
        tensor=x, shape=np.array([-1, height // size, size, width // size, size, depth], np.int32)
    )
    turned = raw.Transpose(x=cut, perm=np.array([0, 1, 3, 2, 4, 5], np.int32))
    extents = np.array([-1, height // size, width // size, size * size * depth], np.int32)
    return raw.Reshape(tensor=turned, shape=extents)


@rewrite("MatrixBandPart")
def _matrix_band_part(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    x, (lower, upper) = inputs[0], map(constant_value, inputs[1:])
    rows, columns = x.shape.as_list()[-2:] if x.shape.rank else (None, None)
    if lower is None or upper is None or rows is None or columns is None:
        raise UnimplementedError(
            f"TensorFlow.js has no counterpart of MatrixBandPart '{node.name}' of an unknown number of rows or diagonals."
        )
    below = np.arange(rows)[:, None] - np.arange(columns)
    is_kept = ((lower < 0) | (below <= lower)) & ((upper < 0) | (-below <= upper))
    return raw.SelectV2(condition=is_kept, t=x, e=_like(0.0, x))


@rewrite("FakeQuantWithMinMaxVars")
def _fake_quant(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    low, high = map(constant_value, inputs[1:])
    attrs = node.raw_op.attrs
    if low is None or high is None:
        raise UnimplementedError(
            f"TensorFlow.js has no counterpart of FakeQuantWithMinMaxVars '{node.name}' of a range that is not constant."
        )
    # As TensorFlow's kernel: the range is moved so that zero is a step.
    least, most = float(attrs["narrow_range"]), float(2 ** attrs["num_bits"] - 1)
    scale = np.float32((high - low) / np.float32(most - least))
    zero = np.clip(np.floor(least - low / scale + 0.5), least, most)
    start, end = np.float32((least - zero) * scale), np.float32((most - zero) * scale)
    clipped = raw.ClipByValue(t=inputs[0], clip_value_min=start, clip_value_max=end)
    steps = raw.Floor(
        x=raw.AddV2(
            x=raw.Mul(x=raw.Sub(x=clipped, y=start), y=np.float32(1) / scale), y=np.float32(0.5)
        )
    )
    return raw.AddV2(x=raw.Mul(x=steps, y=scale), y=start)


def _like(value: float, x: SymbolicTensor) -> Any:
    return np.asarray(value, x.dtype.np)
