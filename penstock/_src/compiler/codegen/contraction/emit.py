"""The kernel of a described contraction: which emitter writes it."""

from collections.abc import Callable
from dataclasses import replace

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.native import Target

from .images.convolution import Convolution, Depthwise, DepthwiseFilterGradient, FilterGradient
from .images.depthwise import emit_depthwise
from .images.emit import emit_convolution, emit_filter_gradient
from .images.filter_gradients.emit import emit_depthwise_filter_gradient
from .packed.description import PackedProduct
from .packed.emit import emit_packed_product
from .products.description import Gemm
from .products.emit import emit_gemm

Description = Gemm | Convolution | FilterGradient | PackedProduct
EMITTERS: dict[type, Callable[..., KernelCode]] = {
    Gemm: emit_gemm,
    PackedProduct: emit_packed_product,
    Convolution: emit_convolution,
    Depthwise: emit_depthwise,
    FilterGradient: emit_filter_gradient,
    DepthwiseFilterGradient: emit_depthwise_filter_gradient,
}


def emit_contraction(
    description: Description,
    target: Target,
    threads: int,
    epilogue: Epilogue = PLAIN,
    output: str | None = None,
) -> KernelCode:
    """The kernel; `output` is the LLVM type of what the epilogue stores (the contraction's own by default)."""
    if output is not None:
        description = replace(description, types=replace(description.types, output=output))
    code = EMITTERS[type(description)](description, target, threads, epilogue)
    return replace(code, extents=epilogue.extents)
