"""Finds loops that are an LSTM or a GRU as Keras makes them, which runtimes compute much faster than loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.static_values import constant_value

# Patterns: a tuple is an operation of inputs, "?name" any tensor, "#name" a constant; ("Part", k, source) is the k-th of the equal parts
# of the source's last axis. Sums and products match in both orders.
Pattern = Any
_SUMS = ("Add", "AddV2", "BiasAdd")
_PRODUCT: Pattern = ("MatMul", "?x", "#w")
_OF_STATE: Pattern = ("MatMul", "?h", "#u")


def _gate(part: int, *sources: str) -> Pattern:
    parts = [("Part", part, source) for source in sources]
    return ("Sigmoid", parts[0] if len(parts) == 1 else ("Sum", *parts))


_CELL: Pattern = (
    "Sum",
    ("Mul", _gate(1, "?z"), "?c"),
    ("Mul", _gate(0, "?z"), ("Tanh", ("Part", 2, "?z"))),
)
_LSTM: Pattern = ("Mul", _gate(3, "?z"), ("Tanh", "?cell"))
_LSTM_INPUT: Pattern = ("Sum", _PRODUCT, _OF_STATE)
_UPDATE = _gate(0, "?zx", "?zh")
_GRU: Pattern = (
    "Sum",
    ("Mul", _UPDATE, "?h"),
    (
        "Mul",
        ("Sub", "#one", _UPDATE),
        (
            "Tanh",
            ("Sum", ("Part", 2, "?zx"), ("Mul", _gate(1, "?zx", "?zh"), ("Part", 2, "?zh"))),
        ),
    ),
)
Found = dict[str, Any]


def lstm_of(hidden: Any) -> Found | None:
    """The tensors of an LSTM's step that makes this state: x, h, c, cell, and the constants w, u, and b if it has a bias."""
    parts = _match(hidden, _LSTM, {}, 4)
    parts = parts and _match(parts["?cell"], _CELL, parts, 4)
    return parts and _match_biased(parts["?z"], _LSTM_INPUT, "#b", parts, 4)


def gru_of(hidden: Any) -> Found | None:
    """The parts of a GRU's step, whose reset gate multiplies the product of the state; None if it is not one."""
    parts = _match(hidden, _GRU, {}, 3)
    if not parts or not np.all(constant_value(parts["#one"]) == 1):
        return None
    parts = _match_biased(parts["?zx"], _PRODUCT, "#b", parts, 3)
    return parts and _match_biased(parts["?zh"], _OF_STATE, "#rb", parts, 3)


def _match_biased(
    tensor: Any, pattern: Pattern, bias: str, matched: Found, parts: int
) -> Found | None:
    """The tensors for a pattern to which a bias may be added."""
    biased = _match(tensor, ("Sum", pattern, bias), matched, parts)
    return _match(tensor, pattern, matched, parts) if biased is None else biased


def _match(tensor: Any, pattern: Pattern, matched: Found, parts: int) -> Found | None:
    """The tensors for a pattern's names, or None if it does not match; `parts` is the number of gates."""
    if isinstance(pattern, str):
        if pattern.startswith("#") and constant_value(tensor) is None:
            return None
        if pattern in matched:
            return matched if matched[pattern] is tensor else None
        return matched | {pattern: tensor}
    kind, *inputs = pattern
    op = tensor.op
    if kind == "Part":
        source = _part_of(tensor, inputs[0], parts)
        return None if source is None else _match(source, inputs[1], matched, parts)
    if kind == "Sum":
        if op.type not in _SUMS:
            return None
    elif op.type != kind or len(op.inputs) != len(inputs):
        return None
    if op.type == "MatMul" and (op.raw_op.attrs["transpose_a"] or op.raw_op.attrs["transpose_b"]):
        return None
    orders = [list(op.inputs)]
    if kind in ("Sum", "Mul"):
        orders.append(list(op.inputs)[::-1])
    for order in orders:
        result: Found | None = matched
        for each, inner in zip(order, inputs, strict=True):
            result = None if result is None else _match(each, inner, result, parts)
        if result is not None:
            return result
    return None


