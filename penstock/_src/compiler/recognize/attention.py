"""Recognizes attention: softmax(epilogue(Q K^T)) V, and its gradients in the same function, as one kernel each.

    S = contract(Q, K);  L = epilogue(S): elementwise, whatever else it reads (scale, mask, bias)
    m = max(L);  E = exp(L - m);  l = sum(E);  P = E / l                    along the last axis
    O = contract(cast(P), V)
backward, where P has no other use than
    dV = contract(cast(P), dO);  dP = cast(contract(dO, V));  D = sum(dP * P)
    dL = (dP - D) * P;  dS = epilogue'(dL): elementwise;  dQ = contract(dS, K);  dK = contract(dS, Q)
Groups of heads of Q may share heads of K and V; then passes/shared_heads.py has separated dK and dV by heads of Q.
Without a backward pass, operands that are cast from bfloat16 are read as they were before.

The nodes in between are computed in blocks and never stored. If another node reads one of them, nothing is recognized.
The nodes m and l are stored if there is a backward pass, which computes P again from them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.kernels.attention import (
    COLUMN,
    ELEMENT,
    LEAST,
    ROW,
    WIDEST,
    Attention,
    Gradient,
)
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.kernels.views import View, view_of
from penstock._src.compiler.recognize.causal_mask import reach_of
from penstock._src.compiler.recognize.contractions.widening import narrow
from penstock._src.core import dtypes
from penstock._src.ir.extents.dims import is_large, is_one, shape_key
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE
from penstock._src.util.dataclass import dataclass

BATCH = "abcdefgh"
SCALARS = frozenset({"constant", "iota", "broadcast", "reshape", "cast"})
Users = dict[int, list[Node]]


def find_attentions(
    nodes: Sequence[Node], users: Users, wanted: Callable[[Node], bool]
) -> list[Attention]:
    """The attentions of a function whose absorbed nodes are not `wanted` by others."""
    # Half-precision softmaxes divide in float32: their quotient is cast afterwards.
    quotients = [n for n in nodes if _is(n, "div") and n.dtype in (dtypes.float32, dtypes.float64)]
    return [attention for q in quotients if (attention := _attention(q, users, wanted)) is not None]


class _Unfit(Exception):
    """A candidate for attention does not have its form."""


def _require(condition: bool) -> None:
    if not condition:
        raise _Unfit


def _attention(quotient: Node, users: Users, wanted: Callable[[Node], bool]) -> Attention | None:
    try:
        attention = _searched(quotient, users)
        region = {n.id for n in (*attention.never_stored, *attention.made)}
        for node in attention.never_stored:
            _require(not wanted(node) and all(u.id in region for u in users[node.id]))
        unstored = {n.id for n in attention.never_stored}
        # A source that is a view of a score would need it stored.
        _require(all(home(n).id not in unstored for n in attention.sources))
        # Without a backward pass nothing but the quotient reads the maximum and the sum, which are never stored.
        if attention.gradient is not None:
            for node in (attention.maximum, attention.total):
                _require(all(u.id in region for u in users[node.id]))
    except _Unfit:
        return None
    return attention


def _is(node: Node, op: str) -> bool:
    return node.kind == "binary" and node.op == op


def _same(a: Node, b: Node) -> bool:
    return shape_key(a.shape) == shape_key(b.shape)


def _spread(node: Node) -> tuple[Node, list[Node]]:
    """(the argument of a chain of broadcasts and reshapes, the chain)."""
    between = []
    while node.kind in ("broadcast", "reshape"):
        between.append(node)
        (node,) = node.args
    return node, between


def _reduces_rows(node: Node, op: str, of: Node) -> bool:
    return (
        node.kind == "reduce"
        and node.op == op
        and node.args[0] is of
        and tuple(node.attrs["axes"]) == (len(of.shape) - 1,)
    )


def _searched(quotient: Node, users: Users) -> Attention:
    """The attention whose probabilities are this quotient.

    Raises:
      _Unfit: there is no such attention.
    """
    logits, maximum, total, inside = _softmax(quotient)
    weights, others = _casts_of(quotient, users)
    products = [u for u in others if u.kind == "contract"]
    _require(bool(products))
    scores, between = _epilogue_above(logits)
    _require(_is_summed_as(scores, logits))
    axes = _axes_of(scores)
    search = _Search(quotient, users, axes)
    query, key, depth = search.factors(scores)
    outputs = [n for n in products if search.against(n, weights)[1].count(COLUMN)]
    # Of the products with the probabilities, the one that sums over columns; dV sums over rows.
    _require(len(outputs) == 1 and _is_summed_as(outputs[0], logits))
    value, _, width, letters = search.product(outputs[0], weights, COLUMN)
    # A row of a head must fit into registers and cache whole: its extents must be known.
    small = type(depth) is int and type(width) is int and max(depth, width) <= WIDEST
    _require(small and all(is_large(n, LEAST) for n in (scores.shape[-1], axes.extents[ROW])))
    _require(all(extent != 0 for extent in axes.extents.values()))  # there is a maximum
    attention = Attention(
        query, key, value, scores, logits, maximum, total, outputs[0], axes.letters,
        {outputs[0].id: letters}, depth, width, reach_of(logits, axes.letters),
        [*between, *inside, *weights],
    )  # fmt: skip
    if len(others) > 1:
        search.backward(attention, weights, [u for u in others if u is not outputs[0]])
    else:
        _read_narrow(attention, outputs[0].args)
    return attention


def _read_narrow(attention: Attention, factors: Sequence[Node]) -> None:
    """Reads operands that are widened from bfloat16 only to be multiplied as they are stored.

    The kernel may then round the probabilities, one of the factors of the output, to bfloat16: so values are read only where these are rounded.
    """
    query, key, value = (
        _narrow(view) for view in (attention.query, attention.key, attention.value)
    )
    if query is not None and key is not None:
        attention.query, attention.key = query, key
    if value is not None and all(narrow(n, dtypes.bfloat16)[0] is not None for n in factors):
        attention.value = value


def _narrow(view: View) -> View | None:
    source, _ = narrow(view.source, dtypes.bfloat16)
    return None if source is None else View(source, view.axes)


def _softmax(quotient: Node) -> tuple[Node, Node, Node, list[Node]]:
    """(logits, their maximum, the sum, all nodes between) of the quotient."""
    e, divisor = quotient.args
    _require(e.kind == "unary" and e.op == "exp" and len(e.shape) >= 2)
    (difference,) = e.args
    _require(_is(difference, "sub"))
    logits, subtracted = difference.args
    total, way = _spread(divisor)
    maximum, other_way = _spread(subtracted)
    _require(_reduces_rows(total, "sum", e) and _reduces_rows(maximum, "max", logits))
    return logits, maximum, total, [difference, e, *way, *other_way]


def _epilogue_above(logits: Node) -> tuple[Node, list[Node]]:
    """(the contraction from which elementwise nodes compute the logits, all nodes that depend on it up to the logits)."""
    region: dict[int, Node] = {}
    scores: list[Node] = []
    pending, shape = [logits], shape_key(logits.shape)
    while pending:
        node = pending.pop()
        # Anything else is only read by the epilogue: a mask, a bias, a scale.
        fits = node.kind in (*ELEMENTWISE, "contract") and node.id not in region
        if fits and shape_key(node.shape) == shape:
            region[node.id] = node
            if node.kind == "contract":
                scores.append(node)
                # With two contractions in the epilogue neither is the scores.
                _require(len(scores) == 1)
            else:
                pending += node.args
    _require(bool(scores))
    between, known = [scores[0]], {scores[0].id}
    # In order of ids, which is an order of computation: arguments come before their users.
    for i in sorted(region):
        if any(a.id in known for a in region[i].args):
            between.append(region[i])
            known.add(i)
    return scores[0], between


def _is_summed_as(product: Node, logits: Node) -> bool:
    """True if sums in the type of the logits are as exact as a product's own; those of integers wrap around."""
    return product.dtype.is_floating and product.dtype.size <= logits.dtype.size


