"""Static values of tensors: constants and shape vectors that are known while a graph is built."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core import op as op_contract
from penstock._src.core.convert import is_tensor_like
from penstock._src.core.errors import OpError
from penstock._src.core.op import group_arguments
from penstock._src.core.shapes import UNKNOWN, TensorShape, as_shape, make_shape, unknown_shape
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.util import slots
from penstock._src.util.export import export

# Larger values are not computed while building a graph.
LARGEST = 1 << 16
DEEPEST = 64
# Ops whose outputs may be computed from the static shapes of their inputs.
SHAPES = ("Shape", "ShapeN", "Size", "Rank")


def constant_value(tensor: Any, depth: int = 0) -> np.ndarray | None:
    """Returns the value that `tensor` has in every run, or None if it may differ."""
    if not isinstance(tensor, SymbolicTensor):
        value = getattr(tensor, "_value", None)
        return (
            value
            if isinstance(value, np.ndarray) and getattr(tensor, "holds_whole", True)
            else None
        )
    op = tensor.op
    if op.type == "Const":
        return op.raw_op.attrs["value"]
    known = op.static_outputs
    if known is not None:
        return known[tensor.value_index]
    if depth > DEEPEST or op.raw_op.stateful or op.type.startswith("Placeholder"):
        return None
    values = _evaluate(tensor, depth)
    # Cache known values only: set_shape may make an unknown one known later.
    if values is None:
        return None
    op.static_outputs = values
    return values[tensor.value_index]


def _evaluate(tensor: SymbolicTensor, depth: int) -> list[Any] | None:
    op = tensor.op
    if op.type in SHAPES:
        return _evaluate_shape(op)
    if op.type == "StridedSlice":
        extent = _extent_of(op)
        if extent is not None:
            return [np.asarray(extent, tensor.dtype.np)]
    size = tensor.shape.num_elements()
    if size is None or size > LARGEST or tensor.dtype in (dtypes.resource, dtypes.variant):
        return None
    if any(_is_function(v) for v in op.raw_op.attrs.values()):
        return None
    inputs = []
    for t in op._inputs:
        value = constant_value(t, depth + 1)
        if value is None:
            return None
        inputs.append(value)
    try:
        result = op.raw_op.compute(*group_arguments(op.raw_op.inputs, op.raw_op, inputs))
    except (OpError, ValueError, TypeError, IndexError, ArithmeticError):
        # The kernel raises the same error at run time.
        return None
    flat = op_contract.flatten_arguments(result if isinstance(result, (tuple, list)) else [result])
    return [np.asarray(v, t.dtype.np) for v, t in zip(flat, op.outputs)]


def _extent_of(op: Any) -> int | None:
    """The extent that `shape(x)[i]` selects, if it is static."""
    attrs = op.raw_op.attrs
    source = op._inputs[0]
    if attrs["shrink_axis_mask"] != 1 or getattr(source.op, "type", "") not in ("Shape", "ShapeN"):
        return None
    begin = constant_value(op._inputs[1])
    shape = _of_shape(source.op, source.value_index)
    if begin is None or begin.shape != (1,) or shape.rank is None:
        return None
    at = int(begin[0])
    return shape.as_list()[at] if -shape.rank <= at < shape.rank else None


def _is_function(value: Any) -> bool:
    return hasattr(value, "graph") or hasattr(value, "function_type")


def _evaluate_shape(op: Any) -> list[Any] | None:
    shapes = [t.shape for t in op._inputs]
    if op.type == "Rank":
        return None if shapes[0].rank is None else [np.int32(shapes[0].rank).reshape(())]
    if not all(s.is_fully_defined() for s in shapes):
        return None
    kind = op.outputs[0].dtype.np
    if op.type == "Size":
        return [np.asarray(shapes[0].num_elements(), kind)]
    return [np.asarray(s.as_list(), kind) for s in shapes]


def constant_value_as_shape(tensor: Any) -> TensorShape:
    """Returns the shape that a vector of integers describes; unknown elements and -1 give unknown dimensions."""
    value = constant_value(tensor)
    if value is not None:
        if value.ndim == 0:
            if int(value) == -1:
                return UNKNOWN
            raise ValueError(
                f"Received a scalar value '{value}' as shape; require a statically known scalar with value '-1' to "
                "describe an unknown shape."
            )
        as_shape(value.shape).with_rank(1)
        return make_shape(tuple(None if d < 0 else int(d) for d in value.tolist()))
    if not isinstance(tensor, SymbolicTensor):
        return UNKNOWN
    outside = _captured(tensor)
    if outside is not None:
        return constant_value_as_shape(outside)
    if tensor.shape.rank == 0:
        raise ValueError(
            "Received a scalar with unknown value as shape; require a statically known scalar with value '-1' to "
            "describe an unknown shape."
        )
    rank = tensor.shape.with_rank(1)[0]
    partial = _PARTIAL.get(tensor.op.type, lambda op, index: None)(tensor.op, tensor.value_index)
    return unknown_shape(rank) if partial is None else partial.merge_with(unknown_shape(rank))


def _captured(tensor: SymbolicTensor) -> Any:
    """The outer tensor of a capture placeholder, or None."""
    if tensor.op.type != "Placeholder":
        return None
    pairs = getattr(tensor.graph, "captures", ())
    return next((outside for outside, inside in pairs if inside is tensor), None)


def _of_shape(op: Any, index: int) -> TensorShape:
    return op._inputs[index].shape


def _of_pack(op: Any, index: int) -> TensorShape | None:
    ranks = {t.shape.rank for t in op._inputs}
    if not ranks <= {0, None}:  # a vector is packed of scalars, also of those of unknown rank
        return None
    return make_shape(tuple(_dimension(constant_value(t)) for t in op._inputs))


def _dimension(value: Any) -> int | None:
    return None if value is None or int(value) < 0 else int(value)


def _of_concat(op: Any, index: int) -> TensorShape:
    shape = as_shape([])
    for part in op._inputs[:-1]:
        shape = shape.concatenate(constant_value_as_shape(part))
    return shape


def _of_strided_slice(op: Any, index: int) -> TensorShape | None:
    bounds = [constant_value(t) for t in op._inputs[1:]]
    if any(b is None or b.shape != (1,) for b in bounds):
        return None
    attrs = op.raw_op.attrs
    if attrs["ellipsis_mask"] or attrs["new_axis_mask"] or attrs["shrink_axis_mask"]:
        return None
    source = constant_value_as_shape(op._inputs[0])
    if source.rank is None:
        return None
    begin = None if attrs["begin_mask"] else int(bounds[0][0])  # type: ignore[index]
    end = None if attrs["end_mask"] else int(bounds[1][0])  # type: ignore[index]
    return make_shape(source._dims[begin : end : int(bounds[2][0])])  # type: ignore[index]


def _of_input(op: Any, index: int) -> TensorShape:
    return constant_value_as_shape(op._inputs[0])


_PARTIAL = {
    "Shape": _of_shape,
    "ShapeN": _of_shape,
    "Pack": _of_pack,
    "ConcatV2": _of_concat,
    "StridedSlice": _of_strided_slice,
    "Cast": _of_input,
    "Identity": _of_input,
}


@export("get_static_value", v1=["get_static_value"])
def static_value(tensor: Any, partial: bool = False) -> Any:
    """Returns the value of a tensor, if it is known while a graph is built.

    Args:
      tensor: a tensor.
      partial: whether a vector may be returned with only some entries known, the others
        being None.

    Returns:
      A NumPy value, or None.

    Raises:
      TypeError: `tensor` is not a tensor.

    >>> tf.get_static_value(tf.constant([1, 2]))
    array([1, 2], dtype=int32)
    """
    if not (is_tensor_like(tensor) or hasattr(tensor, "_type_spec")):
        return tensor
    if not isinstance(tensor, SymbolicTensor):
        return get_static_value(tensor, partial)
    if tensor.op.type == "OnesLike" and tensor.shape.is_fully_defined():
        return np.ones(tensor.shape.as_list(), tensor.dtype.np)
    # Some elements of a packed vector may be static, so its inputs need not all be plain.
    if not _is_plain(tensor, 0) and not (partial and tensor.op.type == "Pack"):
        return None
    value = get_static_value(tensor, partial)
    return value if value is None else np.asarray(value)


def _is_plain(tensor: SymbolicTensor, depth: int) -> bool:
    """True if a value is computed only by ops that TensorFlow's `get_static_value` evaluates."""
    op = tensor.op
    if not op.raw_op.values.has_static_value or depth > DEEPEST:
        return False
    return op.type in SHAPES or all(_is_plain(t, depth + 1) for t in op._inputs)


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """Returns the value of a tensor as an array if it is static, else None.

    Args:
      tensor: the tensor.
      partial: also return an array of objects with None for unknown elements of a packed vector.

    A value that is not a tensor is returned unchanged.
    """
    if not (is_tensor_like(tensor) or hasattr(tensor, "_type_spec")):
        return tensor
    value = constant_value(tensor)
    if (
        value is None
        and partial
        and isinstance(tensor, SymbolicTensor)
        and tensor.op.type == "Pack"
    ):
        parts = [constant_value(t) for t in tensor.op._inputs]
        if any(p is not None for p in parts):
            return np.array([None if p is None else p.item() for p in parts], dtype=object)
    return None if value is None else (value if value.ndim else value[()])


slots.STATIC_VALUE = constant_value
slots.STATIC_SHAPE = constant_value_as_shape
