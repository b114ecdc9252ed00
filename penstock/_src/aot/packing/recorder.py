"""Recorder: object code, for several targets, of what is planned while it records."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

from penstock._src.aot.packing.signing import Maker
from penstock._src.compiler import pipeline
from penstock._src.compiler.blocks import block
from penstock._src.compiler.blocks.block import Block
from penstock._src.compiler.blocks.recorded.notes import NotRecorded, steps_record
from penstock._src.compiler.blocks.recorded.planned import name_of, whole_function
from penstock._src.compiler.blocks.specialize import Specialized
from penstock._src.compiler.blocks.steps import ProgramForm
from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.devices.cpu.packed_plans import place_of_plans
from penstock._src.devices.cpu.packed_steps import place_of_steps
from penstock._src.graph.control import is_steady
from penstock._src.ir.extents.values import Values
from penstock._src.native import Kernels, NamedCode, kernels
from penstock._src.native.algorithms.sizing import sizing
from penstock._src.native.cache.packs.format import Entry, Manifest, sealed
from penstock._src.native.cache.sources import OF_PLANS, digest_of
from penstock._src.native.code import FORMAT, MODULES, CachedCode, ModuleCode
from penstock._src.native.target import LEVELS, level
from penstock._src.runtime.packed.record import PlanRecord, text_of
from penstock._src.runtime.packed.steps import PackedStepsRecord, text_of_steps
from penstock._src.runtime.packed.writing import NotPortable, key_of_packing, portable
from penstock._src.util.dataclass import dataclass
from penstock._src.version import OWN_VERSION

THREADS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Report:
    """Contents of a pack.

    programs   programs, for all extents each
    kernels    kernels of all targets and numbers of threads
    objects    distinct objects
    code_bytes their bytes
    left_out   kernels that only their text identifies, which another machine compiles
    """

    programs: int
    kernels: int
    objects: int
    code_bytes: int
    left_out: int


class Recorder:
    """A context in which programs that are planned are planned for each target as well.

    Args:
      targets: names of LEVELS.
      threads: numbers of threads to lay kernels out for; a machine takes the least that is not below its own.

    Raises:
      InvalidArgumentError: a target is not known.
    """

    def __init__(self, targets: Iterable[str] = LEVELS, threads: Iterable[int] = THREADS) -> None:
        self.targets, self.threads = tuple(targets), tuple(sorted(set(threads)))
        unknown = sorted(set(self.targets) - set(LEVELS))
        if unknown or not self.targets:
            raise InvalidArgumentError(
                None,
                None,
                f"targets: expected some of {', '.join(LEVELS)}. Received {', '.join(unknown) or 'none'}.",
            )
        if not self.threads or self.threads[0] < 1:
            raise InvalidArgumentError(
                None, None, f"threads: expected numbers of at least 1. Received {self.threads}."
            )
        self._generators = [CpuGenerator(level(name)) for name in self.targets]
        self._codes: dict[str, NamedCode] = {}
        self._left_out: set[str] = set()
        self._programs = 0
        # What was planned for others: {id of what was prepared: (that, [(target, threads, plan, extents)])}.
        self._planned: dict[int, tuple[Any, list[tuple[str, int, Plan, Values]]]] = {}
        # {place in the pack: texts of records, with the constants that they refer to by number}
        self._records: dict[str, list[PlanRecord | PackedStepsRecord]] = {}
        self._constants: dict[bytes, int] = {}

    def __enter__(self) -> "Recorder":
        pipeline.PLAN_OBSERVERS.append(self._observe)
        block.SPECIALIZED_OBSERVERS.append(self._observe_form)
        sizing()  # programs of records need it, whether or not those of this process do
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pipeline.PLAN_OBSERVERS.remove(self._observe)
        block.SPECIALIZED_OBSERVERS.remove(self._observe_form)

    def _observe(self, prepared: pipeline.Prepared) -> None:
        self._programs += 1
        plans = self._planned.setdefault(id(prepared), (prepared, []))[1]
        plans.clear()
        for name, generator in zip(self.targets, self._generators, strict=True):
            for threads in self.threads:
                plan, extents = prepared.planned_elsewhere(generator, threads)
                for code in plan.codes:
                    self._add(code)
                plans.append((name, threads, plan, extents))

    def _observe_form(self, block: Block, form: Specialized, key: Any) -> None:
        """Records the steps of a block: its plans if it is a single program, otherwise its program and its other steps."""
        section = name_of(block.section)
        if section is None:
            return
        if form.only_program is None or block.others or block.value_positions:
            self._note_steps(block, form, key, section)
            return
        shared = repr(block.shared_key(key))
        steady = is_steady(block.section.ops[0].graph)
        for target, threads, record in self._portable(form.only_program, form, shared):
            record = dataclasses.replace(record, is_steady=steady)
            for name in filter(None, (section, whole_function(block.section))):
                self._records.setdefault(place_of_plans(target, threads, name), []).append(record)

    def _note_steps(self, block: Block, form: Specialized, key: Any, section: str) -> None:
        shared = block.steps_key(key)
        if shared is None:
            return
        try:
            steps = steps_record(block.section, form, shared)
        except NotRecorded:
            return
        programs = [step for step in form.steps if isinstance(step, ProgramForm)]
        plans: Iterable[tuple[str, int, PlanRecord | None]]
        if programs:
            plans = self._portable(programs[0], form, shared)
        else:
            plans = [(name, threads, None) for name in self.targets for threads in self.threads]
        for target, threads, plan in plans:
            record = PackedStepsRecord(steps, plan, not programs)
            self._records.setdefault(place_of_steps(target, threads, section), []).append(record)

    def _portable(
        self, program: ProgramForm, form: Specialized, key: str
    ) -> Iterator[tuple[str, int, PlanRecord]]:
        """The records of a program's plans, with their targets and numbers of threads."""
        _, plans = self._planned.get(id(program.prepared), (None, []))
        for target, threads, plan, extents in plans:
            try:
                with extents:
                    record = portable(
                        plan, extents, form.form.entries, key, key_of_packing, self._constant
                    )
            except NotPortable:
                continue
            yield target, threads, record

    def _constant(self, content: bytes) -> int:
        return self._constants.setdefault(content, len(self._constants))

    def _add(self, code: Any) -> None:
        if isinstance(code, NamedCode) and code.identity:
            self._codes.setdefault(code.identity, code)
        else:
            self._left_out.add(code.key)

    def sealed(self, maker: Maker, model: str = "") -> tuple[bytes, Report]:
        """The bytes of a pack of all that was recorded, and what it holds; `model` is the SHA-256 of the SavedModel's file.

        Raises:
          FailedPreconditionError: the sources of this installation cannot be read.
        """
        sources = digest_of(OF_PLANS)
        if sources is None:
            raise FailedPreconditionError(
                None,
                None,
                "The sources of this installation cannot be read, which a pack has to name.",
            )
        cache = kernels().cache
        modules = [
            ModuleCode(write, arguments, cache, level(name), kinds)
            for (write, arguments), kinds in list(MODULES.items())
            for name in self.targets
        ]
        codes: Sequence[CachedCode] = [*self._codes.values(), *modules]
        content = Kernels(cache).objects(codes)  # not the process's: what is loaded has no object
        numbers: dict[bytes, int] = {}
        entries = {
            code.identity: Entry(
                numbers.setdefault(content[code.key], len(numbers)), code.exports, repr(code.facts)
            )
            for code in codes
        }
        constants = [numbers.setdefault(each, len(numbers)) for each in self._constants]
        plans: dict[str, tuple[int, ...]] = {}
        for place, records in self._records.items():
            texts = [
                _text_of(record, constants)
                for record in records
                if all(code in entries for code in _codes_of(record))
            ]
            plans[place] = tuple([numbers.setdefault(each, len(numbers)) for each in texts])
        objects = list(numbers)
        table = [(hashlib.sha256(each).hexdigest(), len(each)) for each in objects]
        threads = dict.fromkeys(self.targets, self.threads)
        manifest = Manifest(
            abi=FORMAT,
            penstock=OWN_VERSION,
            sources=sources,
            targets=threads,
            objects=table,
            codes=entries,
            model=model,
            plans=plans,
        )
        data = sealed(manifest, objects, maker.key, maker.sign)
        size = sum(map(len, objects))
        report = Report(self._programs, len(entries), len(objects), size, len(self._left_out))
        return data, report


def _codes_of(record: PlanRecord | PackedStepsRecord) -> Sequence[str]:
    """The identities of the codes that a record needs."""
    plan = record.plan if isinstance(record, PackedStepsRecord) else record
    return () if plan is None else plan.codes


def _text_of(record: PlanRecord | PackedStepsRecord, objects: Sequence[int]) -> bytes:
    """The text of a record whose constants have these numbers as objects."""
    if isinstance(record, PlanRecord):
        return text_of(_renumbered(record, objects))
    if record.plan is not None:
        record = dataclasses.replace(record, plan=_renumbered(record.plan, objects))
    return text_of_steps(record)


def _renumbered(record: PlanRecord, objects: Sequence[int]) -> PlanRecord:
    """A record whose constants have these numbers as objects."""
    return dataclasses.replace(
        record,
        constants=[
            dataclasses.replace(each, object=objects[each.object]) for each in record.constants
        ],
    )
