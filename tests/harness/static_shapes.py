"""Compares what shape rules say with the shapes of actual results, for every op that runs eagerly while it is watched.

A rule is asked six times: for inputs whose shapes and values are known, whose shapes are, whose values of integers and whose
ranks are, whose first extents are not known, whose ranks alone are, and of which nothing is known.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core.calls.refusals import REFUSALS
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import OpError
from penstock._src.core.op import InputShape, Op, ruled
from penstock._src.core.shapes import UNKNOWN, TensorShape, make_shape, unknown_shape
from penstock._src.graph.shapes import flat_shapes

Dims = tuple[int | None, ...] | None
# Longer vectors are never shapes, axes or sizes.
LONGEST_VECTOR = 32
REFUSED = "refused, but runs"
# Whose rules are TensorFlow's, which contradict its kernels as well.
AS_TENSORFLOW = {
    "Equal",  # with incompatible_shape_error=False
    "NotEqual",
    "DenseToCSRSparseMatrix",
    "IteratorGetNext",  # of the shapes in its attributes
    "IteratorGetNextSync",
    "PlaceholderWithDefault",
    "Switch",  # of the output that is not taken
}


class KnownShape(InputShape):
    """What a graph knows of an input: its dimensions and perhaps its value."""

    __slots__ = ("_known",)

    def __init__(self, tensor: Any, dims: Dims, known: np.ndarray | None) -> None:
        self._dims, self._tensor, self._known = dims, tensor, known

    @property
    def value(self) -> np.ndarray | None:
        """The static value, or None."""
        return self._known

    def as_shape(self) -> TensorShape:
        """The shape that the input holds as a vector."""
        known = self._known
        if known is None:
            return unknown_shape(self._dims[0]) if self._dims and len(self._dims) == 1 else UNKNOWN
        if known.ndim == 0:
            return UNKNOWN
        return make_shape(tuple(None if n < 0 else int(n) for n in known.reshape(-1).tolist()))


def is_plain(tensor: Any) -> bool:
    """True if the tensor's value is an array."""
    return isinstance(getattr(tensor, "_value", None), np.ndarray)


def levels(tensors: Sequence[Any]) -> Iterator[tuple[str, list[KnownShape]]]:
    """Yields the name of each level of knowledge and what it knows of the tensors."""

    def value_of(tensor: Any) -> np.ndarray | None:
        return tensor._value if is_plain(tensor) else None

    def small(tensor: Any) -> np.ndarray | None:
        value = value_of(tensor)
        if value is None or value.dtype.kind not in "iub" or value.ndim > 2:
            return None
        return value if value.size <= LONGEST_VECTOR else None

    def nothing(tensor: Any) -> None:
        return None

    whole: Callable[[Any], Dims] = lambda t: t.shape._dims  # noqa: E731
    first: Callable[[Any], Dims] = lambda t: (None, *t.shape._dims[1:]) if t.shape.rank else ()  # noqa: E731
    last: Callable[[Any], Dims] = lambda t: (*t.shape._dims[:-1], None) if t.shape.rank else ()  # noqa: E731
    rank: Callable[[Any], Dims] = lambda t: (None,) * t.shape.rank  # noqa: E731
    unknown: Callable[[Any], Dims] = lambda t: None  # noqa: E731
    for name, dims, known in (
        ("shapes and values", whole, value_of),
        ("shapes", whole, nothing),
        ("ranks and small values", rank, small),
        ("all but first extents", first, nothing),
        ("all but last extents, and small values", last, small),
        ("ranks", rank, nothing),
        ("small values", unknown, small),
        ("nothing", unknown, nothing),
    ):
        # A known value has a known shape.
        yield (
            name,
            [
                KnownShape(t, whole(t) if known(t) is not None else dims(t), known(t))
                for t in tensors
            ],
        )


class Watcher:
    """Notified of every eager op, like a tape; `wrong` describes the contradictions."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}
        self.seen: set[Any] = set()

    def record_op(self, op: Op, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Compares the rule of an op with the shapes of its outputs."""
        if type(op).shape_rule is None or STATE.graph is not None or not outputs:
            return
        if op.op_type in AS_TENSORFLOW:
            return
        tensors = [*inputs, *outputs]
        if not all(hasattr(t, "_value") for t in tensors):
            return
        key = self._key(op, inputs, outputs)
        if key in self.seen:
            return
        self.seen.add(key)
        for level, shapes in levels(inputs):
            said = self._contradiction(op, shapes, outputs)
            if said is None:
                continue
            if said.startswith(REFUSED) and level == "shapes and values":
                return  # TensorFlow's rules refuse more than its kernels, too
            given = [s.as_list() if s.rank is not None else None for s in shapes]
            self.wrong.setdefault(op.op_type, f"{op} of {given} ({level} known): {said}")

    def _key(self, op: Op, inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
        def small(t: Any) -> bytes:
            plain = is_plain(t) and t._value.dtype.kind in "iub" and t._value.size <= LONGEST_VECTOR
            return t._value.tobytes() if plain else b""

        shapes = tuple((t.dtype.name, t.shape._dims, small(t)) for t in inputs)
        return id(op), shapes, tuple(t.shape._dims for t in outputs)

    def _contradiction(
        self, op: Op, shapes: list[KnownShape], outputs: Sequence[Any]
    ) -> str | None:
        types = op.output_dtypes
        try:
            result = ruled(op, shapes)
        except (*REFUSALS, OpError) as error:
            return f"{REFUSED}: {type(error).__name__} {error}"
        said = flat_shapes(types, result)
        for shape, output in zip(said, outputs, strict=True):
            if not shape.is_compatible_with(output.shape):
                return f"static shape {shape}, but the result has {output.shape}"
        return None


@contextlib.contextmanager
def watching() -> Iterator[Watcher]:
    """Watches the eager ops of this thread."""
    watcher = Watcher()
    STATE.accumulators = (*STATE.accumulators, watcher)
    try:
        yield watcher
    finally:
        STATE.accumulators = tuple(a for a in STATE.accumulators if a is not watcher)
