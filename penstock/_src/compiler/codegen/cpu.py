"""The generator for CPUs: LLVM IR of vector instructions, as wide as the target's registers."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from penstock._src.compiler.codegen.attention.code import AttentionCode
from penstock._src.compiler.codegen.contraction.emit import emit_contraction
from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.generator import Epilogues
from penstock._src.compiler.codegen.kept_codes import KeptCodes
from penstock._src.compiler.codegen.kernel_code import KernelCode
from penstock._src.compiler.codegen.names import identity_of, name_of
from penstock._src.compiler.codegen.nests.code import NestCode
from penstock._src.compiler.codegen.nests.emit import emit_nest
from penstock._src.compiler.codegen.nests.epilogue import ExpressionEpilogue
from penstock._src.compiler.codegen.specials.special import SpecialLaunch
from penstock._src.compiler.codegen.specials.table import SPECIALS
from penstock._src.compiler.codegen.tuning_records import tuned
from penstock._src.compiler.kernels.attention import Attention
from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.compiler.kernels.loop_nest import LoopNest
from penstock._src.core.dtypes import DType
from penstock._src.ir.node import Node
from penstock._src.native import Code, NamedCode, Target, kernels
from penstock._src.native.cache.packs import Pack
from penstock._src.native.language.types import OF_NUMPY
from penstock._src.util.lazy import ByName

# Imported by name, so that programs without them do not load their emitters.
_FORM_OF = ByName(f"{__package__}.attention.emit", "form_of")
_ATTENTION = ByName(f"{__package__}.attention.emit", "emit_attention")
_BOUNDS_CHECK = ByName(f"{__package__}.specials.checks", "emit_bounds_check")
_TRUTH_CHECK = ByName(f"{__package__}.specials.checks", "emit_truth_check")


class CpuGenerator(KeptCodes):
    """Writes kernels for one CPU (see generator.py for the results of its methods).

    Args:
      target: the CPU.
      pack: has object code of kernels that then need not be written.
    """

    def __init__(self, target: Target, pack: Pack | None = None) -> None:
        super().__init__()
        self.target, self._pack = target, pack

    def keep(self, signature: Any, write: Callable[[], Any]) -> Any:
        def write_named() -> Any:
            written = write()
            identity = identity_of(signature, self.target)
            for number, code in enumerate(_codes(written)):
                if isinstance(code, NamedCode):
                    own = identity and f"{identity}{number}"
                    code.name_it(partial(name_of, own), kernels().cache, own, self._pack)
            return written

        return super().keep(signature, write_named)

    def nest(self, nest: LoopNest) -> NestCode:
        return self.keep(("nest", nest.signature()), lambda: emit_nest(nest, self.target))

    def chosen(self, match: Match, threads: int, is_prepacked: bool) -> Match:
        match = tuned(match, self.target, threads)
        return match.prepacked() if is_prepacked else match

    def contraction(
        self, match: Match, epilogue: EpilogueExpression | None, threads: int
    ) -> KernelCode:
        def write() -> KernelCode:
            if epilogue is None:
                return emit_contraction(match.description, self.target, threads)
            element = OF_NUMPY[epilogue.dtype.name]
            return emit_contraction(
                match.description, self.target, threads, ExpressionEpilogue(epilogue), element
            )

        return self.keep(
            ("contraction", match.description, epilogue and epilogue.signature(), threads), write
        )

    def attention(
        self, attention: Attention, backward: bool, epilogues: Epilogues
    ) -> AttentionCode:
        form = _FORM_OF(attention, backward, self.target)
        key = ("attention", backward, form, *[e and e.signature() for e in epilogues])
        return self.keep(key, lambda: _ATTENTION(form, backward, epilogues, self.target))

    def special(self, node: Node, outputs: Sequence[Node], threads: int) -> SpecialLaunch:
        return SPECIALS[node.kind].launch(node, outputs, self.target, threads)

    def special_code(self, launch: SpecialLaunch) -> Code:
        return self.keep(
            launch.key, lambda: NamedCode(self.target, partial(launch.write, self.target))
        )

    def bounds_check(self, dtype: DType, depth: int) -> Code:
        return self.keep(
            ("bounds", dtype, depth),
            lambda: NamedCode(self.target, partial(_BOUNDS_CHECK, dtype, depth, self.target)),
        )

    def truth_check(self) -> Code:
        return self.keep(
            ("truth",), lambda: NamedCode(self.target, partial(_TRUTH_CHECK, self.target))
        )


def _codes(code: Code | NestCode | KernelCode | AttentionCode) -> Sequence[Code]:
    """The codes that something kept consists of."""
    if isinstance(code, AttentionCode):
        return code.codes
    return [code if isinstance(code, Code) else code.code]
