"""Weights that follow from constants: computed once, as constants, rather than in every call.

Before: contract("mk,kn->mn", x, mul(cast<float32>(constant int8[k, n]), constant float32[n]))
After:  contract("mk,kn->mn", x, constant float32[k, n])

Frozen models keep weights in few bytes: integers with scales, float16, factors of a norm. A constant is packed once (plan/prepacked.py), so a
program holds its numbers twice, as they were computed and packed: 8 bytes for each weight in float32, in addition to the constants that they are computed from.
Programs of one process share them.
"""

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.passes.remaking import remade
from penstock._src.core import dtypes
from penstock._src.ir import interpreter
from penstock._src.ir.extents import dims
from penstock._src.ir.function import Function, reachable
from penstock._src.ir.node import Node, attribute_key, depends_on_extents
from penstock._src.ir.primitives import ELEMENTWISE, MOVEMENT, split_spec
from penstock._src.util import slots

# Of a function; the weights beyond are computed in every call. It bounds the memory of models whose integers barely fit.
MOST_BYTES = 1 << 30
# Times that weights take the bytes of constants which a product of one row reads instead.
NARROWER = 2
_COMPUTED = ELEMENTWISE | MOVEMENT | {"gather", "reduce"}
_SHORT = 1024  # bytes of constants that are compared by content
_LEAVES = frozenset({"constant", "iota"})
_VIEWS = frozenset({"reshape", "transpose"})  # products read through these


def compute_weights(function: Function) -> Function:
    """Replaces weights of products that are computed from constants by constants."""
    nodes = function.nodes()
    products = [n for n in nodes if n.kind == "contract"]
    if not products:
        return function
    known = _known(nodes)
    values: dict[int, np.ndarray] = {}
    left = MOST_BYTES
    for node in _weights(products, known):
        size = _bytes(node)
        if size <= left:
            values[node.id] = _computed(node)
            left -= size
    if not values:
        return function

    def instead(p: Any, node: Node, _args: Sequence[Node]) -> Node | None:
        return p.constant(values[node.id], node.dtype) if node.id in values else None

    return remade(function, function.parameters, instead)


def _known(nodes: Iterable[Node]) -> set[int]:
    """The ids of nodes that follow from constants."""
    known: set[int] = set()
    for node in nodes:
        can_be = node.kind in _LEAVES or (node.kind in _COMPUTED and node.dtype.is_numpy_compatible)
        is_static = node.results is None and not depends_on_extents(
            (*node.shape, *node.attrs.values())
        )
        if can_be and is_static and all(a.id in known for a in node.args):
            known.add(node.id)
    return known


def _weights(products: Iterable[Node], known: set[int]) -> list[Node]:
    """The nodes of floats that follow from constants by computing, and are better computed once, in the order of their first products."""
    found: dict[int, Node] = {}
    for product in products:
        if product.id in known:
            continue
        for side, weights in enumerate(product.args):
            other = product.args[1 - side]
            if weights.id not in known or not weights.dtype.is_floating:
                continue
            while weights.kind in _VIEWS:
                weights = weights.args[0]
            sources = reachable([weights])
            if all(n.kind in MOVEMENT | _LEAVES for n in sources):
                continue
            if _is_widened(weights) and _is_widened(other):
                continue  # a kernel multiplies bfloat16 as it is (recognize/contractions/widening.py)
            if not (_is_row(product, 1 - side) and _is_narrower(sources, weights)):
                found[weights.id] = weights
    return list(found.values())


def _is_widened(node: Node) -> bool:
    while node.kind in MOVEMENT:
        node = node.args[0]
    return node.kind == "cast" and node.args[0].dtype == dtypes.bfloat16


def _is_row(product: Node, side: int) -> bool:
    """True if an operand of a product is one row: a loop nest then computes each weight where it multiplies (recognize/contractions/computed_weights.py)."""
    *operands, result = split_spec(product.attrs["spec"])
    letters, others = operands[side], operands[1 - side]
    if any(letter in result and letter in others for letter in letters):
        return False
    rows = [e for e, x in zip(product.args[side].shape, letters) if x in result]
    return not any(map(dims.is_symbolic, rows)) and dims.product(rows) == 1


def _is_narrower(sources: Iterable[Node], weights: Node) -> bool:
    constants = (n for n in sources if n.kind == "constant")
    return NARROWER * sum(map(_bytes, constants)) <= _bytes(weights)


def _bytes(node: Node) -> int:
    return dims.settled(dims.product((node.dtype.size, *node.shape)))


def _computed(node: Node) -> np.ndarray:
    """The value of a node that follows from constants, which all programs share that hold it."""
    sources = reachable([node])
    numbers = {n.id: i for i, n in enumerate(sources)}
    key = tuple([(_description(n), tuple([numbers[a.id] for a in n.args])) for n in sources])
    value, owners = _VALUES.get(key, (_nothing, ()))
    found = value()
    # Arrays are identified by their addresses, which other arrays reuse once these are freed.
    if found is None or any(owner() is None for owner in owners):
        (result,), _ = slots.CALL_FLUSHING(interpreter.run, Function("weights", (), (node,)), ())
        found = np.ascontiguousarray(result)
        found.flags.writeable = False  # so that a node takes it as it is
        constants = [n.attrs["value"] for n in sources if n.kind == "constant"]
        entry = weakref.ref(found), tuple([weakref.ref(_owner(a)) for a in constants])
        _VALUES[key] = entry
        weakref.finalize(found, _forget, key, entry)
    return found


# by the nodes from which it is computed: a value, and the owners of the memory of constants among them
_VALUES: dict[Any, tuple[Callable[[], Any], tuple[Callable[[], Any], ...]]] = {}


def _description(node: Node) -> Any:
    """A key that is equal for nodes that compute the same of the same arguments."""
    if node.kind != "constant":
        attributes = [(name, attribute_key(value)) for name, value in sorted(node.attrs.items())]
        return node.kind, node.dtype, node.shape, tuple(attributes)
    array = node.attrs["value"]
    # Views of an array that were made for two functions are different objects.
    memory = array.tobytes() if array.nbytes <= _SHORT else (array.ctypes.data, array.strides)
    return node.dtype, node.shape, memory


def _owner(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _forget(key: Any, entry: Any) -> None:
    if _VALUES.get(key) is entry:
        del _VALUES[key]


def _nothing() -> None:
    return None
