"""The columns that a masked row of scores sees, if the first and last are affine in the row: causal masks, also for unequal lengths."""

import math
from collections.abc import Collection, Sequence

import numpy as np

from penstock._src.compiler.kernels.memory import is_splat
from penstock._src.core import dtypes
from penstock._src.ir.extents.dims import is_one, is_repeated
from penstock._src.ir.node import Node

# Sums of positions do not leave these types; an unsigned or narrow one would wrap around, and hide other columns.
_EXACT = (dtypes.int32, dtypes.int64)
NEVER = -1e30  # scores so low beside any other have the probability 0

# Operations on numbers that are not low, whose results are not low either.
_KEEPING = frozenset({"neg", "abs", "tanh", "add", "sub", "mul", "maximum", "minimum"})
_MOVING = frozenset({"broadcast", "reshape", "transpose", "cast"})

Affine = dict[str, int]  # letter -> coefficient; "" is the constant


def reach_of(logits: Node, letters: str) -> int | None:
    """The number of columns (`s`) visible to row 0, at least one, if row t sees t more; None if the mask is not causal.

    Before: select(s - t <= c, scores, -inf)       for any arrangement of iotas, sums and comparisons
    After:  c + 1
    """
    while logits.kind == "cast":
        (logits,) = logits.args
    if logits.kind != "select":
        return None
    condition, scores, hidden = logits.args
    # exp of a hidden score must be 0 relative to every other one, or the masked columns would count.
    number = _number(hidden)
    if number is None or number > NEVER:
        return None
    if number != -math.inf and not _is_never_low(scores):
        return None  # where all that a row sees is as low, it sees what is hidden as well
    seen = _seen(condition, list(letters))
    if seen is None or seen.get("s") != 1 or seen.get("t") != -1 or seen.get("", 0) > 0:
        return None
    # Another letter in the form makes the mask differ between heads or rows of a batch.
    return 1 - seen.get("", 0) if all(not c for x, c in seen.items() if x not in "st") else None


def _is_never_low(scores: Node) -> bool:
    """True if scores are computed from a product, and else from numbers and positions: unknown arrays may be masks, too."""
    pending, seen = [scores], set[int]()
    while pending:
        node = pending.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        if node.kind in ("contract", "iota") or node.dtype.is_integer or node.dtype.is_bool:
            continue
        if node.kind == "constant":
            if not bool(np.all(np.abs(node.attrs["value"]) < -NEVER)):
                return False
        elif _is_scaled_product(node):
            continue
        elif node.kind == "select":
            pending += node.args[1:]
        elif node.kind in _MOVING or node.attrs.get("op") in _KEEPING:
            pending += node.args
        else:
            return False
    return True


def _is_scaled_product(node: Node) -> bool:
    """True if a node is a contraction times, or divided by, one number, which may be known only when it runs."""
    if node.kind != "binary" or node.op not in ("mul", "div"):
        return False
    product, scale = (_inside(x, _MOVING) for x in node.args)
    if node.op == "mul" and product.kind != "contract":
        product, scale = scale, product
    return product.kind == "contract" and is_one(scale.size)


def _inside(node: Node, kinds: Collection[str]) -> Node:
    """The node within others of these kinds."""
    while node.kind in kinds:
        (node,) = node.args
    return node


def _number(node: Node) -> float | None:
    """The value that all elements of a node have."""
    node = _inside(node, ("broadcast", "cast", "reshape"))
    if node.kind != "constant" or not is_splat(node):
        return None
    return float(node.attrs["value"].flat[0])


def _seen(node: Node, letters: Sequence[str]) -> Affine | None:
    """The form that is at most 0 where a condition holds; axis i of the node moves along letters[i]."""
    if node.kind in ("broadcast", "reshape"):
        inner = _letters_before(node, letters)
        return None if inner is None else _seen(node.args[0], inner)
    if node.kind == "select" and (_number(node.args[1]), _number(node.args[2])) == (1.0, 0.0):
        # A condition that was made a number of 1 and 0, compared again elsewhere.
        return _seen(node.args[0], letters)
    if node.kind != "compare" or not node.args[0].dtype.is_integer:
        return None
    a, b = (_affine(x, letters) for x in node.args)
    if a is None or b is None or node.op not in ("le", "lt", "ge", "gt"):
        return None
    difference = _plus(a, b, -1) if node.op in ("le", "lt") else _plus(b, a, -1)
    # In integers, a < b is a + 1 <= b.
    return _plus(difference, {"": 1}, int(node.op in ("lt", "gt")))


def _affine(node: Node, letters: Sequence[str]) -> Affine | None:
    """An integer node as a sum of letters and a number."""
    number = _number(node)
    if number is not None:
        return {"": int(number)}
    # In other types, sums of positions are rounded, or wrap around.
    if node.dtype not in _EXACT:
        return None
    if node.kind == "iota":
        letter = letters[node.attrs["axis"]]
        return {letter: 1} if letter else {"": 0}
    if node.kind in ("broadcast", "reshape"):
        inner = _letters_before(node, letters)
        return None if inner is None else _affine(node.args[0], inner)
    if node.kind == "cast" and node.args[0].dtype in _EXACT:
        return _affine(node.args[0], letters)
    if node.kind == "binary" and node.op in ("add", "sub"):
        a, b = (_affine(x, letters) for x in node.args)
        return None if a is None or b is None else _plus(a, b, 1 if node.op == "add" else -1)
    return None


def _letters_before(node: Node, letters: Sequence[str]) -> list[str] | None:
    """The letters of a movement's argument; those of unit axes do not matter."""
    (x,) = node.args
    if node.kind == "broadcast":
        axes = zip(node.attrs["axes"], x.shape, strict=True)
        return [
            "" if is_one(extent) or is_repeated(extent, node.shape[axis]) else letters[axis]
            for axis, extent in axes
        ]
    # A reshape keeps letters only where it adds or removes unit axes.
    kept = [c for c, extent in zip(letters, node.shape, strict=True) if extent != 1]
    if [e for e in x.shape if e != 1] != [e for e in node.shape if e != 1]:
        return None
    names = iter(kept)
    return ["" if extent == 1 else next(names) for extent in x.shape]


def _plus(a: Affine, b: Affine, factor: int) -> Affine:
    return {x: a.get(x, 0) + factor * b.get(x, 0) for x in {**a, **b}}
