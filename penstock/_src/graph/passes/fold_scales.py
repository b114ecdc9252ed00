"""Multiplies the weights of products and convolutions by the constants that scale their results, as batch norms do.

Before: y = Mul(BiasAdd(Conv2D(x, Const(w)), Const(b)), Const(s))
After:  y = BiasAdd(Conv2D(x, Const(w * s)), Const(b * s))
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import ml_dtypes
import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.needed_operations import needed_operations
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.passes.rebuilding import copied, rebuilt

# Linear ops, and the axes of their second input along which the last axis of their result lies.
_OUTPUT_AXES = {"Conv2D": (3,), "Conv3D": (4,), "DepthwiseConv2dNative": (2, 3), "MatMul": (1,)}
_SUMS = ("BiasAdd", "AddV2", "Add")
_PRODUCTS = ("Mul",)
_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


def fold_scales(function: GraphFunction) -> GraphFunction:
    """Returns the function with scales of the last axis moved into weights and biases.

    A result that something else reads as well is left alone.

    Args:
      function: a graph function whose constants are folded; see `fold_constants`.
    """
    function = _without_norms(function)
    operations = needed_operations(function.graph, function.inputs, function.outputs, [])
    factors = _Factors(operations, function.outputs)
    return _scaled(function, operations, factors)


def _without_norms(function: GraphFunction) -> GraphFunction:
    """Returns the function with a product and a sum in place of each batch norm of a linear op's result."""
    operations = needed_operations(function.graph, function.inputs, function.outputs, [])
    readers = _readers(operations, function.outputs)
    norms = {id(op) for op in operations if op.type in _NORMS and _is_foldable(op, readers)}
    if not norms:
        return function

    def outputs_of(
        graph: FuncGraph, node: Operation, inputs: list[SymbolicTensor]
    ) -> Sequence[SymbolicTensor]:
        if id(node) not in norms:
            return copied(graph, node, node.raw_op, inputs)
        constants = [t.op.raw_op.attrs["value"].astype(np.float64) for t in node._inputs[1:5]]
        scale, offset, mean, variance = constants
        factor = scale / np.sqrt(variance + node.raw_op.attrs["epsilon"])
        kind = inputs[0].dtype
        operands = [
            graph.constant(value.astype(kind.as_numpy_dtype), kind, f"{node.name}/{name}")
            for name, value in (("scale", factor), ("offset", offset - mean * factor))
        ]
        result = raw.AddV2(x=raw.Mul(x=inputs[0], y=operands[0]), y=operands[1], name=node.name)
        return [result, *[result] * (len(node.outputs) - 1)]

    return rebuilt(function, operations, outputs_of)


def _is_foldable(norm: Operation, readers: Mapping[int, int]) -> bool:
    """True if a batch norm scales a linear op's result, which nothing else reads, by constants."""
    attrs, (x, *others) = norm.raw_op.attrs, norm._inputs
    if attrs["is_training"] or attrs["data_format"] != "NHWC":
        return False
    if any(t.op.type != "Const" for t in others[:4]) or any(
        readers[t._id] for t in norm.outputs[1:]
    ):
        return False
    while x.op.type in _SUMS and readers[x._id] == 1:
        constant = _constant_operand(x.op)
        if constant is None:
            return False
        x = constant[0]
    return x.op.type in _OUTPUT_AXES and readers[x._id] == 1 and _is_plain(x.op)


class _Factors:
    """Operations and their factors.

    Attributes:
      of: {id of an operation: the factor of its result along the last axis}.
      dropped: ids of the multiplications that this replaces.
    """

    def __init__(self, operations: Sequence[Operation], outputs: Sequence[SymbolicTensor]) -> None:
        self.of: dict[int, np.ndarray] = {}
        self.dropped: set[int] = set()
        readers = _readers(operations, outputs)
        for op in operations:
            scale = _constant_operand(op) if op.type in _PRODUCTS else None
            if scale is not None:
                self._try(op, *scale, readers)

    def _try(
        self,
        product: Operation,
        source: SymbolicTensor,
        scale: np.ndarray,
        readers: Mapping[int, int],
    ) -> None:
        chain = []
        op = source.op
        while op.type in (*_SUMS, *_PRODUCTS) and readers[op.outputs[0]._id] == 1:
            constant = _constant_operand(op)
            if constant is None or (op.type in _PRODUCTS and id(op) not in self.dropped):
                return
            chain.append(op)
            op = constant[0].op
        if op.type not in _OUTPUT_AXES or readers[op.outputs[0]._id] != 1 or not _is_plain(op):
            return
        channels = _channels(op.outputs[0])
        if channels is None or not _along_last_axis(scale, channels):
            return
        if any(
            not _along_last_axis(_constant_operand(each)[1], channels)  # type: ignore[index]
            for each in chain
        ):
            return
        factor = np.broadcast_to(scale.reshape(-1), (channels,)).astype(np.float64)
        scaled = [op, *(each for each in chain if each.type in _SUMS)]
        factors = [self.of.get(id(each), 1.0) * factor for each in scaled]
        if not all(map(_keeps_range, scaled, factors)):
            return
        self.of.update((id(each), total) for each, total in zip(scaled, factors, strict=True))
        self.dropped.add(id(product))


def _readers(
    operations: Sequence[Operation], outputs: Sequence[SymbolicTensor]
) -> Mapping[int, int]:
    """Return the number of reads of each tensor, by its id."""
    return Counter(t._id for t in [*outputs, *(t for op in operations for t in op._inputs)])


