"""Blocks: what is executed as a whole, as a short list of steps.

A Block executes a section of a graph. When it meets inputs of new shapes it makes a Specialization and keeps it: of a program for many extents
whose conditions they fulfil, else of the steps that `specialize` gives for them.
"""

import dataclasses
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock._src.compiler.blocks.inputs import ARRAY, HANDLE, element_shape, input_kinds
from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.blocks.shared_program import SharedProgram
from penstock._src.compiler.blocks.specialization import Specialization, specialization
from penstock._src.compiler.blocks.specialize import Specialized, specialize
from penstock._src.compiler.blocks.steps import ProgramForm
from penstock._src.core.values import resources
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.operation import Operation
from penstock._src.ir.extents.guards import Recording
from penstock._src.ir.extents.values import Values
from penstock._src.ops.control.list_value import TensorList
from penstock._src.util.dataclass import dataclass
from penstock._src.util.names import label_of_function
from penstock._src.util.process import collector, forks
from penstock._src.util.process.progress import Progress

# Specializations kept per block: for so many operations together (one takes some 350 bytes), and more and fewer than these numbers. The oldest goes first.
MOST_OPERATIONS = 1 << 20
FEWEST_KEPT, MOST_KEPT = 64, 1 << 12
# Values (rather than shapes) that a block is specialized for before its operations go to the host instead.
MOST_VALUES = 24
# Programs for many extents that are kept per block.
MOST_PROGRAMS = 32
# Programs in which an operation took an extent for its number, as a Fourier transform does, before such operations go to the host instead.
MOST_FIXED = 8


