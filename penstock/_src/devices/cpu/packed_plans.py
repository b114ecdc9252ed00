"""The programs that a pack has for a section of a model's graph, on the CPU of this process."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.compiler.blocks.input_form import InputForm
from penstock._src.compiler.device import NumbersTooLarge, Stopped
from penstock._src.core.calls.placement import has_gpus
from penstock._src.core.errors import OpError
from penstock._src.ir.extents.values import Values
from penstock._src.native import NamedCode, kernels, pool
from penstock._src.native.cache.packs import Pack
from penstock._src.native.cache.places import tuning_file
from penstock._src.native.target import level, levels_of_host
from penstock._src.runtime.packed.program import PackedProgram, libraries_by_number
from penstock._src.runtime.packed.record import PlanRecord, record_of
from penstock._src.util.flags import TABLE, flags
from penstock._src.util.process import forks

log = logging.getLogger("penstock.native")

# Flags on which plans depend, or that ask for more of programs than results.
_FLAGS = (
    "check", "checked", "debug", "device", "disable", "dump", "guard", "optimize", "tuning", "verify",
)  # fmt: skip


class RecordedPlan:
    """A program of a record.

    form        how extents are read from the inputs
    key         what else the inputs must have
    is_steady   True if its time depends on the shapes of its inputs alone
    """

    def __init__(self, record: PlanRecord) -> None:
        self._record: PlanRecord | None = record
        self.form, self.key = InputForm(list(record.form)), record.key
        self.is_steady = record.is_steady

    def sized(self, extents: Values) -> Any:
        """The program for the extents of a call; None if it is not for these."""
        try:
            return self.program.sized(extents)
        except (NumbersTooLarge, Stopped):
            return None

    @forks.cached_property
    def program(self) -> PackedProgram:
        """The program, with its code loaded."""
        assert self._record is not None
        program = self._loaded(self._record)
        self._record = None
        return program

    def _loaded(self, record: PlanRecord) -> PackedProgram:
        raise NotImplementedError(type(self).__name__)


class PackedPlan(RecordedPlan):
    """A program of a pack."""

    def __init__(self, pack: Pack, target: str, record: PlanRecord) -> None:
        super().__init__(record)
        self._pack, self._target = pack, target

    def _loaded(self, record: PlanRecord) -> PackedProgram:
        pack, target = self._pack, level(self._target)
        codes = [NamedCode(target, _not_written) for _ in record.codes]
        for code, identity in zip(codes, record.codes, strict=True):
            # By identity: a name would need LLVM's version, and so LLVM.
            code.name_it(_nameless, kernels().cache, identity, pack)
        libraries = libraries_by_number(codes, kernels().load(codes), record)
        return PackedProgram(record, libraries, pack.content)


def _not_written() -> NamedCode:
    raise AssertionError("code of a pack has no text")


def _nameless() -> None:
    return None


def target_and_threads(pack: Pack) -> tuple[str, int] | None:
    """The best level of processors and the number of threads for which a pack has code that runs here; None if it has none."""
    threads = pool().threads
    for name in levels_of_host():
        planned = pack.threads_for(name, threads) if name in pack.targets else None
        if planned is not None:
            return name, planned
    return None


def place_of_plans(target: str, threads: int, section: str) -> str:
    """The key in a pack of the plans for a section."""
    return f"{target} {threads} {section}"


class PackedPlans:
    """The programs of a pack for a section, in the order of their records, each read when it is come to.

    A record that is none is left out with a warning: the section is then lowered.
    """

    def __init__(self, pack: Pack, target: str, threads: int, section: str) -> None:
        self._pack, self._target, self._threads = pack, target, threads
        self._texts = pack.plans(place_of_plans(target, threads, section))
        self._found: list[PackedPlan] = []

    def __iter__(self) -> Iterator[PackedPlan]:
        yield from self._found
        while self._texts:
            plan = self._plan(self._texts.pop(0))
            if plan is not None:
                self._found.append(plan)
                yield plan

    def _plan(self, text: bytes) -> PackedPlan | None:
        pack = self._pack
        try:
            record = record_of(text, pack.objects)
            checked_plan(pack, self._threads, record)
            return PackedPlan(pack, self._target, record)
        # A pack comes from elsewhere: whatever is wrong with a record, the model still runs.
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OpError) as error:
            left_out(pack, error)
            return None


def checked_plan(pack: Pack, threads: int, record: PlanRecord) -> None:
    """Refuses a record that does not fit its pack.

    Raises:
      KeyError: the pack has not its code.
      ValueError: it is for another number of threads.
    """
    if any(pack.manifest.codes.get(code) is None for code in record.codes):
        raise KeyError("code")
    if record.threads != threads:
        raise ValueError("it is for another number of threads")


def left_out(pack: Pack, error: Exception) -> None:
    """Warns that a record of a pack is not used."""
    log.warning(
        "A plan of the pack %s is not used: %s: %s. The program is compiled.",
        pack.origin,
        type(error).__name__,
        error,
    )


def plans_are_usable() -> bool:
    """False if flags, GPUs or records of tuning might make other plans than those that were recorded."""
    if any(getattr(flags, name) != TABLE[name].default for name in _FLAGS) or has_gpus():
        return False
    tuned = tuning_file()
    return tuned is None or not tuned.exists()


def packed_plans(pack: Pack, section: str) -> Iterable[PackedPlan]:
    """The programs of a pack for a section; none if others might be made."""
    if not plans_are_usable():
        return ()
    planned = target_and_threads(pack)
    return () if planned is None else PackedPlans(pack, *planned, section)
