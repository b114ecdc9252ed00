"""A plan's launch table bound to addresses: of kernels, of an arena, of constants; at each call those of its arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.specials.special import SessionWord
from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.launch_table import STATUS, encode
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.values.arrays import aligned_copy
from penstock._src.native import Call
from penstock._src.runtime.arena import ArenaBlock
from penstock._src.runtime.exchanging import ExchangeSession, session_of


@dataclass(eq=False)
class BoundTable:
    """A launch table over one arena, which one call at a time may run.

    run       the native call: arguments, results and packed weights -> 0 or an error's code
    status    its words: what an error needs to tell
    claim, release    of the arena, which other programs may be using
    constants    their arrays
    session      in which its exchanges with other processes are made, if there are any
    timed     the run with a clock beside each record, and the log that it fills, once they were asked for
    """

    plan: Plan
    call: Call
    run: Callable[..., int]
    status: np.ndarray
    arena: np.ndarray
    claim: Callable[[bool], bool]
    release: Callable[[], None]
    constants: Mapping[Buffer, np.ndarray]
    session: ExchangeSession | None = None
    timed: Any = None

    def look_at_conditions(self, arrays: Sequence[np.ndarray]) -> None:
        """Raises the message of the first condition that does not hold; `arrays` are arguments, then results."""
        for check, buffer in self.plan.conditions:
            if not self._condition(buffer, arrays):
                raise check.error()

    def _condition(self, buffer: Buffer, arrays: Sequence[np.ndarray]) -> bool:
        """The bool that lies in a buffer after a run."""
        if buffer.place == "arena":
            return bool(self.arena[buffer.offset])
        if buffer.place == "constant":
            return bool(buffer.array)
        before = len(self.plan.function.parameters) if buffer.place == "output" else 0
        return bool(arrays[buffer.number + before])


def constants_of(plan: Plan) -> dict[Buffer, np.ndarray]:
    """The arrays of the plan's constants."""
    return {b: aligned_copy(np.asarray(b.array)) for b in plan.buffers if b.place == "constant"}


def bind(
    plan: Plan,
    libraries: Mapping[str, Any],
    constants: Mapping[Buffer, np.ndarray],
    block: ArenaBlock,
) -> BoundTable:
    """The table over an arena; `libraries` are the plan's kernels by their codes' keys."""
    inputs, results = len(plan.function.parameters), len(plan.function.results)
    before = {"input": 0, "variable": 0, "output": inputs, "prepacked": inputs + results}
    patches: list[tuple[int, int, int]] = []  # (number of the call's array, word, bytes to add)
    status_words: list[tuple[int, int]] = []  # (word, bytes to add)
    session_words: list[tuple[int, SessionWord]] = []
    arena = block.array.ctypes.data

    def word(argument: Any, at: int) -> int:
        """The number that an argument is in the table; 0 where it is an address known later."""
        if isinstance(argument, SessionWord):
            session_words.append((at, argument))
            return 0
        argument, offset = memory_of(argument)
        if argument is STATUS:
            status_words.append((at, offset))
            return 0
        if not isinstance(argument, Buffer):
            return int(argument) + offset
        if argument.place == "arena":
            return arena + argument.offset + offset
        if argument.place == "constant":
            return constants[argument].ctypes.data + offset
        patches.append((argument.number + before[argument.place], at, offset))
        return 0

    words = encode(plan.launches, lambda x: libraries[x.code.key][x.function], word)
    call = Call(
        np.array(words, np.int64), inputs + results + len(plan.prepacked), patches,
        threads=plan.threads, lanes=plan.lanes, keep=(block, constants, libraries),
    )  # fmt: skip
    for at, offset in status_words:
        call.table[at] = call.status.ctypes.data + offset
    session = session_of(plan.function) if session_words else None
    for at, what in session_words:
        call.table[at] = session.address(what)  # type: ignore[union-attr]
    lock = block.lock
    return BoundTable(
        plan,
        call,
        call.run,
        call.status,
        block.array,
        lock.acquire,
        lock.release,
        constants,
        session,
    )
