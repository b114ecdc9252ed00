"""AutoGraph's rewrites of jumps, one by one: `tensorflow.python.autograph.converters`.

In: the syntax tree of a function (gast) and its context. Out: the tree with one kind of statement rewritten into flags and conditions.
tf.function converts with `function/autograph`, which does all of this at once; these are for programs that choose or add rewrites
(`tfp.experimental.auto_batching`). Begin with `continue_statements.py`, the smallest.
"""
