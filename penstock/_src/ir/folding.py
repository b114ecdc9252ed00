"""What is known while lowering: constants, and numbers computed from shapes.

`fold` computes a node whose arguments are known. Numbers that depend on Dims are computed as expressions, in object
arrays of ints and Dims, by the same NumPy meanings; the result is a `size` node, so that no kernel has them baked in.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ir import dims, interpreter
from penstock._src.ir.meaning import arrays as meanings
from penstock._src.ir.meaning import ranges
from penstock._src.ir.node import Node

if TYPE_CHECKING:
    from penstock._src.ir.builder import Builder

SMALL = 4096  # elements up to which a constant result is computed while lowering
SYMBOLIC = 64  # elements up to which shape arithmetic is followed
_NEVER = frozenset(
    {"parameter", "read", "constant", "size", "iota", "random_bits", "broadcast", "while", "case"}
)
_VIEWS = frozenset({"reshape", "transpose", "slice", "reverse"})


def fold(builder: Builder, node: Node) -> Node | None:
    """The node as a constant or a size, if its arguments are; else None."""
    kind = node.kind
    if kind in _NEVER or not node.args or node.results is not None:
        return None
    kinds = {a.kind for a in node.args}
    if kinds == {"constant"}:
        if kind not in _VIEWS and node.size > SMALL:
            return None
        value = interpreter.evaluate_node(node, [a.attrs["value"] for a in node.args])
        return builder.constant(value, node.dtype)
    if kinds <= {"constant", "size"} and "size" in kinds:
        return _fold_sizes(builder, node)
    return None


def _fold_sizes(builder: Builder, node: Node) -> Node | None:
    if node.kind == "cast" and not node.dtype.is_bool:
        arg = node.args[0]
        numbers = arg.attrs["dims"]
        if not arg.dtype.is_integer and not all(_is_exact(n, arg.dtype) for n in numbers):
            return None
        return builder.make(
            "size",
            (),
            dims=tuple([wrapped(n, node.dtype) for n in numbers]),
            shape=arg.shape,
            dtype=node.dtype,
        )
    known = symbolic_value(builder, node)
    if known is None or known.ndim > 1 and any(isinstance(d, dims.Dim) for d in known.flat):
        return None
    if not any(isinstance(d, dims.Dim) for d in known.flat):
        return builder.constant(known.astype(node.dtype.np), node.dtype)
    return builder.make(
        "size", (), dims=tuple(known.reshape(-1)), shape=node.shape, dtype=node.dtype
    )


def value(builder: Builder, node: Node) -> Any:
    """The array that a node is known to be in this specialisation, or None."""
    if node.kind == "constant":
        return node.attrs["value"]
    if node.kind == "size":
        return meanings.size((), node)
    if node.kind == "broadcast" and node.args[0].kind in ("constant", "size"):
        return meanings.broadcast([value(builder, node.args[0])], node)
    if node.kind == "iota" and node.size <= SMALL:
        return meanings.iota((), node)
    known = symbolic_value(builder, node)
    if known is not None:
        return np.array([int(d) for d in known.flat], node.dtype.np).reshape(known.shape)
    return None


def symbolic_value(builder: Builder, node: Node) -> Any:
    """An object array of the ints and Dims that an integer node holds, or None."""
    if node.id not in builder.symbolic:
        found = _symbolic(builder, node)
        if found is None and node.dtype is not None and node.size == 1:
            number = ranges.known_number(builder, node)
            found = None if number is None else _boxed(number).reshape([1] * node.rank)
        builder.symbolic[node.id] = found
    return builder.symbolic[node.id]


def difference(builder: Builder, before: Node, after: Node) -> Any:
    """The known number (or Dim) by which `after` is larger than `before`, or None."""
    if after is before:
        return 0
    if after.kind == "binary" and after.op in ("add", "sub"):
        left, right = after.args
        if after.op == "add" and _single(builder, left) is not None:
            left, right = right, left
        step, rest = _single(builder, right), difference(builder, before, left)
        if step is None or rest is None:
            return None
        return rest + (step if after.op == "add" else -step)
    return None


def _single(builder: Builder, node: Node) -> Any:
    """The number or Dim that a node of one element is known to be, or None."""
    found = symbolic_value(builder, node) if node.size == 1 else None
    return None if found is None else found.reshape(-1)[0]


def _symbolic(builder: Builder, node: Node) -> Any:
    if node.results is not None or node.dtype is None:
        return None
    if not (node.dtype.is_integer or node.dtype.is_bool) or node.size > SYMBOLIC:
        return None
    if not node.size:
        return np.empty(node.shape, object)
    if node.kind == "constant":
        return node.attrs["value"].astype(object)
    if node.kind == "size":
        flat = np.empty(len(node.attrs["dims"]), object)
        flat[:] = node.attrs["dims"]
        return _in_type(flat.reshape([int(d) for d in node.shape]), node.dtype)
    if node.kind == "iota":
        return meanings.iota((), node).astype(object)
    if node.kind not in _OBJECT_MEANINGS or not node.args:
        return None
    args = [_argument(builder, node, i) for i in range(len(node.args))]
    if any(a is None for a in args):
        return None
    result = _OBJECT_MEANINGS[node.kind](args, node)
    if result is None:
        return None
    result = result if isinstance(result, np.ndarray) else _boxed(result)
    return _in_type(result, node.dtype) if node.kind in _COMPUTING else result


def _in_type(numbers: np.ndarray, dtype: DType) -> np.ndarray:
    """Python's integers as the type holds them."""
    if dtype.is_bool:
        return numbers
    return _elementwise(lambda n: wrapped(n, dtype), [numbers], numbers.shape)


