"""Inputs that have another shape in nearly every run, such as the words of a batch of texts, or the edges of a batch of graphs: what depends
on their shapes is computed by the host, operation by operation, as long as that takes less time than planning a program for each shape.

If those operations only compute, small tensors, they alone are the host's, and the others stay in programs. If they read or update variables, as
steps of training do, the host runs all; but shapes that come again get programs of their own.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.blocks.specialization import Specialization
from penstock._src.core import dtypes
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.operation import Operation
from penstock._src.ir.node import Node

# Specializations of a block that are made before small inputs of further shapes are left to the host.
MANY_SHAPES = 16
# Elements that count as small: of all inputs that the host reads together, and of each tensor that it makes.
SMALL = 1 << 14
FEW_ON_AVERAGE = 1 << 15  # elements that these make on average: they are kept to the end of the run
# Runs of a shape by the host before it gets a program, where the host runs all.
HOST_RUNS = 1
MOST_REMEMBERED = 1 << 14  # shapes whose runs are counted
OF_MANY_SHAPES = "its small inputs have another shape in nearly every run"


class ShapesMet:
    """The shapes that the tensors of a section have had, but for its first run: most have no other."""

    def __init__(self) -> None:
        self.met: dict[int, set[Any]] = {}  # a tensor's id -> its shapes
        self.last: dict[int, Any] = {}  # its shape in the last run

    def note(self, section: Section, values: Sequence[Any], lowered: Mapping[int, Any]) -> None:
        """Takes notice of a run: of the values of its inputs, and of what was lowered, by the tensors' ids."""
        inputs = zip(section.inputs, values, strict=True)
        self.last = {t._id: v.shape for t, v in inputs if isinstance(v, np.ndarray)}
        nodes = {tensor: node for tensor, node in lowered.items() if isinstance(node, Node)}
        self.last.update({tensor: tuple(map(int, node.shape)) for tensor, node in nodes.items()})
        for tensor, shape in self.last.items():
            self.met.setdefault(tensor, set()).add(shape)

    def vary(self) -> set[int]:
        """The tensors that have another shape in nearly every run."""
        return {tensor for tensor, shapes in self.met.items() if len(shapes) >= MANY_SHAPES // 2}

    def size(self, tensor: Any) -> int:
        """The elements that a tensor had in the last run; 0 where that is not known."""
        return int(np.prod(self.last.get(tensor._id, 0), dtype=np.int64))


@dataclasses.dataclass(frozen=True)
class FormForAny:
    """What executes a block for any shapes, if the inputs whose shapes vary have few elements.

    runs  how often it ran for each key of a block; None if it stands in for programs for good
    """

    form: Specialization
    positions: Sequence[int] = ()  # of these inputs
    most: float = float("inf")
    runs: dict[Any, int] | None = None

    def fits(self, values: Sequence[Any]) -> bool:
        """Whether it is the right one for these inputs."""
        return sum(_element_count(values[i]) for i in self.positions) <= self.most

    def takes(self, key: Any, values: Sequence[Any]) -> bool:
        """Whether it executes the block this time."""
        if not self.fits(values):
            return False
        if self.runs is None:
            return True
        if len(self.runs) >= MOST_REMEMBERED:
            self.runs.clear()
        count = self.runs[key] = self.runs.get(key, 0) + 1
        return count <= HOST_RUNS


@dataclasses.dataclass(frozen=True)
class HostShare:
    """What of a section the host computes for any shapes.

    is_all     whether these are all operations, some of which read or update variables
    positions  of the inputs whose elements are counted
    most       how many elements these may have
    """

    ops: Sequence[Operation]
    is_all: bool
    positions: Sequence[int]
    most: float


def share_of_host(section: Section, shapes: ShapesMet) -> HostShare | None:
    """The operations that depend on shapes that vary, and those that they need, if the host may compute them; else all, or None."""
    vary = shapes.vary() - section.constants
    ops = _behind_varying(section, vary)
    if not ops:
        return None
    is_pure = not any(
        op._control_inputs or op.raw_op.stateful or op.raw_op.runs_functions for op in ops
    )
    if is_pure and not _leaves_varying(section, ops):
        most = most_elements(section, ops, shapes)
        return HostShare(ops, False, inputs_read(section, ops), most)
    if section.device is not None or not all(map(_is_quick, section.ops)):
        return None
    positions = [i for i, tensor in enumerate(section.inputs) if tensor._id in vary]
    return HostShare(section.ops, True, positions, _most_of_all(section, positions, shapes))


def _behind_varying(section: Section, vary: Collection[int]) -> list[Operation]:
    """The operations that read tensors whose shapes vary, and those that they need."""
    chosen = [op for op in section.ops if any(t._id in vary for t in op._inputs)]
    makers = {t._id: op for op in section.ops for t in op._outputs}
    found: dict[str, Operation] = {}
    while chosen:
        op = chosen.pop()
        if op.name not in found:
            found[op.name] = op
            chosen += [makers[t._id] for t in op._inputs if t._id in makers]
    return list(found.values())


def _leaves_varying(section: Section, ops: Sequence[Operation]) -> bool:
    """Whether other operations read what these make, in shapes that vary: they would be planned for each."""
    own = {op.name for op in ops}
    made = {t._id for op in ops for t in op._outputs}
    read = [t for op in section.ops if op.name not in own for t in op._inputs if t._id in made]
    return any(t.dtype == dtypes.variant or not t.shape.is_fully_defined() for t in read)


def _is_quick(op: Operation) -> bool:
    """Whether the host runs an operation in about the time of its elements: no loop, and no exchange with other devices."""
    return op.raw_op.control != "while" and not op.raw_op.is_collective


def _most_of_all(section: Section, positions: Sequence[int], shapes: ShapesMet) -> float:
    """How many elements inputs may have, so that all operations together make few."""
    made = [size for op in section.ops for t in op._outputs if (size := shapes.size(t))]
    few = FEW_ON_AVERAGE * max(1, len(made))
    read = sum(shapes.size(section.inputs[i]) for i in positions)
    return max(1, read) * few / max(1, sum(made)) if sum(made) > few else FEW_ON_AVERAGE


def inputs_read(section: Section, ops: Collection[Operation]) -> list[int]:
    """The positions of the section's inputs that operations read, but for constants."""
    read = {t._id for op in ops for t in op._inputs} - section.constants
    return [i for i, tensor in enumerate(section.inputs) if tensor._id in read]


def most_elements(section: Section, ops: Collection[Operation], shapes: ShapesMet) -> float:
    """How many elements the inputs of operations may have, so that no tensor that they make becomes large."""
    read = sum(shapes.size(section.inputs[i]) for i in inputs_read(section, ops))
    made = max((shapes.size(t) for op in ops for t in op._outputs), default=0)
    return SMALL * min(1.0, max(1, read) / max(1, made))


def _element_count(value: Any) -> int:
    """How many elements an input has; those of a list of tensors are not counted, but too many."""
    held = value.value if isinstance(value, VariableHandle) else value
    return int(getattr(held, "size", SMALL + 1))
