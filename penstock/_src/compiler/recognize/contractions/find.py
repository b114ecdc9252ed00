"""Recognizes contractions with their own kernels, and the elementwise nodes that each absorbs.

Before: y = contract(x, w);  b' = broadcast(b);  h = add(y, b');  r = max(h, 0)          only the last one has other users
After:  contract(x, w), whose epilogue computes r on register tiles;  y and h exist there only
"""

from collections.abc import Callable, Collection, Container, Mapping, Sequence

from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.kernels.index import extent_key
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.recognize.contractions.computed_weights import (
    multiplies_computed_row,
)
from penstock._src.compiler.recognize.contractions.match import match
from penstock._src.compiler.recognize.contractions.packed import read_as_they_are
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.util.flags import flags

ELEMENTWISE = frozenset({"unary", "binary", "select", "cast", "compare"})
LONGEST_EPILOGUE = 24  # nodes


def find_contractions(
    nodes: Sequence[Node],
    users: Mapping[int, list[Node]],
    roots: Container[int],
    absorbed: Collection[int],
    streams: Mapping[int, int],
) -> tuple[dict[int, Match], dict[int, Node], set[int]]:
    """(the match of each contract node, the contract nodes by the end of their epilogues, the nodes within epilogues).

    Mappings are by ids. Nodes in `absorbed` belong to other kernels already. An epilogue stays in its contraction's stream.
    """
    ends: dict[int, Node] = {}
    taken = set(absorbed)
    if "contractions" in flags.disable:
        return {}, ends, set()
    contracts = [node for node in nodes if node.kind == "contract"]
    matches = {
        node.id: candidate
        for node in contracts
        if (candidate := match(node)) is not None
        and not multiplies_computed_row(candidate, users, lambda n: home(n).id in roots)
    }
    # The operands of contractions are stored, also operands of a cast, as the kernel reads the uncast array.
    operands = {home(n).id for m in matches.values() for n in (m.left, m.right)}

    def is_stored(node: Node) -> bool:
        return home(node).id in roots or home(node).id in operands

    for node in contracts:
        if node.id not in matches:
            continue
        end = node
        takes = node.dtype.is_floating or node.dtype == dtypes.int32
        if takes and "epilogues" not in flags.disable:
            end, between = end_of_epilogue(node, users, is_stored, streams)
            if any(n.id in taken or n.id in ends for n in (end, *between)):
                end, between = node, []  # another's epilogue already: a sum of two products
            taken.update(n.id for n in (node, *between) if n is not end)
        ends[end.id] = node
    taken |= read_as_they_are(matches.values(), users, lambda n: home(n).id in roots)
    return matches, ends, taken.difference(absorbed)


def end_of_epilogue(
    root: Node,
    users: Mapping[int, list[Node]],
    wanted: Callable[[Node], bool],
    streams: Mapping[int, int] = {},
) -> tuple[Node, list[Node]]:
    """The last node of the elementwise nodes (and reshapes) that alone consume a contraction, and those before it.

    They may branch and meet again, as in `h * erf(h)`: only the last of them may have other users.
    """
    region, known = [root], {root.id}
    end, between = root, []
    while len(region) <= LONGEST_EPILOGUE:
        following = {u.id: u for n in region for u in users[n.id] if u.id not in known}
        # The oldest follower first: ids are an order of computation, so that its arguments are in the region already.
        if not following:
            break
        user = following[min(following)]
        fits = user.kind in ELEMENTWISE or user.kind == "reshape"
        if (
            not fits
            or streams.get(user.id) != streams.get(root.id)
            # A stored value within the epilogue would be written by no kernel.
            or any(wanted(a) for a in user.args if a.id in known)
            or not _same_size(user, root)
        ):
            break
        region.append(user)
        known.add(user.id)
        exits = [
            n for n in region if not users[n.id] or any(u.id not in known for u in users[n.id])
        ]
        # A reshape at the end would store a result under another shape; it is left to its readers.
        if len(exits) == 1 and exits[0].kind != "reshape" and _may_end(exits[0].dtype):
            end = exits[0]
            between = [n for n in region if n is not end and n is not root]
    return end, between


def _may_end(dtype: DType) -> bool:
    """True if an epilogue may store a dtype: the dtypes of networks, including quantized ones."""
    return dtype.is_floating or dtype in (dtypes.int8, dtypes.uint8)


def _same_size(a: Node, b: Node) -> bool:
    return extent_key(dims.product(a.shape)) == extent_key(dims.product(b.shape))
