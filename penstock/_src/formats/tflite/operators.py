"""Builtin ops that do the same as one raw op: a row each, by which an op is read and written.

    Builtin("LEAKY_RELU", "LeakyRelu", attributes=same("alpha"))

Reading calls the raw op on the inputs (`Call.by_row`), writing adds the builtin op (`GraphWriter.by_row`). An op that needs more on one side has
a function there, which goes before the row: `@builtin` in `reading/ops/`, `@quantized` for quantized inputs alone, `@writes` in
`writing/ops/`. Such a function may leave the rest to `by_row`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import TYPES

# What a row's op does with quantized inputs; by default it moves them, whatever they mean.
FLOATS = "floats"  # computes with the floats that they mean, as TFLite's tables of 256 entries do
ONE_SCALE = "one scale"  # compares them after they are brought to one scale


@dataclass(frozen=True)
class Attribute:
    """An attribute of a raw op and the option of the builtin op that corresponds to it.

    Attributes:
      raw: the attribute.
      option: the option; "" if only the output's type states it.
      of_output: the attribute is the dtype of this output.
      texts: the attribute is the text at the position that the option gives.
      is_vector: it is a list of numbers.
    """

    raw: str
    option: str = ""
    of_output: int | None = None
    texts: tuple[str, ...] = ()
    is_vector: bool = False

    def read(self, options: Any, output_dtype: Callable[[int], DType]) -> Any:
        """Returns the attribute of an op with these options and outputs of these dtypes."""
        if self.of_output is not None:
            return output_dtype(self.of_output)
        value = getattr(options, self.option)
        if self.texts:
            return self.texts[value]
        if self.is_vector:
            return [] if value is None else value.tolist()
        return value

    def written(self, operation: Any) -> Any:
        """Returns the option for an operation of a graph."""
        if self.of_output is not None:
            return TYPES[operation.outputs[self.of_output].dtype]
        value = getattr(operation.raw_op, self.raw)
        if self.texts:
            return self.texts.index(value.decode() if isinstance(value, bytes) else value)
        return list(value) if self.is_vector else value


def same(*names: str) -> tuple[Attribute, ...]:
    """Returns attributes that options have under the same names."""
    return tuple(Attribute(name, name) for name in names)


@dataclass(frozen=True)
class Builtin:
    """A builtin op and the raw op that does the same, with inputs and outputs in the same order.

    Attributes:
      name: of BuiltinOperator.
      raw: the raw op.
      also: other raw ops that are written as it.
      integers: positions of inputs of indices and sizes, which TFLite takes as int32.
      options: the table of its options, if they are not named after the raw op; "" if files have none.
      attributes: the raw op's, except those that keep their defaults.
      version: of the builtin op that is written.
      activates: True if an option has an activation function that is applied to the result.
      quantized: how quantized inputs are computed: "", FLOATS or ONE_SCALE.
    """

    name: str
    raw: str
    also: tuple[str, ...] = ()
    integers: tuple[int, ...] = ()
    options: str = ""
    attributes: tuple[Attribute, ...] = ()
    version: int = 1
    activates: bool = False
    quantized: str = ""

    @property
    def table(self) -> str:
        """The table of options; "" if there is none."""
        named = any(attribute.option for attribute in self.attributes)
        return self.options or (f"{self.raw}Options" if named else "")

    def default_options(self) -> Any:
        """Returns a record of its options, all of them defaults; None if it has none."""
        return SCHEMA[self.table]() if self.table else None


def _reduction(name: str, raw: str, quantized: str = "") -> Builtin:
    return Builtin(name, raw, (), (1,), "ReducerOptions", same("keep_dims"), quantized=quantized)


_REAL_TYPE = (Attribute("Tout", of_output=0),)
_RESIZED = same("align_corners", "half_pixel_centers")

ROWS = (
    # Functions of one tensor.
    Builtin("ABS", "Abs"),
    Builtin("BITCAST", "Bitcast", attributes=(Attribute("type", of_output=0),)),
    Builtin("CEIL", "Ceil", quantized=FLOATS),
    Builtin("COMPLEX_ABS", "ComplexAbs", attributes=_REAL_TYPE),
    Builtin("COS", "Cos", quantized=FLOATS),
    Builtin("ELU", "Elu", quantized=FLOATS),
    Builtin("EXP", "Exp", quantized=FLOATS),
    Builtin("FLOOR", "Floor", quantized=FLOATS),
    Builtin("IMAG", "Imag", attributes=_REAL_TYPE),
    Builtin("LEAKY_RELU", "LeakyRelu", attributes=same("alpha")),
    Builtin("LOG", "Log", quantized=FLOATS),
    Builtin("LOGICAL_NOT", "LogicalNot"),
    Builtin("LOGISTIC", "Sigmoid", quantized=FLOATS),
    Builtin("LOG_SOFTMAX", "LogSoftmax", quantized=FLOATS),
    Builtin("NEG", "Neg", quantized=FLOATS),
    Builtin("REAL", "Real", attributes=_REAL_TYPE),
    Builtin("RELU", "Relu"),
    Builtin("RELU6", "Relu6"),
    Builtin("ROUND", "Round", also=("Rint",), quantized=FLOATS),
    Builtin("RSQRT", "Rsqrt", quantized=FLOATS),
    Builtin("SIGN", "Sign", quantized=FLOATS),
    Builtin("SIN", "Sin", quantized=FLOATS),
    Builtin("SQRT", "Sqrt", quantized=FLOATS),
    Builtin("SQUARE", "Square", quantized=FLOATS),
    Builtin("TANH", "Tanh", quantized=FLOATS),
    Builtin("ZEROS_LIKE", "ZerosLike"),
    Builtin(
        "BUCKETIZE",
        "Bucketize",
        attributes=(Attribute("boundaries", "boundaries", is_vector=True),),
    ),
    Builtin(
        "FAKE_QUANT",
        "FakeQuantWithMinMaxArgs",
        options="FakeQuantOptions",
        attributes=same("min", "max", "num_bits", "narrow_range"),
    ),
    Builtin(
        "LOCAL_RESPONSE_NORMALIZATION",
        "LRN",
        options="LocalResponseNormalizationOptions",
        attributes=(Attribute("depth_radius", "radius"), *same("bias", "alpha", "beta")),
    ),
    # Functions of several, element by element.
    Builtin("ADD", "AddV2", also=("Add", "BiasAdd"), options="AddOptions", activates=True),
    Builtin("DIV", "RealDiv", also=("Div", "TruncateDiv"), options="DivOptions", activates=True),
    Builtin("MUL", "Mul", options="MulOptions", activates=True),
    Builtin("SUB", "Sub", options="SubOptions", activates=True),
    Builtin("ADD_N", "AddN"),
    Builtin("ATAN2", "Atan2"),
    Builtin("BITWISE_XOR", "BitwiseXor"),
    Builtin("EQUAL", "Equal", quantized=ONE_SCALE),
    Builtin("FLOOR_DIV", "FloorDiv"),
    Builtin("FLOOR_MOD", "FloorMod"),
    Builtin("GREATER", "Greater", quantized=ONE_SCALE),
    Builtin("GREATER_EQUAL", "GreaterEqual", quantized=ONE_SCALE),
    Builtin("LESS", "Less", quantized=ONE_SCALE),
    Builtin("LESS_EQUAL", "LessEqual", quantized=ONE_SCALE),
    Builtin("LOGICAL_AND", "LogicalAnd"),
    Builtin("LOGICAL_OR", "LogicalOr"),
    Builtin("MAXIMUM", "Maximum"),
    Builtin("MINIMUM", "Minimum"),
    Builtin("NOT_EQUAL", "NotEqual", quantized=ONE_SCALE),
    Builtin("POW", "Pow"),
    Builtin("RIGHT_SHIFT", "RightShift"),
    Builtin("SELECT", "Select"),
    Builtin("SELECT_V2", "SelectV2"),
    Builtin("SQUARED_DIFFERENCE", "SquaredDifference"),
    # Reductions.
    Builtin(
        "ARG_MAX",
        "ArgMax",
        integers=(1,),
        attributes=(Attribute("output_type", "output_type", of_output=0),),
    ),
    Builtin(
        "ARG_MIN",
        "ArgMin",
        integers=(1,),
        attributes=(Attribute("output_type", "output_type", of_output=0),),
    ),
    Builtin("CUMSUM", "Cumsum", integers=(1,), attributes=same("exclusive", "reverse")),
    _reduction("MEAN", "Mean"),
    _reduction("REDUCE_ALL", "All"),
    _reduction("REDUCE_ANY", "Any"),
    _reduction("REDUCE_MAX", "Max"),
    _reduction("REDUCE_MIN", "Min"),
    _reduction("REDUCE_PROD", "Prod", FLOATS),
    _reduction("SUM", "Sum"),
    Builtin("SEGMENT_SUM", "SegmentSum", integers=(1,)),
    Builtin("UNSORTED_SEGMENT_MAX", "UnsortedSegmentMax", integers=(1, 2)),
    Builtin("UNSORTED_SEGMENT_MIN", "UnsortedSegmentMin", integers=(1, 2)),
    Builtin("UNSORTED_SEGMENT_PROD", "UnsortedSegmentProd", integers=(1, 2)),
    Builtin("UNSORTED_SEGMENT_SUM", "UnsortedSegmentSum", integers=(1, 2)),
    # Shapes, slices, joins, gathers.
    Builtin("BATCH_TO_SPACE_ND", "BatchToSpaceND", integers=(1, 2)),
    Builtin("BROADCAST_ARGS", "BroadcastArgs"),
    Builtin("BROADCAST_TO", "BroadcastTo", integers=(1,), version=2),
    Builtin("EXPAND_DIMS", "ExpandDims", integers=(1,)),
    Builtin("FILL", "Fill", integers=(0,)),
    Builtin("GATHER_ND", "GatherNd", integers=(1,)),
    Builtin("PAD", "Pad", integers=(1,)),
    Builtin("PADV2", "PadV2", integers=(1,)),
    Builtin("RANGE", "Range"),
    Builtin("RANK", "Rank"),
    Builtin("RESHAPE", "Reshape", integers=(1,), options="ReshapeOptions"),
    Builtin("RFFT2D", "RFFT2D", integers=(1,)),
    Builtin("REVERSE_V2", "ReverseV2", integers=(1,)),
    Builtin("SCATTER_ND", "ScatterNd", integers=(0, 2)),
    Builtin("SLICE", "Slice", integers=(1, 2)),
    Builtin("SPACE_TO_BATCH_ND", "SpaceToBatchND", integers=(1, 2)),
    Builtin("TILE", "Tile", integers=(1,)),
    Builtin("TOPK_V2", "TopKV2", integers=(1,), attributes=(Attribute("index_type", of_output=1),)),
    Builtin("TRANSPOSE", "Transpose", integers=(1,)),
    Builtin("WHERE", "Where"),
    Builtin("DEPTH_TO_SPACE", "DepthToSpace", attributes=same("block_size")),
    Builtin(
        "MIRROR_PAD",
        "MirrorPad",
        integers=(1,),
        attributes=(Attribute("mode", "mode", texts=("REFLECT", "SYMMETRIC")),),
    ),
    Builtin("ONE_HOT", "OneHot", integers=(1,), attributes=same("axis")),
    Builtin("PACK", "Pack", attributes=same("axis")),
    Builtin("RESIZE_BILINEAR", "ResizeBilinear", integers=(1,), attributes=_RESIZED, version=3),
    Builtin(
        "RESIZE_NEAREST_NEIGHBOR",
        "ResizeNearestNeighbor",
        integers=(1,),
        attributes=_RESIZED,
        version=3,
    ),
    Builtin("REVERSE_SEQUENCE", "ReverseSequence", attributes=same("seq_dim", "batch_dim")),
    Builtin("SHAPE", "Shape", attributes=(Attribute("out_type", "out_type", of_output=0),)),
    Builtin("SPACE_TO_DEPTH", "SpaceToDepth", attributes=same("block_size")),
    Builtin("SPARSE_TO_DENSE", "SparseToDense", attributes=same("validate_indices")),
    Builtin("SPLIT", "Split", integers=(0,), attributes=(Attribute("num_split", "num_splits"),)),
    Builtin(
        "SPLIT_V", "SplitV", integers=(1, 2), attributes=(Attribute("num_split", "num_splits"),)
    ),
    Builtin(
        "SQUEEZE",
        "Squeeze",
        attributes=(Attribute("squeeze_dims", "squeeze_dims", is_vector=True),),
    ),
    Builtin(
        "STRIDED_SLICE",
        "StridedSlice",
        attributes=same(
            "begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"
        ),
    ),
    Builtin("UNIQUE", "Unique", attributes=(Attribute("out_idx", "idx_out_type", of_output=1),)),
    Builtin("UNPACK", "Unpack", attributes=same("num", "axis")),
)
BY_NAME = {row.name: row for row in ROWS}
BY_RAW = {raw: row for row in ROWS for raw in (row.raw, *row.also)}
