"""Products of a product, multiplied in the order that takes the fewest multiplications.

Before: w = contract("tm,tn->mn", x, dy);  contract("mn,rn->mr", w, b);  contract("mr,mn->rn", a, w)
After:  contract("tm,tr->mr", x, contract("tn,rn->tr", dy, b));  contract("tr,tn->rn", contract("tm,mr->tr", x, a), dy)

Gradients of factors, as of the low-rank adapters of Keras, are products of the large gradient of what they give. Between the products there may be
reshapes and factors that are one number. Products of three numbers of float32 overflow or vanish in one order and not in another: in float64, in which
the small products are computed, they do in none.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from operator import mul
from string import ascii_letters
from typing import Any

from penstock._src.compiler.passes.remaking import remade
from penstock._src.core import dtypes
from penstock._src.ir.extents import dims
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import split_spec

# Elements of a product which takes longer than it takes to launch others.
LEAST = 1 << 14
# Times that the product takes the multiplications of those in its place, of which one in float64 takes the time of two.
FEWER = 4


def reorder_products(function: Function) -> Function:
    """Leaves out products that only others read, where these are cheaper from its operands."""
    nodes = function.nodes()
    users = defaultdict[int, list[Node]](list)
    for node in nodes:
        for argument in node.args:
            users[argument.id].append(node)
    kept = {root.id for root in function.roots}
    left_out, replaced = set[int](), set[int]()
    for node in nodes:
        if node.id in replaced or not _is_large_product(node):
            continue
        readers = _readers(node, users, kept)
        if not readers or any(each.id in left_out | replaced for each in readers):
            continue
        chains = [_chain(each, each.args) for each in readers]
        costs = [chain.cost for chain in chains if chain is not None]
        if len(costs) == len(chains) and FEWER * sum(costs) <= _cost_now(node, readers):
            left_out.add(node.id)
            replaced.update(each.id for each in readers)
    if not replaced:
        return function

    def instead(p: Any, node: Node, args: Sequence[Node]) -> Node | None:
        chain = _chain(node, args) if node.id in replaced else None
        return None if chain is None else chain.product(p, node)

    return remade(function, function.parameters, instead)


def _is_large_product(node: Node) -> bool:
    if not _is_rounded_product(node) or any(map(dims.is_symbolic, node.shape)):
        return False
    left, right, result = split_spec(node.attrs["spec"])
    summed = set(left + right) - set(result)
    return (
        prod(node.shape) >= LEAST
        and bool(summed)
        and summed == set(left) & set(right) - set(result)
    )


def _is_rounded_product(node: Node) -> bool:
    return (
        node.kind == "contract"
        and node.dtype is dtypes.float32
        and not node.attrs.get("is_exact", False)
    )


def _readers(product: Node, users: dict[int, list[Node]], kept: set[int]) -> list[Node]:
    """The products that read a product, through reshapes and scales; none if anything else does."""
    readers, pending = dict[int, Node](), [product]
    while pending:
        node = pending.pop()
        if node.id in kept:
            return []
        for user in users[node.id]:
            if _is_rounded_product(user):
                readers[user.id] = user
            elif user.kind == "reshape" or _scaled(user) is not None:
                pending.append(user)
            else:
                return []
    return list(readers.values())


def _cost_now(product: Node, readers: Sequence[Node]) -> float:
    """Multiplications of a product and its readers for each element that it sums; without the readers if that number is unknown."""
    (x, _), (left, _, result) = product.args, split_spec(product.attrs["spec"])
    summed = dims.product([e for e, c in zip(x.shape, left, strict=True) if c not in result])
    if dims.is_symbolic(summed) or not summed:
        return prod(product.shape)
    return prod(product.shape) + sum(map(_multiplications, readers)) / summed


def _multiplications(node: Node) -> int:
    left, right, _ = split_spec(node.attrs["spec"])
    (x, y) = node.args
    return prod(dict(zip(left + right, (*x.shape, *y.shape), strict=True)).values())


def _scaled(node: Node) -> tuple[Node, Node] | None:
    """An array and the number that it is multiplied by."""
    if node.kind != "binary" or node.op != "mul":
        return None
    for number, x in (node.args, node.args[::-1]):
        while number.kind in ("broadcast", "reshape"):
            (number,) = number.args
        if all(map(dims.is_known_one, number.shape)):
            return x, number
    return None


@dataclass(frozen=True)
class _Chain:
    """A product of three operands: one of a product's two operands is itself a product.

    operands  the node and its letters, each once it has the shape
    shapes    of the operands, an axis for each letter
    result    the letters of the result
    first     the two operands that are multiplied first, then the other one
    cost      multiplications for each element that the left out product sums
    scales    numbers that the result is multiplied by
    """

    operands: tuple[Node, ...]
    letters: tuple[str, ...]
    shapes: tuple[tuple[Any, ...], ...]
    result: str
    first: tuple[int, int, int]
    cost: int
    scales: tuple[Node, ...]

    def product(self, p: Any, node: Node) -> Node:
        """The product of the operands, as a node that replaces another one."""
        a, b, c = self.first
        x, y, z = (p.reshape(_wide(p, self.operands[i]), self.shapes[i]) for i in self.first)
        inner = _inner(self.letters[a], self.letters[b], self.letters[c] + self.result)
        both = p.contract(f"{self.letters[a]},{self.letters[b]}->{inner}", x, y)
        whole = p.contract(f"{self.letters[c]},{inner}->{self.result}", z, both)
        whole = p.reshape(whole, node.shape)
        for scale in self.scales:
            whole = p.mul(whole, p.reshape(_wide(p, scale), ()))
        return p.cast(whole, node.dtype)


def _wide(p: Any, x: Node) -> Node:
    return p.cast(x, dtypes.float64)


def _chain(node: Node, args: Sequence[Node]) -> _Chain | None:
    """The cheaper order for a product with exactly one argument that is a product itself; None if there is none."""
    sources = [_source(argument) for argument in args]
    if (sources[0] is None) == (sources[1] is None):
        return None
    side = int(sources[0] is None)
    inner, scales = sources[side] or sources[1 - side] or (node, [])
    outer, other = args[side], args[1 - side]
    if any(map(dims.is_symbolic, (*outer.shape, *other.shape))):
        return None
    factors = _common_factors(inner.shape, outer.shape)
    *own, result = split_spec(inner.attrs["spec"])
    *read, wanted = split_spec(node.attrs["spec"])
    # A letter of one operand alone that the result has not is summed alone, which is a reduction.
    alone = set(read[0]) ^ set(read[1])
    if factors is None or not alone.issubset(wanted):
        return None
    names = iter(ascii_letters)
    split = [next(names) for _ in factors]
    extents: dict[str, Any] = dict(zip(split, factors, strict=True))
    of_inner = _named(result, inner.shape, extents)
    of_outer = _named(read[side], outer.shape, extents)
    for letter in dict.fromkeys(own[0]):
        of_inner.setdefault(letter, next(names))
    for letter in read[1 - side]:
        of_outer.setdefault(letter, next(names))
    summed = {of_inner[c] for c in own[0] if c not in result}
    letters = *(_spelled(part, of_inner) for part in own), _spelled(read[1 - side], of_outer)
    operands = (*inner.args, other)
    for operand, spec, part in zip(operands, (*own, read[1 - side]), letters, strict=True):
        names_of = of_outer if operand is other else of_inner
        extents |= {
            names_of[c]: extent
            for c, extent in zip(spec, operand.shape, strict=True)
            if len(names_of[c]) == 1 and names_of[c] not in split
        }
        assert set(part) <= set(extents)
    final = _spelled(wanted, of_outer)
    cost, first = min(
        (_cost([letters[i] for i in order], final, extents, summed), order)
        for order in ((0, 2, 1), (1, 2, 0))
    )
    shapes = tuple(tuple(extents[c] for c in part) for part in letters)
    return _Chain(operands, letters, shapes, final, first, cost, tuple(scales))


def _spelled(letters: str, named: dict[str, str]) -> str:
    return "".join(named[c] for c in letters)


def _source(node: Node) -> tuple[Node, list[Node]] | None:
    """The product that a node is, reshaped and scaled, and the scales."""
    scales: list[Node] = []
    while node.kind != "contract":
        scaled = _scaled(node)
        if scaled is not None:
            node, scale = scaled
            scales.append(scale)
        elif node.kind == "reshape":
            (node,) = node.args
        else:
            return None
    return (node, scales) if _is_large_product(node) else None


def _common_factors(a: Sequence[Any], b: Sequence[Any]) -> list[int] | None:
    """The extents of axes into which the axes of two shapes of the same elements can be split."""
    ends = sorted({1, *accumulate(a, mul), *accumulate(b, mul)})
    pairs = list(zip(ends, ends[1:], strict=False))
    if 0 in ends or any(end % start for start, end in pairs):
        return None
    return [end // start for start, end in pairs]


def _named(letters: str, shape: Sequence[Any], factors: dict[str, int]) -> dict[str, str]:
    """The letters of the axes into which each axis is split; none for an axis of one element."""
    named, pieces = dict[str, str](), iter(factors.items())
    for letter, extent in zip(letters, shape, strict=True):
        own, size = "", 1
        while size < extent:
            name, factor = next(pieces)
            own, size = own + name, size * factor
        named[letter] = own
    return named


def _inner(a: str, b: str, needed: str) -> str:
    """The letters of the product of `a` and `b`: those of its factors that occur in `needed`."""
    return "".join(c for c in dict.fromkeys(a + b) if c in needed)


def _cost(letters: Sequence[str], result: str, extents: dict[str, Any], summed: set[str]) -> int:
    """The multiplications of both products of a chain, without the extents in `summed`, which both have as factors."""
    a, b, c = letters
    both = _inner(a, b, c + result)
    return sum(prod(extents[x] for x in set(pair) - summed) for pair in (a + b, c + both))