def _casts_of(node: Node, users: Users) -> tuple[list[Node], list[Node]]:
    """(a node and its casts to other float types, all other users of these)."""
    known, others = [node], dict[int, Node]()
    for x in known:
        for user in users[x.id]:
            if user.kind == "cast" and user.dtype.is_floating:
                known.append(user)
            else:
                others[user.id] = user
    return known, [others[i] for i in sorted(others)]


@dataclass(frozen=True)
class _Axes:
    """The axes of the scores: their letters, in order, and their extents."""

    letters: str
    extents: dict[str, Any]

    @property
    def batch(self) -> str:
        """The letters of all axes but the last two."""
        return self.letters.replace(ROW, "").replace(COLUMN, "")


def _axes_of(scores: Node) -> _Axes:
    """Gives the axes of the scores their letters."""
    left, right, out = _letters(scores)
    _require(len(out) >= 2 and len(out) - 2 <= len(BATCH))
    # The last axis of the scores belongs to the keys' operand, whichever side that is.
    of_column = left if out[-1] in left else right
    of_row = right if of_column is left else left
    alone = [c for c in out[:-1] if c in of_row and c not in of_column]
    _require(out[-1] not in of_row and bool(alone))
    names = iter(BATCH)
    # Queries alone have the axes of heads that share keys: they are before the rows.
    letters = "".join(
        COLUMN if c == out[-1] else ROW if c == alone[-1] else next(names) for c in out
    )
    return _Axes(letters, dict(zip(letters, scores.shape, strict=True)))