class Block:
    """Executes a section: `block(values)` gives its outputs for these inputs. `needed` gives its operations as they are by now."""

    def __init__(
        self, section: Section, needed: Callable[[], Sequence[Operation]] | None = None
    ) -> None:
        self.section, self.needed = section, needed
        kinds = input_kinds(section.inputs)
        read = [t._id not in section.for_host for t in section.inputs]  # by a program
        self.arrays = [i for i, kind in enumerate(kinds) if kind == ARRAY and read[i]]
        self.handles = [i for i, kind in enumerate(kinds) if kind == HANDLE]
        self.others = [i for i, kind in enumerate(kinds) if kind not in (ARRAY, HANDLE)]
        # The ids of the handles of the last call, and which of them are one object.
        self.last: tuple[list[int], Any] = ([], None)
        self.value_positions = section.values or ()  # inputs whose values are part of the key
        self.specializations: dict[Any, Specialization] = {}
        self.programs: list[SharedProgram] = []
        self.made = 0  # programs so far that are for some values of inputs
        self.fixed = 0  # programs so far in which an extent is a number
        # What executes it for any shapes, if it has no program.
        self.for_any: Specialization | None = None
        # What waits for the first steps is mostly the same section for all shapes: it keeps its specializations.
        self.waiting: weakref.WeakValueDictionary[Any, Block] = weakref.WeakValueDictionary()
        # What keys consist of may change while one is made: another thread must not file its own under the new form.
        self.changing = forks.freed_in_child(threading.RLock())

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Executes the operations for these inputs."""
        kept = self.specializations
        key = self.key(values)
        found = kept.get(key) or self.for_any or self.missing(values, key, kept)
        return found.run(values)

    def key(self, values: Sequence[Any]) -> Any:
        """What a specialization depends on: shapes, and those values that a lowering asked for."""
        shapes = tuple([values[i].shape for i in self.arrays])
        if not self.handles and not self.others and not self.value_positions:
            return shapes
        handles = [values[i] for i in self.handles]
        ids, alias = list(map(id, handles)), self.last
        if ids != alias[0]:  # mostly the same variables come again
            alias = self.last = ids, aliases(ids)
        if resources.LENT:
            held = tuple(map(resources.shape_of_value, handles))
        else:
            try:
                held = tuple([handle.value.shape for handle in handles])
            except AttributeError:  # one has no value yet, or is not known yet to be of no variable
                held = tuple(map(resources.shape_of_value, handles))
        if not self.others and not self.value_positions:
            return shapes, held, alias[1]
        rest = tuple([other_key(values[i]) for i in self.others])
        known = tuple([values[i].tobytes() for i in self.value_positions])
        return shapes, held, rest, known, alias[1]

    def forms(self) -> list[Specialization]:
        """Every specialization that it has, and the form for any shapes."""
        return [*self.specializations.values(), *([self.for_any] if self.for_any else [])]

    def operations(self) -> Sequence[Operation]:
        """The operations: those of a whole graph as they are by now."""
        return self.section.ops if self.needed is None else self.needed()

    def missing(
        self, values: Sequence[Any], key: Any, kept: Mapping[Any, Specialization]
    ) -> Specialization:
        """The specialization for these inputs, which was not `kept` for their key: of a program for many extents, else a new one."""
        with self.changing:
            if kept is not self.specializations:
                key = self.key(values)  # keys have another form since
            found = self.specializations.get(key)  # another thread may have made it
            if found is None and self.programs:
                self.take_operations()
                found = self.from_program(values, key)
            return found or self.specialize(values)

    def take_operations(self) -> None:
        """Takes the operations as they are by now: a graph may have got more."""
        ops = self.operations()
        if ops is not self.section.ops and tuple(ops) != tuple(self.section.ops):
            self.programs.clear()
            self.section = dataclasses.replace(self.section, ops=ops)

    @collector.paused()
    def specialize(self, values: Sequence[Any]) -> Specialization:
        """Makes and keeps the specialization for these inputs."""
        with Progress(f"compiling {label_of_function(self.section.name)}"):
            return self.specialized(values)

    def specialized(self, values: Sequence[Any]) -> Specialization:
        """The specialization for these inputs, which is made anew and kept."""
        self.take_operations()
        self.tell_variables(values)
        while True:
            recording = Recording({})
            leaves_open = self.fixed >= MOST_FIXED and self.section.device is None
            with recording:
                found = specialize(self.section, values, leaves_open)
            if not isinstance(found, list):
                break
            self.specialize_for({*self.value_positions, *found})
        self.fixed += recording.has_fixed
        extents = Values(recording.symbols)
        made = self.executable(found, extents)
        if found.fits_any:
            self.for_any = made
            return made
        shared = self.section.device is None and SharedProgram.of(
            self.shared_key(self.key(values)), found, recording
        )
        if shared:
            self.programs.insert(0, shared)
            del self.programs[MOST_PROGRAMS:]
        self.keep(self.key(values), made)
        self.made += bool(self.value_positions)
        if self.made > MOST_VALUES:
            self.specialize_for(None)
        return made

    def from_program(self, values: Sequence[Any], key: Any) -> Specialization | None:
        """The specialization for these inputs, of a key, that a program for many extents gives; it is kept."""
        shared = self.shared_key(key)
        for program in self.programs:
            if (extents := program.extents(shared, values)) is None:
                continue
            step = program.planned_step(extents)
            if step is not None:
                return self.keep(key, Specialization([step], step.run))
            if program.admits(extents):
                return self.keep(key, self.executable(program.specialized, extents))
        return None

    def shared_key(self, key: Any) -> Any:
        """What a program for many extents depends on besides these: other inputs."""
        if not self.handles and not self.others and not self.value_positions:
            return ()
        return key[1:] if len(key) == 3 else (key[1], key[2], key[4])

    def keep(self, key: Any, made: Specialization) -> Specialization:
        """Keeps a specialization for the inputs of a key."""
        if len(self.specializations) >= self.most_kept():
            del self.specializations[next(iter(self.specializations))]
        self.specializations[key] = made
        return made

    def most_kept(self) -> int:
        """How many specializations are kept."""
        return max(FEWEST_KEPT, min(MOST_KEPT, MOST_OPERATIONS // max(1, len(self.section.ops))))

    def specialize_for(self, positions: set[int] | None) -> None:
        """Makes the values of inputs part of the key; None: of no input any more."""
        sorted_positions = None if positions is None else tuple(sorted(positions))
        self.section = dataclasses.replace(self.section, values=sorted_positions)
        self.value_positions = sorted_positions or ()
        self.made = 0
        self.forget()  # keys have another form now

    def executable(self, found: Specialized, extents: Values) -> Specialization:
        """The steps put together, for unknown extents that are these; what waits is a block of its own."""
        with extents:
            steps: list[Any] = [
                step.step() if isinstance(step, ProgramForm) else step for step in found.steps
            ]
        if found.waiting is not None:
            rest = found.waiting
            block = self.block_of(rest.section)
            steps.append(BlockStep(block, rest.reasons, rest.reads, rest.writes))
        return specialization(steps, found)

    def forget(self) -> None:
        """Drops all specializations, and the programs that give them."""
        self.specializations = {}  # another one, by which calls know that keys have changed
        self.programs.clear()

    def block_of(self, waiting: Section) -> "Block":
        """The block of a section that waits: the one that an equal section of another specialization has."""
        key = waiting.identity()
        block = self.waiting.get(key)
        if block is None:
            block = self.waiting[key] = Block(waiting)
            block.fixed = self.fixed  # what changes often here does so there
        return block

    def tell_variables(self, values: Sequence[Any]) -> None:
        """Takes handles that are of no variables, such as an iterator's, for what they are in keys."""
        strange = [i for i in self.handles if not isinstance(values[i], VariableHandle)]
        if strange:
            self.handles = [i for i in self.handles if i not in strange]
            self.others += strange
            self.forget()  # keys have another form now


@dataclass(frozen=True, eq=False)
class BlockStep:
    """Executes a block that had to wait for earlier steps; `reasons` say for what."""

    block: Block
    reasons: Mapping[str, str]
    reads: Sequence[int]
    writes: Sequence[int]

    @property
    def ops(self) -> Sequence[Operation]:
        """The operations of the block."""
        return self.block.operations()

    def __call__(self, slots: list[Any]) -> None:
        results = self.block([slots[i] for i in self.reads])
        for slot, value in zip(self.writes, results, strict=True):
            slots[slot] = value


def other_key(value: Any) -> Any:
    """The part of the key that an input other than an array adds."""
    # a table or iterator adds its class only: it stays on the host
    if isinstance(value, VariableHandle):
        held = value.value
        return id(value), None if held is None else held.shape
    if isinstance(value, TensorList):
        return len(value), value.dtype, element_shape(value)
    return type(value)


def aliases(ids: Sequence[int]) -> Any:
    """Which of the handles are one object, if any are: a variable may be passed twice."""
    seen: dict[int, int] = {}
    for i, each in enumerate(ids):
        seen.setdefault(each, i)
    return None if len(seen) == len(ids) else tuple([seen[each] for each in ids])
