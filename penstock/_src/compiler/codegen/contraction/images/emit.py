"""Which algorithm computes a convolution or a filter gradient."""

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.native import Target

from . import conv, dots, few_outputs, filter_gradient
from .convolution import Convolution, FilterGradient
from .few_outputs import FewOutputs
from .winograd import filter_gradient as winograd_gradient
from .winograd import forward as winograd


def emit_convolution(
    described: Convolution, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    if winograd.suits(described, target):
        return winograd.emit_winograd(described, target, threads, epilogue)
    part = conv.ConvolutionPart
    if few_outputs.suits(described, target):
        part = FewOutputs
    elif dots.suits(described, target):
        part = dots.DotConvolution
    return conv.emit_convolution(described, target, threads, epilogue, part)


def emit_filter_gradient(
    described: FilterGradient, target: Target, threads: int, epilogue: Epilogue = PLAIN
) -> KernelCode:
    if winograd_gradient.suits(described, target):
        return winograd_gradient.emit_winograd(described, target, threads, epilogue)
    return filter_gradient.emit_filter_gradient(described, target, threads, epilogue)
