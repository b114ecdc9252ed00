"""Formats of models: files of other frameworks, and for other runtimes. In: files and functions; out: functions and files.

Each format is a folder that nothing else depends on, and a row of `table.py`. What reads gives a `Model` (`model.py`): signatures, which
are concrete functions of raw ops, so that they compile, have gradients, and are written in any other format. What writes takes a Model, whose functions
`frozen.py` turns into plain lists of operations: calls inlined, variables and what follows from constants computed. Read `model.py` first.

`stablehlo/` alone is written from primitives instead.

Formats. What a file of another framework holds, or is to hold, is a `Model` (`formats/model.py`): concrete functions of raw ops by signature. Readers
trace calls of raw ops, so what was read compiles, has gradients, and is written in any other format. Writers take a function as `formats/frozen.py`
gives it: calls inlined, variables and what follows from constants computed (`graph/passes/fold_constants.py`), scales of batch norms in the weights
if they ask (`fold_scales.py`). `formats/table.py` finds the format of a path.
"""
