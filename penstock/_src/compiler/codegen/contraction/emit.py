"""The table of emitters, by the type of the contraction's description."""

from dataclasses import replace

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.native import Target
from penstock._src.util.lazy import ByName

from .description import Description
from .images.any_size.description import (
    AnySizeConvolution,
    AnySizeDepthwise,
    AnySizeDepthwiseGradient,
    AnySizeFilterGradient,
)
from .images.convolution import Convolution, Depthwise, DepthwiseFilterGradient, FilterGradient
from .packed.description import PackedProduct
from .products.description import Gemm

# Imported by name, so that a program without convolutions does not load their emitters.
EMITTERS: dict[type, ByName] = {
    Gemm: ByName(f"{__package__}.products.emit", "emit_gemm"),
    PackedProduct: ByName(f"{__package__}.packed.emit", "emit_packed_product"),
    Convolution: ByName(f"{__package__}.images.emit", "emit_convolution"),
    Depthwise: ByName(f"{__package__}.images.depthwise", "emit_depthwise"),
    FilterGradient: ByName(f"{__package__}.images.emit", "emit_filter_gradient"),
    AnySizeConvolution: ByName(f"{__package__}.images.any_size.forward", "emit_any_size"),
    AnySizeFilterGradient: ByName(
        f"{__package__}.images.any_size.filter_gradient", "emit_any_size_gradient"
    ),
    AnySizeDepthwise: ByName(f"{__package__}.images.any_size.depthwise", "emit_any_size_depthwise"),
    AnySizeDepthwiseGradient: ByName(
        f"{__package__}.images.any_size.depthwise_gradient", "emit_any_size_depthwise_gradient"
    ),
    DepthwiseFilterGradient: ByName(
        f"{__package__}.images.filter_gradients.emit", "emit_depthwise_filter_gradient"
    ),
}


def emit_contraction(
    description: Description,
    target: Target,
    threads: int,
    epilogue: Epilogue = PLAIN,
    output: str | None = None,
) -> KernelCode:
    """Emits the kernel; `output` is the LLVM type of the stored result, by default the contraction's own."""
    if output is not None:
        description = replace(description, types=replace(description.types, output=output))
    code: KernelCode = EMITTERS[type(description)](description, target, threads, epilogue)
    return replace(code, extents=epilogue.extents)