def _part_of(tensor: Any, part: int, count: int) -> Any:
    """The matrix that has a tensor as a block of columns, or None."""
    op = tensor.op
    if op.type == "Split":
        axis = constant_value(op.inputs[0])
        fits = len(op.outputs) == count and tensor.value_index == part
        return op.inputs[1] if fits and axis is not None and int(axis) in (1, -1) else None
    if op.type != "StridedSlice":
        return None
    source = op.inputs[0]
    width = source.shape[-1] if source.shape.rank == 2 else None
    bounds = [constant_value(t) for t in op.inputs[1:]]
    attrs = op.raw_op.attrs
    special = attrs["ellipsis_mask"] or attrs["new_axis_mask"] or attrs["shrink_axis_mask"]
    if not width or width % count or special or any(b is None or len(b) != 2 for b in bounds):
        return None
    begin = 0 if attrs["begin_mask"] & 2 else int(bounds[0][1])  # type: ignore[index]
    end = width if attrs["end_mask"] & 2 else int(bounds[1][1])  # type: ignore[index]
    whole = attrs["begin_mask"] & 1 and attrs["end_mask"] & 1
    size = width // count
    one_by_one = np.all(bounds[2] == 1)
    if whole and one_by_one and begin == part * size and end == (part + 1) * size:
        return source
    return None


def weights_of(matched: Found) -> dict[str, np.ndarray] | None:
    """The weights in ONNX's order of gates, or None if they are not floats of 32 bits."""
    names = [name for name in matched if name.startswith("#") and name != "#one"]
    weights = {name: np.asarray(constant_value(matched[name])) for name in names}
    if any(value.dtype != np.float32 for value in weights.values()):
        return None
    size = weights["#u"].shape[0]
    gates = 4 if "?cell" in matched else 3
    order = [0, 1, 2] if gates == 3 else [0, 3, 1, 2]  # ONNX has input, output, forget, cell

    def arranged(matrix: np.ndarray) -> np.ndarray:
        blocks = matrix.reshape(-1, gates, size)[:, order]
        return np.ascontiguousarray(blocks.reshape(-1, gates * size).T)

    biases = [
        np.broadcast_to(weights.get(name, np.zeros(1, np.float32)).reshape(-1), (gates * size,))
        for name in ("#b", "#rb")
    ]
    joined = np.concatenate([arranged(b)[:, 0] for b in biases])
    return {
        "w": arranged(weights["#w"])[None],
        "r": arranged(weights["#u"])[None],
        "b": joined[None],
    }


class RecurrentLayer:
    """A loop that is an LSTM or a GRU.

    Attributes:
      kind: the operator.
      rows: position of the list of inputs.
      hidden, cell: positions of the states; `cell` is None for a GRU.
      weights: by the names of the operator's inputs.
    """

    def __init__(
        self, kind: str, body: GraphFunction, matched: Found, weights: Mapping[str, np.ndarray]
    ) -> None:
        self.kind, self.weights = kind, weights
        places = {t._id: i for i, t in enumerate(body.inputs)}
        self.hidden = places[matched["?h"]._id]
        self.cell = places[matched["?c"]._id] if "?c" in matched else None
        self.rows = places[matched["?x"].op.inputs[0]._id]
        self.size: int = weights["r"].shape[2]


def recurrent_layer(
    body: GraphFunction,
    states: Sequence[int],
    filled: Sequence[int],
    invariant: Any,
    is_counter: Any,
) -> RecurrentLayer | None:
    """The layer that a loop's body is the step of, or None.

    Args:
      body: of the loop.
      states: positions of variables that change and are not lists.
      filled: positions of lists that get an element in each step.
      invariant: positions of variables that stay.
      is_counter: whether a variable of the body counts steps from 0.
    """
    inputs, outputs = list(body.inputs), list(body.outputs)
    floats = [i for i in states if inputs[i].dtype is dtypes.float32]
    if not floats or any(not is_counter(inputs[i]) for i in states if i not in floats):
        return None
    for i in floats:
        for kind, search, count in (("LSTM", lstm_of, 2), ("GRU", gru_of, 1)):
            cell = search(outputs[i]) if len(floats) == count else None
            if cell and _closes(cell, i, inputs, outputs, floats, filled, invariant, is_counter):
                weights = weights_of(cell)
                return None if weights is None else RecurrentLayer(kind, body, cell, weights)
    return None


def _closes(
    matched: Found,
    hidden: int,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    floats: Sequence[int],
    filled: Sequence[int],
    invariant: Any,
    is_counter: Any,
) -> bool:
    """True if what the step reads are the loop's own states and the row of the step, and what it collects is the state."""
    if matched["?h"] is not inputs[hidden]:
        return False
    if "?c" in matched:
        (cell,) = [i for i in floats if i != hidden]
        if matched["?c"] is not inputs[cell] or matched["?cell"] is not outputs[cell]:
            return False
    row = matched["?x"].op
    lists = {t._id: i for i, t in enumerate(inputs)}
    if row.type != "TensorListGetItem" or lists.get(row.inputs[0]._id) not in invariant:
        return False
    return is_counter(row.inputs[1]) and all(
        outputs[i].op.inputs[-1] is outputs[hidden] for i in filled
    )
