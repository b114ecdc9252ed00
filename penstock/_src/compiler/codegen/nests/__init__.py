"""Loop nests as LLVM IR.

What comes in: a LoopNest (compiler/kernels/loop_nest.py). What goes out: a NestCode (code.py). Read first: nest.py, the loops; then
evaluator.py, values where they are asked for.

    choice.py       which loops tasks share, which goes by vectors and how long, before anything is written
    memory.py       loads and stores at elements that lanes step through
    reductions.py   running results of reductions
    epilogue.py     a contraction's epilogue by the same evaluator, on register tiles
"""
