"""The tensor primitives: about thirty-five kinds of node, into which every TensorFlow op is lowered.

In: calls of the methods of a `NodeMaker` (build/), by `Op.lower` and the passes of the compiler. Out: a `Function` of hash-consed `Node`s,
which the compiler schedules. Read primitives.py first.

    primitives.py     the grammar page: each kind, with its shape rule (shape_rules.py) and its meaning in NumPy (meaning/)
    node.py           a node
    extents/          unknown extents as expressions, their numbers in a call, and the conditions that comparisons add
    builder.py        makes nodes: equal nodes are one, known ones are computed (folding.py), rules/ simplify
    meaning/          the meaning of each kind: in NumPy, in numbers known while lowering, in least and largest values
    interpreter.py    runs a Function in NumPy; immediate.py evaluates primitives as they are written, without a Function

A new simplification is one `rule(...)` in rules/; a new kind is a row in primitives.py, a shape rule, a meaning, a method in build/, and
native code in the compiler.
"""