def wrapped(number: int, dtype: DType) -> int:
    """A number that has left an integer type, as the one it wraps around to: no extent, but a plain int."""
    if not dtype.is_integer:
        return number
    low, high = ranges.limits(dtype)
    return number if low <= number <= high else (int(number) - low) % (high - low + 1) + low


def _is_exact(number: int, dtype: DType) -> bool:
    """Whether a type of floats has this very number."""
    if not dtype.is_floating:
        return False
    with np.errstate(over="ignore"):
        held = float(dtype.np.type(int(number)))
    return held == int(number)


def _boxed(value_: Any) -> np.ndarray:
    """A number as an object array: NumPy unpacks arrays of rank 0."""
    result = np.empty((), object)
    result[()] = value_
    return result


# Kinds whose results can leave the type, unlike those that only move numbers.
_COMPUTING = frozenset({"unary", "binary", "cast", "reduce", "scan", "scatter"})

# Which arguments say where, and are taken as numbers: kind -> (first, last + 1).
_POSITIONS = {
    "gather": (1, 2),
    "scatter": (1, 2),
    "dynamic_slice": (1, 9),
    "dynamic_update_slice": (2, 9),
}


def _argument(builder: Builder, node: Node, index: int) -> Any:
    arg = node.args[index]
    first, last = _POSITIONS.get(node.kind, (0, 0))
    if first <= index < last:
        return value(builder, arg)
    return symbolic_value(builder, arg)


def _elementwise(function: Any, args: list, shape: tuple) -> np.ndarray:
    result = np.empty(meanings.ints(shape), object)
    flat = [np.asarray(a, object).reshape(-1) for a in args]
    result.reshape(-1)[:] = [function(*values) for values in zip(*flat)] if result.size else []
    return result


def _truncated(a: int, b: int) -> int:
    if a >= 0 and b > 0:
        return a // b
    return -((-a) // b) if (a < 0) != (b < 0) else (-a) // (-b)


_BINARY = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": lambda a, b: a // b if b else 0,
    "mod": lambda a, b: a % b if b else 0,
    "truncdiv": lambda a, b: _truncated(a, b) if b else 0,
    "truncmod": lambda a, b: a - _truncated(a, b) * b if b else 0,
    "maximum": dims.maximum,
    "minimum": dims.minimum,
    "and": lambda a, b: int(a) & int(b),
    "or": lambda a, b: int(a) | int(b),
}
_UNARY = {
    "neg": operator.neg,
    "abs": lambda a: a if a >= 0 else -a,
    "sign": lambda a: (a > 0) - (a < 0),
    "not": lambda a: not a,
}
_COMPARE = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
_REDUCE = {
    "sum": lambda values: sum(values, 0),
    "prod": dims.product,
    "max": lambda values: _chosen(values, dims.maximum),
    "min": lambda values: _chosen(values, dims.minimum),
    "any": any,
    "all": all,
}


def _chosen(values: list, choose: Any) -> Any:
    result = values[0]
    for value_ in values[1:]:
        result = choose(result, value_)
    return result


def _family(table: dict) -> Any:
    def compute(args: list, node: Node) -> Any:
        function = table.get(node.op)
        if function is None or (node.op == "not" and not node.dtype.is_bool):
            return None
        return _elementwise(function, args, node.shape)

    return compute


def _reduce(args: list, node: Node) -> Any:
    if args[0].ndim != 1:
        return None
    if not args[0].size and node.op in ("max", "min"):
        return None
    return _boxed(_REDUCE[node.op](list(args[0]))) if node.attrs["axes"] else args[0]


def _scan(args: list, node: Node) -> Any:
    """Running sums and products of a vector."""
    if args[0].ndim != 1 or node.op not in ("sum", "prod"):
        return None
    values = list(args[0])[::-1] if node.attrs["reverse"] else list(args[0])
    combine, total = (operator.add, 0) if node.op == "sum" else (operator.mul, 1)
    result = []
    for each in values:
        before, total = total, combine(total, each)
        result.append(before if node.attrs["exclusive"] else total)
    made = np.empty(len(result), object)
    made[:] = result[::-1] if node.attrs["reverse"] else result
    return made


def _cast(args: list, node: Node) -> Any:
    if node.dtype.is_bool:
        return _elementwise(bool, args, node.shape)
    return args[0] if node.args[0].dtype.is_integer else _elementwise(int, args, node.shape)


_OBJECT_MEANINGS = {
    "unary": _family(_UNARY),
    "binary": _family(_BINARY),
    "compare": _family(_COMPARE),
    "select": lambda args, node: _elementwise(lambda c, a, b: a if c else b, args, node.shape),
    "cast": _cast,
    "reduce": _reduce,
    "pad": meanings.pad,
    "concat": meanings.concat,
    "gather": meanings.gather,
    "scatter": meanings.scatter,
    "scan": _scan,
    "dynamic_slice": meanings.dynamic_slice,
    "dynamic_update_slice": meanings.dynamic_update_slice,
    **{kind: getattr(meanings, kind) for kind in ("reshape", "transpose", "broadcast", "reverse")},
    "slice": meanings.slice_,
}
