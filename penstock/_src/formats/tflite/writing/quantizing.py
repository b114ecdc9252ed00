"""Turns a graph of floats into one of int8, or of int16 with int8 weights, by the ranges of its tensors."""

import copy
import dataclasses
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.formats.tflite.schema import SCHEMA, BuiltinOperator, TensorType, verify_options
from penstock._src.formats.tflite.types import TYPES, array_to_buffer, buffer_to_array
from penstock._src.formats.tflite.writing.calibration import Range, Ranges
from penstock._src.formats.tflite.writing.graph import FileWriter

log = logging.getLogger("tensorflow")
_INTEGER_SUFFIX = "_int"  # suffix of the names of quantized results
# TensorFlow's custom op that compares quantized results with float ones.
NUMERIC_VERIFY = "NumericVerify"
# The inputs that are values, weights and bias, and the weights' axis of output channels.
_LINEAR = {
    "CONV_2D": (0, 1, 2, 0),
    "DEPTHWISE_CONV_2D": (0, 1, 2, 3),
    "FULLY_CONNECTED": (0, 1, 2, 0),
    "TRANSPOSE_CONV": (2, 1, 3, 0),
}
# Ops that see no values, whatever their type.
_OF_SHAPES = {"RANK", "SHAPE"}
# Ops whose results keep the scale of their inputs.
_KEEPS_SCALE = set(
    "AVERAGE_POOL_2D BATCH_TO_SPACE_ND BROADCAST_TO CONCATENATION DEPTH_TO_SPACE EXPAND_DIMS GATHER GATHER_ND MAXIMUM MAX_POOL_2D MINIMUM "
    "MIRROR_PAD PACK PAD PADV2 REDUCE_MAX REDUCE_MIN RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 SELECT SELECT_V2 SLICE "
    "SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQUEEZE STRIDED_SLICE TILE TOPK_V2 TRANSPOSE UNPACK".split()
)
# Those of them whose inputs may have been cut off at the ends of their result's range.
_EXTREMES = ("MAXIMUM", "MINIMUM")
_COMPARISONS = set("EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL".split())
# Other ops with kernels of integers; the others stay on floats, as DIV, whose kernel of int8 refuses values that it takes for zeros.
_OTHERS = {8: set("ABS ADD ARG_MAX ARG_MIN BATCH_MATMUL EXP GELU HARD_SWISH L2_NORMALIZATION LEAKY_RELU LOG LOGISTIC LOG_SOFTMAX MEAN MUL PRELU REDUCE_PROD "
                  "RELU RELU6 RELU_N1_TO_1 RSQRT SOFTMAX SQRT SQUARED_DIFFERENCE SUB SUM TANH".split()) | _COMPARISONS,
           16: set("ADD SUB MUL MEAN RELU RELU6 LEAKY_RELU SOFTMAX LOGISTIC TANH BATCH_MATMUL".split())}  # fmt: skip
_NOT_OF_INT16 = set(
    "BATCH_TO_SPACE_ND BROADCAST_TO DEPTH_TO_SPACE GATHER_ND MIRROR_PAD REDUCE_MAX REDUCE_MIN REVERSE_V2 SELECT SELECT_V2 SPACE_TO_BATCH_ND "
    "SPACE_TO_DEPTH SPLIT_V TILE TOPK_V2 MINIMUM MAXIMUM".split()
)
_OF_FOUR_AXES = ("ADD", "MUL", "SUB")  # with int16
# A tensor with greater values holds instead of minus infinity what a mask excludes: a scale for it leaves nothing of the others.
_MOST = 1e6
# Scales and int8 zero points of results that their kernels require.
_FIXED = {
    "L2_NORMALIZATION": (128, 0),
    "LOGISTIC": (256, -128),
    "LOG_SOFTMAX": (16, 127),
    "SOFTMAX": (256, -128),
    "TANH": (128, 0),
}


