"""Branches, loops, and the lists of tensors that loops read and fill.

A list is the tensor of its stacked elements; a new one holds zeros. DYNAMIC_UPDATE_SLICE keeps the shape of the list, so a list that grows, and
one whose elements begin without extent because their size is not known, are padded with zeros before an element is set.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation, SymbolicTensor


# -- branches and loops
@writes("If", "StatelessIf")
def if_(graph: GraphWriter, operation: Operation) -> None:
    attrs = operation.raw_op.attrs
    if any(tensor.dtype == dtypes.variant for tensor in operation.outputs):
        raise graph.unimplemented(operation, "a list as the result of a branch")
    condition, *inputs = operation.inputs
    values = _constants(graph, inputs)
    places = [-1 if i in values else graph.place(tensor) for i, tensor in enumerate(inputs)]
    then, other = (
        graph.body(f, f"{operation.name}/{name}", _known(graph, f, places), values)
        for name in ("then_branch", "else_branch")
        for f in [attrs[name]]
    )
    places = [place for i, place in enumerate(places) if i not in values]
    options = SCHEMA["IfOptions"](then_subgraph_index=then, else_subgraph_index=other)
    graph.add("IF", operation, [_truth(graph, operation, condition), *places], options)


@writes("While", "StatelessWhile")
def while_(graph: GraphWriter, operation: Operation) -> None:
    attrs = operation.raw_op.attrs
    unchanged, values = attrs["body"].unchanged, _constants(graph, operation.inputs)
    values = {i: value for i, value in values.items() if i in unchanged}
    places = [
        -1 if i in values else graph.place(tensor) for i, tensor in enumerate(operation.inputs)
    ]
    condition, body = (
        graph.body(f, f"{operation.name}/{name}", _known(graph, f, places), values, name == "body")
        for name in ("cond", "body")
        for f in [attrs[name]]
    )
    if attrs["cond"].outputs[0].dtype != dtypes.bool_:
        raise graph.unimplemented(operation, "a condition that is a number")
    options = SCHEMA["WhileOptions"](cond_subgraph_index=condition, body_subgraph_index=body)
    outputs = []
    for i, (tensor, place) in enumerate(zip(operation.outputs, places, strict=True)):
        if i in values:
            if graph.readers(tensor):
                graph.alias(tensor, graph.place(operation.inputs[i]))
            continue
        if tensor.dtype == dtypes.variant:
            outputs.append(graph.add_like(graph.tensors[place], tensor.op.name))
        elif tensor.shape.rank is None:
            raise graph.unimplemented(operation, "a result of unknown rank")
        else:
            outputs.append(graph.add_tensor(tensor.op.name, tensor.dtype, tensor.shape.as_list()))
        graph.alias(tensor, outputs[-1])
    graph.append("WHILE", [place for place in places if place >= 0], outputs, options)


def _constants(graph: GraphWriter, inputs: Sequence[SymbolicTensor]) -> dict[int, np.ndarray]:
    """The values of inputs of branches and loops, by positions: inside, weights are stored as weights, and sizes are known."""
    values = ((i, graph.value(tensor)) for i, tensor in enumerate(inputs))
    return {i: value for i, value in values if value is not None}


def _known(graph: GraphWriter, function: Any, places: Sequence[int]) -> Mapping[int, Any]:
    """The records of what is passed for a function's inputs that do not say their own type or rank.

    Of a list, this is the tensor that holds its elements. Inputs of unknown rank stand for values that a loop only passes on.
    """
    pairs = zip(function.inputs, places, strict=True)
    return {
        tensor._id: graph.tensors[place]
        for tensor, place in pairs
        if tensor.dtype == dtypes.variant or tensor.shape.rank is None
    }


def _truth(graph: GraphWriter, operation: Operation, condition: SymbolicTensor) -> int:
    """A condition as a bool: numbers are true unless they are zero."""
    place = graph.place(condition)
    if condition.dtype == dtypes.bool_:
        return place
    zero = graph.constant(np.zeros((), condition.dtype.as_numpy_dtype), "zero")
    return graph.emit("NOT_EQUAL", [place, zero], dtypes.bool_, condition.shape, operation.name)


# -- lists
@writes("TensorListFromTensor", "TensorListStack")
def same_rows(graph: GraphWriter, operation: Operation) -> None:
    graph.alias(operation.outputs[0], graph.place(operation.inputs[0]))


@writes("TensorListReserve")
def reserve(graph: GraphWriter, operation: Operation) -> None:
    """Zeros, as many as elements are reserved."""
    dtype = operation.raw_op.attrs["element_dtype"]
    shape, like = _element(graph, operation)
    if shape.rank is None:
        raise graph.unimplemented(operation, "a list of elements of unknown rank")
    count = graph.integers(operation.inputs[1])
    first = _vector_of(graph, operation, count)
    extents = [extent or 0 for extent in shape.as_list()]
    if shape.is_fully_defined() or like is None:
        others = graph.constant(np.array(extents, np.int32), "shape")
    else:
        others = graph.sizes(graph.place(like), operation.name)
    sizes = _joined(graph, operation, [first, others], 1 + shape.rank)
    zero = graph.constant(np.zeros((), dtype.as_numpy_dtype), "zero")
    number = graph.value(operation.inputs[1])
    count = None if number is None else int(number)
    extent = None if _grows(graph, operation.outputs[0], count) else count
    rows = graph.emit("FILL", [sizes, zero], dtype, [extent, *shape.as_list()], operation.name)
    if like is None:
        graph.tensors[rows].shape[1:] = extents  # see _is_open
    graph.alias(operation.outputs[0], rows)


@writes("TensorListGetItem")
def get_item(graph: GraphWriter, operation: Operation) -> None:
    rows, index = operation.inputs[:2]
    inputs = [graph.place(rows), graph.integers(index)]
    graph.add("GATHER", operation, inputs, SCHEMA["GatherOptions"](axis=0), 5)


@writes("TensorListGather")
def gather_items(graph: GraphWriter, operation: Operation) -> None:
    get_item(graph, operation)


@writes("TensorListSetItem")
def set_item(graph: GraphWriter, operation: Operation) -> None:
    rows, index, item = operation.inputs[:3]
    if item.shape.rank is None:
        raise graph.unimplemented(operation, "an element of unknown rank")
    place = graph.place(rows)
    axis = graph.constant(np.int32(0), "axis")
    element = graph.emit(
        "EXPAND_DIMS", [graph.place(item), axis], item.dtype, [1, *item.shape.as_list()], operation.name
    )  # fmt: skip
    zeros = graph.constant(np.zeros(item.shape.rank, np.int32), "zeros")
    at = _vector_of(graph, operation, graph.integers(index))
    start = _joined(graph, operation, [at, zeros], 1 + item.shape.rank)
    if operation.raw_op.attrs["resize_if_index_out_of_bounds"] or _is_open(graph.tensors[place]):
        place = _padded(graph, operation, place, at, element)
    updated = graph.add_like(graph.tensors[place], operation.name)
    graph.append("DYNAMIC_UPDATE_SLICE", [place, element, start], [updated], None)
    graph.alias(operation.outputs[0], updated)


@writes("TensorListConcatV2")
def concatenated(graph: GraphWriter, operation: Operation) -> None:
    """The rows without their first axis: elements of a known length have no padding."""
    rows = graph.place(operation.inputs[0])
    record = graph.tensors[rows]
    extents = record.shape if record.shape_signature is None else record.shape_signature
    if len(extents) < 2 or min(extents[1:]) < 0:
        raise graph.unimplemented(operation, "a list of elements of unknown shape")
    joined, lengths = operation.outputs
    shape = graph.constant(np.array([-1, *extents[2:]], np.int32), "shape")
    graph.add("RESHAPE", operation, [rows, shape], SCHEMA["ReshapeOptions"](), outputs=[joined])
    if graph.readers(lengths):
        number = graph.sizes(rows, operation.name)
        bounds = [graph.constant(np.array([n], np.int32), "bound") for n in (0, 1)]
        count = graph.emit("SLICE", [number, *bounds], dtypes.int32, [1], operation.name)
        length = graph.constant(np.int64(extents[1]), "length")
        graph.add("FILL", operation, [count, length], outputs=[lengths])


@writes("TensorListSplit")
def split_rows(graph: GraphWriter, operation: Operation) -> None:
    """Elements of one length as rows."""
    tensor, lengths = operation.inputs[0], graph.known(operation, 2)
    if tensor.shape.rank is None or len(set(lengths.tolist())) != 1:
        raise graph.unimplemented(operation, "elements of several lengths")
    sizes = [len(lengths), int(lengths[0]), *tensor.shape.as_list()[1:]]
    if None in sizes[3:]:
        raise graph.unimplemented(operation, f"the unknown shape {tensor.shape}")
    known = [-1 if extent is None else extent for extent in sizes]
    places = [graph.place(tensor), graph.constant(np.array(known, np.int32), "shape")]
    options = SCHEMA["ReshapeOptions"]()
    rows = graph.emit("RESHAPE", places, tensor.dtype, sizes, operation.name, options)
    graph.alias(operation.outputs[0], rows)


@writes("TensorListScatterIntoExistingList")
def scatter_items(graph: GraphWriter, operation: Operation) -> None:
    """Each row is that of the last index which is its number, if there is one."""
    rows, tensor, indices = (graph.place(each) for each in operation.inputs)
    record, label = graph.tensors[rows], operation.name
    if _is_open(record):
        raise graph.unimplemented(operation, "a list of elements of unknown shape")
    rank = len(record.shape)
    zero, one, axis = (graph.constant(np.int32(n), "number") for n in (0, 1, 1))

    def integers(name: str, inputs: list[int], shape: list[Any], options: Any = None) -> int:
        return graph.emit(name, inputs, dtypes.int32, shape, label, options)

    def numbers(place: int) -> int:
        sizes = graph.sizes(place, label)
        count = integers("GATHER", [sizes, zero], [], SCHEMA["GatherOptions"](axis=0))
        return integers("RANGE", [zero, count, one], [None])

    known = record.shape if record.shape_signature is None else record.shape_signature
    if not _fits(graph, operation, known[0]):
        if known[0] >= 0:
            raise graph.unimplemented(operation, "an index that may exceed the list")
        options = SCHEMA["ReducerOptions"](keep_dims=True)
        largest = integers("REDUCE_MAX", [indices, zero], [1], options)
        ones = graph.constant(np.array([1, *known[1:]], np.int32), "shape")
        nothing = graph.constant(np.zeros((), operation.inputs[1].dtype.as_numpy_dtype), "zero")
        element = graph.emit(
            "FILL", [ones, nothing], operation.inputs[1].dtype, [1, *known[1:]], label
        )
        rows = _padded(graph, operation, rows, largest, element)
    expanded = SCHEMA["ExpandDimsOptions"]()
    own = integers("EXPAND_DIMS", [numbers(rows), axis], [None, 1], expanded)
    hits = graph.emit("EQUAL", [own, indices], dtypes.bool_, [None, None], label)
    after = integers("ADD", [numbers(indices), one], [None], SCHEMA["AddOptions"]())
    found = integers("SELECT_V2", [hits, after, zero], [None, None])
    last = integers("REDUCE_MAX", [found, axis], [None], SCHEMA["ReducerOptions"](keep_dims=False))
    before = integers("SUB", [last, one], [None], SCHEMA["SubOptions"]())
    before = integers("MAXIMUM", [before, zero], [None], SCHEMA["MaximumMinimumOptions"]())
    dtype, shapes = operation.inputs[1].dtype, operation.inputs[1].shape.as_list()
    options = SCHEMA["GatherOptions"](axis=0)
    new = graph.emit("GATHER", [tensor, before], dtype, [None, *shapes[1:]], label, options, 5)
    shape = graph.constant(np.array([-1, *[1] * (rank - 1)], np.int32), "shape")
    options = SCHEMA["ReshapeOptions"]()
    column = integers("RESHAPE", [last, shape], [None, *[1] * (rank - 1)], options)
    is_new = graph.emit("GREATER", [column, zero], dtypes.bool_, [None, *[1] * (rank - 1)], label)
    updated = graph.add_like(record, label)
    graph.append("SELECT_V2", [is_new, new, rows], [updated], None)
    graph.alias(operation.outputs[0], updated)


def _fits(graph: GraphWriter, scatter: Operation, count: int | None) -> bool:
    """True if a list of this size, -1 or None if it is unknown, has all the indices to which a scatter sets elements."""
    indices = graph.value(scatter.inputs[2])
    return indices is not None and count is not None and bool((indices < count).all())


@writes("TensorListLength")
def length(graph: GraphWriter, operation: Operation) -> None:
    sizes = graph.sizes(graph.place(operation.inputs[0]), operation.name)
    zero = graph.constant(np.int32(0), "zero")
    graph.add("GATHER", operation, [sizes, zero], SCHEMA["GatherOptions"](axis=0), 5)


def _is_open(rows: Any) -> bool:
    """True if the elements of a list have no extent until one is set."""
    known = rows.shape_signature
    return known is not None and any(k == -1 and not n for k, n in zip(known[1:], rows.shape[1:]))


def _padded(graph: GraphWriter, operation: Operation, rows: int, at: int, element: int) -> int:
    """The rows with the zeros behind them, along each axis, that make room for the element at the index `at`."""
    record = graph.tensors[rows]
    rank = len(record.shape)

    def vector(name: str, inputs: list[int], options: Any) -> int:
        return graph.emit(name, inputs, dtypes.int32, [rank], operation.name, options)

    zeros = graph.constant(np.zeros(rank, np.int32), "zeros")
    others = graph.constant(np.zeros(rank - 1, np.int32), "others")
    # The element has one row, so that the sum is the number of rows up to `at`, and the element's sizes.
    index = _joined(graph, operation, [at, others], rank)
    needed = vector("ADD", [index, graph.sizes(element, operation.name)], SCHEMA["AddOptions"]())
    sizes = graph.sizes(rows, operation.name)
    lacking = vector("SUB", [needed, sizes], SCHEMA["SubOptions"]())
    lacking = vector("MAXIMUM", [lacking, zeros], SCHEMA["MaximumMinimumOptions"]())
    options = SCHEMA["PackOptions"](values_count=2, axis=1)
    widths = graph.emit("PACK", [zeros, lacking], dtypes.int32, [rank, 2], operation.name, options)
    padded = graph.add_like(record, f"{operation.name}/padded")
    graph.append("PAD", [rows, widths], [padded], SCHEMA["PadOptions"]())
    return padded


def _grows(graph: GraphWriter, rows: SymbolicTensor, count: int | None) -> bool:
    """Returns whether an element behind the last, of so many as are reserved, is set, here or in a loop."""
    for reader in graph.readers(rows):
        setters = [reader]
        if reader.type in ("While", "StatelessWhile"):
            after = reader.raw_op.attrs["body"].outputs
            setters = [t.op for start, t in zip(reader.inputs, after, strict=True) if start is rows]
        for setter in setters:
            attrs = setter.raw_op.attrs
            if setter.type == "TensorListSetItem" and attrs["resize_if_index_out_of_bounds"]:
                return True
            scatters = setter.type == "TensorListScatterIntoExistingList"
            if scatters and not _fits(graph, setter, count):
                return True
    return False


def _vector_of(graph: GraphWriter, operation: Operation, place: int) -> int:
    """A scalar of int32 as a vector of one."""
    shape = graph.constant(np.ones(1, np.int32), "shape")
    return graph.emit(
        "RESHAPE", [place, shape], dtypes.int32, [1], operation.name, SCHEMA["ReshapeOptions"]()
    )


def _joined(graph: GraphWriter, operation: Operation, places: list[int], size: int) -> int:
    """Concatenated vectors of int32."""
    options = SCHEMA["ConcatenationOptions"](axis=0)
    return graph.emit("CONCATENATION", places, dtypes.int32, [size], operation.name, options)


def _element(graph: GraphWriter, operation: Operation) -> tuple[TensorShape, SymbolicTensor | None]:
    """The known shape of a list's elements, and a tensor of the same shape.

    A loop that fills a list with one of its own variables gives it elements of the shape that the variable has before the loop.
    """
    asked = graph.value(operation.inputs[0])
    sizes = None if asked is None or asked.ndim != 1 else [None if n < 0 else int(n) for n in asked]
    shape, like = TensorShape(sizes), None
    for reader in graph.readers(operation.outputs[0]):
        if reader.type == "TensorListSetItem":
            shape = shape.merge_with(reader.inputs[2].shape)
        if reader.type == "TensorListScatterIntoExistingList":
            shape = shape.merge_with(reader.inputs[1].shape[1:])
        if reader.type not in ("While", "StatelessWhile"):
            continue
        body = reader.raw_op.attrs["body"]
        for tensor, after in zip(reader.inputs, body.outputs, strict=True):
            if tensor is not operation.outputs[0] or after.op.type != "TensorListSetItem":
                continue
            item = _source(after.op.inputs[2])
            shape = shape.merge_with(item.shape)
            states = zip(reader.inputs, body.outputs, strict=True)
            starts = [start for start, end in states if _source(end) is item]
            like = next((start for start in starts if graph.is_written(start)), like)
    return shape, like


def _source(tensor: SymbolicTensor) -> SymbolicTensor:
    """The tensor that Identity operations pass on."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor
