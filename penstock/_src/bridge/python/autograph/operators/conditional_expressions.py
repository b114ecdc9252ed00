"""Conditional expressions: `tensorflow.python.autograph.operators.conditional_expressions`."""

from penstock._src.function.autograph.operators import if_exp
