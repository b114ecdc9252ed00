"""Functions of primitives as StableHLO, the language of XLA, IREE and PJRT devices.

What comes in: an `ir.Function`, as the compiler lowers it. What goes out: the text of an MLIR module (`export.py`:
`stablehlo_text`). Read first: export.py, then writer.py. How a kind of node is written stands in the file of its group,
registered by `@writes(kind)`: a new primitive is one function there.
"""
