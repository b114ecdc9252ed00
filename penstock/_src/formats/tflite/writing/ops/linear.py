"""Convolutions, products and pooling, with the biases and activations that follow them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType, float32
from penstock._src.core.typesets import INDEX
from penstock._src.formats.tflite.schema import SCHEMA, Padding
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.formats.tflite.writing.weights import half, weight
from penstock._src.graph.operation import Operation


def _padding(graph: GraphWriter, operation: Operation) -> int:
    kind = operation.raw_op.padding
    kind = kind.decode() if isinstance(kind, bytes) else kind
    if kind not in ("SAME", "VALID"):
        raise graph.unimplemented(operation, f"padding {kind}")
    return Padding.SAME if kind == "SAME" else Padding.VALID


def _padded(
    graph: GraphWriter, operation: Operation, filler: float | None = None
) -> tuple[int, int]:
    """A window's image and padding; explicit padding is an operator of its own, with zeros or another number around the image."""
    x, op = operation.inputs[0], operation.raw_op
    if op.padding not in ("EXPLICIT", b"EXPLICIT"):
        return graph.place(x), _padding(graph, operation)
    widths = np.array(op.explicit_paddings, np.int32).reshape(-1, 2)
    sizes = [
        None if size is None else size + int(pair.sum())
        for size, pair in zip(x.shape.as_list(), widths, strict=True)
    ]
    inputs = [graph.place(x), graph.constant(widths, "widths")]
    if filler is None:
        return graph.emit("PAD", inputs, x.dtype, sizes, operation.name), Padding.VALID
    inputs.append(graph.constant(np.array(filler, x.dtype.as_numpy_dtype), "filler"))
    return graph.emit("PADV2", inputs, x.dtype, sizes, operation.name), Padding.VALID


def _linear(
    graph: GraphWriter,
    operation: Operation,
    name: str,
    inputs: list[int],
    channels: int,
    options: Any,
    version: int = 3,
) -> None:
    """Adds a linear operator with the bias and activation that follow it.

    Raises:
      UnimplementedError: it is of other numbers than float32, which TFLite's kernels take.
    """
    if operation.outputs[0].dtype is not float32:
        raise graph.unimplemented(operation, f"the type {operation.outputs[0].dtype.name}")
    bias, function, last = graph.epilogue(operation, channels)
    options.fused_activation_function = function
    if bias is None:
        bias = np.zeros(channels, np.float32)
    place = (
        half(graph, bias, f"{operation.name}/bias")
        if graph.weights == "float16"
        else graph.constant(bias, f"{operation.name}/bias")
    )
    graph.add(name, operation, [*inputs, place], options, version, outputs=[last])


@writes("Conv2D")
def conv_2d(graph: GraphWriter, operation: Operation) -> None:
    graph.check_layout(operation)
    op = operation.raw_op
    kernel = np.ascontiguousarray(graph.known(operation, 1).transpose(3, 0, 1, 2))
    x, padding = _padded(graph, operation)
    options = SCHEMA["Conv2DOptions"](
        padding=padding,
        stride_h=op.strides[1],
        stride_w=op.strides[2],
        dilation_h_factor=op.dilations[1],
        dilation_w_factor=op.dilations[2],
    )
    inputs = [x, weight(graph, kernel, operation.inputs[1].op.name, 0)]
    _linear(graph, operation, "CONV_2D", inputs, len(kernel), options, 6)


@writes("DepthwiseConv2dNative")
def depthwise_conv_2d(graph: GraphWriter, operation: Operation) -> None:
    graph.check_layout(operation)
    op = operation.raw_op
    kernel = graph.known(operation, 1)
    height, width, depth, multiplier = kernel.shape
    kernel = kernel.reshape(1, height, width, depth * multiplier)
    x, padding = _padded(graph, operation)
    options = SCHEMA["DepthwiseConv2DOptions"](
        padding=padding,
        stride_h=op.strides[1],
        stride_w=op.strides[2],
        depth_multiplier=multiplier,
        dilation_h_factor=op.dilations[1],
        dilation_w_factor=op.dilations[2],
    )
    inputs = [x, weight(graph, kernel, operation.inputs[1].op.name, 3)]
    _linear(graph, operation, "DEPTHWISE_CONV_2D", inputs, depth * multiplier, options, 6)


