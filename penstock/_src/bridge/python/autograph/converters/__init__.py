"""AutoGraph's rewrites one by one: `tensorflow.python.autograph.converters`.

In: the syntax tree of a function (gast), analyzed as `impl/api.py` does, and its context. Out: the tree with one kind of statement or
expression rewritten into calls of `ag__`, the operators in `autograph/operators`. tf.function converts with `function/autograph`, which does
all of this at once; these are for programs that choose or add rewrites. Begin with `asserts.py`, the smallest.
"""
