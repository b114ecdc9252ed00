"""The functions of a model, planned for a machine, and where everything lies that they read and write."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock._src.aot.code.launches import ARENA, CONSTANTS, INPUT, OUTPUT, Place
from penstock._src.aot.model.constants import (
    LINE,
    ConstantData,
    packed_array,
    prepacked_arrays,
)
from penstock._src.aot.model.signature import LoweredFunction
from penstock._src.aot.targets import Machine
from penstock._src.compiler.pipeline import improved, plan_function
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.prepacked import PackedConstant
from penstock._src.compiler.stages import Stages
from penstock._src.core import dtypes
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.cpu.device import generator_for
from penstock._src.native import Code

# Before the state: what says that the arena is prepared, and where weights of a file are.
HEADER_BYTES = LINE


@dataclass(frozen=True)
class State:
    """A variable that functions assign: its value lies in the arena, from call to call."""

    name: str
    handle: VariableHandle
    offset: int


@dataclass(frozen=True)
class PlannedFunction:
    """A lowered function with a plan for each form."""

    lowered: LoweredFunction
    plans: Mapping[int, Plan]


@dataclass(frozen=True, eq=False)
class PlannedModel:
    """All functions, over one arena and one block of constants.

    states        variables that change
    arena_start   where temporaries begin in the arena: behind the header and the states, if there are any
    arena_bytes   of all
    codes         kernels, each once
    messages      what statuses above 0 say
    """

    machine: Machine
    functions: tuple[PlannedFunction, ...]
    states: tuple[State, ...]
    data: ConstantData
    arena_start: int
    arena_bytes: int
    codes: tuple[Code, ...]
    messages: list[str]
    threads: int
    _numbers: dict[Any, int] = field(default_factory=dict)

    def message(self, error: Any) -> int:
        """The number of the message of an error of a plan, or of a check."""
        if error not in self._numbers:
            self._numbers[error] = len(self.messages)
            self.messages.append(_text_of(error))
        return self._numbers[error]

    def place_in(self, function: PlannedFunction, form: int) -> "Places":
        return Places(self, function, form)

    def initial_state(self) -> bytes:
        """Return the initial values of the states."""
        data = bytearray(self.arena_start - (HEADER_BYTES if self.arena_start else 0))
        for state in self.states:
            value = np.ascontiguousarray(state.handle.value).tobytes()
            at = state.offset - HEADER_BYTES
            data[at : at + len(value)] = value
        return bytes(data)


class Places:
    """Offsets of the buffers of one plan."""

    def __init__(self, model: PlannedModel, function: PlannedFunction, form: int) -> None:
        self.model = model
        self.values = function.lowered.values
        self.whole = function.lowered.forms[form]
        self.plan = function.plans[form]
        self.states = {id(state.handle): state.offset for state in model.states}
        variables = {
            number: value.value
            for number, value in self._variables()
            if id(value) not in self.states
        }
        self.prepacked = prepacked_arrays(self.plan, variables, model.machine)

    def _variables(self) -> Iterator[tuple[int, VariableHandle]]:
        for number, position in enumerate(self.whole.positions):
            if position >= 0 and isinstance(self.values[position], VariableHandle):
                yield number, self.values[position]

    def __call__(self, buffer: Buffer) -> Place:
        """The location of a top-level buffer; constants are put into the model's data."""
        data = self.model.data
        if buffer.place == "arena":
            return Place(ARENA, self.model.arena_start + buffer.offset)
        if buffer.place == "constant":
            array = buffer.array
            if isinstance(array, PackedConstant):
                array = packed_array(array, self.plan.threads, self.model.machine)
            return Place(CONSTANTS, data.add(np.asarray(array)))
        if buffer.place == "prepacked":
            return Place(CONSTANTS, data.add(self.prepacked[buffer.number]))
        if buffer.place == "output":
            return Place(OUTPUT, 0, buffer.number)
        position = self.whole.positions[buffer.number]
        value = self.values[position]
        if value is None:
            return Place(INPUT, 0, position)
        if id(value) in self.states:
            return Place(ARENA, self.states[id(value)])
        return Place(CONSTANTS, data.add(value.value if buffer.place == "variable" else value))


def plan_model(
    functions: Sequence[LoweredFunction], machine: Machine, threads: int, has_header: bool
) -> PlannedModel:
    """Plans every form of every function.

    Args:
      functions: lowered.
      machine: for which code is generated.
      threads: that share the tasks of a launch.
      has_header: whether the arena begins with one even if nothing is kept in it.
    """
    generator = generator_for(machine.target)
    states, end = _states(assigned_handles(functions))
    assigned = {id(state.handle) for state in states}
    planned = []
    for lowered in functions:
        plans = {}
        for form, whole in lowered.forms.items():
            stages = Stages(whole.function.name)
            with whole.extents:
                function = improved(whole.function, stages)
                # A built model packs weights once, when it is built.
                changing = frozenset(
                    number
                    for number, position in enumerate(whole.positions)
                    if position >= 0 and id(lowered.values[position]) in assigned
                )
                plans[form] = plan_function(function, generator, threads, stages, changing=changing)
        planned.append(PlannedFunction(lowered, plans))
    every = [plan for function in planned for plan in function.plans.values()]
    start = end if states or has_header else 0
    codes = list({code.key: code for plan in every for code in plan.codes}.values())
    arena = start + max((plan.arena_bytes for plan in every), default=0)
    return PlannedModel(
        machine=machine,
        functions=tuple(planned),
        states=states,
        data=ConstantData(),
        arena_start=start,
        arena_bytes=arena,
        codes=tuple(codes),
        messages=[],
        threads=threads,
    )


def assigned_handles(functions: Sequence[LoweredFunction]) -> list[VariableHandle]:
    """The variables that any function assigns, each once."""
    assigned: dict[int, VariableHandle] = {}
    for lowered in functions:
        for whole in lowered.forms.values():
            numbers = {p.id: i for i, p in enumerate(whole.function.parameters)}
            for handle, _ in whole.function.updates:
                value = lowered.values[whole.positions[numbers[handle.id]]]
                assigned[id(value)] = value
    return list(assigned.values())


def _states(handles: Sequence[VariableHandle]) -> tuple[tuple[State, ...], int]:
    """Return variables that functions assign, placed after the header; and the offset of their end."""
    states: list[State] = []
    at = HEADER_BYTES
    for handle in handles:
        states.append(State(handle.name or f"variable_{len(states)}", handle, at))
        at += -(-handle.value.nbytes // LINE) * LINE
    return tuple(states), at


def _text_of(error: Any) -> str:
    """Return the message of a plan's error or check, without values, which only the host would print."""
    check = getattr(error, "check", error)
    if hasattr(check, "message"):
        return str(check.message)
    node = error.node
    origin = getattr(node.origin, "name", None) or node.kind
    extent = f"[{', '.join(map(str, node.args[0].shape))}]" if node.args else ""
    return f"{origin}: an index is outside of {dtypes.as_dtype(node.dtype).name}{extent}"
