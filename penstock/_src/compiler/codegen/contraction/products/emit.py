"""C = epilogue(A B) over strided operands: any transposes, batched, ragged everywhere.

schedule.py has the description and the cut into blocks, packing.py and kernel.py the code.
"""

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode
from penstock._src.native import Target

from .description import Gemm
from .kernel import GemmKernel


def emit_gemm(gemm: Gemm, target: Target, threads: int, epilogue: Epilogue = PLAIN) -> KernelCode:
    return GemmKernel(gemm, target, threads, epilogue).emit()
