"""The tensor primitives: about thirty-five kinds of node, into which every TensorFlow op is lowered.

What comes in: calls of the methods of a `NodeMaker` (build/), by `Op.lower` and the passes of the compiler. What goes out: a `Function`
of hash-consed `Node`s, which the compiler schedules.

    primitives.py     the grammar page: each kind, its shape rule (shape_rules.py) and its meaning in NumPy (meaning/). Read it first
    node.py           a node
    extents/          extents that a call gives: expressions, their numbers, what was decided by them
    builder.py        the maker of nodes: equal nodes are one, known ones are computed (folding.py), rules/ simplify
    meaning/          what each kind means: in NumPy, in numbers known while lowering, in least and largest values
    interpreter.py    runs a Function in NumPy; immediate.py runs what writes primitives without making a Function

A new simplification is one `rule(...)` in rules/; a new kind is a row in primitives.py, a shape rule, a meaning, a method in build/, and
native code in the compiler.
"""
