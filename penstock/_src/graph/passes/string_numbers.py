"""Replaces strings that are only moved and compared with constants by numbers: one lookup on the host finds them all, and programs do the rest.

Before: a = Equal(GatherV2(x, 0), Const("u")),  b = Equal(GatherV2(x, 1), Const(["v", "w"]))
After:  n = KeyPositions(x, Const(["u", "v", "w"])),  a = Equal(GatherV2(n, 0), Const(0)),  b = Equal(GatherV2(n, 1), Const([1, 2]))

A string that equals no constant has the number -1, and no constant has that number.
"""

import copy
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
from penstock._src.core.registry import find
from penstock._src.core.shapes import as_shape
from penstock._src.graph.operation import Operation, SymbolicTensor

FEWEST = 3  # operations of strings for which a search and a program are worth their calls
_COMPARISONS = ("Equal", "NotEqual")
_SEARCH = "KeyPositions"
_PARTS = ("GatherV2", "StridedSlice")  # movements that may drop elements


def with_numbers(operations: list[Operation], outputs: Sequence[Any]) -> list[Operation]:
    """Returns the operations with comparisons of numbers; those that are new are in no graph.

    Args:
      operations: in the order in which they run.
      outputs: the tensors that are read.
    """
    if sum(_compares(op) for op in operations) < 2:
        return operations
    return _Rewrite(operations, outputs).result()


def _compares(op: Operation) -> bool:
    """True if an operation compares strings with constants alone."""
    if op.type not in (*_COMPARISONS, _SEARCH) or op._inputs[0].dtype is not dtypes.string:
        return False
    are_constant = [t.op.type == "Const" for t in op._inputs]
    return are_constant[-1] if op.type == _SEARCH else sum(are_constant) == 1


def _compared(op: Operation) -> tuple[Any, Any]:
    """The inputs of a comparison: the strings, and the constant."""
    x, y = op._inputs
    return (y, x) if x.op.type == "Const" else (x, y)


class _Rewrite:
    def __init__(self, operations: list[Operation], outputs: Sequence[Any]) -> None:
        self.operations = operations
        self.readers: dict[int, list[Operation]] = defaultdict(list)
        for op in operations:
            for t in op._inputs:
                self.readers[t._id].append(op)
        asked = {t._id for t in outputs}
        awaited = {id(other) for op in operations for other in op._control_inputs}
        self.replaced: set[int] = set()  # ids of operations
        for op in reversed(operations):
            if op._control_inputs or id(op) in awaited:
                continue
            if _compares(op) or _moves_all(op) and self._serves_numbers(op._outputs[0], asked):
                self.replaced.add(id(op))
        self.numbers: dict[int, Any] = {}  # a string tensor's id -> its numbers
        self.keys: dict[int, np.ndarray] = {}  # a string tensor's id -> the sorted constants

    def _serves_numbers(self, tensor: Any, asked: set[int]) -> bool:
        """True if all that reads a moved string tensor compares or moves it on."""
        if tensor._id in asked:
            return False
        readers = self.readers[tensor._id]
        return bool(readers) and all(
            id(op) in self.replaced and _source(op) is tensor for op in readers
        )

    def result(self) -> list[Operation]:
        """The operations."""
        made = {t._id for op in self.operations if id(op) in self.replaced for t in op._outputs}
        sources = {t._id: t for op in self.operations if id(op) in self.replaced for t in [_source(op)]}  # fmt: skip
        for source in sources.values():
            if source._id not in made:
                self._choose(source)
        result: list[Operation] = []
        for op in self.operations:
            source = _source(op) if id(op) in self.replaced else None
            if source is None or source._id not in self.keys:
                result.append(op)
                continue
            if source._id not in self.numbers:
                result += self._search(source, op)
            result += self._with_numbers(op, source)
        return result

    def _choose(self, source: Any) -> None:
        """Notes the constants that a tensor and its moved elements are compared with, if numbering the strings pays for the search."""
        family, constants, count, compared = [source], [], 0, 0.0
        shares = {source._id: 1.0}  # of the elements
        for t in family:
            for op in self.readers[t._id]:
                if id(op) not in self.replaced or _source(op) is not t:
                    continue
                count += 1
                if _compares(op):
                    constants.append(_compared(op)[1].op.raw_op.attrs["value"])
                    compared += shares[t._id]
                else:
                    moved = op._outputs[0]
                    part = _share(moved, t) if op.type in _PARTS else 1.0
                    shares[moved._id] = shares[t._id] * part
                    family.append(moved)
        if count >= FEWEST and compared >= 0.5:
            keys = np.unique(np.concatenate([value.reshape(-1) for value in constants]))
            self.keys.update((t._id, keys) for t in family)

    def _search(self, source: Any, reader: Operation) -> list[Operation]:
        """The search for a tensor's strings among the constants, with the facts of an operation that reads it."""
        keys, maker = self.keys[source._id], copy.copy(reader)
        maker._name = f"{source.op.name}/numbers"
        constant = _constant(maker, "keys", keys, dtypes.string)
        maker._inputs = [source, constant._outputs[0]]
        maker.raw_op = complete(find(_SEARCH), {"T": dtypes.string}, True)
        maker._outputs = [SymbolicTensor(maker, 0, dtypes.int64, source.shape)]
        self.numbers[source._id] = maker._outputs[0]
        return [constant, maker]

    def _with_numbers(self, op: Operation, source: Any) -> list[Operation]:
        """The operation that does with numbers what one does with strings, and its constant."""
        changed = copy.copy(op)
        type_attr = op.raw_op.inputs[0].type_attr
        attrs = {**op.raw_op.attrs, str(type_attr): dtypes.int64}
        changed.raw_op = complete(type(op.raw_op), attrs, True)
        numbers, before = self.numbers[source._id], []
        if _compares(op):
            strings = _compared(op)[1]
            places = np.searchsorted(self.keys[source._id], strings.op.raw_op.attrs["value"])
            constant = _constant(changed, strings.op.name, places, dtypes.int64)
            before = [constant]
            changed._inputs = [numbers if t is source else constant._outputs[0] for t in op._inputs]
        else:
            changed._inputs = [numbers, *op._inputs[1:]]
            output = op._outputs[0]
            changed._outputs = [SymbolicTensor(changed, 0, dtypes.int64, output.shape)]
            self.numbers[output._id] = changed._outputs[0]
        return [*before, changed]


