"""The grammar of the representation: every kind of node, on one page.

A row gives the kind, the number of its arguments (None: any), its attributes and one sentence; `infer` is its shape
rule (shape_rules.py) and `evaluate` its meaning in NumPy (meaning/). Shapes are tuples of ints and `Dim`s.
`unary`, `binary` and `compare` are families: their `op` attribute is one of the names in UNARY, BINARY, COMPARE.

Every kind has a counterpart in the StableHLO specification, named where it differs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock._src.ir import shape_rules
from penstock._src.ir.meaning import arrays as meanings

UNARY = frozenset(
    "neg abs sign exp expm1 log log1p sqrt rsqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh"
    " sigmoid erf erfc lgamma floor ceil round not is_finite is_nan is_inf reciprocal square popcount real imag"
    " conj".split()
)
BINARY = frozenset(
    "add sub mul div floordiv mod truncdiv truncmod pow maximum minimum atan2 and or xor shift_left shift_right"
    " shift_right_logical complex".split()
)
COMPARE = frozenset("eq ne lt le gt ge".split())
REDUCE = frozenset("sum prod max min any all".split())
SCAN = frozenset("sum prod max min".split())
SCATTER = frozenset("add set max min mul".split())

ELEMENTWISE = frozenset("unary binary compare select cast".split())  # kinds
COMMUTATIVE = frozenset("add mul maximum minimum and or xor".split())


@dataclass(frozen=True)
class Primitive:
    """One row of the grammar."""

    kind: str
    arity: int | None
    attrs: tuple[str, ...]
    sentence: str
    infer: Callable[..., Any]
    evaluate: Callable[..., Any] | None


PRIMITIVES: dict[str, Primitive] = {}


def _row(kind: str, arity: int | None, attrs: str, sentence: str) -> None:
    name = f"{kind}_" if kind in ("while", "slice") else kind
    PRIMITIVES[kind] = Primitive(
        kind,
        arity,
        tuple(attrs.split()),
        sentence,
        getattr(shape_rules, name),
        getattr(meanings, name, None),
    )


# leaves
_row(
    "parameter",
    0,
    "index name shape dtype scope",
    "an argument of the function; of dtype resource: a variable's handle",
)
_row(
    "read",
    1,
    "shape dtype",
    "the value that a variable (a parameter of dtype resource) has when the function starts",
)
_row("constant", 0, "value dtype", "a known array")
_row(
    "size",
    0,
    "dims shape dtype",
    "numbers known once shapes are: expressions over Dims, computed when a program is bound",
)
_row("iota", 0, "axis shape dtype", "each element's own index along `axis`")
_row(
    "random_bits",
    2,
    "count algorithm",
    "uint32[count] from a key and a counter: Philox 4x32-10 or Threefry 2x32-20 (rng_bit_generator)",
)
# elementwise: all arguments have one shape
_row("unary", 1, "op", "op(x), element by element")
_row("binary", 2, "op", "op(x, y), element by element")
_row("compare", 2, "op", "a bool: x op y")
_row("select", 3, "", "a where the condition holds, else b")
_row(
    "cast",
    1,
    "dtype",
    "the value in another dtype: floats to integers truncate, complex to real drops the imaginary part (convert)",
)
_row(
    "bitcast",
    1,
    "dtype",
    "the same bits as another dtype; a narrower one adds a last axis, a wider one takes it (bitcast_convert)",
)
# movement: an index map, no arithmetic
_row("reshape", 1, "shape", "the same elements, row by row, in another shape")
_row("transpose", 1, "perm", "axis i of the result is axis perm[i] of x")
_row(
    "broadcast",
    1,
    "shape axes",
    "axis i of x is axis axes[i] of the result; extents of 1 and missing axes repeat (broadcast_in_dim)",
)
_row(
    "slice",
    1,
    "starts limits strides",
    "x[start:limit:stride] along every axis; strides are positive",
)
_row(
    "pad",
    2,
    "low high interior",
    "x with the scalar y around it and between its elements; negative amounts cut",
)
_row("reverse", 1, "axes", "x backwards along axes")
_row("concat", None, "axis", "the arguments one after the other along an axis (concatenate)")
_row(
    "windows",
    2,
    "axes size strides dilations low high base_dilations",
    "every window of x: axes become window positions, and offsets inside a window come last; the scalar y pads (a view)",
)
_row(
    "dynamic_slice",
    None,
    "sizes",
    "a block of x at run-time starts (scalars; clamped so that it fits)",
)
_row(
    "dynamic_update_slice",
    None,
    "",
    "x with a block replaced at run-time starts (scalars; clamped so that it fits)",
)
# across elements
_row(
    "reduce",
    1,
    "op axes",
    "one value of each line along axes, which disappear; a sum of nothing is 0, a max the lowest value",
)
_row(
    "arg_reduce",
    1,
    "op axis dtype",
    "the index of the first largest (max) or smallest (min) element along an axis, which disappears",
)
_row(
    "scan",
    1,
    "op axis exclusive reverse",
    "running sum, product, maximum or minimum along an axis (reduce_window)",
)
_row(
    "sort",
    None,
    "axis descending num_keys",
    "the arguments sorted together by the first num_keys of them; stable; NaN last",
)
_row(
    "contract",
    2,
    "spec",
    'an einsum of two operands, "bmk,bkn->bmn": products summed over the missing letters (dot_general)',
)
_row(
    "gather",
    2,
    "axis batch_dims mode",
    "x[..., indices, ...] at an axis; indices outside clamp, give zero, or raise an error",
)
_row(
    "scatter",
    3,
    "op mode",
    "x with updates combined at index vectors (last axis of indices) of its leading axes, in order unless they are unique",
)
# control: functions as attributes, outer values passed in as arguments
_row(
    "while",
    None,
    "cond body carried",
    "carried values stepped by body while cond holds; arguments past `carried` stay as they are",
)
_row(
    "case",
    None,
    "branches",
    "the results of branches[index](operands); an index outside means the last branch",
)
_row("item", 1, "index", "one result of a node with several (get_tuple_element)")

ELEMENTWISE = frozenset({"unary", "binary", "compare", "select", "cast"})
MOVEMENT = frozenset({"reshape", "transpose", "broadcast", "slice", "reverse"})
LEAVES = frozenset({"parameter", "constant", "size", "iota"})
OPS_OF = {
    "unary": UNARY,
    "binary": BINARY,
    "compare": COMPARE,
    "reduce": REDUCE,
    "scan": SCAN,
    "scatter": SCATTER,
    "arg_reduce": frozenset({"max", "min"}),
}


def grammar() -> str:
    """The table as text, for documentation."""
    lines = []
    for row in PRIMITIVES.values():
        args = "..." if row.arity is None else ", ".join("xyz"[: row.arity])
        attrs = "; " + ", ".join(row.attrs) if row.attrs else ""
        lines.append(f"{row.kind}({args}{attrs})".ljust(60) + row.sentence)
    return "\n".join(lines)
