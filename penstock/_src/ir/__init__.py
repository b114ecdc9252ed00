"""The tensor primitives: some forty-five kinds of node, into which every TensorFlow op is lowered.

In: calls of the methods of a `NodeMaker` (build/), by `Op.lower` and the passes of the compiler. Out: a `Function` of hash-consed `Node`s,
which the compiler schedules. Read primitives/ first.

    primitives/       each kind: its form, shape rule, meaning in NumPy, range and work
    node.py           a node
    extents/          unknown extents as expressions, their numbers in a call, and the conditions that comparisons add
    builder.py        makes nodes: equal nodes are one, known ones are computed (folding.py), rules/ simplify
    meaning/          algorithms of kinds in NumPy; numbers known while lowering, least and largest values
    interpreter.py    runs a Function in NumPy; immediate.py evaluates primitives as they are written, without a Function

A new simplification is one `rule(...)` in rules/; a new kind is a class in primitives/, a method in build/, and native code in
the compiler.
"""
