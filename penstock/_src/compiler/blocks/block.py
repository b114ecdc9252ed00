"""Blocks: sections of a graph that are executed as a short list of steps.

For inputs of new shapes a Block makes a Specialization and keeps it: from a program for many extents if the inputs meet its conditions, else
from the steps that `specialize` returns.
"""

import dataclasses
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.compiler.blocks.kinds import (
    ARRAY,
    HANDLE,
    LIST,
    Shapes,
    input_kinds,
    needed_shapes,
)
from penstock._src.compiler.blocks.lists import ListKey, list_key
from penstock._src.compiler.blocks.recorded.planned import PlannedStep, like, name_of
from penstock._src.compiler.blocks.recorded.step_lists import RecordedSteps
from penstock._src.compiler.blocks.section import Section, WaitingSection
from penstock._src.compiler.blocks.specialization import Specialization, specialization
from penstock._src.core.values import resources
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.control import bodies_of
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes import host_lists
from penstock._src.ir.extents.guards import Recording
from penstock._src.ir.extents.values import Values
from penstock._src.native.process.array_forms import check_of
from penstock._src.ops.control.list_value import TensorList
from penstock._src.util.dataclass import dataclass
from penstock._src.util.lazy import ByName
from penstock._src.util.names import label_of_function
from penstock._src.util.process import collector, forks
from penstock._src.util.process.layouts import FREE_THREADED
from penstock._src.util.process.progress import Progress
from penstock._src.util.process.references import mark_shared
from penstock._src.util.slots import above

if TYPE_CHECKING:
    from penstock._src.compiler.blocks.shared_program import SharedProgram
    from penstock._src.compiler.blocks.specialize import Specialized

# Imported by name: processes whose programs are all in packs neither lower nor plan.
_SPECIALIZE = ByName(f"{__package__}.specialize", "specialize")
_SHARED_PROGRAM = ByName(f"{__package__}.shared_program", "SharedProgram")
_WITH_SHAPES = ByName(f"{__package__}.other_shapes", "with_shapes")
_LOADED = ByName(f"{__package__}.steps", "loaded")
# A block keeps MOST_OPERATIONS // (its operations) specializations, within the limits below; an operation takes some 350 bytes in each.
# The oldest specialization is dropped first.
MOST_OPERATIONS = 1 << 20
FEWEST_KEPT, MOST_KEPT = 64, 1 << 12
# Values (rather than shapes) that a block is specialized for before its operations go to the host instead.
MOST_VALUES = 24
# Programs for many extents that are kept per block.
MOST_PROGRAMS = 32
# Programs in which an operation needed the number of an extent, as a Fourier transform does, or one that an input holds, such as an axis, before
# such operations go to the host instead.
MOST_FIXED = {"d": 2, "v": 8}
# Variables of a block whose calls are compared with the last one first.
MANY_HANDLES = 2
# The least number of operations of blocks whose programs are kept for other processes.
FEWEST_OPERATIONS = 256
# Called with each block that was specialized, the form and the key: packs take the programs of forms.
SPECIALIZED_OBSERVERS: list[Callable[["Block", "Specialized", Any], None]] = []


