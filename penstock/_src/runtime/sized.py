"""Programs for many extents: they share a launch table, into which the numbers of each call are written.

A plan whose numbers are expressions is loaded once, as an OpenProgram. For the extents of a call it returns a SizedProgram, which is small: a
signature, and the extents. All SizedPrograms share launch tables. If a table was last used for other extents, a native sizing program
rewrites its numbers, in microseconds.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.device import NumbersTooLarge
from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.memory_need import exhausted_by
from penstock._src.compiler.plan.numbered import numbered
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.sizes import SizingProgram
from penstock._src.core.values import memory_limit
from penstock._src.ir.extents.guards import Conditions, Recording
from penstock._src.ir.extents.values import Values, current
from penstock._src.native import kernels
from penstock._src.native.algorithms.sizing import STORE_WORDS, TOO_LARGE
from penstock._src.runtime.arena import HOST_ARENAS, ArenaBlock
from penstock._src.runtime.binding import BoundTable, TableWords, bound_table, constants_of
from penstock._src.runtime.load import SPARE, load
from penstock._src.runtime.program import Program, unused
from penstock._src.runtime.signature import OpenSignature, ProgramSignature, signature_of
from penstock._src.runtime.weight_packer import packers_of
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks
from penstock._src.util.run_observers import RUN_OBSERVERS

# An arena above LARGE bytes is given back after ROOMY_RUNS runs in a row that needed less than 1/ROOMY of it.
LARGE = 1 << 26
ROOMY, ROOMY_RUNS = 4, 100


@dataclass(eq=False)
class SizedTable(BoundTable):
    """A table, and the program whose numbers it currently contains.

    numbers    the words that the sizing program writes: the table and its patches
    stores     the destination of each number that the sizing program computes
    memory     the block of the arena
    """

    numbers: Any = None
    stores: Any = None
    memory: Any = None
    program: "SizedProgram | None" = None
    roomy_runs: int = 0  # the latest runs in a row that needed little of the arena

    def offset(self, buffer: Buffer) -> int:
        assert self.program is not None
        return self.program.facts[self.program.shared.fact_of_condition[buffer]]

    def has_room_unused(self, needed: int) -> bool:
        """Counts a run that needs this many bytes; True if the arena has been much too large for many runs in a row."""
        size = self.memory.array.size
        self.roomy_runs = self.roomy_runs + 1 if size > max(LARGE, ROOMY * needed) else 0
        return self.roomy_runs > ROOMY_RUNS

    def move(self, block: ArenaBlock) -> None:
        """Replaces the arena by a locked block, and releases the old one."""
        self.release()
        self.roomy_runs = 0
        self.memory, self.arena = block, block.array
        self.claim, self.release = block.lock.acquire, block.lock.release


class OpenProgram:
    """A loaded plan for all extents that meet its conditions, which are those that planning added to the function's.

    checks       those that are made after a run
    words        the words of the launch table, `table_words` of them, then its patches
    stores       the destination of each number that the sizing program computes
    """

    kind: "type[SizedProgram]"
    checks: Sequence[Any]

    def __init__(self, plan: Plan, symbols: Sequence[str]) -> None:
        """`symbols` are the names of the unknown extents, in the order in which `sized` reads their numbers."""
        self.plan, self.symbols = plan, tuple(symbols)
        self.libraries = kernels().load(plan.codes)
        self.constants = constants_of(plan, self.libraries)
        self.packers = packers_of(plan, self.libraries)
        self.signature = OpenSignature(signature_of(plan.function), len(plan.conditions) + 2)
        self.free: list[SizedTable] = []
        self._sizes = SizingProgram(self.symbols)
        arena = self._sizes.arrange(plan.places)
        # The numbers that `sized` reads back: bytes of arena and results, offsets of conditions, extents of the signature.
        facts = [arena, self._sizes.register(self.signature.result_bytes)]
        conditions = [memory_of(buffer)[0] for _, buffer in plan.conditions]
        nowhere = self._sizes.register(0)  # a condition outside of the arena has no offset
        facts += [self._sizes.offsets.get(b, nowhere) for b in conditions]
        self.fact_of_condition = {b: i for i, b in enumerate(conditions, start=2)}
        facts += map(self._sizes.register, self.signature.extents)
        self._words = TableWords(plan, self.constants, self._sizes)
        table = self._words.table(self.libraries)
        self.words = np.array([*table, *self._words.patch_words(len(table))], np.int64)
        self.table_words, self.checks = len(table), plan.conditions
        self.stores = np.array(self._words.stores, np.int64).reshape(-1, STORE_WORDS)
        recording = current()
        assert isinstance(recording, Recording)
        self.conditions: Conditions = recording.added
        self._sizes.require(recording.conditions)
        self._calculation = self._sizes.finished(facts)
        # All conditions, without what the recording has concluded from them.
        self.extents = Values(recording.symbols)
        self.all_conditions: Conditions = recording.conditions

    def sized(self, extents: Values) -> "SizedProgram | None":
        """The program for the extents of a call; None if its conditions or its function's do not hold."""
        try:
            facts = self._calculation.facts(extents.packed)
        except OverflowError:
            facts = TOO_LARGE
        if type(facts) is int:
            if facts & TOO_LARGE:
                raise NumbersTooLarge(f"{self.plan.function.name} for {extents.symbols}")
            return None
        if facts[0] + facts[1] > memory_limit.limit():
            raise self.exhausted(extents)
        return self.kind(self, extents, self.signature.sized(facts), facts)

    def exhausted(self, extents: Values) -> Exception:
        """The error of a call that needs more memory than the limit, or than there is."""
        with extents:
            return exhausted_by(numbered(self.plan, extents))

    def take(self, program: "SizedProgram") -> SizedTable:
        """A table with the numbers of a program, and its arena locked."""
        needed = program.arena_bytes + SPARE
        table: SizedTable | None = unused(self.free)
        if table is None:
            table = self._new_table(program)
        elif table.memory.array.size < needed or table.has_room_unused(needed):
            table.move(HOST_ARENAS.block(needed))
        elif table.program is program:
            return table
        stores, base = table.stores, table.memory.address
        self._calculation.size(program.extents.packed, stores, len(stores), table.numbers, base)
        table.program = program
        return table

    def _new_table(self, program: "SizedProgram") -> SizedTable:
        block = HOST_ARENAS.block(program.arena_bytes + SPARE)
        return self._bound(self.words.copy(), block, self.stores)

    def _bound(self, words: np.ndarray, block: ArenaBlock, stores: np.ndarray) -> SizedTable:
        """The table of these words over an arena."""
        count = self.table_words
        table = bound_table(
            self.plan, self._words, words[:count], words[count:], self.libraries, block, SizedTable,
            numbers=words, stores=stores, memory=block,
        )  # fmt: skip
        assert isinstance(table, SizedTable)
        return table


