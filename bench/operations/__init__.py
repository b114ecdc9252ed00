"""The operations of the suite `ops`: families of them, each a table {name: (function of tensors, arrays to call it with)}.

A family's module has `cases(tf, random)`; sizes are what people have: rows of a batch, small images, thousands of strings.
"""

import importlib

FAMILIES = ["math", "special", "reductions", "arrays", "indexing", "nn", "images", "linalg", "random", "signal", "strings", "sets", "small", "sizes"]  # fmt: skip


def cases_of(family, tf, random):
    """Returns {name: (function, arrays)} of a family."""
    return importlib.import_module(f"operations.{family}").cases(tf, random)
