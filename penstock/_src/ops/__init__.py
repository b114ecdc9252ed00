"""The raw ops: one class each, by families; the one vocabulary of graphs, files and compiled programs.

What comes in: host values, or nodes of primitives while an op is lowered. What goes out: the same. Read core/op.py first, the contract of an op: a
one-line signature, types, attributes, and the methods `shape`, `gradient`, `eager` and `lower`. A family is a folder, found by scanning and imported
when one of its ops is first used; nothing lists ops by name. Gradients use ops of other families through `raw`, which looks an op up when it is
called.

Files here are shared by families: shape rules (infer.py), base classes (rules.py), ops that differ from others by a name (variants.py), sums of small
error (sums.py), special functions on arrays and as primitives (special_functions.py, lowered_special_functions/). A new op is a class in the file
of its kind; its case stands in tests/ops/<family>/.
"""
