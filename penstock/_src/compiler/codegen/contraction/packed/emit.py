"""The kernel of a product with packed weights: by rows, or as a product of panels."""

from penstock._src.compiler.codegen.contraction.products import kernel
from penstock._src.compiler.codegen.contraction.products.choice import choose as choose_panels
from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode, threads_of_cut
from penstock._src.native import Target

from . import rows
from .description import PackedProduct


def emit_packed_product(
    product: PackedProduct, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    cut_for = threads_of_cut(threads, epilogue)
    schedule = rows.choose(product, target, cut_for)
    if schedule is not None:
        return rows.emit(schedule, epilogue)
    return kernel.emit(choose_panels(product.gemm, target, threads, cut_for), epilogue)
