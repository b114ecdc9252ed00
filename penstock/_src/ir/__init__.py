"""The tensor primitives: about thirty-five kinds of node, into which every TensorFlow op is lowered.

What comes in: `Op.lower` methods call the `Builder` (builder.py). What goes out: a `Function` of hash-consed `Node`s,
which the compiler schedules. Read first: primitives.py, the grammar page (each kind, its shape rule and its meaning in
NumPy); then node.py and dims.py (shapes that remember where they came from). A new simplification is one `rule(...)` in
rules/; a new kind is a row in primitives.py, a shape rule, a meaning, and native code in the compiler.
"""
