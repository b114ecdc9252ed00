"""Numbers for a plan with unknown extents: the plan for the extents of one call, for reports, errors and profiles."""

import dataclasses
from typing import Any

from penstock._src.compiler.plan.buffers import Buffer, Place, room
from penstock._src.compiler.plan.launch_table import Jump, Launch, Record
from penstock._src.compiler.plan.plan import OutOfBounds, Plan
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.values import Values


def numbered(plan: Plan, extents: Values) -> Plan:
    """A copy of the plan in which expressions are replaced by their numbers for these extents."""
    with extents:
        buffers = _Buffers()
        arena_bytes = buffers.arrange(plan.places)
        return dataclasses.replace(
            plan,
            launches=tuple([_record(record, buffers) for record in plan.launches]),
            buffers=tuple([buffers.of(buffer) for buffer in plan.buffers]),
            arena_bytes=arena_bytes,
            prepacked=tuple(
                [
                    dataclasses.replace(
                        weights,
                        memory=buffers.of(weights.memory),
                        sizes=tuple(map(dims.settled, weights.sizes)),
                    )
                    for weights in plan.prepacked
                ]
            ),
            errors=tuple([_error(error) for error in plan.errors]),
            conditions=tuple([(check, buffers.of(b)) for check, b in plan.conditions]),
            places=(),
            extents=extents,
        )


class _Buffers:
    """Copies of buffers with numbers as sizes, each made once."""

    def __init__(self) -> None:
        self.copies: dict[Buffer, Buffer] = {}

    def of(self, buffer: Buffer) -> Buffer:
        """The copy of a buffer."""
        copy = self.copies.get(buffer)
        if copy is None:
            inside = None if buffer.inside is None else self.of(buffer.inside)
            copy = self.copies[buffer] = dataclasses.replace(
                buffer, size=dims.settled(buffer.size), inside=inside
            )
        return copy

    def arrange(self, places: tuple[Place, ...]) -> int:
        """Assigns offsets to the buffers of the arena; returns its bytes."""
        ends: list[int] = []
        for place in places:
            buffer = self.of(place.buffer)
            buffer.offset = max([ends[i] for i in place.above], default=0)
            ends.append(buffer.offset + room(buffer))
        return max(ends, default=0)


def _record(record: Record, buffers: _Buffers) -> Record:
    if isinstance(record, Launch):
        args = [_argument(a, buffers) for a in record.args]
        label = record.label if isinstance(record.label, str) else record.label()
        return dataclasses.replace(record, tasks=dims.settled(record.tasks), args=args, label=label)
    if isinstance(record, Jump):
        return dataclasses.replace(record, args=[_argument(a, buffers) for a in record.args])
    return record


def _argument(argument: Any, buffers: _Buffers) -> Any:
    if isinstance(argument, tuple):
        memory, start = argument
        return _argument(memory, buffers), dims.settled(start)
    if isinstance(argument, Buffer):
        return buffers.of(argument)
    return dims.settled(argument) if type(argument) is dims.Dim else argument


def _error(error: Any) -> Any:
    if isinstance(error, OutOfBounds):
        return dataclasses.replace(error, shape=tuple(map(dims.settled, error.shape)))
    return error
