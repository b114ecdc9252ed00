"""Loop nests as LLVM IR.

What comes in: a LoopNest (compiler/kernels/loop_nest.py). What goes out: a NestCode (code.py), by emit.py. Read first: nest.py, the loops; then
evaluator.py, values where they are asked for. Both, and what they import, are loaded when a nest is not in the cache.

    choice.py       which loops tasks share, which goes by vectors and how long, before anything is written
    memory.py       loads and stores at elements that lanes step through
    reductions.py   running results of reductions
    epilogue.py     the hook of a contraction's epilogue; epilogue_form.py: what its code depends on; tile_values.py: the code, by the same evaluator
"""
