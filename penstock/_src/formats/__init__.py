"""Formats of models: files of other frameworks, and for other runtimes. In: files and functions; out: functions and files.

Each format is a folder on which nothing else depends, and a row of `table.py`, which finds the format of a path. Read `model.py` first.

Readers return a `Model`: signatures, which are concrete functions of raw ops, as readers trace calls of raw ops. So models compile, have gradients, and
can be written in any other format. Writers take a Model, whose functions `frozen.py` converts to plain lists of operations: calls are inlined, variables
and constant subexpressions become constants (`graph/passes/fold_constants.py`), and for some formats the scales of batch norms are folded into weights
(`fold_scales.py`). `stablehlo/` alone is written from primitives instead.
"""
