"""Functions of primitives as StableHLO, the language of XLA, IREE and PJRT devices.

In: an `ir.Function`, as lowered by the compiler. Out: the text of an MLIR module (`export.py`: `stablehlo_text`). Read export.py first, then
writer.py. Each kind of node has a function in the file of its group, registered by `@writes(kind)`: a new primitive is one function there.
"""
