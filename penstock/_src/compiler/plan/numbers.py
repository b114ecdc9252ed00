"""A plan made for other extents than its nodes have (dims.at): all its numbers as they are then, and what tells plans apart."""

import copy
import dataclasses
from typing import Any

from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.launch_table import Jump, Label, Launch, Record
from penstock._src.compiler.plan.plan import OutOfBounds, Plan
from penstock._src.ir.dims import Dim
from penstock._src.ir.node import Node


def with_numbers(plan: Plan) -> Plan:
    """The plan with numbers for Dims, as they are now, also in the shapes of what the program takes and gives."""
    function = dataclasses.replace(
        plan.function,
        parameters=tuple(map(_now, plan.function.parameters)),
        results=tuple(map(_now, plan.function.results)),
    )
    errors = tuple(
        [
            dataclasses.replace(e, indices=_now(e.indices)) if isinstance(e, OutOfBounds) else e
            for e in plan.errors
        ]
    )
    launches = tuple(map(_record, plan.launches))
    for buffer in plan.buffers:
        buffer.size, buffer.offset = int(buffer.size), int(buffer.offset)
    return dataclasses.replace(plan, function=function, errors=errors, launches=launches)


def _now(node: Node) -> Node:
    """A node with the extents that it has now; its id stays."""
    made = copy.copy(node)
    made.shape = tuple(map(int, node.shape))
    return made


def _record(record: Record) -> Record:
    if isinstance(record, Launch):
        args = [_number(x) for x in record.args]
        return dataclasses.replace(record, tasks=int(record.tasks), args=args)
    if isinstance(record, Jump):
        rounds = None if record.rounds is None else int(record.rounds)
        args = [_number(x) for x in record.args]
        return dataclasses.replace(record, target=_number(record.target), args=args, rounds=rounds)
    return record


def _number(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return argument[0], int(argument[1])
    return int(argument) if type(argument) is Dim else argument


def identity(plan: Plan) -> Any:
    """What two plans have in common that do the same with the same memory."""
    places = {record: i for i, record in enumerate(plan.launches) if isinstance(record, Label)}
    numbers = {id(buffer): i for i, buffer in enumerate(plan.buffers)}

    def word(x: Any) -> Any:
        if isinstance(x, Label):
            return "label", places[x]
        found, offset = memory_of(x)
        if isinstance(found, Buffer):
            place = found.place, found.number, numbers.get(id(found)), found.offset, found.size
            return (*place, offset)
        return found, offset

    records: list[Any] = []
    for record in plan.launches:
        if isinstance(record, Launch):
            what = record.code.key, record.function, record.tasks, record.holds, record.lane
            records.append((*what, *map(word, record.args)))
        elif isinstance(record, Jump):
            what = record.operation, word(record.target), record.rounds
            records.append((*what, *map(word, record.args)))
    packed = [(w.key, w.variable, w.start, w.code.code.key, w.sizes) for w in plan.prepacked]
    constants = [b.array.tobytes() for b in plan.buffers if b.place == "constant"]
    shapes = [tuple(map(int, n.shape)) for n in (*plan.function.parameters, *plan.function.results)]
    errors = [(type(e), getattr(e, "written", None)) for e in plan.errors]
    return records, packed, constants, shapes, errors, plan.arena_bytes, len(plan.conditions)