def _constant(near: Operation, name: str, value: np.ndarray, dtype: Any) -> Operation:
    constant = copy.copy(near)
    constant._name = f"{near.name}/{name}"
    constant._inputs = []
    constant.raw_op = complete(find("Const"), {"value": value, "dtype": dtype}, True)
    constant._outputs = [SymbolicTensor(constant, 0, dtype, as_shape(value.shape))]
    return constant


def _source(op: Operation) -> Any:
    """The strings that a comparison or a movement reads."""
    return _compared(op)[0] if _compares(op) else op._inputs[0]


def _moves_all(op: Operation) -> bool:
    """True if an operation moves strings, along axes of unknown extents all of them, so that `_share` knows how many remain."""
    raw = op.raw_op
    # It moves, too, though a program does so faster.
    if not (raw.elements.is_movement or op.type == "Transpose"):
        return False
    if raw.stateful or raw.traits.has_lists or op.type == "Slice":
        return False
    if [t.dtype is dtypes.string for t in op._inputs].count(True) != 1:
        return False
    x = op._inputs[0]
    if x.dtype is not dtypes.string or x.op.type == "Const":
        return False
    dims = x.shape._dims
    if op.type == "GatherV2":
        axis = op._inputs[2].op
        if axis.type != "Const" or dims is None or op.raw_op.batch_dims:
            return False
        return bool(dims[int(axis.raw_op.attrs["value"])] is not None)
    if op.type == "StridedSlice":
        return dims is not None and _slices_known_axes(op, dims)
    return True


def _slices_known_axes(op: Operation, dims: Sequence[int | None]) -> bool:
    raw, steps = op.raw_op, op._inputs[3].op
    if steps.type != "Const" or raw.ellipsis_mask:
        return False
    axis = 0
    for i, step in enumerate(steps.raw_op.attrs["value"].tolist()):
        if raw.new_axis_mask >> i & 1:
            continue
        is_whole = step == 1 and raw.begin_mask >> i & 1 and raw.end_mask >> i & 1
        if dims[axis] is None and not is_whole:
            return False
        axis += 1
    return True


def _share(part: Any, whole: Any) -> float:
    """The size of `part` as a fraction of the size of `whole`; 0 if it is unknown."""
    dims, all_dims = part.shape._dims, whole.shape._dims
    if dims is None or all_dims is None or dims.count(None) != all_dims.count(None):
        return 0.0
    kept, of = ([n for n in each if n is not None] for each in (dims, all_dims))
    return math.prod(kept) / max(math.prod(of), 1)
