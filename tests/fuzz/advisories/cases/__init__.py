"""The cases, a module for each family."""

import importlib

FAMILIES = (
    "numbers.convolutions", "numbers.pooling", "numbers.quantized", "numbers.normalization", "values.sparse", "values.sparse_matrices", "values.counting", "values.ragged",
    "values.strings", "values.shapes", "values.indexing", "numbers.matrices", "numbers.images", "numbers.random_numbers", "values.lists", "values.resources", "values.data",
    "numbers.recurrent", "numbers.sums", "values.summaries",
)  # fmt: skip
CASES = tuple(
    case for family in FAMILIES for case in importlib.import_module(f"{__name__}.{family}").CASES
)
