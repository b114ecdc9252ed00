"""tf.linalg.LinearOperator and its family: matrices known by their structure.

`base.py` has what all share; `algebra.py` products, inverses and the like of operators, as rules for
pairs of classes; `functions.py` what `tf.linalg` functions mean for operators. A new operator: a
class in a file by its idea, with `_matmul`, `_shape` and what it can do faster than a dense matrix.
"""

from . import functions, rules  # noqa: F401  the rules must stand before any operator is used
