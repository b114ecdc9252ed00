"""C = epilogue(A B) over strided operands: any transposes, batched, ragged everywhere."""

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode, threads_of_cut
from penstock._src.native import Target

from . import kernel
from .choice import choose
from .description import Gemm


def emit_gemm(gemm: Gemm, target: Target, threads: int, epilogue: Epilogue = PLAIN) -> KernelCode:
    schedule = choose(gemm, target, threads, threads_of_cut(threads, epilogue))
    return kernel.emit(schedule, epilogue)
