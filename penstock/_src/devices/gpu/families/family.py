"""Family: the interface between the kernels' language and a vendor's GPUs."""

import re
from typing import Protocol

from penstock._src.native import Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.value import Val

THREAD, BLOCK, BLOCKS = "thread", "block", "blocks"  # numbers that a thread may ask for
BUTTERFLY, UP, FROM = "bfly", "up", "idx"  # ways of a shuffle


class Family(Protocol):
    """A maker's GPUs.

    triple       as LLVM takes it
    numbers      the intrinsics that give a thread its numbers
    heads        finds the heads of kernels: its groups are name, words, maps (or nothing), threads
    """

    triple: str
    numbers: dict[str, str]
    heads: re.Pattern[str]

    def wavefront(self, target: Target) -> int:
        """The number of threads that run in lockstep."""

    def head(self, name: str, words: int, threads: int, maps: int, target: Target) -> str:
        """The start of a kernel's definition, with this number of words of context and tensor maps."""

    def entry(self) -> list[str]:
        """The code at a kernel's start that defines %ctx."""

    def barrier(self, f: Fn) -> None:
        """Waits for all threads of the block."""

    def wavefront_barrier(self, f: Fn) -> None:
        """Waits for all threads that go together."""

    def shuffled(self, f: Fn, way: str, x: Val, number: int, lane: Val) -> Val:
        """A 32-bit value of another lane: the lane whose index differs in one bit, or is smaller by a number, or is the number itself."""
