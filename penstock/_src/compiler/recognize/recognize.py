"""The stage: Function -> Recognized."""

from collections.abc import Mapping, Sequence

from penstock._src.compiler.kernels.attention import Attention
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.recognize.attention import find_attentions
from penstock._src.compiler.recognize.contractions.find import find_contractions
from penstock._src.compiler.recognize.recognized import Recognized
from penstock._src.compiler.recognize.reductions import find_reductions
from penstock._src.compiler.recognize.row_reductions import find_row_reductions
from penstock._src.compiler.recognize.streams import streams_of
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.util.flags import flags


def recognize(function: Function, in_loop: bool = False) -> Recognized:
    """Recognizes nodes of a function and of those nested in it. `in_loop`: True if the function is a loop's body."""
    off = flags.disable
    nodes = function.nodes()
    users = users_of(nodes)
    roots = {home(node).id for node in function.roots}
    streams = streams_of(nodes)
    attentions: dict[int, Attention] = {}
    absorbed: set[int] = set()
    if not off & {"contractions", "attention"}:
        for attention in find_attentions(nodes, users, lambda n: home(n).id in roots):
            absorbed.update(n.id for n in attention.never_stored)
            attentions.update((n.id, attention) for n in attention.made)
    # Attentions first: they take contractions, reductions and epilogues whole.
    rest = [n for n in nodes if n.id not in attentions and n.id not in absorbed]
    matches, contractions, taken = find_contractions(rest, users, roots, absorbed, streams)
    absorbed |= taken
    operands = {
        home(n).id for attention in matches.values() for n in (attention.left, attention.right)
    }
    reductions, taken = find_reductions(
        rest, users, roots | operands, absorbed, contractions, streams
    )
    absorbed |= taken
    in_rows = find_row_reductions(nodes, users, roots, reductions, absorbed, contractions)
    return Recognized(
        function=function,
        nodes=tuple(nodes),
        users=users,
        attentions=attentions,
        matches=matches,
        contractions=contractions,
        reductions=reductions,
        row_reductions=in_rows,
        absorbed=frozenset(absorbed),
        streams=streams,
        in_loop=in_loop,
        nested=_nested(nodes),
    )


def users_of(nodes: Sequence[Node]) -> dict[int, list[Node]]:
    """The users of each node, each once, by the node's id."""
    users: dict[int, list[Node]] = {n.id: [] for n in nodes}
    for node in nodes:
        for arg in dict.fromkeys(node.args):
            users[arg.id].append(node)
    return users


def _nested(nodes: Sequence[Node]) -> Mapping[Function, Recognized]:
    """Recognizes nodes of the functions of loops and branches."""
    recognized: dict[Function, Recognized] = {}
    for node in nodes:
        if node.kind == "while":
            condition, body = node.attrs["cond"], node.attrs["body"]
            recognized[condition], recognized[body] = (
                recognize(condition),
                recognize(body, in_loop=True),
            )
        elif node.kind == "case":
            recognized.update((branch, recognize(branch)) for branch in node.attrs["branches"])
    return recognized
