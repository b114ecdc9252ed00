"""Chooses the algorithm of a convolution or a filter gradient."""

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode, threads_of_cut
from penstock._src.native import Target

from . import conv
from .choice import PartProblem, choose
from .conv import ConvolutionPart
from .convolution import Convolution, FilterGradient, with_taps_as_channels
from .families import dots, few_outputs, matrices
from .filter_gradients.emit import emit_matrix_gradient, emit_plain_gradient
from .filter_gradients.matrices import suits as suits_matrices
from .winograd import filter_gradient as winograd_gradient
from .winograd import forward as winograd


def emit_convolution(
    described: Convolution, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    if not matrices.suits(described, target):
        wide = with_taps_as_channels(described)
        described = wide if matrices.suits(wide, target) else described
    by_matrices = matrices.suits(described, target)
    if not by_matrices and winograd.suits(described, target):
        return winograd.emit_winograd(described, target, threads, epilogue)
    problem: type[PartProblem] = PartProblem
    part: type[ConvolutionPart] = ConvolutionPart
    if by_matrices:
        problem, part = matrices.MatrixProblem, matrices.MatrixConvolution
    elif few_outputs.suits(described, target):
        problem, part = few_outputs.FewOutputsProblem, few_outputs.FewOutputs
    elif dots.suits(described, target):
        problem, part = dots.DotProblem, dots.DotConvolution
    schedule = choose(
        described, target, threads, threads_of_cut(threads, epilogue, target), problem
    )
    return conv.emit(schedule, epilogue, part)


def emit_filter_gradient(
    described: FilterGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    wide = with_taps_as_channels(described)
    for gradient in (described, wide):
        if suits_matrices(gradient, target):
            return emit_matrix_gradient(gradient, target, threads, epilogue)
    if winograd_gradient.suits(described, target):
        return winograd_gradient.emit_winograd(described, target, threads, epilogue)
    return emit_plain_gradient(described, target, threads, epilogue)