class Block:
    """Executes a section: `block(values)` returns its outputs for these inputs. `needed` returns the graph's current operations."""

    def __init__(
        self, section: Section, needed: Callable[[], Sequence[Operation]] | None = None
    ) -> None:
        self.section, self.needed = section, needed
        kinds = input_kinds(section.inputs)
        # Shapes that only the host reads are not part of the key: its kernels take arrays of any shape. Those of constants stay as they are.
        fixed = section.for_host | section.constants
        read = [t._id not in fixed for t in section.inputs]
        self.arrays = [i for i, kind in enumerate(kinds) if kind == ARRAY and read[i]]
        self.handles = [i for i, kind in enumerate(kinds) if kind == HANDLE]
        rest = [i for i, kind in enumerate(kinds) if kind not in (ARRAY, HANDLE)]
        self.others = [i for i in rest if kinds[i] != LIST or read[i]]
        # The ids of the handles of the last call, and their aliases: most calls pass the same variables.
        self.last_aliases: tuple[list[int], Any] = ([], None)
        # The last call's specialization, the dict that had it, and the ids of its handles; None if there is not much to compare.
        self.last: tuple[Specialization, Mapping[Any, Specialization], list[int]] | None = None
        self.value_positions = section.values or ()  # inputs whose values are part of the key
        self.specializations: dict[Any, Specialization] = {}
        self.programs: list[SharedProgram] = []
        # Programs of the model's pack, or by keys those kept by earlier processes, once they were looked for; they are for the operations as they were then.
        self.recorded: dict[str, Iterable[Any]] = {}
        self.value_programs = 0  # programs made for values of inputs
        # Programs made in which an unknown is a number, by its kind.
        self.fixed_programs = Counter[str]()
        # For calls with shapes that the graph's placeholders do not have: the block of a copy of the operations; None if there cannot be one.
        self.for_shapes: dict[Shapes, Block | None] = {}
        self.for_any: Specialization | None = None  # valid for any shapes: it has no program
        # The section that waits for the first steps is mostly the same for all shapes: its block is shared.
        self.waiting: weakref.WeakValueDictionary[Any, Block] = weakref.WeakValueDictionary()
        self._counted: tuple[Any, bool] = (None, False)  # operations, and True if they are many
        # The form of keys may change while one is computed: another thread must not store its own under the new form.
        self.changing = forks.freed_in_child(threading.RLock())

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Executes the operations for these inputs."""
        # Read before the key is computed: `missing` notices if another thread changes the form of keys.
        kept = self.specializations
        if self.for_any is not None and not kept:
            return self.for_any.run(values)
        last = self.last
        if last is not None and last[1] is kept:
            direct = last[0].direct
            if direct:
                results: list[Any] | None = direct.run(values)
                if results is not None:
                    return results
            elif self.is_like_last(values, last):
                return last[0].run(values)
        key = self.key(values)
        known = kept.get(key)
        if known is None:
            return (self.for_any or self.missing(values, key, kept)).run(values)
        if known.direct is not False or len(self.handles) >= MANY_HANDLES:
            self.last = self.compared(values, known, kept)
        return known.run(values)

    def prepare(self, values: Sequence[Any]) -> bool:
        """Makes the specialization for these inputs. Returns True if a call then only computes; False if it makes further steps as it runs."""
        kept = self.specializations
        key = self.key(values)
        return (self.for_any or kept.get(key) or self.missing(values, key, kept)).is_program

    def is_like_last(
        self,
        values: Sequence[Any],
        last: tuple[Specialization, Mapping[Any, Specialization], list[int]],
    ) -> bool:
        """True if the key of these inputs is that of the last call, without computing it: a tuple of shapes for each variable."""
        handles = [values[i] for i in self.handles]
        if list(map(id, handles)) != last[2] or resources.LENT:
            return False
        if last[0].direct is None:
            last[0].count()
        arrays = [values[i] for i in self.arrays]
        return last[0].check(*arrays, *[handle.value for handle in handles])  # type: ignore[misc]

    def compared(
        self, values: Sequence[Any], known: Specialization, kept: Mapping[Any, Specialization]
    ) -> tuple[Specialization, Mapping[Any, Specialization], list[int]] | None:
        """Values that `is_like_last` compares the next call with; None if its key holds more than types and shapes of arrays."""
        if self.others or self.value_positions or resources.LENT:
            return None
        if known.direct is None:
            known.count()
        if known.direct:
            known.direct.expect(values)
            return known, kept, []
        if len(self.handles) < MANY_HANDLES:
            return None
        handles = [values[i] for i in self.handles]
        if known.check is None:
            arrays = [values[i] for i in self.arrays] + [handle.value for handle in handles]
            if any(type(x) is not np.ndarray for x in arrays):
                return None
            known.check = check_of([(x.dtype, x.shape) for x in arrays])
        last = known, kept, list(map(id, handles))
        if FREE_THREADED:
            mark_shared(last, known.check)
        return last

    def key(self, values: Sequence[Any]) -> Any:
        """Everything that a specialization depends on: shapes, and the values that a lowering requested."""
        shapes = tuple([values[i].shape for i in self.arrays])
        if not self.handles and not self.others and not self.value_positions:
            return shapes
        handles = [values[i] for i in self.handles]
        ids, alias = list(map(id, handles)), self.last_aliases
        if ids != alias[0]:
            alias = self.last_aliases = ids, aliases(ids)
        variables = resources.shapes_of_values(handles)
        if not self.others and not self.value_positions:
            return shapes, variables, alias[1]
        rest = tuple([other_key(values[i]) for i in self.others])
        known = tuple([values[i].tobytes() for i in self.value_positions])
        return shapes, variables, rest, known, alias[1]

    def forms(self) -> list[Specialization]:
        """All specializations, including the one for unknown shapes. Those loaded from packs are lowered first."""
        for key, form in list(self.specializations.items()):
            if _is_recorded(form):
                with self.changing:
                    if form.steps[0].lowered() is None:
                        del self.specializations[key]
        if self.for_any is not None and _is_recorded(self.for_any):
            with self.changing:
                if self.for_any.steps[0].lowered() is None:
                    self.for_any = None
        return [*self.specializations.values(), *([self.for_any] if self.for_any else [])]

    def operations(self) -> Sequence[Operation]:
        """The operations; those of a whole graph are read each time, as it may have grown."""
        return self.section.ops if self.needed is None else self.needed()

    def missing(
        self, values: Sequence[Any], key: Any, kept: Mapping[Any, Specialization]
    ) -> Specialization:
        """The specialization for inputs whose key is not in `kept`: one of a program for many extents, else a new one."""
        with self.changing:
            if kept is not self.specializations:
                key = self.key(values)  # the form of keys has changed since
            known = self.specializations.get(key)  # another thread may have made it
            if known is None:
                self.update_operations()
                known = None if self.needed is None else self.from_other_shapes(values, key)
            if known is None:
                known = self.from_record(values, key) if self.may_be_recorded else None
            if known is None and self.programs:
                known = self.from_program(values, key)
            return known or self.specialize(values)

    def from_other_shapes(self, values: Sequence[Any], key: Any) -> Specialization | None:
        """The specialization for inputs whose shapes the graph's placeholders do not have; None if all fit, or the operations cannot be copied."""
        inputs, outputs = self.section.inputs, self.section.outputs
        shapes = needed_shapes(inputs, self.arrays, values)
        if not shapes:
            return None
        if shapes not in self.for_shapes:
            section = _WITH_SHAPES(self.section, shapes)
            self.for_shapes[shapes] = None if section is None else Block(section)
        block = self.for_shapes[shapes]
        if block is None:
            return None
        step = BlockStep(block, {}, range(len(inputs)), range(len(outputs)))
        return self.keep(key, Specialization([step], block.__call__))

    def update_operations(self) -> None:
        """Replaces the section's operations if the graph has grown."""
        ops = self.operations()
        if ops is not self.section.ops and tuple(ops) != tuple(self.section.ops):
            self.programs.clear()
            self.for_shapes.clear()
            self.section = dataclasses.replace(self.section, ops=ops)
            self.recorded.clear()
            self.leave_lists()

    def leave_lists(self) -> None:
        """Leaves lists that only the host reads out of the key."""
        if LIST in input_kinds(self.section.inputs):
            lists = host_lists.read_by_host(self.section.ops, self.section.inputs)
            left = self.section.for_host | lists
            if left != self.section.for_host:
                self.section = dataclasses.replace(self.section, for_host=left)
                self.others = [i for i in self.others if self.section.inputs[i]._id not in left]
                self.forget()

    @collector.paused()
    def specialize(self, values: Sequence[Any]) -> Specialization:
        """Makes and keeps the specialization for these inputs."""
        with Progress(f"compiling {label_of_function(self.section.name)}"):
            form, recording = self.lowered(values)
            self.fixed_programs.update(recording.fixed_kinds)
            executable = self.executable(form, Values(recording.symbols))
        key = self.key(values)
        for observer in SPECIALIZED_OBSERVERS:
            observer(self, form, key)
        if form.fits_any:
            self.for_any = executable
            return executable
        kept = None if form.only_program is None else self.kept_key(key, values)
        if kept is not None:
            above("keep_plan")(self.section, kept, form, executable.steps[0].compiled)
        if self.section.device is None and not recording.fixes_all:
            self.programs.insert(0, _SHARED_PROGRAM(self.shared_key(key), form, recording))
            del self.programs[MOST_PROGRAMS:]
        self.keep(key, executable)
        self.value_programs += bool(self.value_positions)
        if self.value_programs > MOST_VALUES:
            self.specialize_for(None)
        return executable

    def specialize_again(self, values: Sequence[Any]) -> Specialization:
        """Lowers the block for inputs for which a record has run."""
        with self.changing:
            return self.specialize(values)

    def lowered(self, values: Sequence[Any]) -> "tuple[Specialized, Recording]":
        """The steps for these inputs, lowered again with more of their values until no operation requests another; and the recorded decisions."""
        self.update_operations()
        self.separate_resources(values)
        often = [kind for kind, most in MOST_FIXED.items() if self.fixed_programs[kind] >= most]
        left_open = frozenset(often if self.section.device is None else [])
        while True:
            # A new recording each time: answers of an attempt that was dropped must not become conditions.
            with Recording({}) as recording:
                form = _SPECIALIZE(self.section, values, left_open, self.is_kept)
            if not isinstance(form, list):
                return form, recording
            self.specialize_for({*self.value_positions, *form})

    def from_program(self, values: Sequence[Any], key: Any) -> Specialization | None:
        """Keeps and returns the specialization of a program for many extents if these inputs meet its conditions; else None."""
        shared = self.shared_key(key)
        for program in self.programs:
            extents = program.specialized.form.extents(values) if shared == program.key else None
            if extents is None:
                continue
            # The plan's conditions include the function's: one native call checks both.
            only = program.specialized.only_program
            step = None if only is None else only.planned_step(extents)
            if step is not None:
                return self.keep(key, Specialization([step], step.run))
            if program.admits(extents):
                return self.keep(key, self.executable(program.specialized, extents))
        return None

    @property
    def may_be_recorded(self) -> bool:
        """False if no process keeps programs of such a section."""
        ops = self.section.ops
        if self._counted[0] is not ops:
            self._counted = ops, _are_many(ops)
        return bool(self.section.pack) or self._counted[1]

    @property
    def is_kept(self) -> bool:
        """True if programs of the whole section are kept for other processes."""
        return not self.section.pack and self.may_be_recorded and not SPECIALIZED_OBSERVERS

    def kept_key(self, key: Any, values: Sequence[Any]) -> str | None:
        """The key under which the program is stored for other processes; None if it is not stored, because planning is fast or the program is stored elsewhere."""
        handles = [values[i] for i in self.handles]
        if not self.is_kept:
            return None
        if self.others or self.value_positions or not all(map(_is_plain, handles)):
            return None
        return repr((self.shared_key(key), [handle.dtype.name for handle in handles]))

    def from_record(self, values: Sequence[Any], key: Any) -> Specialization | None:
        """Loads the specialization for such inputs from the model's pack or the user's cache, and keeps it; None if neither has one."""
        return self.from_plan(values, key) or self.from_steps(values)

    def from_plan(self, values: Sequence[Any], key: Any) -> Specialization | None:
        """The specialization of a program of all operations."""
        if self.others or self.value_positions:
            return None
        if self.section.pack:
            shared = repr(self.shared_key(key))
            plans = self.records("", self.packed_plans)
        else:
            kept = self.kept_key(key, values)
            if kept is None:
                return None
            shared = kept
            plans = self.records(kept, lambda: above("kept_plans")(self.section, kept))
        for plan in plans:
            extents = plan.form.extents(values) if plan.key == shared else None
            program = None if extents is None else plan.sized(extents)
            if program is not None:
                step = PlannedStep(self.specialize_again, program, list(map(like, values)))
                return self.keep(key, Specialization([step], step.run))
        return None

    def from_steps(self, values: Sequence[Any]) -> Specialization | None:
        """The specialization of recorded steps, with operations on the host."""
        name = name_of(self.section) if self.section.pack else None
        if name is None:
            return None
        pack = self.section.pack
        recorded = self.records("steps", lambda: above("packed_steps")(pack, name))
        if not recorded:
            return None
        self.separate_resources(values)
        wanted = next((v for steps in recorded if (v := set(steps.record.values)) > set(self.value_positions)), None)  # fmt: skip
        if wanted is not None:
            self.specialize_for(wanted)
        key = self.key(values)
        shared = self.steps_key(key)
        for steps in recorded:
            if steps.record.key != shared or tuple(steps.record.values) != self.value_positions:
                continue
            extents = steps.extents(values)
            if extents is None:
                continue
            step = steps.step(self.section, extents, self.specialize_again, self.waiting_step, values, self.value_positions)  # fmt: skip
            if step is None:
                continue
            made = Specialization([step], step.execute)
            if not steps.fits_any:
                return self.keep(key, made)
            self.for_any = made
            return made
        return None

    def steps_key(self, key: Any) -> str | None:
        """The text of the part of a key on which recorded steps depend; None if it has more than types and shapes."""
        shared = self.shared_key(key)
        others = shared[1] if len(shared) == 3 else ()
        return repr(shared) if all(isinstance(kind, type) for kind in others) else None

    def records(self, key: str, look: Callable[[], Iterable[Any]]) -> Iterable[Any]:
        """Recorded programs, which are looked for once."""
        if key not in self.recorded:
            self.recorded[key] = look()
        return self.recorded[key]

    def packed_plans(self) -> Iterable[Any]:
        """The programs of the model's pack."""
        name = self.name_of_plans()
        found: Iterable[Any] = above("packed_plans")(self.section.pack, name) if name else ()
        return found

    def name_of_plans(self) -> str | None:
        """The name under which packs have plans for the section; None if they have none."""
        return name_of(self.section)

    def shared_key(self, key: Any) -> Any:
        """The part of a key on which a program for many extents depends: all but the shapes of arrays and the known values."""
        if not self.handles and not self.others and not self.value_positions:
            return ()
        if len(key) == 3:
            return key[1:]
        others = [k.shared() if isinstance(k, ListKey) else k for k in key[2]]
        return key[1], tuple(others), key[4]

    def keep(self, key: Any, specialization: Specialization) -> Specialization:
        """Keeps a specialization under a key; drops the oldest one if there are too many."""
        count = len(self.specializations)
        if count >= FEWEST_KEPT and count >= min(
            MOST_KEPT, MOST_OPERATIONS // max(1, len(self.section.ops))
        ):
            del self.specializations[next(iter(self.specializations))]
        if FREE_THREADED:
            mark_shared(key, specialization.steps, specialization.run)
        self.specializations[key] = specialization
        return specialization

    def specialize_for(self, positions: set[int] | None) -> None:
        """Makes the values at these input positions part of the key of later calls; None: no values."""
        sorted_positions = None if positions is None else tuple(sorted(positions))
        self.section = dataclasses.replace(self.section, values=sorted_positions)
        self.value_positions = sorted_positions or ()
        self.value_programs = 0
        self.forget()

    def executable(self, form: "Specialized", extents: Values) -> Specialization:
        """The steps of a form, loaded for these extents; a section that waits becomes a block."""
        with extents:
            steps: list[Any] = _LOADED(form.steps)
        steps += map(self.waiting_step, form.waiting)
        return specialization(steps, form)

    def waiting_step(self, waiting: WaitingSection) -> "BlockStep":
        """The step for a section that waits."""
        block = self.block_of(waiting)
        return BlockStep(block, waiting.reasons, waiting.reads, waiting.writes)

    def forget(self) -> None:
        """Drops all specializations and programs, as the form of keys has changed."""
        self.specializations = {}  # a new dict: `missing` compares identities
        self.programs.clear()

    def block_of(self, waiting: WaitingSection) -> "Block":
        """The block of a section that waits, shared by equal sections of other specializations."""
        block = self.waiting.get(waiting.identity)
        if block is None:
            block = self.waiting[waiting.identity] = Block(waiting.section)
            # Extents that often changed in this block will often change in that one, also if the host computes them.
            has_often = self.fixed_programs["d"] >= MOST_FIXED["d"]
            block.fixed_programs = Counter(MOST_FIXED) if has_often else self.fixed_programs.copy()
        return block

    def separate_resources(self, values: Sequence[Any]) -> None:
        """Moves resources that are not variables, such as iterators, from `handles` to `others`: they have no shape."""
        resource_positions = [i for i in self.handles if not isinstance(values[i], VariableHandle)]
        if resource_positions:
            self.handles = [i for i in self.handles if i not in resource_positions]
            self.others += resource_positions
            self.forget()