@writes("Conv3D")
def conv_3d(graph: GraphWriter, operation: Operation) -> None:
    graph.check_layout(operation, "NDHWC")
    kernel = graph.known(operation, 1)
    inputs = [
        graph.place(operation.inputs[0]),
        graph.constant(kernel, operation.inputs[1].op.name),
    ]
    options = _options_3d(graph, operation)
    _linear(graph, operation, "CONV_3D", inputs, kernel.shape[-1], options, 1)


def _options_3d(graph: GraphWriter, operation: Operation) -> Any:
    op = operation.raw_op
    names = zip("dhw", op.strides[1:4], op.dilations[1:4], strict=True)
    steps = {
        key: step
        for axis, stride, dilation in names
        for key, step in ((f"stride_{axis}", stride), (f"dilation_{axis}_factor", dilation))
    }
    return SCHEMA["Conv3DOptions"](padding=_padding(graph, operation), **steps)


@writes("Conv3DBackpropInputV2")
def transpose_conv_3d(graph: GraphWriter, operation: Operation) -> None:
    graph.check_layout(operation, "NDHWC")
    kernel = graph.known(operation, 1)
    inputs = [
        graph.integers(operation.inputs[0]),
        graph.constant(kernel, operation.inputs[1].op.name),
        graph.place(operation.inputs[2]),
    ]
    options = _options_3d(graph, operation)
    _linear(graph, operation, "CONV_3D_TRANSPOSE", inputs, kernel.shape[-2], options, 1)


@writes("Conv2DBackpropInput")
def transpose_conv(graph: GraphWriter, operation: Operation) -> None:
    graph.check_layout(operation)
    op = operation.raw_op
    if list(op.dilations) != [1, 1, 1, 1]:
        raise graph.unimplemented(operation, "dilation")
    # TensorFlow's [h, w, outputs, inputs] as [outputs, h, w, inputs]; weights stay floats, as hybrid kernels are missing.
    kernel = np.ascontiguousarray(graph.known(operation, 1).transpose(2, 0, 1, 3))
    store = half if graph.weights == "float16" else GraphWriter.constant
    options = SCHEMA["TransposeConvOptions"](
        padding=_padding(graph, operation), stride_h=op.strides[1], stride_w=op.strides[2]
    )
    inputs = [
        graph.integers(operation.inputs[0]),
        store(graph, kernel, operation.inputs[1].op.name),
        graph.place(operation.inputs[2]),
    ]
    _linear(graph, operation, "TRANSPOSE_CONV", inputs, len(kernel), options, 4)


