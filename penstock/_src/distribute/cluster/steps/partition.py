"""Cuts the operations that a run of a session needs into parts of one task each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.cluster.steps.placement import Places, finds_by_name, is_constant
from penstock._src.graph.operation import Operation, SymbolicTensor

_T = TypeVar("_T")
# Task, number of times that values have changed tasks before, name of an operation that may wait for others, or "".
_Key = tuple[str, int, str]


class Unique(dict[int, _T]):
    """Items in the order in which they were first added."""

    def add(self, item: Any) -> None:
        """Adds an item unless it is there."""
        self.setdefault(getattr(item, "_id", id(item)), item)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())


def _unique() -> Any:
    return dataclasses.field(default_factory=Unique)


@dataclasses.dataclass(eq=False)
class PartOfRun:
    """Operations that run in a task as one.

    Args:
      task: its name.
      operations: in order.
      given: tensors whose values come from the session's caller, or from other tasks.
      taken: tensors whose values earlier parts left in the task.
      returned: tensors that the caller or other tasks want.
      left: tensors for later parts in the task.
      awaited: operations that others wait for, or the caller.
      after: the parts that run before.
    """

    task: str
    operations: Unique[Operation] = _unique()
    given: Unique[SymbolicTensor] = _unique()
    taken: Unique[SymbolicTensor] = _unique()
    returned: Unique[SymbolicTensor] = _unique()
    left: Unique[SymbolicTensor] = _unique()
    awaited: Unique[Operation] = _unique()
    after: Unique[PartOfRun] = _unique()


def partition(
    operations: Sequence[Operation],
    fed: Sequence[SymbolicTensor],
    wanted: Sequence[SymbolicTensor],
    targets: Sequence[Operation],
    placement: Places,
) -> list[PartOfRun]:
    """Returns the parts of a run, each after those that it needs.

    Operations of a task are in one part unless a value has to leave the task and come back between them, or one may wait for what others do:
    that is a part of its own, so that it holds up nothing else.

    Args:
      operations: what the run needs, in an order it can run in.
      fed: tensors whose values are given.
      wanted: tensors whose values are to be returned.
      targets: operations that are to run.
      placement: says where.

    Raises:
      InvalidArgumentError: an operation is placed on a device that does not exist.
      UnimplementedError: a loop of TensorFlow 1's nodes is in several tasks.
    """
    return _Partition(operations, fed, wanted, targets, placement).parts()


class _Partition:
    def __init__(
        self,
        operations: Sequence[Operation],
        fed: Sequence[SymbolicTensor],
        wanted: Sequence[SymbolicTensor],
        targets: Sequence[Operation],
        placement: Places,
    ) -> None:
        self._operations, self._fed = operations, {t._id for t in fed}
        self._needed = set(map(id, operations))
        self._wanted, self._targets = wanted, set(map(id, targets))
        self._asked_for = self._targets | {id(t.op) for t in wanted}
        self._task_of = placement.task_of
        # Replacements of operations that do nothing themselves, for the operations that wait for them, by id.
        self._stood_for: dict[int, list[Operation]] = {}
        for op in operations:
            if not (op._inputs or op.outputs or op.raw_op.stateful):
                self._stood_for[id(op)] = self._effective(op._control_inputs)
        if self._stood_for:
            self._operations = [op for op in operations if id(op) not in self._stood_for]
            self._targets = set(map(id, self._effective(targets)))
            self._asked_for = self._targets | {id(t.op) for t in wanted}
        self._keys: dict[int, _Key] = {}
        self._awaited: dict[int, list[Operation]] = {}
        # Operations that parts have copies of, by the ids of the operations: no part runs after another for them.
        self._copied = {id(op) for op in operations if is_constant(op) or finds_by_name(op)}

    def parts(self) -> list[PartOfRun]:
        if any(op.raw_op.flow.redirects for op in self._operations):
            return [self._whole()]
        for op in self._operations:
            if id(op) not in self._copied or id(op) in self._asked_for:
                self._keys[id(op)] = self._key(op)
        parts_by_key: dict[_Key, PartOfRun] = {}
        for op in self._operations:
            for source in self._before(op):
                if id(source) in self._copied:  # a handle that an operation of another task reads
                    self._add(source, parts_by_key)
            if id(op) in self._keys:
                self._add(op, parts_by_key)
        for part in parts_by_key.values():
            self._connect(part, parts_by_key)
        for tensor in self._wanted:
            parts_by_key[self._keys[id(tensor.op)]].returned.add(tensor)
        return [parts_by_key[key] for key in sorted(parts_by_key, key=lambda key: key[1])]

    def _whole(self) -> PartOfRun:
        """The part of a graph with Switch and Merge nodes: all of it."""
        tasks = {self._task_of(op) for op in self._operations if id(op) not in self._copied}
        if len(tasks) > 1:
            names = [op.name for op in self._operations if op.raw_op.flow.redirects]
            raise UnimplementedError(
                f"A graph with Switch and Merge nodes ({names[0]}, ...) cannot run in several tasks: {', '.join(sorted(tasks))}."
            )
        part = PartOfRun(tasks.pop() if tasks else self._task_of(self._operations[0]))
        for op in self._operations:
            part.operations.add(op)
            for tensor in op._inputs:
                if tensor._id in self._fed:
                    part.given.add(tensor)
            if id(op) in self._targets:
                part.awaited.add(op)
        for tensor in self._wanted:
            part.returned.add(tensor)
        return part

    def _before(self, op: Operation) -> list[Operation]:
        """Return the operations that run before an operation, without those that its part has a copy of."""
        task = self._task_of(op)
        inputs = [t.op for t in op._inputs if t._id not in self._fed]
        return [o for o in inputs if not self._has_copy(o, task)] + self._awaited_by(op)

    def _awaited_by(self, op: Operation) -> list[Operation]:
        """Operations that run before an operation though it reads nothing of them."""
        if id(op) not in self._awaited:
            effective = self._effective(op._control_inputs)
            self._awaited[id(op)] = [o for o in effective if id(o) not in self._copied]
        return self._awaited[id(op)]

    def _effective(self, operations: Sequence[Operation]) -> list[Operation]:
        """Operations to wait for; those that do nothing themselves are replaced by their own dependencies."""
        awaited: Unique[Operation] = Unique()
        for op in operations:
            if id(op) in self._needed:
                for one in self._stood_for.get(id(op), (op,)):
                    awaited.add(one)
        return list(awaited)

    def _has_copy(self, op: Operation, task: str) -> bool:
        return id(op) in self._copied and (is_constant(op) or self._task_of(op) == task)

    def _key(self, op: Operation) -> _Key:
        task, level = self._task_of(op), 0
        waits = op.name if op.raw_op.effects.may_wait else ""
        for other in self._before(op):
            if id(other) not in self._keys:
                self._keys[id(other)] = self._task_of(other), 0, ""
            its, depth, other_waits = self._keys[id(other)]
            level = max(level, depth + (its != task or bool(waits) or bool(other_waits)))
        return task, level, waits

    def _add(self, op: Operation, parts: dict[_Key, PartOfRun]) -> None:
        key = self._keys[id(op)]
        part = parts.setdefault(key, PartOfRun(key[0]))
        for tensor in op._inputs:
            if tensor._id not in self._fed and self._has_copy(tensor.op, part.task):
                part.operations.add(tensor.op)
        part.operations.add(op)
        if id(op) in self._targets:
            part.awaited.add(op)

    def _connect(self, part: PartOfRun, parts: dict[_Key, PartOfRun]) -> None:
        """Records a part's inputs, and the parts that produce them."""
        own = {id(op) for op in part.operations}
        for op in part.operations:
            for tensor in op._inputs:
                if tensor._id in self._fed:
                    part.given.add(tensor)
                elif id(tensor.op) not in own:
                    _read(part, tensor, parts[self._keys[id(tensor.op)]])
            for other in self._awaited_by(op):
                source = parts[self._keys[id(other)]]
                source.awaited.add(other)
                if source is not part:
                    part.after.add(source)


def _read(part: PartOfRun, tensor: SymbolicTensor, source: PartOfRun) -> None:
    """Notes that a part reads a tensor of another."""
    part.after.add(source)
    if source.task == part.task:
        part.taken.add(tensor)
        source.left.add(tensor)
    else:
        part.given.add(tensor)
        source.returned.add(tensor)
