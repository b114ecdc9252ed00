"""The code of a loop nest. Its loops are chosen at once, its text is written when it is needed."""

from dataclasses import replace
from functools import partial

from penstock._src.compiler.codegen.nests.choice import choose_loops, work_of
from penstock._src.compiler.codegen.nests.code import NestCode
from penstock._src.compiler.kernels.loop_nest import LoopNest
from penstock._src.native import NamedCode, Target
from penstock._src.util.lazy import ByName

# Imported by name: the text of a nest is written only if its object code is not cached.
_WRITE = ByName(f"{__package__}.nest", "write_nest")


def emit_nest(nest: LoopNest, target: Target) -> NestCode:
    """The code of a nest."""
    # Codes are kept long after the nodes that the nest reads, and must not hold them.
    pointers = len(nest.leaves) + len(nest.outputs)
    bare = replace(nest, leaves=[], outputs=[])
    loops = choose_loops(bare, target)
    code = NamedCode(target, partial(_WRITE, bare, loops, pointers, target))
    innermost = None if loops.vector is None else loops.vector.number
    return NestCode(code, "task", loops.iterations(), work_of(bare), innermost)
