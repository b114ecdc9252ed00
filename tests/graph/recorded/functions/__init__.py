"""Functions whose graphs are compared with TensorFlow's, by kind: a file for each.

A `case` takes TensorFlow's module, or Penstock in its place, and the function's arguments; a `maker` takes the module alone and returns
the function, once what it captures is there. Both name the function's arguments by specs of `f`, `i` and `b`.
"""

from tests.graph.recorded.functions import (
    calls,
    control,
    gradients,
    layers,
    lists,
    old,
    recurrent,
    statements,
)
from tests.graph.recorded.functions.cases import CASES

__all__ = [
    "CASES",
    "calls",
    "control",
    "gradients",
    "layers",
    "lists",
    "old",
    "recurrent",
    "statements",
]
