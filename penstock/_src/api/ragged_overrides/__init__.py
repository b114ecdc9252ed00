"""What the public functions mean for ragged tensors.

`table` says which function here stands for which public one, and answers calls that take a ragged
tensor; elementwise functions run on the flat values of operands with the same rows (`broadcasting`).
"""

from . import table  # noqa: F401
