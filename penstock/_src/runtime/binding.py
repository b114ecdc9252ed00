"""A plan's launch table bound to the addresses of kernels, an arena and constants. Each call adds the addresses of its arrays."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.compiler.codegen.specials.special import SessionWord
from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.launch_table import STATUS, encode
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.prepacked import PackedConstant
from penstock._src.compiler.plan.sizes import SizingProgram
from penstock._src.core.values.arrays import aligned_copy
from penstock._src.ir.extents import dims
from penstock._src.native import Call
from penstock._src.runtime.arena import ArenaBlock
from penstock._src.runtime.weight_packer import packed_constant
from penstock._src.util.dataclass import dataclass
from penstock._src.util.lazy import ByName

if TYPE_CHECKING:
    from penstock._src.runtime.exchanging import ExchangeSession

# Imported by name: programs without exchanges do not load transports.
_SESSION_OF = ByName(f"{__package__}.exchanging", "session_of")


@dataclass(eq=False)
class BoundTable:
    """A launch table over one arena, which one call at a time may run.

    run       the native call: arguments, results and packed weights -> 0 or an error's code
    status    status words: details of an error, and the deadline
    claim, release    lock and unlock the arena, which other programs may be using
    constants    the arrays of constants
    session      the session of its exchanges with other processes, if there are any
    plan      None of a packed program
    timed     the timed run and the log that it fills; None until an observer needs them
    """

    plan: Plan | None
    call: Call
    run: Callable[..., int]
    status: np.ndarray
    arena: np.ndarray
    claim: Callable[[bool], bool]
    release: Callable[[], None]
    constants: Mapping[Buffer, np.ndarray]
    session: "ExchangeSession | None" = None
    timed: Any = None

    def look_at_conditions(self, arrays: Sequence[np.ndarray]) -> None:
        """Raises the error of the first condition that does not hold; `arrays` are the arguments, then the results."""
        assert self.plan is not None
        for check, buffer in self.plan.conditions:
            if not self._condition(buffer, arrays):
                raise check.error()

    def _condition(self, buffer: Buffer, arrays: Sequence[np.ndarray]) -> bool:
        """The bool in a buffer after a run."""
        buffer, start = memory_of(buffer)
        if buffer.place == "arena":
            return bool(self.arena[self.offset(buffer) + start])
        if buffer.place == "constant":
            return bool(buffer.array)
        assert self.plan is not None
        before = len(self.plan.function.parameters) if buffer.place == "output" else 0
        return bool(arrays[buffer.number + before])

    def offset(self, buffer: Buffer) -> int:
        """The offset of a buffer in the arena."""
        return buffer.offset


def constants_of(plan: Plan, libraries: Mapping[str, Any]) -> dict[Buffer, np.ndarray]:
    """The arrays of the plan's constants, some of them packed; `libraries` are the plan's kernels by their codes' keys."""

    def content(array: Any) -> np.ndarray:
        if isinstance(array, PackedConstant):
            return packed_constant(array, libraries[array.code.code.key], plan.threads)
        return aligned_copy(np.asarray(array))

    return {b: content(b.array) for b in plan.buffers if b.place == "constant"}


def bind(
    plan: Plan,
    libraries: Mapping[str, Any],
    constants: Mapping[Buffer, np.ndarray],
    block: ArenaBlock,
) -> BoundTable:
    """The table over an arena; `libraries` are the plan's kernels by their codes' keys."""
    words = TableWords(plan, constants)
    table = words.table(libraries)
    return bound_table(plan, words, table, words.patches, libraries, block)


class TableWords:
    """Encodes arguments of launches as words of a table, and collects the words that are filled in later.

    patches   (index of the call's array, word, bytes to add): set by each call
    status    (word, bytes to add) for addresses of status words
    session   (word, kind) for addresses in the session of exchanges
    stores    (word, register, 1 if the arena's address is added) for results of a sizing program
    arena     (word, offset) for addresses in the arena of a plan without sizing program
    """

    def __init__(
        self, plan: Plan, constants: Mapping[Buffer, np.ndarray], sizes: SizingProgram | None = None
    ) -> None:
        inputs, results = len(plan.function.parameters), len(plan.function.results)
        self.plan, self.constants, self.sizes = plan, constants, sizes
        # The arrays of a call are its arguments, its results and its packed weights, in this order.
        self.before = {"input": 0, "variable": 0, "output": inputs, "prepacked": inputs + results}
        self.patches: list[tuple[int, int, Any]] = []
        self.status: list[tuple[int, int]] = []
        self.session: list[tuple[int, SessionWord]] = []
        self.stores: list[tuple[int, int, int]] = []
        self.arena: list[tuple[int, int]] = []

    def table(self, libraries: Mapping[str, Any]) -> list[int]:
        """The words of the table, with 0 for those that are filled in later."""
        return encode(self.plan.launches, lambda x: libraries[x.code.key][x.function], self.word)

    def patch_words(self, start: int) -> list[int]:
        """The patches (array, word, offset), which follow the table's words so that the sizing program can write unknown offsets."""
        patches = list[int]()
        for number, word, offset in self.patches:
            at = start + len(patches) + 2
            patches += [number, word, self.number(offset, at)]
        return patches

    def word(self, argument: Any, at: int) -> int:
        """The word of an argument; 0 if it is filled in later."""
        if isinstance(argument, SessionWord):
            self.session.append((at, argument))
            return 0
        argument, offset = memory_of(argument)
        if argument is STATUS:
            self.status.append((at, offset))
            return 0
        if not isinstance(argument, Buffer):
            return self.number(argument + offset, at)
        if argument.place == "arena":
            self._put_in_arena(argument, offset, at)
            return 0
        if argument.place == "constant":
            return self.number(offset + self.constants[argument].ctypes.data, at)
        self.patches.append((argument.number + self.before[argument.place], at, offset))
        return 0

    def number(self, extent: Any, at: int) -> int:
        """The word of an extent; 0 if the sizing program computes it."""
        if not dims.is_symbolic(extent):
            return int(extent)
        assert self.sizes is not None
        self.stores.append((at, self.sizes.register(extent), 0))
        return 0

    def _put_in_arena(self, buffer: Buffer, start: Any, at: int) -> None:
        sizes = self.sizes
        if sizes is None:
            self.arena.append((at, buffer.offset + start))
        else:
            offset = sizes.total([sizes.offsets[buffer], sizes.register(start)])
            self.stores.append((at, offset, 1))


def bound_table(
    plan: Plan,
    words: TableWords,
    table: Any,
    patches: Any,
    libraries: Mapping[str, Any],
    block: ArenaBlock,
    kind: type[BoundTable] = BoundTable,
    **more: Any,
) -> BoundTable:
    """Binds the words of a table, and its patches, to an arena."""
    arrays = len(plan.function.parameters) + len(plan.function.results) + len(plan.prepacked)
    call = Call(
        np.asarray(table, np.int64), arrays, patches,
        threads=plan.threads, streams=plan.streams, keep=(block, words.constants, libraries),
    )  # fmt: skip
    for at, offset in words.arena:
        call.table[at] = block.array.ctypes.data + offset
    for at, offset in words.status:
        call.table[at] = call.status.ctypes.data + offset
    session = _SESSION_OF(plan.function) if words.session else None
    for at, session_word in words.session:
        call.table[at] = session.address(session_word)
    lock = block.lock
    return kind(
        plan, call, call.run, call.status, block.array, lock.acquire, lock.release, words.constants,
        session, **more,
    )  # fmt: skip