@dataclass(frozen=True, eq=False)
class BlockStep:
    """Executes a block that waited for earlier steps; `reasons` has one for each operation that waited."""

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


def _is_recorded(form: Specialization) -> bool:
    """True if the only step comes from a pack."""
    return isinstance(form.steps[0] if form.steps else None, PlannedStep | RecordedSteps)


def _are_many(ops: Sequence[Operation]) -> bool:
    """True if there are so many operations, counting those of called functions, that planning them takes long."""
    pending, count = [ops], 0
    while pending and count < FEWEST_OPERATIONS:
        some = pending.pop()
        count += len(some)
        pending += [body.graph._operations for op in some for body in bodies_of(op)]
    return count >= FEWEST_OPERATIONS


def _is_plain(resource: Any) -> bool:
    """True if a resource is a variable that this process holds as a whole."""
    if not isinstance(resource, VariableHandle):
        return False
    return resource.layout is None and not resource.holder and resource.device is None


def other_key(value: Any) -> Any:
    """The part of the key for an input in `others`: a list, strings, or a resource."""
    if isinstance(value, VariableHandle):
        content = value.value
        return id(value), None if content is None else content.shape
    if isinstance(value, TensorList):
        return list_key(value)
    return type(value)  # a table or an iterator: only the host reads it


def aliases(ids: Sequence[int]) -> Any:
    """For each handle the position of the first equal one; None if all differ. A variable passed twice is one parameter."""
    first: dict[int, int] = {}
    for i, handle in enumerate(ids):
        first.setdefault(handle, i)
    return None if len(first) == len(ids) else tuple([first[handle] for handle in ids])
