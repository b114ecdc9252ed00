"""tf.linalg.LinearOperator and its family: matrices known by their structure.

`base.py` has the base class; `algebra.py` products, inverses and other combinations of operators, as rules for classes;
`functions.py` the `tf.linalg` functions of operators, `addition.py` their sums; `kinds/` the classes.
"""

from . import functions, rules  # noqa: F401  the rules must stand before any operator is used
