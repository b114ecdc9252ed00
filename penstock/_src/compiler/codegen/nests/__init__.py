"""Loop nests as LLVM IR.

In: a LoopNest (compiler/kernels/loop_nest.py). Out: a NestCode (code.py), by emit.py. Read nest.py first, which shares out tasks and orders
stores; then evaluator.py, which evaluates values at the innermost loop that they depend on. Both, and their imports, are loaded only for a nest that
is not in the cache.

    choice.py       the schedule of a nest: parallel and serial loops, the vectorized one and its lanes
    loops.py        scalar and vector loops, with what is left masked; reduction_loops.py: those of reductions
    memory.py       loads and stores at the elements of a vector's lanes
    reductions.py   accumulators of reductions; stretches.py: the order of additions in long sums
    epilogue.py     the epilogue of a contraction; epilogue_form.py: its form, on which the code depends; tile_values.py: the code, by the same evaluator
"""
