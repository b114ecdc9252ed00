"""Static shapes of the operations that are added to graphs."""

from collections.abc import Sequence
from typing import Any

from penstock._src.core.calls.refusals import REFUSALS
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import InputShape, Op, ruled
from penstock._src.core.shapes import UNKNOWN, TensorShape, as_shape, make_shape
from penstock._src.graph.operation import SymbolicTensor

# The number of cases that an op remembers.
_MOST_SHAPES = 256


class _WatchedShape(InputShape):
    """A static shape that notes if a rule asks for more of the input than its extents."""

    __slots__ = ("_watched", "was_read")

    def __init__(self, tensor: SymbolicTensor) -> None:
        self._dims = tensor._shape._dims
        self._watched = tensor
        self.was_read = False

    @property
    def _tensor(self) -> SymbolicTensor:  # type: ignore[override]
        self.was_read = True
        return self._watched


def infer_shapes(
    op: Op, inputs: list[SymbolicTensor], name: str, location: Any
) -> list[TensorShape]:
    """Returns the static shapes of the op's outputs for these inputs, as a flat list.

    Raises:
      ValueError: the input shapes are incompatible; the message names the user's line.
    """
    types = op.output_dtypes
    if not op.checks_shapes():
        return flat_shapes(types, None)
    key = tuple([t._shape._dims for t in inputs])
    known = op.shapes_found.get(key)
    if known is not None:
        return list(known)
    watched = [_WatchedShape(t) for t in inputs]
    try:
        shapes = flat_shapes(types, ruled(op, watched))
    except (*REFUSALS, InvalidArgumentError) as error:
        raise ValueError(_shape_message(op, inputs, name, location, error)) from None
    # Functions may change, and states too.
    pure = inputs and not op.stateful and not op.flow.runs_functions
    if pure and not any([shape.was_read for shape in watched]):
        if len(op.shapes_found) >= _MOST_SHAPES:
            op.shapes_found.clear()
        op.shapes_found[key] = tuple(shapes)
    return shapes


def flat_shapes(types: Sequence[Any], result: Any) -> list[TensorShape]:
    """Returns the shapes that a shape rule gave, one for each tensor: list outputs are flattened. None gives unknown shapes."""
    if len(types) == 1:
        result = (result,)
    elif result is None:
        result = (None,) * len(types)
    shapes: list[TensorShape] = []
    for shape, dtype in zip(result, types, strict=True):
        if type(dtype) is tuple:
            parts = (None,) * len(dtype) if shape is None else shape
            shapes.extend(_plain(s) for s in parts)
        else:
            shapes.append(_plain(shape))
    return shapes


def _plain(shape: Any) -> TensorShape:
    if shape is None:
        return UNKNOWN
    shape = as_shape(shape)
    return make_shape(shape._dims) if type(shape) is not TensorShape else shape


def _shape_message(
    op: Op, inputs: list[SymbolicTensor], name: str, location: Any, error: Exception
) -> str:
    shapes = ", ".join(
        "?"
        if t.shape.rank is None
        else "[" + ",".join("?" if d is None else str(d) for d in t.shape.as_list()) + "]"
        for t in inputs
    )
    names = ", ".join(t.op.name for t in inputs)
    where = f"\n{location.in_user_code()}" if location else ""
    text = getattr(error, "in_graph", str(error)).rstrip(".")
    return (
        f"{text} for '{{{{node {name}}}}} = {op.op_type}({names})' with input shapes: "
        f"{shapes}.{where}"
    )
