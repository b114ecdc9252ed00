"""Operations without a builtin op of their own, as several."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import bool_, float32, int32, int64
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.tflite.operators import BY_NAME
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import TYPES
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation
from penstock._src.ops.nn.activation import SELU_SCALE, SELU_SCALE_ALPHA


class _Expression:
    """Operators of the type and shape of an operation's first input, one after the other."""

    def __init__(self, graph: GraphWriter, operation: Operation) -> None:
        self.graph, self.operation = graph, operation
        self.like = operation.inputs[0]

    def __call__(self, name: str, *inputs: Any) -> int:
        """Adds an operator on these tensors and numbers; returns its index."""
        like = self.like
        places, options = self._operands(name, inputs)
        return self.graph.emit(name, places, like.dtype, like.shape, self.operation.name, options)

    def number(self, value: float) -> int:
        """The index of a constant of the same type."""
        return self.graph.constant(np.array(value, self.like.dtype.as_numpy_dtype), "number")

    def result(self, name: str, *inputs: Any) -> None:
        """Adds the operator that gives the operation's result."""
        places, options = self._operands(name, inputs)
        self.graph.add(name, self.operation, places, options)

    def _operands(self, name: str, inputs: Sequence[Any]) -> tuple[list[int], Any]:
        places = [self.number(x) if isinstance(x, float) else x for x in inputs]
        return places, BY_NAME[name].default_options()


