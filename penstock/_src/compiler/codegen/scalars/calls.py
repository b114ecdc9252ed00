"""Calls of elementwise functions that a kernel has many of: each is written once, as a function of the kernel's module.

Written out, every copy costs LLVM some 2 ms: a hundred sines of one expression took it 0.2 s, before the first result. The instructions are the
same in a function, so results have the same bits.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.scalars import operations
from penstock._src.compiler.codegen.scalars.registers import register_type, spread, width
from penstock._src.compiler.kernels.values import Value
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import like, mangle
from penstock._src.native.language.value import Val

# Of a function in a kernel; a call costs some cycles, as registers in use are saved.
MOST_COPIES = 8
LONG = frozenset(
    "exp expm1 log log1p cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid erf erfc lgamma "
    "atan2 pow".split()
)

Key = tuple[Any, ...]


def key_of(value: Value) -> Key:
    """The function that a value calls, and its types."""
    return value.kind, value.dtype, *[a.dtype for a in value.args]


def called_often(values: Sequence[Value]) -> frozenset[Key]:
    """Returns the long functions of real numbers that more than MOST_COPIES of the values call."""
    counts = Counter(key_of(v) for v in values if v.kind in LONG and not v.dtype.is_complex)
    return frozenset(key for key, count in counts.items() if count > MOST_COPIES)


def call(f: Fn, value: Value, args: Sequence[Any]) -> Val:
    """The result of a function of the module, which is written where it is first called.

    Args:
      f: the function that calls.
      value: the value that is computed.
      args: the registers of its arguments.
    """
    kind, dtype, *dtypes = key_of(value)
    n = max(width(a) for a in args)
    registers = [spread(f, a, n) for a in args]
    name = "_".join([kind, dtype.name, *[d.name for d in dtypes], mangle(registers[0].ty)])
    result = like(registers[0].ty, register_type(dtype))
    if name not in f.module.names:
        parameters = {f"x{i}": a.ty for i, a in enumerate(registers)}
        with Fn(f.module, name, parameters, result, internal=True, noalias=False) as function:
            inside = [getattr(function, parameter) for parameter in parameters]
            function.give(operations.apply(function, kind, dtype, dtypes, inside))
    return f.call(name, *registers, ret=result)


__all__ = ["LONG", "MOST_COPIES", "call", "called_often", "key_of"]