class SizedProgram(Program):
    """An open program for the extents of a call."""

    def __init__(
        self,
        shared: OpenProgram,
        extents: Values,
        signature: ProgramSignature,
        facts: Sequence[int],
    ) -> None:
        """`facts` are the numbers that the sizing program returned."""
        self.shared, self.extents = shared, extents
        self.arena_bytes, self.facts = facts[0], facts
        self._set_signature(signature)
        self._packers, self._conditions = shared.packers, shared.checks

    @forks.cached_property
    def plan(self) -> Plan:  # type: ignore[override]
        """The plan, with the numbers of these extents."""
        return numbered(self.shared.plan, self.extents)

    @forks.cached_property
    def _alone(self) -> Program:
        """The program of this plan alone: observers read its records."""
        plan = self.plan
        with self.extents:
            return load(plan)

    def _run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        return self._alone._run(arguments) if RUN_OBSERVERS else self._run_table(arguments)

    def _run_table(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        return super()._run(arguments)

    def _of_table(self) -> Any:
        return self

    def _take(self) -> BoundTable:
        return self.shared.take(self)

    def _give_back(self, table: BoundTable) -> None:
        assert isinstance(table, SizedTable)
        table.release()
        self.shared.free.append(table)

    def fail(self, code: int, status: np.ndarray) -> None:
        with self.extents:
            super().fail(code, status)

    def _exhausted(self) -> Exception:
        return self.shared.exhausted(self.extents)

    def profile(self, *arguments: Any, runs: int = 10) -> list[tuple[str, int, float]]:
        return self._alone.profile(*arguments, runs=runs)


OpenProgram.kind = SizedProgram


def load_open(plan: Plan) -> OpenProgram:
    """Loads a plan whose extents are expressions over the current recording's symbols."""
    return OpenProgram(plan, sorted(current().symbols))