@writes("MatMul")
def mat_mul(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    value = graph.value(operation.inputs[1])
    if value is None or op.transpose_a or value.dtype != np.float32:
        _batch_product(graph, operation, op.transpose_a, op.transpose_b)
        return
    rows = value if op.transpose_b else np.ascontiguousarray(value.T)
    _dense(graph, operation, rows)


def _dense(graph: GraphWriter, operation: Operation, rows: np.ndarray) -> None:
    inputs = [
        graph.place(operation.inputs[0]),
        weight(graph, rows, operation.inputs[1].op.name, 0),
    ]
    options = SCHEMA["FullyConnectedOptions"](
        keep_num_dims=operation.outputs[0].shape.rank != 2, asymmetric_quantize_inputs=True
    )
    _linear(graph, operation, "FULLY_CONNECTED", inputs, len(rows), options, 9)


@writes("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def batch_mat_mul(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    value = graph.value(operation.inputs[1])
    if value is not None and value.ndim == 2 and not op.adj_x and value.dtype == np.float32:
        _dense(graph, operation, value if op.adj_y else np.ascontiguousarray(value.T))
        return
    _batch_product(graph, operation, op.adj_x, op.adj_y)


def _batch_product(graph: GraphWriter, operation: Operation, adj_x: bool, adj_y: bool) -> None:
    if operation.outputs[0].dtype != float32:
        raise graph.unimplemented(operation, f"a product of {operation.outputs[0].dtype.name}")
    options = SCHEMA["BatchMatMulOptions"](adj_x=adj_x, adj_y=adj_y)
    graph.add("BATCH_MATMUL", operation, options=options, version=1)


@writes("Einsum")
def einsum(graph: GraphWriter, operation: Operation) -> None:
    """A product of two tensors, as one of matrices: axes that are summed, of the first alone and of the second alone are joined."""
    equation = operation.raw_op.equation
    equation = equation.decode() if isinstance(equation, bytes) else equation
    terms, _, result = equation.replace(" ", "").partition("->")
    first, _, second = terms.partition(",")
    shared = set(first) & set(second)
    summed = [k for k in first if k in shared and k not in result]
    batch = [k for k in result if k in shared]
    rows = [k for k in first if k not in shared]
    columns = [k for k in second if k not in shared]
    labels = [*batch, *rows, *columns]
    if (
        "." in equation
        or not second
        or sorted(labels) != sorted(result)
        or any(len(set(text)) != len(text) for text in (first, second))
    ):
        raise graph.unimplemented(operation, f"the equation {equation}")
    extents = _Extents(graph, operation, (first, second))
    x = extents.ordered(0, [*batch, *rows, *summed])
    y = extents.ordered(1, [*batch, *summed, *columns])
    x = extents.joined(x, [[k] for k in batch] + [rows, summed])
    y = extents.joined(y, [[k] for k in batch] + [summed, columns])
    steps: list[tuple[str, list[list[str]]]] = [
        ("BATCH_MATMUL", [*([k] for k in batch), rows, columns])
    ]
    if len(rows) != 1 or len(columns) != 1:
        steps.append(("RESHAPE", [[k] for k in labels]))
    if labels != list(result):
        steps.append(("TRANSPOSE", [[k] for k in result]))
    inputs = [x, y]
    for name, groups in steps:
        if name == "RESHAPE":
            inputs.append(extents.vector(groups))
        elif name == "TRANSPOSE":
            order = np.array([labels.index(k) for k in result], np.int32)
            inputs.append(graph.constant(order, "order"))
        options = SCHEMA["BatchMatMulOptions"]() if name == "BATCH_MATMUL" else None
        if name == steps[-1][0]:
            graph.add(name, operation, inputs, options)
        else:
            shape = [extents.known(group) for group in groups]
            dtype = operation.outputs[0].dtype
            inputs = [graph.emit(name, inputs, dtype, shape, operation.name, options)]


class _Extents:
    """The extents of an Einsum's labels, which groups of labels multiply.

    Args:
      graph: that is written.
      operation: the Einsum.
      terms: the labels of its inputs.
    """

    def __init__(self, graph: GraphWriter, operation: Operation, terms: Sequence[str]) -> None:
        self._graph, self._operation, self._terms = graph, operation, terms
        self._sizes: dict[str, int | None] = {}
        for labels, tensor in zip(terms, operation.inputs, strict=True):
            for label, size in zip(labels, tensor.shape.as_list(), strict=True):
                self._sizes[label] = self._sizes.get(label) or size

    def known(self, group: Sequence[str]) -> int | None:
        """The extent of a group, None if it is open."""
        sizes = [self._sizes[label] for label in group]
        return None if None in sizes else int(np.prod(sizes, dtype=np.int64))  # type: ignore[arg-type]

    def ordered(self, i: int, wanted: Sequence[str]) -> int:
        """Returns the index of an input with its axes in another order."""
        graph, tensor, labels = self._graph, self._operation.inputs[i], self._terms[i]
        place = graph.place(tensor)
        if list(labels) == list(wanted):
            return place
        order = graph.constant(np.array([labels.index(k) for k in wanted], np.int32), "order")
        shape = [self._sizes[label] for label in wanted]
        return graph.emit("TRANSPOSE", [place, order], tensor.dtype, shape, self._operation.name)

    def joined(self, place: int, groups: Sequence[Sequence[str]]) -> int:
        """Returns the index of a tensor whose axes in groups are joined to one each."""
        if all(len(group) == 1 for group in groups):
            return place
        shape = [self.known(group) for group in groups]
        dtype = self._operation.outputs[0].dtype
        inputs = [place, self.vector(groups)]
        return self._graph.emit("RESHAPE", inputs, dtype, shape, self._operation.name)

    def vector(self, groups: Sequence[Sequence[str]]) -> int:
        """Returns the index of a vector of the extents of groups: only one that is open is left to RESHAPE."""
        graph, label = self._graph, self._operation.name
        known = [self.known(group) for group in groups]
        if known.count(None) <= 1:
            extents = [-1 if extent is None else extent for extent in known]
            return graph.constant(np.array(extents, np.int32), "shape")
        parts = [
            self._product(group)
            if extent is None
            else graph.constant(np.array([extent], np.int32), "extent")
            for group, extent in zip(groups, known, strict=True)
        ]
        options = SCHEMA["ConcatenationOptions"](axis=0)
        return graph.emit("CONCATENATION", parts, dtypes.int32, [len(parts)], label, options)

    def _product(self, group: Sequence[str]) -> int:
        """Returns the index of a vector of the extent of an open group."""
        graph, label = self._graph, self._operation.name
        i = 0 if set(group) <= set(self._terms[0]) else 1
        sizes = graph.sizes(graph.place(self._operation.inputs[i]), label)
        places = graph.constant(
            np.array([self._terms[i].index(k) for k in group], np.int32), "axes"
        )
        options = SCHEMA["GatherOptions"](axis=0)
        found = graph.emit("GATHER", [sizes, places], dtypes.int32, [len(group)], label, options)
        if len(group) == 1:
            return found
        reducer = SCHEMA["ReducerOptions"](keep_dims=True)
        axes = graph.constant(np.zeros(1, np.int32), "axes")
        return graph.emit("REDUCE_PROD", [found, axes], dtypes.int32, [1], label, reducer)


@writes("MaxPool", "AvgPool")
def pool(graph: GraphWriter, operation: Operation) -> None:
    graph.check_layout(operation)
    op = operation.raw_op
    # AvgPool has no explicit padding.
    x, padding = _padded(graph, operation, _least(operation.inputs[0].dtype))
    function, last = graph.activation(operation.outputs[0])
    options = SCHEMA["Pool2DOptions"](
        padding=padding,
        stride_h=op.strides[1],
        stride_w=op.strides[2],
        filter_height=op.ksize[1],
        filter_width=op.ksize[2],
        fused_activation_function=function,
    )
    if op.ksize[0] != 1 or op.ksize[3] != 1:
        raise graph.unimplemented(operation, f"the window {list(op.ksize)}")
    name = "MAX_POOL_2D" if operation.type == "MaxPool" else "AVERAGE_POOL_2D"
    graph.add(name, operation, [x], options, outputs=[last])


def _least(dtype: DType) -> float:
    return -np.inf if dtype.is_floating else dtype.min


@writes("ArgMax", "ArgMin")
def arg_extreme(graph: GraphWriter, operation: Operation) -> None:
    dtype = operation.outputs[0].dtype
    if dtype not in INDEX:
        raise graph.unimplemented(operation, f"{dtype.name} indices")
    graph.by_row(operation)