class _Search:
    """The search for the operands of the products with the scores, or with their probabilities, the quotient."""

    def __init__(self, quotient: Node, users: Users, axes: _Axes) -> None:
        self.quotient, self.users, self.axes = quotient, users, axes

    def factors(self, product: Node) -> tuple[View, View, int]:
        """(rows' operand, columns' operand, their depth) of a product with the scores' shape."""
        left, right, out = _letters(product)
        rename = dict(zip(out, self.axes.letters, strict=True))
        summed = [c for c in left if c not in out]
        _require(len(summed) == 1 and summed[0] in right)
        rename[summed[0]] = ELEMENT
        sides = ["".join(rename[c] for c in side) for side in (left, right)]
        depth = product.args[0].shape[left.index(summed[0])]
        factor_of = {}
        for letters, node in zip(sides, product.args, strict=True):
            cross = ROW if ROW in letters else COLUMN
            self.check_letters(letters, cross)
            factor_of[cross] = self.view(node, letters, depth)
        _require(len(factor_of) == 2)
        return factor_of[ROW], factor_of[COLUMN], depth

    def against(self, product: Node, weights: Sequence[Node]) -> tuple[Node, str, str, int]:
        """For a contraction with the scores: (the other operand, its letters, the result's letters, the length of a row)."""
        left, right, out = _letters(product)
        first = any(product.args[0] is w for w in weights)
        mine, theirs = (left, right) if first else (right, left)
        other = product.args[1 if first else 0]
        _require(not any(other is w for w in weights) and len(mine) == len(self.axes.letters))
        rename = dict(zip(mine, self.axes.letters, strict=True))
        free = [c for c in theirs if c not in mine]
        # One axis that the scores lack: the elements of a head.
        _require(len(free) == 1 and free[0] in out)
        rename[free[0]] = ELEMENT
        names = ["".join(rename[c] for c in letters) for letters in (theirs, out)]
        return other, names[0], names[1], other.shape[theirs.index(free[0])]

    def product(
        self, product: Node, weights: Sequence[Node], over: str
    ) -> tuple[View, Node, int, str]:
        """For a contraction with the scores over a letter: (a view of the other operand, its node, its width, the result's letters)."""
        other, theirs, out, width = self.against(product, weights)
        self.check_letters(theirs, over)
        # A result has all axes: a gradient summed over the heads that share keys, too, is another computation.
        _require(len(out) == len(self.axes.letters))
        self.check_letters(out, ROW if over == COLUMN else COLUMN)
        return self.view(other, theirs, width), other, width, out

    def check_letters(self, letters: str, cross: str) -> None:
        """Requires the axes of an operand; keys and values may lack those of heads that share them."""
        needed = {*letters, *self.axes.batch} if cross == COLUMN else {*letters}
        _require(needed == {*self.axes.batch, cross, ELEMENT} and len({*letters}) == len(letters))
        _require(cross in letters and ELEMENT in letters)

    def view(self, node: Node, letters: str, width: int) -> View:
        """A view of an operand with contiguous rows: of the array from which movements compute it, or of itself."""
        extents = {**self.axes.extents, ELEMENT: width}
        followed = view_of(node, letters, extents, lambda n: False)
        # The kernel loads whole vectors of a row; other layouts are stored as rows first.
        if followed.plain and (is_one(width) or followed.coefficient(ELEMENT) == 1):
            return followed
        _require(letters[-1] == ELEMENT)
        return view_of(node, letters, extents, lambda n: True)

    # -- backward
    def backward(self, attention: Attention, weights: list[Node], others: list[Node]) -> None:
        """Finds the backward pass among the other users of the probabilities."""
        products = [n for n in others if n.kind == "contract"]
        rest = [n for n in others if n.kind != "contract"]
        _require(len(products) == 1 and len(rest) == 2)
        (dv,) = products
        seed, _, _, attention.letters_of[dv.id] = self.product(dv, weights, ROW)
        # TensorFlow's gradient of a softmax: (dP - sum(dP * P)) * P
        ends = [n for n in rest if self.is_reduced(n)]
        _require(len(ends) == 1)
        scores = next(n for n in rest if n is not ends[0])
        (shares,) = self.users[ends[0].id]
        _require(_is(ends[0], "mul") and _is(scores, "mul"))
        derivative, difference = self.beside(ends[0]), self.beside(scores)
        _require(_is(difference, "sub") and difference.args[0] is derivative)
        spread, way = _spread(difference.args[1])
        _require(spread is shares)
        dp, casts = derivative, []
        while dp.kind == "cast":
            casts.append(dp)
            (dp,) = dp.args
        _require(dp.kind == "contract" and _same(dp, attention.scores))
        rows, columns, _ = self.factors(dp)
        # The backward kernel reads dO and V by the same views in both products.
        _require(rows == seed and columns == attention.value)
        final, chain = self.chain_from(scores, attention)
        dq, dk = self.last_products(final, attention)
        inside = [dp, *casts, ends[0], shares, *way, difference, *chain]
        attention.gradient = Gradient(seed, scores, final, dq, dk, dv, inside)
        # The kernel runs where the first of its results is due: everything that its epilogue reads must exist by
        # then.
        first = min(n.id for n in attention.gradient.outputs)
        region = {n.id for n in (*attention.never_stored, *attention.made)}
        _require(all(_ready(a, first) for n in chain for a in n.args if a.id not in region))

    def is_reduced(self, node: Node) -> bool:
        users = self.users[node.id]
        return len(users) == 1 and _reduces_rows(users[0], "sum", node)

    def beside(self, node: Node) -> Node:
        """The other factor of a product with the probabilities."""
        a, b = node.args
        _require((a is self.quotient) != (b is self.quotient))
        return b if a is self.quotient else a

    def chain_from(self, scores: Node, attention: Attention) -> tuple[Node, list[Node]]:
        """(dS, all nodes from dL to dS): a chain of elementwise nodes."""
        node, chain = scores, [scores]
        forward = {n.id for n in attention.absorbed}
        while not all(u.kind == "contract" for u in self.users[node.id]):
            _require(len(self.users[node.id]) == 1)
            (user,) = self.users[node.id]
            # A comparison has no number to go on with: what follows it is not a gradient.
            _require(user.kind in ELEMENTWISE and user.kind != "compare")
            _require(_same(user, scores))
            # The backward kernel recomputes probabilities, and no other node of the forward pass.
            _require(not any(a.id in forward for a in user.args))
            node = user
            chain.append(node)
        return node, chain

    def last_products(self, final: Node, attention: Attention) -> tuple[Node, Node]:
        """dQ and dK."""
        products: dict[str, Node] = {}
        for n in self.users[final.id]:
            over = COLUMN if COLUMN in self.against(n, [final])[1] else ROW
            view, _, _, attention.letters_of[n.id] = self.product(n, [final], over)
            _require(
                over not in products
                and view == (attention.key if over == COLUMN else attention.query)
            )
            products[over] = n
        _require(len(products) == 2)
        return products[COLUMN], products[ROW]


def _letters(node: Node) -> tuple[str, str, str]:
    operands, out = node.attrs["spec"].replace(" ", "").split("->")
    left, right = operands.split(",")
    return left, right, out


def _ready(node: Node, first: int) -> bool:
    """True if a node is computed before the node numbered `first`, or from constants only."""
    return node.id < first or (node.kind in SCALARS and all(_ready(a, first) for a in node.args))
