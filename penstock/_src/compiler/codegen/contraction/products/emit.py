"""C = epilogue(A B) over strided operands: any transposes, batched, ragged everywhere."""

from functools import partial

from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue, KernelCode, threads_of_cut
from penstock._src.native import NamedCode, Target
from penstock._src.util.lazy import ByName

from .choice import choose
from .description import Gemm
from .schedule import GemmSchedule

# Imported by name: the text of a kernel is written only if its object code is not cached.
_WRITE = ByName(f"{__package__}.kernel", "write")


def emit_gemm(gemm: Gemm, target: Target, threads: int, epilogue: Epilogue = PLAIN) -> KernelCode:
    schedule = choose(gemm, target, threads, threads_of_cut(threads, epilogue, target))
    return emit(schedule, epilogue)


def emit(schedule: GemmSchedule, epilogue: Epilogue) -> KernelCode:
    """The kernel of a schedule."""
    return KernelCode(
        code=NamedCode(schedule.target, partial(_WRITE, schedule, epilogue)),
        sizes=schedule.gemm.sizes,
        stages=schedule.stages,
        scratch=schedule.scratch,
        threads=schedule.threads,
        partials=lambda sizes: (schedule.tasks(sizes), epilogue.partial_bytes),
        in_place=schedule.steps == 1,
        label=f"gemm {schedule.mr}x{schedule.nr}",
        prepacked_bytes=schedule.prepacked_bytes,
        packed_form=schedule.packed_form,
        facts=schedule.facts,
    )
