"""The functions that keep or join weak dtypes."""

from penstock._src.api.numpy_behavior.functions import COMPARE, JOIN, KEEP, listed

_TF_UNARY_APIS = [function for function, _ in listed(KEEP)]
_TF_BINARY_APIS = [function for table in (JOIN, COMPARE) for function, _ in listed(table)]
