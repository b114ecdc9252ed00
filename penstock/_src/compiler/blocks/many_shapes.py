"""Small inputs that have another shape in nearly every run, such as the words of a batch of texts: what depends on their shapes is computed
by the host, which takes less time than planning a program for each shape. The operations that do not depend on them stay in programs.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.blocks.specialization import Specialization
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.operation import Operation
from penstock._src.ir.node import Node

# Specializations of a block that are made before small inputs of further shapes are left to the host.
MANY_SHAPES = 16
# Elements that count as small: of all inputs that the host reads together, and of each tensor that it makes.
SMALL = 1 << 14
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
    """What executes a block for any shapes, if the inputs that the host reads have few elements."""

    form: Specialization
    positions: Sequence[int] = ()  # of these inputs
    most: float = float("inf")

    def fits(self, values: Sequence[Any]) -> bool:
        """Whether it is the right one for these inputs."""
        return sum(_element_count(values[i]) for i in self.positions) <= self.most


def operations_for_host(section: Section, shapes: ShapesMet) -> list[Operation]:
    """The operations that depend on shapes that vary, and those that they need; none if some of them are not the host's to compute."""
    vary = shapes.vary() - section.constants
    chosen = [op for op in section.ops if any(t._id in vary for t in op._inputs)]
    makers = {t._id: op for op in section.ops for t in op._outputs}
    found: dict[str, Operation] = {}
    while chosen:
        op = chosen.pop()
        if op.name in found:
            continue
        if op._control_inputs or op.raw_op.stateful or op.raw_op.runs_functions:
            return []
        found[op.name] = op
        chosen += [makers[t._id] for t in op._inputs if t._id in makers]
    return list(found.values())


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
