"""load: compiles a plan's kernels, or reads them from the disk, and builds its program."""

from penstock._src.compiler.plan.memory_need import check_memory
from penstock._src.compiler.plan.plan import Plan
from penstock._src.ir.extents.values import Values, current_or_none
from penstock._src.native import kernels
from penstock._src.runtime.arena import HOST_ARENAS
from penstock._src.runtime.binding import BoundTable, bind, constants_of
from penstock._src.runtime.program import Program
from penstock._src.runtime.signature import signature_of
from penstock._src.runtime.watched import WatchedProgram, is_watched
from penstock._src.runtime.weight_packer import packers_of

SPARE = 64  # bytes after an arena that kernels may read


def load(plan: Plan) -> Program:
    """The program of a plan for this process's CPU."""
    check_memory(plan)
    libraries = kernels().load(plan.codes)
    constants = constants_of(plan, libraries)
    packers = packers_of(plan, libraries)
    arena = HOST_ARENAS.own_block if plan.guarded else HOST_ARENAS.block

    extents = current_or_none() or Values({})

    def new_table() -> BoundTable:
        with extents:
            return bind(plan, libraries, constants, arena(plan.arena_bytes + SPARE))

    kind = WatchedProgram if plan.guarded or is_watched() else Program
    return kind(plan, signature_of(plan.function), packers, new_table)
