"""The generator for GPUs: loop nests and products as parallel kernels; other kinds as tasks of one thread each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.codegen.attention.code import AttentionCode
from penstock._src.compiler.codegen.contraction.emit import Description
from penstock._src.compiler.codegen.contraction.images.any_size.description import (
    AnySizeDepthwise,
    AnySizeDepthwiseGradient,
)
from penstock._src.compiler.codegen.contraction.images.convolution import (
    Depthwise,
    DepthwiseFilterGradient,
)
from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.compiler.codegen.generator import Epilogues
from penstock._src.compiler.codegen.kept_codes import KeptCodes
from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.compiler.codegen.nests.code import NestCode
from penstock._src.compiler.codegen.specials.special import SpecialLaunch
from penstock._src.compiler.kernels.attention import Attention
from penstock._src.compiler.kernels.contraction import EpilogueExpression
from penstock._src.compiler.kernels.loop_nest import LoopNest
from penstock._src.compiler.recognize.contractions.match import match_as_product
from penstock._src.core.dtypes import DType
from penstock._src.devices.gpu.kernels.attention.emit import (
    emit_cuda_attention,
    key_of,
    shapes_of,
)
from penstock._src.devices.gpu.kernels.contractions.depthwise import (
    emit_depthwise,
    emit_depthwise_filter_gradient,
)
from penstock._src.devices.gpu.kernels.contractions.epilogue import CudaEpilogue
from penstock._src.devices.gpu.kernels.contractions.products import emit_product, suits
from penstock._src.devices.gpu.kernels.contractions.tensor_products import (
    emit_tensor_product,
    suits_tensor_cores,
)
from penstock._src.devices.gpu.kernels.contractions.thin_products import (
    emit_thin_product,
    suits_thin,
)
from penstock._src.devices.gpu.kernels.contractions.warpgroup_products import (
    emit_warpgroup_product,
    hindrance,
)
from penstock._src.devices.gpu.kernels.language import CudaCode
from penstock._src.devices.gpu.kernels.nests import emit_cuda_nest
from penstock._src.devices.gpu.kernels.specials.checks import emit_cuda_bounds_check
from penstock._src.devices.gpu.kernels.specials.exchanges import exchange_start, exchange_wait
from penstock._src.devices.gpu.kernels.specials.fourier import fourier_launch
from penstock._src.devices.gpu.kernels.specials.random_bits import random_bits_launch
from penstock._src.devices.gpu.kernels.specials.scan import scan_launch
from penstock._src.devices.gpu.kernels.specials.scatter import scatter_launch
from penstock._src.devices.gpu.kernels.specials.sort import sort_launch
from penstock._src.devices.gpu.kernels.tasks import checked, code_of_tasks
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import exchanges, indexing, leaves, lines, reduction
from penstock._src.native import Code, NamedCode, Target
from penstock._src.native.code import emitter_of
from penstock._src.native.language.types import OF_NUMPY
from penstock._src.util.flags import flags

# Kinds with a schedule for GPUs.
OWN_SPECIALS: dict[str, Callable[[Node, Sequence[Node]], SpecialLaunch]] = {
    exchanges.ExchangeStart.kind: lambda node, _: exchange_start(node),
    exchanges.ExchangeWait.kind: lambda node, _: exchange_wait(node),
    lines.Fft.kind: lambda node, _: fourier_launch(node),
    leaves.RandomBits.kind: lambda node, _: random_bits_launch(node),
    reduction.Scan.kind: lambda node, _: scan_launch(node),
    indexing.Scatter.kind: lambda node, _: scatter_launch(node),
    lines.Sort.kind: sort_launch,
}


Emitter = Callable[[Any, Target, Epilogue], KernelCode]
OF_IMAGES: dict[type, Emitter] = {
    Depthwise: emit_depthwise,
    AnySizeDepthwise: emit_depthwise,
    DepthwiseFilterGradient: emit_depthwise_filter_gradient,
    AnySizeDepthwiseGradient: emit_depthwise_filter_gradient,
}


def _emitter(match: Match, target: Target) -> Emitter | None:
    """The emitter of a contraction; None if it has no schedule for GPUs."""
    description = match.description
    tf32 = bool(flags.tensor_float_32) and not match.node.attrs.get("is_exact", False)
    if hindrance(description, target) is None:
        return emit_warpgroup_product
    if suits_thin(description):
        return emit_thin_product
    if suits_tensor_cores(description, target, tf32):
        return emit_tensor_product
    if suits(description):
        return emit_product
    return OF_IMAGES.get(type(description))


def _by(emit: Callable[..., Any], code: CudaCode) -> CudaCode:
    """The code, checked, with the file of the function that writes it."""
    return replace(checked(code), emitter=emitter_of(emit))


class CudaGenerator(KeptCodes):
    """Writes kernels for one architecture (see compiler/codegen/generator.py for the results of its methods)."""

    puts_exchanges_in_streams = True

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target
        # A kernel of one thread is slow, but right: a plan never has to leave the GPU.
        self.tasks = CpuGenerator(target)  # writes kernels without a schedule for GPUs

    def _of_tasks(self, code: Code) -> Code:
        return self.keep(("tasks", code.key), lambda: code_of_tasks(code))

    def nest(self, nest: LoopNest) -> NestCode:
        def write() -> NestCode:
            code = emit_cuda_nest(nest, self.target)
            return replace(code, code=_by(emit_cuda_nest, code.code))

        return self.keep(("nest", nest.signature()), write)

    def chosen(self, match: Match, threads: int, is_prepacked: bool) -> Match:
        """The contraction; as a gathering product, if its own form has no schedule for GPUs."""
        if _emitter(match, self.target) is not None:
            return match
        product = match_as_product(match)
        return product if product is not None and _emitter(product, self.target) else match

    def contraction(
        self, match: Match, epilogue: EpilogueExpression | None, threads: int
    ) -> KernelCode:
        description = match.description
        emit = _emitter(match, self.target)
        if emit is not None:
            return self._contraction(description, epilogue, emit)
        code = self.tasks.contraction(match, epilogue, threads)
        return self.keep(
            ("contraction", code.code.key), lambda: replace(code, code=code_of_tasks(code.code))
        )

    def _contraction(
        self, description: Description, epilogue: EpilogueExpression | None, emit: Emitter
    ) -> KernelCode:
        def write() -> KernelCode:
            if epilogue is None:
                code = emit(description, self.target, PLAIN)
            else:
                types = replace(description.types, output=OF_NUMPY[epilogue.dtype.name])
                own = replace(description, types=types)
                code = emit(own, self.target, CudaEpilogue(epilogue))
            return replace(code, code=_by(emit, code.code))

        return self.keep(("product", emit, description, epilogue and epilogue.signature()), write)

    def attention(
        self, attention: Attention, backward: bool, epilogues: Epilogues
    ) -> AttentionCode:
        form, vector = key_of(attention, backward, self.target)
        shapes = shapes_of(form, vector, backward, self.target)
        if shapes is not None:
            key = ("attention", backward, form, vector, *[e and e.signature() for e in epilogues])
            return self.keep(key, lambda: emit_cuda_attention(form, shapes, epilogues, self.target))
        code = self.tasks.attention(attention, backward, epilogues)
        return replace(
            code, stages=tuple([replace(s, code=self._of_tasks(s.code)) for s in code.stages])
        )

    def special(self, node: Node, outputs: Sequence[Node], threads: int) -> SpecialLaunch:
        own = OWN_SPECIALS.get(node.kind)
        return own(node, outputs) if own else self.tasks.special(node, outputs, threads)

    def special_code(self, launch: SpecialLaunch) -> Code:
        code = self.tasks.special_code(launch)
        if isinstance(code, NamedCode):  # only the text shows if it is for GPUs
            code = code.written
        return code if isinstance(code, CudaCode) else self._of_tasks(code)

    def bounds_check(self, dtype: DType, depth: int) -> Code:
        return self.keep(
            ("bounds", dtype, depth),
            lambda: replace(
                emit_cuda_bounds_check(dtype, depth, self.target),
                emitter=emitter_of(emit_cuda_bounds_check),
            ),
        )

    def truth_check(self) -> Code:
        return self._of_tasks(self.tasks.truth_check())