def _composed(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Registers a function of an expression and the indices of an operation's inputs."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @writes(kind)
        def write(graph: GraphWriter, operation: Operation) -> None:
            places = [graph.place(tensor) for tensor in operation.inputs]
            function(_Expression(graph, operation), *places)

        return function

    return register


def _expm1_factors(e: _Expression, x: int) -> tuple[int, int]:
    """exp(x) - 1 is tanh(x / 2) (exp(x) + 1), which keeps the digits of small x."""
    return e("TANH", e("MUL", x, 0.5)), e("ADD", e("EXP", x), 1.0)


@_composed("Expm1")
def expm1(e: _Expression, x: int) -> None:
    e.result("MUL", *_expm1_factors(e, x))


# erf(x) / x for |x| up to 3.92, where erf rounds to 1: polynomials of x * x, highest power first, whose quotient is within 4e-7 in float32.
_ERF_ABOVE = (
    1.99242481e-08,
    -1.95773118e-06,
    0.000141829811,
    0.00370081338,
    0.0505708703,
    0.199906366,
    1.12837911,
)
_ERF_BELOW = (0.000955840747, 0.0143516144, 0.114990856, 0.510494064, 1.0)


@_composed("Erf")
def erf(e: _Expression, x: int) -> None:
    if e.like.dtype is not float32:
        raise e.graph.unimplemented(e.operation, f"the type {e.like.dtype.name}")
    inside = e("MINIMUM", e("MAXIMUM", x, -3.92), 3.92)
    square = e("MUL", inside, inside)

    def polynomial(first: float, second: float, *others: float) -> int:
        value = e("ADD", e("MUL", square, first), second)
        for coefficient in others:
            value = e("ADD", e("MUL", value, square), coefficient)
        return value

    above = e("MUL", inside, polynomial(*_ERF_ABOVE))
    e.result("DIV", above, polynomial(*_ERF_BELOW))


@_composed("Cosh")
def cosh(e: _Expression, x: int) -> None:
    e.result("MUL", e("ADD", e("EXP", x), e("EXP", e("NEG", x))), 0.5)


@_composed("Sinh")
def sinh(e: _Expression, x: int) -> None:
    """(exp(x) - 1 - (exp(-x) - 1)) / 2."""
    grown, shrunk = (e("MUL", *_expm1_factors(e, y)) for y in (x, e("NEG", x)))
    e.result("MUL", e("SUB", grown, shrunk), 0.5)


@_composed("Tan")
def tan(e: _Expression, x: int) -> None:
    e.result("DIV", e("SIN", x), e("COS", x))


@_composed("IsNan")
def is_nan(e: _Expression, x: int) -> None:
    e.result("NOT_EQUAL", x, x)


@_composed("IsInf")
def is_inf(e: _Expression, x: int) -> None:
    e.result("EQUAL", e("ABS", x), float("inf"))


@_composed("IsFinite")
def is_finite(e: _Expression, x: int) -> None:
    e.result("EQUAL", e("SUB", x, x), 0.0)


@_composed("Selu")
def selu(e: _Expression, x: int) -> None:
    negative = e("MUL", e("ELU", e("MINIMUM", x, 0.0)), SELU_SCALE_ALPHA)
    e.result("ADD", e("MUL", e("RELU", x), SELU_SCALE), negative)


@_composed("Softsign")
def softsign(e: _Expression, x: int) -> None:
    e.result("DIV", x, e("ADD", e("ABS", x), 1.0))


@writes("OnesLike")
def ones_like(graph: GraphWriter, operation: Operation) -> None:
    x = operation.inputs[0]
    sizes = graph.sizes(graph.place(x), operation.name)
    one = graph.constant(np.ones((), x.dtype.as_numpy_dtype), "one")
    graph.add("FILL", operation, [sizes, one])


@writes("RFFT")
def real_fourier_transform(graph: GraphWriter, operation: Operation) -> None:
    """A transform of images of one row, as TFLite has no others."""
    x, y = operation.inputs[0], operation.outputs[0]
    length = int(graph.known(operation, 1).item())
    *batch, size = x.shape.as_list()
    row = graph.constant(np.array(-2, np.int32), "row")
    options = SCHEMA["ExpandDimsOptions"]()
    places = [graph.place(x), row]
    image = graph.emit("EXPAND_DIMS", places, x.dtype, [*batch, 1, size], operation.name, options)
    places = [image, graph.constant(np.array([1, length], np.int32), "lengths")]
    *batch, size = y.shape.as_list()
    spectrum = graph.emit("RFFT2D", places, y.dtype, [*batch, 1, size], operation.name)
    squeezed = SCHEMA["SqueezeOptions"](squeeze_dims=[-2])
    graph.add("SQUEEZE", operation, [spectrum], squeezed)


# Functions of two tensors that are zero where one of these is: the operator, and the position of that input.
_ZERO_WHERE = {
    "DivNoNan": ("DIV", 1),
    "MulNoNan": ("MUL", 1),
    "Xdivy": ("DIV", 0),
    "Xlogy": ("MUL", 0),
}


@writes(*_ZERO_WHERE)
def zero_where_zero(graph: GraphWriter, operation: Operation) -> None:
    name, position = _ZERO_WHERE[operation.type]
    e = _Expression(graph, operation)
    zero, places = e.number(0.0), [graph.place(tensor) for tensor in operation.inputs]
    shape = operation.inputs[position].shape
    here = graph.emit("EQUAL", [places[position], zero], bool_, shape, operation.name)
    if operation.type == "Xlogy":
        y = operation.inputs[1]
        places[1] = graph.emit("LOG", [places[1]], y.dtype, y.shape, operation.name)
    e.like = operation.outputs[0]
    e.result("SELECT_V2", here, zero, e(name, *places))


@writes("Size")
def size(graph: GraphWriter, operation: Operation) -> None:
    """The product of the extents."""
    x, dtype = operation.inputs[0], operation.outputs[0].dtype
    options = SCHEMA["ShapeOptions"](out_type=TYPES[dtype])
    sizes = graph.emit("SHAPE", [graph.place(x)], dtype, [x.shape.rank], operation.name, options)
    axes = graph.constant(np.zeros(1, np.int32), "axes")
    graph.add("REDUCE_PROD", operation, [sizes, axes], SCHEMA["ReducerOptions"](keep_dims=False))


@_composed("L2Loss")
def l2_loss(e: _Expression, x: int) -> None:
    """Half of the sum of squares."""
    rank = e.like.shape.rank
    if rank is None:
        raise e.graph.unimplemented(e.operation, "an unknown rank")
    axes = e.graph.constant(np.arange(rank, dtype=np.int32), "axes")
    squares, options = e("MUL", x, x), SCHEMA["ReducerOptions"](keep_dims=False)
    e.like = e.operation.outputs[0]
    places = [squares, axes]
    total = e.graph.emit("SUM", places, e.like.dtype, [], e.operation.name, options)
    e.result("MUL", total, 0.5)


@writes("TensorScatterAdd", "TensorScatterSub")
def scatter_add(graph: GraphWriter, operation: Operation) -> None:
    e, name = _Expression(graph, operation), operation.type.removeprefix("TensorScatter").upper()
    e.result(name, graph.place(operation.inputs[0]), _scattered(graph, operation))


@writes("TensorScatterUpdate")
def scatter_update(graph: GraphWriter, operation: Operation) -> None:
    """Selects the scattered updates at the indices; indices must not repeat, as SCATTER_ND adds up."""
    x, indices, values = operation.inputs
    known = graph.value(indices)
    if known is not None:
        rows = known.reshape(-1, known.shape[-1])
        if len(np.unique(rows, axis=0)) != len(rows):
            raise graph.unimplemented(operation, "an index that is there twice")
    elif indices.shape[:-1].num_elements() != 1:
        raise graph.unimplemented(operation, "indices that may repeat")
    if not values.shape.is_fully_defined():
        raise graph.unimplemented(operation, f"updates of the unknown shape {values.shape}")
    ones = graph.constant(np.ones(values.shape.as_list(), np.int32), "ones")
    hits = _scattered(graph, operation, ones, int32)
    zero = graph.constant(np.int32(0), "zero")
    mask = graph.emit("GREATER", [hits, zero], bool_, x.shape, operation.name)
    graph.add("SELECT_V2", operation, [mask, _scattered(graph, operation), graph.place(x)])


def _scattered(
    graph: GraphWriter, operation: Operation, values: int | None = None, dtype: Any = None
) -> int:
    """The updates of a scatter, or other values, among zeros."""
    x, indices, updates = operation.inputs
    if x.shape.is_fully_defined():
        sizes = graph.constant(np.array(x.shape.as_list(), np.int32), "shape")
    else:
        sizes = graph.sizes(graph.place(x), operation.name)
    places = [graph.integers(indices), graph.place(updates) if values is None else values, sizes]
    return graph.emit("SCATTER_ND", places, dtype or x.dtype, x.shape, operation.name)


@writes("MatrixBandPart")
def band(graph: GraphWriter, operation: Operation) -> None:
    x = operation.inputs[0]
    rows, columns = x.shape[-2:].as_list()
    lower, upper = (int(graph.known(operation, i)) for i in (1, 2))
    if rows is None or columns is None:
        mask = _open_band(graph, operation, lower, upper)
    else:
        above = np.arange(columns) - np.arange(rows)[:, None]
        inside = ((lower < 0) | (-above <= lower)) & ((upper < 0) | (above <= upper))
        mask = graph.constant(inside, "band")
    zero = graph.constant(np.zeros((), x.dtype.as_numpy_dtype), "zero")
    graph.add("SELECT_V2", operation, [mask, graph.place(x), zero])


def _open_band(graph: GraphWriter, operation: Operation, lower: int, upper: int) -> int:
    """The mask of a band of a matrix of open extents."""
    x, label = operation.inputs[0], operation.name
    sizes = graph.sizes(graph.place(x), label)
    zero, one = (graph.constant(np.array(n, np.int32), "number") for n in (0, 1))

    def emit(name: str, places: list[int], dtype: Any, shape: list[int | None]) -> int:
        row = BY_NAME.get(name)
        options = SCHEMA["GatherOptions"]() if row is None else row.default_options()
        return graph.emit(name, places, dtype, shape, label, options)

    def numbers(axis: int) -> int:
        place = graph.constant(np.array(axis, np.int32), "axis")
        return emit("RANGE", [zero, emit("GATHER", [sizes, place], int32, []), one], int32, [None])

    row = emit("EXPAND_DIMS", [numbers(len(x.shape) - 2), one], int32, [None, 1])
    above = emit("SUB", [numbers(len(x.shape) - 1), row], int32, [None, None])
    first = graph.constant(np.array(-lower if lower >= 0 else -(2**31), np.int32), "first")
    last = graph.constant(np.array(upper if upper >= 0 else 2**31 - 1, np.int32), "last")
    parts = [
        emit("GREATER_EQUAL", [above, first], bool_, [None, None]),
        emit("LESS_EQUAL", [above, last], bool_, [None, None]),
    ]
    return emit("LOGICAL_AND", parts, bool_, [None, None])


@writes("Roll")
def roll(graph: GraphWriter, operation: Operation) -> None:
    """For each axis, the two parts in the other order."""
    x = operation.inputs[0]
    shifts, axes = (np.atleast_1d(graph.known(operation, i)) for i in (1, 2))
    place, sizes = graph.place(x), x.shape.as_list()
    for number, (shift, axis) in enumerate(zip(shifts, axes, strict=True)):
        axis, is_last = int(axis) % len(sizes), number == len(axes) - 1
        extent = sizes[axis]
        if extent is None:
            raise graph.unimplemented(operation, f"the unknown shape {x.shape}")
        cut = -int(shift) % extent if extent else 0
        parts = [
            _part(graph, operation, place, sizes, axis, start, length)
            for start, length in ((cut, extent - cut), (0, cut))
        ]
        options = SCHEMA["ConcatenationOptions"](axis=axis)
        if is_last:
            graph.add("CONCATENATION", operation, parts, options)
        else:
            place = graph.emit("CONCATENATION", parts, x.dtype, sizes, operation.name, options)


def _part(
    graph: GraphWriter,
    operation: Operation,
    place: int,
    sizes: list[Any],
    axis: int,
    start: int,
    length: int,
) -> int:
    """A slice along one axis."""
    begin, size = np.zeros(len(sizes), np.int32), np.full(len(sizes), -1, np.int32)
    begin[axis], size[axis] = start, length
    shape = [*sizes[:axis], length, *sizes[axis + 1 :]]
    inputs = [place, graph.constant(begin, "begin"), graph.constant(size, "size")]
    return graph.emit("SLICE", inputs, operation.inputs[0].dtype, shape, operation.name)


@writes("EuclideanNorm")
def euclidean_norm(graph: GraphWriter, operation: Operation) -> None:
    e = _Expression(graph, operation)
    x = graph.place(operation.inputs[0])
    squares = e("MUL", x, x)
    e.like = operation.outputs[0]
    options = SCHEMA["ReducerOptions"](keep_dims=operation.raw_op.keep_dims)
    inputs = [squares, graph.integers(operation.inputs[1])]
    total = graph.emit("SUM", inputs, e.like.dtype, e.like.shape, operation.name, options)
    e.result("SQRT", total)


@writes("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def batch_norm(graph: GraphWriter, operation: Operation) -> None:
    """Writes a batch normalization with constant statistics, if it was not folded into a convolution before it."""
    op = operation.raw_op
    if op.is_training or op.data_format not in ("NHWC", b"NHWC"):
        raise graph.unimplemented(operation, "training, or another layout than NHWC,")
    scale, offset, mean, variance = (graph.known(operation, i) for i in range(1, 5))
    factor = (scale / np.sqrt(variance + op.epsilon)).astype(scale.dtype)
    e = _Expression(graph, operation)
    scaled = e("MUL", graph.place(operation.inputs[0]), graph.constant(factor, "scale"))
    shift = graph.constant((offset - mean * factor).astype(offset.dtype), "offset")
    for output in operation.outputs[1:]:
        if graph.readers(output):
            raise graph.unimplemented(operation, "the use of its statistics")
    options = SCHEMA["AddOptions"]()
    graph.add("ADD", operation, [scaled, shift], options, outputs=[operation.outputs[0]])


@writes("NonMaxSuppressionV3", "NonMaxSuppressionV4")
def non_max_suppression(graph: GraphWriter, operation: Operation) -> None:
    """The kernel pads with zeros, which are cut off if they are not part of the result."""
    places = [graph.place(tensor) for tensor in operation.inputs]
    indices, *counts = operation.outputs
    if operation.type == "NonMaxSuppressionV4" and operation.raw_op.pad_to_max_output_size:
        graph.add("NON_MAX_SUPPRESSION_V4", operation, places)
        return
    all_indices = graph.add_tensor(f"{operation.name}/all", indices.dtype, [None])
    count = graph.add_tensor(f"{operation.name}/count", indices.dtype, [])
    graph.append("NON_MAX_SUPPRESSION_V4", places, [all_indices, count], None)
    one = graph.constant(np.ones(1, np.int32), "one")
    size = graph.emit(
        "RESHAPE", [count, one], indices.dtype, [1], operation.name, SCHEMA["ReshapeOptions"]()
    )
    start = graph.constant(np.zeros(1, np.int32), "start")
    graph.add("SLICE", operation, [all_indices, start, size], outputs=[indices])
    for tensor in counts:
        graph.alias(tensor, count)


@writes("KeyPositions")
def key_positions(graph: GraphWriter, operation: Operation) -> None:
    """The greatest of the numbers of the keys that an element equals, or -1."""
    x, keys = operation.inputs
    count = keys.shape.num_elements()
    if count is None:
        raise UnimplementedError("KeyPositions of keys whose number is not known.")
    every = [*x.shape.as_list(), count]
    last = graph.constant(np.array(len(every) - 1, np.int32), "axis")
    numbers = graph.constant(np.arange(count), "numbers")
    none = graph.constant(np.array(-1), "none")

    def emit(name: str, places: list[int], dtype: Any, shape: list[int | None]) -> int:
        options = BY_NAME[name].default_options()
        return graph.emit(name, places, dtype, TensorShape(shape), operation.name, options)

    wide = emit("EXPAND_DIMS", [graph.place(x), last], x.dtype, [*every[:-1], 1])
    hits = emit("EQUAL", [wide, graph.place(keys)], bool_, every)
    found = emit("SELECT_V2", [hits, numbers, none], int64, every)
    graph.add("REDUCE_MAX", operation, [found, last], BY_NAME["REDUCE_MAX"].default_options())
