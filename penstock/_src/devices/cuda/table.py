"""A plan's launch table on a card: its memory there, and a walk over its records.

Arguments, variables and results are where their owners have them; what comes from the host has memory of the table's own. A table without jumps that ask the card
is one graph from the second run on in which all of them lie in the same places, as they mostly do from step to step. Once a check has failed, the graph's other kernels do nothing. Where a
jump asks what the card has computed (a loop's condition), the host waits for it, as it then does for checks.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.kernels.memory import bytes_of
from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.launch_table import STATUS, Jump, Launch, encode, offsets
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import InternalError
from penstock._src.devices.cuda.driver.card import Card, Graph
from penstock._src.devices.cuda.driver.memory import DeviceMemory
from penstock._src.devices.cuda.kernels.language import CudaCode
from penstock._src.native.runner import HEADER, HOLD, JUMP, JUMP_UNLESS, SWITCH, A

STATUS_WORDS = 16
WORD = 8
MOST_LAUNCHES = 20_000  # that are worth a graph
MOST_GRAPHS = 8  # that a table keeps, for arguments and results in different places


class CudaTable:
    """A launch table, which one call at a time runs.

    constants   of the plan, in the card's memory
    """

    def __init__(self, plan: Plan, card: Card, constants: Mapping[Buffer, DeviceMemory]):
        self.plan, self.card, self.constants = plan, card, constants
        self.arena = card.allocate(plan.arena_bytes)
        self.status, self.status_words = (
            card.allocate(STATUS_WORDS * WORD),
            np.zeros(STATUS_WORDS, np.int64),
        )
        self._own: dict[int, DeviceMemory] = {}  # for arguments that come from the host
        # whether it is a result, its number or that of the argument, the word, bytes to add
        self._patches: list[tuple[bool, int, int, int]] = []
        self.words = np.array(encode(plan.launches, lambda _: 0, self._word), np.int64)
        self._records = {at: r for r, at in offsets(plan.launches) if isinstance(r, Launch | Jump)}
        self._ends = len(self.words)
        self._results: list[int] = []  # addresses of the last run's
        self._rounds: dict[int, int] = {}  # that loops have made, by their conditions' words
        self._launched = 0  # kernels in a walk
        self._places: tuple[int, ...] = ()  # that the words have
        self._graphs: OrderedDict[tuple[int, ...], Graph | None] = OrderedDict()
        self.is_straight = not any(_asks(r) for r in plan.launches)
        self.is_checked = any(_is_check(r) for r in plan.launches)
        self._ended = np.array([self.status.address if self.is_checked else 0], np.int64)

    def _word(self, argument: Any, at: int) -> int:
        """The word of a launch's argument; of a variable it is written at each call."""
        argument, offset = memory_of(argument)
        if argument is STATUS:
            return self.status.address
        if not isinstance(argument, Buffer):
            return int(argument) + offset
        if argument.place == "arena":
            return self.arena.address + argument.offset + offset
        if argument.place == "constant":
            return self.constants[argument].address + offset
        if argument.place not in ("output", "input", "variable"):
            raise InternalError(None, None, f"{argument.place}: memory that cards have not.")
        self._patches.append((argument.place == "output", argument.number, at, offset))
        return 0

    def own_memory(self, number: int) -> DeviceMemory:
        """Memory of the table for an argument that comes from the host."""
        if number not in self._own:
            size = bytes_of(self.plan.function.parameters[number])
            self._own[number] = self.card.allocate(size)
        return self._own[number]

    def new_results(self) -> list[DeviceMemory]:
        """Memory for the results of a run; where it was before if that is free again, as the graph of that run can then be replayed."""
        results = self.plan.function.results
        before = self._results or [None] * len(results)
        found = [self.card.allocate(bytes_of(r), at) for r, at in zip(results, before, strict=True)]
        self._results = [memory.address for memory in found]
        return found

    # -- a run
    def run(self, memory: Mapping[int, DeviceMemory], results: Sequence[DeviceMemory]) -> None:
        """Puts the table into the card's stream.

        Args:
          memory: of the arguments, by their numbers.
          results: memory for the results.
        """
        self._place({i: m.address for i, m in memory.items()}, [made.address for made in results])
        self.status_words[:] = 0
        if not self.is_straight or self._places not in self._graphs:
            self._walk(waits=not self.is_straight)
            self._note_places()
        else:
            self._graphs.move_to_end(self._places)
            graph = self._graphs[self._places]
            if graph is None:
                graph = self._graphs[self._places] = self._recorded()
            graph.launch()
        if self.is_checked:
            self.status.read(self.status_words)

    def _place(self, arguments: Mapping[int, int], results: Sequence[int]) -> None:
        """Writes addresses into the words."""
        places = (*arguments.values(), *results)
        if places != self._places:
            self._places = places
            for is_result, number, at, offset in self._patches:
                address = results[number] if is_result else arguments[number]
                self.words[at] = address + offset

    def _note_places(self) -> None:
        """Remembers that there was a run with these addresses, if it is worth a graph."""
        if self.is_straight and self._launched <= MOST_LAUNCHES:
            self._graphs[self._places] = None
            if len(self._graphs) > MOST_GRAPHS:
                self._graphs.popitem(last=False)

    @property
    def code(self) -> int:
        """That of the check that failed, 0 if none did; known when the card is there."""
        return int(self.status_words[0])

    def _recorded(self) -> Graph:
        """All launches as a graph."""
        self.card.begin_capture()
        try:
            self._walk(waits=False)
        finally:
            graph = self.card.end_capture()
        return graph

    def _walk(self, waits: bool) -> None:
        """Puts record after record into the card's stream; if it waits for checks, until one fails."""
        card = self.card
        self._rounds.clear()
        self._launched = 0
        if self.is_checked:
            card.driver.clear(self.status.address, self.status.size, card.stream)
        at = 0
        while at < self._ends:
            record = self._records.get(at)
            following = at + int(self.words[at + 2])
            if isinstance(record, Launch):
                self._launch(record, at)
                if waits and _is_check(record) and self._failed():
                    return
                at = following
            elif isinstance(record, Jump):
                at = self._jump(record, at, following)
            else:
                at = following  # a hold before a launch

    def _launch(self, record: Launch, at: int) -> None:
        code = record.code
        if not isinstance(code, CudaCode):
            raise InternalError(None, None, f"{record.label}: its code is not for cards.")
        self._launched += 1
        card, base = self.card, self.words.ctypes.data
        function = card.function(code, record.function)
        blocks = code.blocks(record.tasks)
        ended = int(self._ended.ctypes.data)
        arguments = (base + WORD * (at + HEADER), base + WORD * (at + A), ended)
        card.driver.launch(function, blocks, code.threads, arguments, card.stream)

    def _failed(self) -> bool:
        """Whether a check has failed, once the card is there."""
        self.status.read(self.status_words)
        self.card.wait()
        return bool(self.code)

    def _jump(self, record: Jump, at: int, following: int) -> int:
        """The word of the record that comes next."""
        if record.operation == HOLD:
            return following
        target = int(self.words[at + A])
        if record.operation == JUMP:
            return target
        address = int(self.words[at + HEADER])
        if record.rounds is not None:
            return self._counted(record.rounds, at, target, following)
        if record.operation == JUMP_UNLESS:
            return following if self._read(address, np.uint8) else target
        assert record.operation == SWITCH
        index = self._read(address, np.int32)
        chosen = index if 0 <= index < target else target - 1
        return int(self.words[at + HEADER + 1 + chosen])

    def _counted(self, rounds: int, at: int, target: int, following: int) -> int:
        """The word of the record after a loop's condition that holds for so many rounds."""
        self._rounds[at] = self._rounds.get(at, 0) + 1
        if self._rounds[at] <= rounds:
            return following
        self._rounds[at] = 0
        return target

    def _read(self, address: int, dtype: Any) -> int:
        """A number that the card has computed."""
        found = np.zeros(1, dtype)
        card = self.card
        card.driver.to_host(found.ctypes.data, address, found.nbytes, card.stream)
        card.wait()
        return int(found[0])

    def conditions(
        self, arguments: Mapping[int, DeviceMemory], results: Sequence[DeviceMemory]
    ) -> None:
        """Raises the message of the first condition that does not hold, after a run with this memory."""
        for check, buffer in self.plan.conditions:
            if buffer.place == "constant":
                holds = bool(buffer.array)
            else:
                if buffer.place == "output":
                    address = results[buffer.number].address
                elif buffer.place == "arena":
                    address = self.arena.address + buffer.offset
                else:
                    address = arguments[buffer.number].address
                holds = bool(self._read(address, np.uint8))
            if not holds:
                raise check.error()


def _is_check(record: Any) -> bool:
    """Whether a launch may end the run."""
    return isinstance(record, Launch) and any(a is STATUS for a in record.args)


def _asks(record: Any) -> bool:
    """Whether the host must know what the card has computed before it goes on."""
    return (
        isinstance(record, Jump) and record.operation not in (HOLD, JUMP) and record.rounds is None
    )


__all__ = ["CudaTable"]