def _channels(tensor: SymbolicTensor) -> int | None:
    """The extent of the last axis, if there is one and it is known."""
    return tensor.shape[-1] if tensor.shape.rank else None


def _is_plain(op: Operation) -> bool:
    """True if the op has constant floating-point weights and its results' channels lie along the last axis."""
    attrs = op.raw_op.attrs
    if op._inputs[1].op.type != "Const" or not op._inputs[1].dtype.is_floating:
        return False
    return attrs.get("data_format", "NHWC") in ("NHWC", "NDHWC") and not attrs.get("transpose_b")


def _constant_operand(op: Operation) -> tuple[SymbolicTensor, np.ndarray] | None:
    """Returns the other operand and the value of the constant one, if one is."""
    if len(op._inputs) != 2 or op.raw_op.attrs.get("data_format", "NHWC") != "NHWC":
        return None
    left, right = op._inputs
    if right.op.type == "Const" and left.op.type != "Const":
        return left, right.op.raw_op.attrs["value"]
    if left.op.type == "Const" and right.op.type != "Const" and op.type != "BiasAdd":
        return right, left.op.raw_op.attrs["value"]
    return None


def _along_last_axis(value: np.ndarray, channels: int) -> bool:
    """True if an operand has one number for each channel, or one for all, and adds no axes."""
    if value.dtype.kind not in "fV" or not np.isfinite(value.astype(np.float64)).all():
        return False
    return value.ndim <= 2 and (value.size == 1 or value.size == channels == value.shape[-1])


def _keeps_range(op: Operation, factor: np.ndarray) -> bool:
    """True if the constants of an op times a factor are numbers of their type without loss: neither infinite nor below the least normal number."""
    at = 1 if op.type in _OUTPUT_AXES or op._inputs[0].op.type != "Const" else 0
    value = op._inputs[at].op.raw_op.attrs["value"]
    limits = ml_dtypes.finfo(value.dtype)
    scaled = np.abs(_times(op, value, factor))
    return bool(
        ((scaled <= float(limits.max)) & ((scaled >= float(limits.tiny)) | (value == 0))).all()
    )


def _times(op: Operation, value: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """The constant of an op times a factor of the last axis of its results, in float64."""
    axes = _OUTPUT_AXES.get(op.type)
    scale = factor if axes is None else factor.reshape(value.shape[axes[0] :])
    return value.astype(np.float64) * scale


def _scaled(
    function: GraphFunction, operations: Sequence[Operation], factors: _Factors
) -> GraphFunction:
    readers = _readers(operations, function.outputs)

    def outputs_of(
        graph: FuncGraph, node: Operation, inputs: list[SymbolicTensor]
    ) -> list[SymbolicTensor]:
        if id(node) in factors.dropped:
            return [inputs[0 if node._inputs[1].op.type == "Const" else 1]]
        if id(node) in factors.of:
            inputs = _scaled_inputs(graph, node, inputs, factors.of[id(node)])
        op = node.raw_op
        if (
            node.type in _SUMS
            and _constant_operand(node) is not None
            and all(readers[t._id] == 1 for t in node._inputs)
        ):
            op, inputs = _merged(graph, op, inputs, _channels(node.outputs[0]))
        return copied(graph, node, op, inputs)

    return rebuilt(function, operations, outputs_of)


def _merged(
    graph: FuncGraph, op: Op, inputs: list[SymbolicTensor], channels: int | None
) -> tuple[Op, list[SymbolicTensor]]:
    """Merges two sums with constants: (x + a) + b becomes x + (a + b)."""
    at = 0 if inputs[0].op.type == "Const" else 1
    before = inputs[1 - at].op
    if before.type not in _SUMS or inputs[at].op.type != "Const" or channels is None:
        return op, inputs
    first = _constant_operand(before)
    second = inputs[at].op.raw_op.attrs["value"]
    if first is None or not all(_along_last_axis(v, channels) for v in (first[1], second)):
        return op, inputs
    rank = first[0].shape.rank
    if rank is None or rank < max(first[1].ndim, second.ndim):
        return op, inputs  # a constant adds axes, which the sum of both would not
    both = first[1].astype(np.float64).reshape(-1) + second.astype(np.float64).reshape(-1)
    if not _keeps_digits(both, first[1], second):
        return op, inputs
    constant = inputs[at].op
    added = np.broadcast_to(both, (channels,)).astype(second.dtype)
    addend = graph.constant(added, inputs[at].dtype, constant.name)
    return before.raw_op, [first[0], addend] if before._inputs[0] is first[0] else [
        addend,
        first[0],
    ]


def _keeps_digits(total: np.ndarray, *terms: np.ndarray) -> bool:
    """False if terms cancel: adding one after the other then rounds on purpose, as (x + 2**23) - 2**23 does."""
    largest = np.max(
        np.broadcast_arrays(*[np.abs(t.astype(np.float64).reshape(-1)) for t in terms]), axis=0
    )
    return bool((np.abs(total) >= largest / 4).all())


def _scaled_inputs(
    graph: FuncGraph, node: Operation, inputs: list[SymbolicTensor], factor: np.ndarray
) -> list[SymbolicTensor]:
    """Returns the inputs with the constant one multiplied."""
    at = 0 if inputs[0].op.type == "Const" and node.type not in _OUTPUT_AXES else 1
    constant = inputs[at]
    value = constant.op.raw_op.attrs["value"]
    scaled = _times(node, value, factor).astype(value.dtype)
    return [
        graph.constant(scaled, constant.dtype, constant.op.name) if i == at else t
        for i, t in enumerate(inputs)
    ]