@dataclasses.dataclass(frozen=True)
class Integers:
    """The options of a model's quantization to integers.

    Attributes:
      samples: inputs, whose values give the scales; without samples `ranges` do.
      bits: of activations: 8, or 16 with weights of 8.
      warns: whether a warning names the ops that stay on floats.
      input_type, output_type: of the model's inputs and outputs that are floats.
      input_ranges: without samples, the least and the largest value of the inputs, by their names.
      range: without samples, those of all other tensors.
      float_ops: builtin ops that stay on floats.
      float_tensors: names of tensors whose ops stay on floats.
      verifies: True: the model compares the result of each op with that of floats (`NumericVerify`).
    """

    samples: Iterable[Any] | None
    bits: int = 8
    warns: bool = False
    input_type: DType = dtypes.float32
    output_type: DType = dtypes.float32
    input_ranges: Mapping[str, Range] = dataclasses.field(default_factory=dict)
    range: Range | None = None
    float_ops: Collection[str] = ()
    float_tensors: Collection[str] = ()
    verifies: bool = False


@dataclasses.dataclass(frozen=True)
class _Scale:
    scale: float
    zero: int = 0


class Quantizer:
    """Rewrites one graph.

    Args:
      file: the file's buffers and operator codes.
      graph: the record `SubGraph` of floats.
      ranges: of its tensors.
      integers: how the model computes.

    Attributes:
      verifications: places of the differences between quantized and float results.
    """

    def __init__(self, file: FileWriter, graph: Any, ranges: Ranges, integers: Integers) -> None:
        self._file, self._graph, self._settings = file, graph, integers
        self._bits = integers.bits
        self._known = {*_LINEAR, *_KEEPS_SCALE, *_OTHERS[integers.bits]}
        if integers.bits == 16:
            self._known -= _NOT_OF_INT16
        self._dtype: DType = dtypes.int8 if integers.bits == 8 else dtypes.int16
        self.verifications: list[int] = []
        self._has_float_ends = True
        ends = (*graph.inputs, *graph.outputs)
        self._ranges = {p: r for p, r in ranges.items() if max(map(abs, r)) < _MOST or p in ends}
        self._quantized: dict[int, int] = {}  # index of a float tensor -> of its integers
        self._floats: dict[int, int] = {}  # index of a float tensor -> of its floats, if they exist
        self._scales: dict[int, _Scale] = {}
        self._operators: list[Any] = []
        self._left: set[str] = set()  # ops that read values and stay on floats

    def run(self, input_type: DType, output_type: DType) -> None:
        """Rewrites the graph.

        Args:
          input_type: of inputs that are floats: float32, or an integer type.
          output_type: the same of outputs.
        """
        graph = self._graph
        names = [self._name(operator) for operator in graph.operators]
        self._has_float_ends = input_type == output_type == dtypes.float32
        self._narrow_ranges(names)
        self._join_ranges(names)
        self._settle_scales(names)
        inputs = list(graph.inputs)
        for place in inputs:
            self._floats[place] = place
        graph.inputs = [self._input(place, input_type) for place in inputs]
        for operator, name in zip(graph.operators, names, strict=True):
            if self._is_supported(operator, name):
                self._quantize(operator, name)
            else:
                self._keep(operator, name)
        outputs = list(graph.outputs)
        graph.outputs = [self._output(place, output_type) for place in outputs]
        graph.operators = self._operators
        if self._settings.warns and self._left:
            names = ", ".join(sorted(self._left))
            log.warning(
                f"TFLite: without kernels of int{self._bits}, these ops stay on floats: {names}."
            )
        self._name_ends([*inputs, *outputs], [*graph.inputs, *graph.outputs])

    def has_float_weights(self) -> bool:
        """True if a product or convolution of the new graph has constant weights of floats."""
        linear = [(o, _LINEAR[name]) for o in self._operators if (name := self._name(o)) in _LINEAR]
        weights = [operator.inputs[places[1]] for operator, places in linear]
        return any(self._is_float(p) and self._constant(p) is not None for p in weights)

    def _name_ends(self, places: list[int], integers: list[int]) -> None:
        """Gives the graph's inputs and outputs the names that they had as floats."""
        tensors = self._graph.tensors
        for place, integer in zip(places, integers, strict=True):
            if place != integer:
                tensors[integer].name = tensors[place].name
                tensors[place].name += "_float"

    # -- scales

    def _name(self, operator: Any) -> str:
        return BuiltinOperator.name(self._file.codes[operator.opcode_index].builtin_code)

    def _is_activation(self, place: int) -> bool:
        return place in self._ranges

    def _is_supported(self, operator: Any, name: str) -> bool:
        if any(self._is_float(p) and not self._is_activation(p) for p in operator.outputs):
            return False  # it has no useful range
        if name == "RESHAPE" and self._has_float_ends and self._copies_input(operator):
            return False
        names = [self._graph.tensors[p].name for p in operator.outputs]
        names += [f"{each}{_INTEGER_SUFFIX}" for each in names]
        if name in self._settings.float_ops or set(names).intersection(
            self._settings.float_tensors
        ):
            return False
        if name in _LINEAR:
            x, w, b = (operator.inputs[i] for i in _LINEAR[name][:3])
            constants = self._constant(w), self._constant(b)
            return self._is_activation(x) and all(c is not None for c in constants)
        if self._bits == 16 and name in _OF_FOUR_AXES:
            tensors = [self._graph.tensors[p] for p in operator.inputs]
            if any(len(tensor.shape) > 4 for tensor in tensors):
                return False  # TFLite's interpreter would abort
        floats = [
            p for p in operator.inputs if p >= 0 and self._is_float(p) and self._constant(p) is None
        ]
        return name in self._known and bool(floats) and all(map(self._is_activation, floats))

    def _copies_input(self, operator: Any) -> bool:
        """True if a result of the graph has the values of an input, as that of an identity."""
        (x, *_), (result,) = operator.inputs, operator.outputs
        is_read = any(result in each.inputs for each in self._graph.operators)
        return x in self._graph.inputs and result in self._graph.outputs and not is_read

    def _narrow_ranges(self, names: list[str]) -> None:
        """Gives tensors of which only a maximum or minimum is taken the range of that."""
        readers = Counter(p for each in self._graph.operators for p in each.inputs)
        readers.update(self._graph.outputs)
        for operator, name in zip(self._graph.operators[::-1], names[::-1], strict=True):
            (output, *_) = operator.outputs or (-1,)
            if name in _EXTREMES and output in self._ranges:
                for place in operator.inputs:
                    if place in self._ranges and readers[place] == 1:
                        self._ranges[place] = self._ranges[output]

    def _join_ranges(self, names: list[str]) -> None:
        """Gives tensors that must have one scale the widest of their ranges."""
        changed = True
        while changed:
            changed = False
            for operator, name in zip(self._graph.operators, names, strict=True):
                if name not in _KEEPS_SCALE or (name in _EXTREMES and self._settings.samples):
                    continue
                if self._settings.samples is None:
                    changed |= self._pass_range(operator)
                group = [p for p in (*operator.inputs, *operator.outputs) if p in self._ranges]
                if not group:
                    continue
                low = min(self._ranges[p][0] for p in group)
                high = max(self._ranges[p][1] for p in group)
                changed |= any(self._ranges[p] != (low, high) for p in group)
                self._ranges.update((p, (low, high)) for p in group)

    def _pass_range(self, operator: Any) -> bool:
        """Gives the only input of an operator, and its outputs, the range that one of them has; returns whether there was none."""
        places = [p for p in (*operator.inputs, *operator.outputs) if p >= 0 and self._is_float(p)]
        known = [self._ranges[p] for p in places if p in self._ranges]
        if not known or len(places) != 1 + len(operator.outputs) or len(known) == len(places):
            return False
        self._ranges.update((p, known[0]) for p in places if p not in self._ranges)
        return True

    def _settle_scales(self, names: list[str]) -> None:
        for place, (low, high) in self._ranges.items():
            self._scales[place] = self._scale_of(low, high)
        for operator, name in zip(self._graph.operators, names, strict=True):
            if name in _FIXED and name in self._known:
                parts, zero = _FIXED[name]
                fixed = _Scale(1 / parts, zero) if self._bits == 8 else _Scale(1 / 32768)
                self._spread(operator.outputs[0], fixed, names)

    def _spread(self, place: int, scale: _Scale, names: list[str]) -> None:
        """Gives a tensor a scale, and those that must share it."""
        self._scales[place] = scale
        for operator, name in zip(self._graph.operators, names, strict=True):
            if name in _KEEPS_SCALE and place in operator.inputs:
                floats = [p for p in operator.inputs if p >= 0 and self._is_float(p)]
                if len(floats) == 1 or name == "PADV2":
                    for output in operator.outputs:
                        self._spread(output, scale, names)

    def _scale_of(self, low: float, high: float) -> _Scale:
        low, high = min(low, 0.0), max(high, 0.0)
        if low == high:  # zeros; TFLite's sums refuse scales far above that of the result
            return _Scale(2.0 ** (1 - self._bits))
        if self._bits == 16:
            return _Scale(float(np.float32(max(-low, high) / 32767)))
        scale = float(np.float32((high - low) / 255))
        return _Scale(scale, int(np.clip(round(-128 - low / scale), -128, 127)))

    # -- tensors

    def _is_float(self, place: int) -> bool:
        return self._graph.tensors[place].type == TensorType.FLOAT32

    def _constant(self, place: int) -> np.ndarray | None:
        record = self._graph.tensors[place]
        if not record.buffer:
            return None
        data = np.frombuffer(self._file.buffers[record.buffer].data, np.uint8)
        shape = tuple(record.shape)
        return buffer_to_array(data, record.type, int(np.prod(shape))).reshape(shape)

    def _copy(self, place: int, dtype: DType, scale: _Scale | None, suffix: str) -> int:
        record = self._graph.tensors[place]
        parameters = None
        if scale is not None:
            parameters = SCHEMA["QuantizationParameters"](
                scale=[scale.scale], zero_point=[scale.zero]
            )
        self._graph.tensors.append(
            SCHEMA["Tensor"](
                name=f"{record.name}{suffix}",
                type=TYPES[dtype],
                shape=record.shape,
                shape_signature=record.shape_signature,
                quantization=parameters,
                has_rank=True,
            )
        )
        return len(self._graph.tensors) - 1

    def _stored(self, values: np.ndarray, scales: Any, axis: int, name: str) -> int:
        scales = np.atleast_1d(np.float32(scales))
        dtype = dtypes.as_dtype(values.dtype)
        self._graph.tensors.append(
            SCHEMA["Tensor"](
                name=name,
                type=TYPES[dtype],
                shape=list(values.shape),
                buffer=self._file.buffer(array_to_buffer(values, TYPES[dtype])),
                quantization=SCHEMA["QuantizationParameters"](
                    scale=scales,
                    zero_point=np.zeros(len(scales), np.int64),
                    quantized_dimension=axis,
                ),
                has_rank=True,
            )
        )
        return len(self._graph.tensors) - 1

    def _append(self, name: str, inputs: list[int], outputs: list[int]) -> None:
        code = self._file.code(name, 2)
        self._operators.append(
            SCHEMA["Operator"](opcode_index=code, inputs=inputs, outputs=outputs)
        )

    def _integers(self, place: int) -> int:
        """The index of a tensor's integers; a constant's own range determines its scale."""
        if place in self._quantized:
            return self._quantized[place]
        value = self._constant(place)
        if value is not None:
            scale = self._scale_of(float(value.min()), float(value.max()))
            index = self._constant_integers(place, value, scale)
        else:
            index = self._copy(place, self._dtype, self._scales[place], "_int")
            self._append("QUANTIZE", [self._floats[place]], [index])
        self._quantized[place] = index
        return index

    def _constant_integers(self, place: int, value: np.ndarray, scale: _Scale) -> int:
        """The index of a constant's integers at a scale."""
        info = np.iinfo(self._dtype.as_numpy_dtype)
        rounded = np.rint(value / np.float32(scale.scale)) + scale.zero
        integers = np.clip(rounded, info.min, info.max).astype(self._dtype.as_numpy_dtype)
        name = f"{self._graph.tensors[place].name}{_INTEGER_SUFFIX}"
        index = self._stored(integers, scale.scale, 0, name)
        self._graph.tensors[index].quantization.zero_point = [scale.zero]
        return index

    def _with_scale(self, place: int, scale: _Scale | None) -> int:
        """The index of a tensor's integers, rescaled if they have another scale."""
        value = self._constant(place)
        if value is not None and scale is not None:
            return self._constant_integers(place, value, scale)
        integers = self._integers(place)
        if scale is None or self._scales.get(place, scale) == scale:
            return integers
        index = self._copy(place, self._dtype, scale, "_rescaled")
        self._append("QUANTIZE", [integers], [index])
        return index

    def _reals(self, place: int) -> int:
        if place in self._floats or place not in self._quantized:
            return self._floats.get(place, place)
        self._append("DEQUANTIZE", [self._quantized[place]], [place])
        self._floats[place] = place
        return place

    # -- operators

    def _keep(self, operator: Any, name: str) -> None:
        if name in _OF_SHAPES:
            operator.inputs = [self._quantized.get(p, p) for p in operator.inputs]
        elif any(self._is_activation(p) for p in operator.inputs):
            self._left.add(name)
        operator.inputs = [p if p < 0 else self._reals(p) for p in operator.inputs]
        self._operators.append(operator)
        self._floats.update((p, p) for p in operator.outputs)

    def _quantize(self, operator: Any, name: str) -> None:
        outputs = []
        floats = self._float_copy(operator) if self._settings.verifies else []
        if name in _LINEAR:
            inputs = self._linear_inputs(operator, name)
            if self._bits == 16 and name != "DEPTHWISE_CONV_2D":
                operator.builtin_options.quantized_bias_type = TensorType.INT64
        else:
            kept = self._scales[operator.outputs[0]] if name in _KEEPS_SCALE else None
            inputs = [
                self._with_scale(p, kept) if p >= 0 and self._is_float(p) else p
                for p in operator.inputs
            ]
        for place in operator.outputs:
            index = place
            if self._is_float(place):
                index = self._copy(place, self._dtype, self._scales[place], _INTEGER_SUFFIX)
                self._quantized[place] = index
            outputs.append(index)
        operator.inputs, operator.outputs = inputs, outputs
        if self._bits == 16 and name in ("ADD", "SUB"):
            operator.builtin_options.pot_scale_int16 = False  # scales are not powers of two
        if name == "FULLY_CONNECTED":
            operator.builtin_options.asymmetric_quantize_inputs = False
        code = self._file.codes[operator.opcode_index]
        code.version = max(code.version, _VERSIONS[self._bits].get(name, 2))
        self._operators.append(operator)
        for result, real in zip(outputs, floats):
            self._verify(result, real)

    def _float_copy(self, operator: Any) -> list[int]:
        """Computes an operator's results from the reals that its quantized inputs represent; returns their indices."""
        reals = copy.copy(operator)
        reals.builtin_options = copy.copy(operator.builtin_options)
        reals.inputs = [
            p if p < 0 or self._constant(p) is not None else self._reals(p) for p in operator.inputs
        ]
        reals.outputs = [
            self._copy(p, dtypes.float32, None, "_real") if self._is_float(p) else p
            for p in operator.outputs
        ]
        self._operators.append(reals)
        return reals.outputs

    def _verify(self, result: int, real: int) -> None:
        """Computes the difference between the values of integers and the reals."""
        name = self._graph.tensors[real].name.removesuffix("_real")
        difference = self._copy(real, dtypes.float32, None, "")
        # As TensorFlow names them: a digit ends the tensor's name.
        self._graph.tensors[difference].name = f"{NUMERIC_VERIFY}/{name}0"
        self._operators.append(
            SCHEMA["Operator"](
                opcode_index=self._file.custom_code(NUMERIC_VERIFY),
                inputs=[result, real],
                outputs=[difference],
                custom_options=verify_options(),
            )
        )
        self.verifications.append(difference)

    def _linear_inputs(self, operator: Any, name: str) -> list[int]:
        *places, axis = _LINEAR[name]
        x, w, b = (operator.inputs[i] for i in places)
        value = self._constant(w)
        assert value is not None
        others = tuple(i for i in range(value.ndim) if i != axis)
        largest = np.max(np.abs(value), axis=others)
        scales = np.where(largest == 0, np.float32(1), largest / np.float32(127)).astype(np.float32)
        shape = [1] * value.ndim
        shape[axis] = -1
        scaled = np.clip(np.rint(value / scales.reshape(shape)), -127, 127).astype(np.int8)
        bias_scales = np.float64(self._scales[x].scale) * scales
        bias = self._constant(b)
        assert bias is not None
        kind, most = (np.int32, 2**31 - 1) if self._bits == 8 else (np.int64, 2**40)
        steps = np.clip(np.rint(bias / bias_scales), -most, most).astype(kind)
        quantized = (
            self._integers(x),
            self._stored(scaled, scales, axis, f"{self._graph.tensors[w].name}_int8"),
            self._stored(steps, bias_scales, 0, f"{self._graph.tensors[b].name}_int"),
        )
        inputs = list(operator.inputs)
        for place, integers in zip(places, quantized, strict=True):
            inputs[place] = integers
        return inputs

    # -- the graph's ends

    def _input(self, place: int, dtype: DType) -> int:
        if dtype == dtypes.float32 or not self._is_activation(place):
            return place
        if dtype == self._dtype:
            self._quantized[place] = self._copy(place, dtype, self._scales[place], "_int")
            del self._floats[place]
            return self._quantized[place]
        index = self._copy(place, dtype, _shifted(self._scales[place], dtype), "_input")
        self._quantized[place] = self._copy(place, self._dtype, self._scales[place], "_int")
        del self._floats[place]
        self._append("QUANTIZE", [index], [self._quantized[place]])
        return index

    def _output(self, place: int, dtype: DType) -> int:
        if dtype == dtypes.float32 or not self._is_activation(place):
            return self._reals(place)
        integers = self._integers(place)
        if dtype == self._dtype:
            return integers
        index = self._copy(place, dtype, _shifted(self._scales[place], dtype), "_output")
        self._append("QUANTIZE", [integers], [index])
        return index


def name_verifications(file: FileWriter, graph: Any) -> None:
    """Adds the number of the quantized tensor to the name of each difference, once the numbers are final."""
    for operator in graph.operators:
        if file.codes[operator.opcode_index].custom_code == NUMERIC_VERIFY:
            graph.tensors[operator.outputs[0]].name += f":{operator.inputs[0]}"


def _shifted(scale: _Scale, dtype: DType) -> _Scale:
    """The scale of the same numbers as uint8."""
    return _Scale(scale.scale, scale.zero + 128 if dtype == dtypes.uint8 else scale.zero)


# The versions of ops in which these types are known, where they are not 2.
_VERSIONS: dict[int, dict[str, int]] = {
    8: {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "BATCH_MATMUL": 2, "STRIDED_SLICE": 2, "RESHAPE": 1,
        "EXPAND_DIMS": 1, "SQUEEZE": 1, "HARD_SWISH": 1, "PRELU": 1, "RELU_N1_TO_1": 1},
    16: {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "FULLY_CONNECTED": 4, "BATCH_MATMUL": 3, "ADD": 4, "SUB": 5, "MUL": 4,
         "MEAN": 3, "AVERAGE_POOL_2D": 3, "MAX_POOL_2D": 3, "SOFTMAX": 3, "LOGISTIC": 3, "TANH": 3, "RELU": 3,
         "CONCATENATION": 3, "PACK": 2, "PAD": 2, "TRANSPOSE": 4, "TRANSPOSE_CONV": 3, "SLICE": 4, "SPLIT": 4, "STRIDED_SLICE": 4,
         "RESIZE_BILINEAR": 4, "RESIZE_NEAREST_NEIGHBOR": 4, "LEAKY_RELU": 2, "RESHAPE": 1, "EXPAND_DIMS": 1, "SQUEEZE": 1,
         "QUANTIZE": 2, "DEQUANTIZE": 3},
}  # fmt: skip
