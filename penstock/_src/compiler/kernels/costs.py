"""The cost of computing operations, in simple vector operations for one element."""

_COSTS = {"exp": 8, "log": 8, "tanh": 10, "sigmoid": 10, "erf": 12, "erfc": 20, "sin": 12, "cos": 12, "pow": 25,
          "div": 3, "sqrt": 4, "rsqrt": 5, "mod": 10, "floordiv": 8, "truncmod": 10, "truncdiv": 8}  # fmt: skip
_RARE = frozenset(
    "expm1 log1p cbrt tan asin acos atan sinh cosh asinh acosh atanh lgamma atan2".split()
)
_FREE = frozenset(("load", "const"))


def cost_of_function(name: str) -> int:
    """The approximate cost of an elementwise function."""
    return 25 if name in _RARE else _COSTS.get(name, 1)


def cost_of_value(kind: str) -> int:
    """The approximate cost of a value of a kernel, by its kind."""
    return 0 if kind in _FREE else cost_of_function(kind)
