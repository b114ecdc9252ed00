"""The values of a kernel: a hash-consed expression over loads, indices and loop variables.

    const     a number                                   attrs (value,)
    load      an element of a buffer at an offset         attrs (slot, Index); args (guard,) or ()
    index     an Index as a number                        attrs (Index,)
    inside    a bool: low <= Index < limit                attrs (Index, low, limit)
    reduce    its argument over every value of variables  attrs (op, variables[, limit of the first]); args (body,)
    arg_reduce  where along one variable the best is      attrs (op, variable, coordinate Index); args (body,)
    iterate     a carried value of a recurrence          attrs (Recurrence, index of the value)
    any other   an elementwise operation by name          args

A load with a guard reads nothing and gives zero where the guard is false.  `vars` are the loop variables on which a
value depends: code generation places a value in the outermost loop that has them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.compiler.kernels.index import (
    Atom,
    Division,
    Dynamic,
    Index,
    IndexScope,
    Var,
    extent_key,
)
from penstock._src.core.dtypes import DType


class Value:
    """One value; made by `Scope.value`, so equal values are one object."""

    __slots__ = ("kind", "args", "attrs", "dtype", "vars", "number", "inputs")
    vars: frozenset[Var]

    def __init__(self, number: int, kind: str, args: tuple[Value, ...], attrs: tuple, dtype: DType):
        self.number, self.kind, self.args, self.attrs, self.dtype = number, kind, args, attrs, dtype
        variables: set[Var] = set()
        dynamic: list[Value] = []
        for arg in args:
            variables |= arg.vars
        for attr in attrs:
            if isinstance(attr, Index):
                variables |= attr.vars
                dynamic += dynamic_values(attr)
        if kind == "reduce":
            # Variables of a reduction are not visible outside of it.
            variables -= set(attrs[1])
        elif kind == "arg_reduce":
            variables.discard(attrs[1])
        self.vars = frozenset(variables)
        self.inputs: tuple[Value, ...] = (*args, *dynamic) if dynamic else args

    def __repr__(self):
        inside = ", ".join([*(f"%{a.number}" for a in self.args), *map(str, self.attrs)])
        return f"%{self.number} = {self.kind}({inside}): {self.dtype.name}"


def dynamic_values(index: Index) -> Iterator[Value]:
    """The values that an index reads, also within quotients."""
    for atom, _ in index.terms:
        yield from _dynamic(atom)


def _dynamic(atom: Atom) -> Iterator[Value]:
    if isinstance(atom, Dynamic):
        yield atom.value
    elif isinstance(atom, Division):
        yield from dynamic_values(atom.index)


class Scope(IndexScope):
    """The values and atoms of one kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[Any, Value] = {}

    def value(
        self, kind: str, args: Sequence[Value], dtype: DType, attrs: tuple[Any, ...] = ()
    ) -> Value:
        """The value `kind(args)`."""
        args = tuple(args)
        key = (kind, tuple([a.number for a in args]), tuple([attr_key(a) for a in attrs]), dtype)
        # By numbers of arguments, which are hash-consed too: nothing is compared twice.
        known = self.values.get(key)
        if known is None:
            known = self.values[key] = Value(len(self.values), kind, args, attrs, dtype)
        return known

    def const(self, x: Any, dtype: DType) -> Value:
        """A number."""
        return self.value("const", (), dtype, (x,))


def attr_key(attr: Any) -> Any:
    """A hashable key of an attribute."""
    if isinstance(attr, Index):
        return attr.key
    if isinstance(attr, Var):
        return ("var", attr.number)
    if isinstance(attr, tuple):
        return tuple([attr_key(a) for a in attr])
    # By bits: -0.0 and 0.0 are equal, and two NaNs are not.
    if isinstance(attr, float):
        return attr.hex()
    if isinstance(attr, complex):
        return (attr.real.hex(), attr.imag.hex())
    # True is equal to 1, and would find its value.
    if isinstance(attr, bool):
        return ("bool", attr)
    return extent_key(attr)


def closure(roots: Sequence[Value]) -> list[Value]:
    """The roots and all they need, arguments first."""
    order: list[Value] = []
    seen: set[int] = set()
    for root in roots:
        # Not recursive: chains of values are longer than Python's stack.
        stack = [(root, iter(root.inputs))]
        if root.number in seen:
            continue
        seen.add(root.number)
        while stack:
            value, pending = stack[-1]
            for arg in pending:
                if arg.number not in seen:
                    seen.add(arg.number)
                    stack.append((arg, iter(arg.inputs)))
                    break
            else:
                order.append(value)
                stack.pop()
    return order
