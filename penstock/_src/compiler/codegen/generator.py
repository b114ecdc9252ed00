"""The interface of code generation to planning. A generator writes kernels for one target.

Kernels are cached by structural signature: a function seen again with other sizes is planned again (milliseconds), but nothing
is written or compiled. Each method also returns the other facts that a launch needs: tasks, scratch, further words of the context.
"""

from collections.abc import Sequence
from typing import Protocol

from penstock._src.compiler.codegen.attention.code import AttentionCode
from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.kernel_code import KernelCode
from penstock._src.compiler.codegen.nests.code import NestCode
from penstock._src.compiler.codegen.specials.special import SpecialLaunch
from penstock._src.compiler.kernels.attention import Attention
from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.compiler.kernels.loop_nest import LoopNest
from penstock._src.core.dtypes import DType
from penstock._src.ir.node import Node
from penstock._src.native import Code, Target

Epilogues = Sequence[EpilogueExpression | None]


class Generator(Protocol):
    """Writes kernels.

    target     the target of the kernels
    written    number of kernels written
    seconds    time spent on writing them
    puts_exchanges_in_streams    True if exchanges with other processes are launches in the device's stream order
    """

    puts_exchanges_in_streams: bool
    target: Target
    written: int
    seconds: float

    def nest(self, nest: LoopNest) -> NestCode:
        """The code of a loop nest."""

    def chosen(self, match: Match, threads: int, is_prepacked: bool) -> Match:
        """A contraction cut as a tuner found best; if `is_prepacked`, with its right operand packed once for all calls."""

    def contraction(
        self, match: Match, epilogue: EpilogueExpression | None, threads: int
    ) -> KernelCode:
        """The code of a contraction for this number of threads, with an epilogue on register tiles."""

    def attention(
        self, attention: Attention, backward: bool, epilogues: Epilogues
    ) -> AttentionCode:
        """The code of an attention's forward or backward kernel, with the epilogues of its scores and their gradient."""

    def special(self, node: Node, outputs: Sequence[Node], threads: int) -> SpecialLaunch:
        """The launch for a node that is not a loop nest; `outputs` are the results that are used."""

    def special_code(self, launch: SpecialLaunch) -> Code:
        """The code of such a launch."""

    def bounds_check(self, dtype: DType, depth: int) -> Code:
        """The code that ends a run in which an index vector lies outside."""

    def truth_check(self) -> Code:
        """The code that ends a run in which a truth value does not hold."""
