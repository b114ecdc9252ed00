"""The kernels of filter gradients that are summed plainly."""

from penstock._src.compiler.codegen.contraction.images.convolution import (
    DepthwiseFilterGradient,
    FilterGradient,
)
from penstock._src.compiler.codegen.kernel_code import (
    PLAIN,
    Epilogue,
    KernelCode,
)
from penstock._src.native import Target

from . import depthwise, kernel, matrices, plain, plain_choice


def emit_plain_gradient(
    gradient: FilterGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    schedule = plain_choice.choose(gradient, target, threads, target.sum_threads, epilogue is PLAIN)
    return kernel.emit(schedule, epilogue, plain.PlainWriter)


def emit_matrix_gradient(
    gradient: FilterGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    """Sums of a tap by matrix registers."""
    schedule = matrices.choose(gradient, target, threads, target.sum_threads)
    return kernel.emit(schedule, epilogue, matrices.MatrixGradientWriter)


def emit_depthwise_filter_gradient(
    gradient: DepthwiseFilterGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    """Ranges of rows summed in order, then added up in order."""
    schedule = depthwise.choose(gradient, target, threads, target.sum_threads)
    return kernel.emit(schedule, epilogue, depthwise.DepthwiseWriter)
