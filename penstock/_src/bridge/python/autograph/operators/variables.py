"""Variables that may have no value yet: `tensorflow.python.autograph.operators.variables`."""

from penstock._src.function.autograph.undefined import Undefined, UndefinedReturnValue, ld, ldu
