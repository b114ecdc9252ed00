"""tf.linalg.LinearOperator and its family: matrices known by their structure.

`base.py` has the base class; `algebra.py` products, inverses and other combinations of operators, as rules for classes;
`functions.py` the `tf.linalg` functions of operators. A new operator is a class with `_matmul`, `_shape` and overrides for
everything that its structure makes faster than a dense matrix.
"""

from . import functions, rules  # noqa: F401  the rules must stand before any operator is used
