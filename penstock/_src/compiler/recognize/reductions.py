"""Recognizes reductions and the elementwise nodes that each absorbs.

Before: s = sum(x);  m = mul(s, 1/n);  r = sqrt(m)          each is the only consumer of the previous one
After:  sum(x), whose epilogue computes r of each sum;  s and m exist in registers only
"""

from collections.abc import Collection, Container, Mapping, Sequence

from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE
from penstock._src.util.flags import flags

LONGEST_EPILOGUE = 40  # nodes


def find_reductions(
    nodes: Sequence[Node],
    users: Mapping[int, list[Node]],
    roots: Container[int],
    absorbed: Collection[int],
    contractions: Container[int],
    streams: Mapping[int, int],
) -> tuple[dict[int, Node], set[int]]:
    """(the reduce nodes by the end of their epilogues, the nodes within epilogues), by ids. An epilogue stays in its reduction's stream."""
    ends: dict[int, Node] = {}
    taken = set(absorbed)
    longest = 0 if "epilogues" in flags.disable else LONGEST_EPILOGUE
    for node in nodes:
        if node.kind != "reduce":
            continue
        end, chain = node, list[Node]()
        while end.id not in roots and len(users[end.id]) == 1 and len(chain) < longest:
            (user,) = users[end.id]
            if user.kind not in ELEMENTWISE or user.id in taken or user.id in contractions:
                break
            if streams.get(user.id) != streams.get(node.id):
                break
            # Two reductions meet here: one of them is stored, and read by the other.
            if any(a is not end and (a.kind == "reduce" or a.id in taken) for a in user.args):
                break  # part of another reduction's epilogue
            chain.append(end)
            end = user
        if end.id in ends:  # the result of another reduction already: this one is stored separately
            end = node
        else:
            taken.update(n.id for n in chain)
        ends[end.id] = node
    return ends, taken.difference(absorbed)
