"""Selects the nodes that are stored in memory; every kernel that needs another node recomputes it.

A node is *stored* only if it must be: it is a result, a reduction, a contraction or another node with an emitter of its own, or
such a node reads it; or if computing it again in every consumer would cost more than reading it.

    elementwise nodes     stored if two consumers would each read three or more arrays for it, if the expression is
                          long, if a consumer reads elements many times (broadcast along rows, gather, windows), if
                          overlapping slices do, or if a row reduction reads an array along its columns
    movements             stored only if a reader requires that layout, or reads rows across those of the argument
"""

from collections.abc import Container, Mapping, Sequence

from penstock._src.compiler.codegen.specials.sorts.sorting import is_place
from penstock._src.compiler.codegen.specials.table import SPECIALS, updates_first
from penstock._src.compiler.fusion.costs import cost_of
from penstock._src.compiler.kernels.inline import RULES
from penstock._src.compiler.kernels.memory import home, in_memory_already
from penstock._src.compiler.recognize.recognized import Recognized
from penstock._src.compiler.recognize.row_reductions import RowUses
from penstock._src.compiler.recognize.streams import NO_STREAM
from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.ir.extents.dims import is_large, is_one, key, product
from penstock._src.ir.meaning.orientation import turns_rows
from penstock._src.ir.meaning.padding import is_padded_first
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE, split_spec
from penstock._src.util.dataclass import dataclass

SPECIAL = frozenset({*SPECIALS, "while", "case"})
ALWAYS_STORED = frozenset({"reduce", "arg_reduce", "contract", "dynamic_update_slice"}) | SPECIAL
LONG = 60  # operations of an expression that several kernels should not each compute
DEEP = 40  # nodes of an expression: beyond, it is stored however many want it
MOST_PLACES = 256  # nodes of an expression, counted once for each place of the arrays at which it computes them
HOISTED = 40  # cost limit for recomputing a value for every row
MOST_PIECES = 4  # operands of a concat that is not stored: each element selects one of them
SEARCHED = 1 << 8  # elements of a concat whose places are worth finding once
LARGE = 1 << 14  # elements of an array that is too large for the caches if it is read across rows
SHORT_ROW = 8  # elements
OVERLAPPING = 16  # cost limit for computing an element again for slices that overlap
PADDING = 3  # cost of an element of a pad: whether it is within its argument
REPEATED = 2  # cost limit for recomputing a value for every element of a larger array
NOBODY: frozenset[int] = frozenset()
# An element of their results is computed from one at another place of an argument.
MOVING = frozenset(
    {"transpose", "slice", "reverse", "concat", "pad", "gather", "windows", "dynamic_slice"}
)


@dataclass(frozen=True)
class Storing:
    """The decision: ids of stored nodes, and the nodes that each reads (fusion/partition.py)."""

    stored: frozenset[int]
    reads: Mapping[int, frozenset[int]]
    leaves: Mapping[int, frozenset[int]]
    by_id: Mapping[int, Node]


def choose_stored(recognized: Recognized) -> Storing:
    """Selects the nodes of a function that are stored."""
    stored: set[int] = set()
    reads: dict[int, frozenset[int]] = {}
    computed: dict[int, frozenset[int]] = {}  # the nodes computed with a node
    leaves: dict[int, frozenset[int]] = {}  # the arrays read for it
    places = _Places()
    demanded = _demanded(recognized)
    by_id = {n.id: n for n in recognized.nodes}
    # Asked again for each node that computes them.
    costs = {n.id: cost_of(n) for n in recognized.nodes}
    in_rows = recognized.row_reductions
    rows = RowUses(recognized.users, recognized.rows, recognized.absorbed, recognized.contractions)
    for node in recognized.nodes:
        if in_memory_already(node) or node.results is not None or node.dtype == dtypes.resource:
            computed[node.id], leaves[node.id] = NOBODY, frozenset((node.id,))
            continue
        if node.kind not in RULES and node.kind not in SPECIAL:
            raise UnimplementedError(None, None, f"{node.kind}: not in compiled code.")
        own = frozenset((node.id,)).union(*[computed[a.id] for a in node.args])
        read = NOBODY.union(*[leaves[a.id] for a in node.args])
        if node.id not in recognized.absorbed and (
            node.id in demanded
            or (_is_made_whole(node, recognized) and node.id not in in_rows)
            or (not in_rows.isdisjoint(own) and node.id not in in_rows and rows.leaves(node))
            or _wanted_in_rows(node, stored, recognized)
            or places.are_many(node)
            or _worth_storing(node, own, read, by_id, costs, recognized)
        ):
            # Written into each kernel as a number, at no cost.
            if node.kind not in ("constant", "size", "iota") or node.id in demanded:
                stored.add(node.id)
                reads[node.id] = read
                own, read = NOBODY, frozenset((node.id,))
                places.forget(node)
        computed[node.id], leaves[node.id] = own, read
    return Storing(frozenset(stored), reads, leaves, by_id)


class _Places:
    """Nodes and places that expressions compute: y + y[::-1] computes y twice for an element, and an expression of n such sums 2 ** n elements."""

    def __init__(self) -> None:
        self.of: dict[int, frozenset[int]] = {}
        self.moved: dict[tuple[int, int, int], int] = {}  # (place, movement, argument) -> place

    def are_many(self, node: Node) -> bool:
        """True if an expression is too long to be written into kernels; it is remembered."""
        if node.kind in ("constant", "size", "iota"):
            return False
        found = {node.id}
        for number, arg in enumerate(node.args):
            within = self.of.get(arg.id, NOBODY)
            if node.kind in MOVING:
                within = frozenset([self._moved(place, node, number) for place in within])
            found |= within
        self.of[node.id] = frozenset(found)
        return len(found) > MOST_PLACES

    def forget(self, node: Node) -> None:
        """Notes that a node is stored."""
        self.of.pop(node.id, None)

    def _moved(self, place: int, node: Node, number: int) -> int:
        # Places other than a node's own have negative numbers.
        return self.moved.setdefault((place, node.id, number), -1 - len(self.moved))


def _is_made_whole(node: Node, recognized: Recognized) -> bool:
    """True if a node is the result of a reduction, a contraction, an attention or a node with a dedicated emitter."""
    return (
        node.kind in ALWAYS_STORED
        or node.id in recognized.attentions
        or node.id in recognized.contractions
        or node.id in recognized.reductions
    )


def _demanded(recognized: Recognized) -> set[int]:
    """Ids of the nodes that must be in memory: results, operands of kernels that are not loop nests, and values read by another stream."""
    wanted = {home(node).id for node in (*recognized.function.roots, *_between_streams(recognized))}
    for match in recognized.matches.values():
        wanted.update((home(match.left).id, home(match.right).id))
    for attention in recognized.attentions.values():
        wanted.update(home(n).id for n in attention.sources)
    for node in recognized.nodes:
        if node.kind in SPECIAL:
            wanted.update(home(a).id for a in _wanted_in_memory(node, recognized))
        if node.kind == "gather" and node.attrs["mode"] == "error":
            wanted.add(home(node.args[1]).id)
        # A bitcast to another width reads memory, as elements do not correspond one to one.
        if node.kind == "bitcast" and node.dtype.size != node.args[0].dtype.size:
            wanted.add(home(node.args[0]).id)
    return wanted


def _between_streams(recognized: Recognized) -> list[Node]:
    """The nodes of no stream through which a stream reads values of others. Computed again in a stream, they would keep it from
    running beside those."""
    streams, after = recognized.streams, set[int]()
    for node in recognized.nodes if streams else ():
        if streams.get(node.id, NO_STREAM) == NO_STREAM and any(
            a.id in after or streams.get(a.id, NO_STREAM) != NO_STREAM for a in node.args
        ):
            after.add(node.id)
    return [
        node
        for node in recognized.nodes
        if node.id in after
        and any(streams.get(user.id, NO_STREAM) != NO_STREAM for user in recognized.users[node.id])
    ]


def _wanted_in_memory(node: Node, recognized: Recognized) -> list[Node]:
    """The arguments of a special node that must be in memory: all except initial values that are used once, which are computed
    into the loop's state."""
    args = [
        a for i, a in enumerate(node.args) if a.dtype != dtypes.resource and not is_place(node, i)
    ]
    if updates_first(node):
        return args[1:]  # the first is copied to the result's memory
    if node.kind != "while":
        return args
    first, rest = args[: node.attrs["carried"]], args[node.attrs["carried"] :]
    shared = [
        a for a in first if len(recognized.users[a.id]) > 1 or a.kind not in RULES or a in rest
    ]
    return [*rest, *shared]


def _worth_storing(
    node: Node,
    own: frozenset[int],
    read: frozenset[int],
    by_id: Mapping[int, Node],
    costs: Mapping[int, int],
    recognized: Recognized,
) -> bool:
    """True if reading a node costs less than computing it again."""
    if node.kind in ("reshape", "broadcast", "size", "constant", "iota"):
        return False
    if len(own) > DEEP:
        return True
    if node.kind in ("transpose", "slice", "reverse"):
        return False
    users = recognized.users[node.id]
    if node.kind == "concat" and (
        len(node.args) > MOST_PIECES
        or (is_large(node.size, SEARCHED) and _is_searched_often(node, own, by_id, recognized))
    ):
        return True
    weight = sum(map(costs.__getitem__, own))
    if len(users) > 2 and _is_read_by_overlapping_slices(node, weight, users):
        return True
    if len(users) > 1:
        if weight > LONG:
            return True
        size = node.size
        arrays = (by_id[i] for i in read)
        alike = [x for x in arrays if x.dtype is not None and key(x.size) == key(size)]
        if is_large(size, 2) and len(alike) >= 3:
            return True
    return any(_reads_often(user, node, node, weight, recognized) for user in users)


def _is_read_by_overlapping_slices(node: Node, weight: int, users: Sequence[Node]) -> bool:
    """True if slices of a node, such as each element's neighbors, compute its elements again more often than a store and loads cost."""
    each = weight + PADDING if node.kind == "pad" else weight
    sizes = [user.size for user in users if user.kind == "slice"]
    # First without the sizes: comparing unknown ones makes a condition of the program.
    if len(sizes) < 3 or each * (len(sizes) - 1) <= OVERLAPPING:
        return False
    return each * (sum(sizes) - node.size) > OVERLAPPING * node.size


def _is_searched_often(
    node: Node, own: frozenset[int], by_id: Mapping[int, Node], recognized: Recognized
) -> bool:
    """True if a concat reads this concat, so that each element would be selected twice, or if several nodes would divide for places in its pieces."""
    readers = _readers(node, recognized)
    if any(user.kind == "concat" for user in readers):
        return True
    return len(readers) > 1 and _regroups(own, by_id)


def _readers(node: Node, recognized: Recognized) -> list[Node]:
    """The nodes that read a node or a movement of it."""
    readers = []
    for user in recognized.users[node.id]:
        is_moved = user.kind in ("reshape", "transpose", "slice", "reverse")
        readers += _readers(user, recognized) if is_moved else [user]
    return readers


def _regroups(own: frozenset[int], by_id: Mapping[int, Node]) -> bool:
    """True if places of elements are found by division, since a reshape has other axes than its argument."""
    return any(
        node.kind == "reshape" and _lengths(node) != _lengths(node.args[0])
        for node in map(by_id.__getitem__, own)
    )


def _lengths(node: Node) -> list[object]:
    return [key(n) for n in node.shape if not is_one(n)]


def _wanted_in_rows(node: Node, stored: Container[int], recognized: Recognized) -> bool:
    """True if a node is, or is computed from, a large array's transpose. Kernels would read its rows again and again, each element from another cache line."""
    if not is_large(node.size, LARGE):
        return False
    if turns_rows(node):
        return any(
            (user.kind == "reshape" and _feeds_rows(user, recognized)) or _takes_rows(user, node)
            for user in recognized.users[node.id]
        )
    if node.kind not in ELEMENTWISE:
        return False
    operands = [home(a) for a in node.args]
    turned = any(turns_rows(a) and a.id not in stored for a in operands)
    return turned and _feeds_rows(node, recognized)


def _feeds_rows(node: Node, recognized: Recognized) -> bool:
    """True if a reduction that kernels compute again for each row reads a node, or a node computed elementwise from it."""
    pending, seen = [node], {node.id}
    while pending and len(seen) < DEEP:
        for user in recognized.users[pending.pop().id]:
            if user.kind == "reduce" and user.id in recognized.rows:
                return True
            if user.kind in ELEMENTWISE and user.id not in seen:
                seen.add(user.id)
                pending.append(user)
    return False


def _takes_rows(user: Node, node: Node) -> bool:
    """True if recomputing the rows of a node that a gather reads costs more than storing the node."""
    if user.kind != "gather" or user.args[0] is not node:
        return False
    return user.attrs["axis"] < node.rank - 1 and user.size >= node.size // 4


def _reads_often(user: Node, arg: Node, node: Node, weight: int, recognized: Recognized) -> bool:
    """True if a user would compute an element of `node` many times, at a cost that matters."""
    if user.kind == "contract":
        movements = ("gather", "concat", "pad", "windows", "dynamic_slice")
        is_costly = weight > 0 or node.kind in movements
        return user.id not in recognized.matches and is_costly and not _reads_once(user, arg)
    if user.kind == "gather" and user.args[0] is not arg:  # it is read by the gather's indices
        behind = product(user.args[0].shape[user.attrs["axis"] + 1 :])
        return weight > REPEATED and key(user.size) != key(arg.size * behind)
    if user.kind == "windows" and arg is node and node.kind == "pad":
        return weight > REPEATED or _is_read_by_overlapping_windows(node, user, recognized)
    if user.kind in ("gather", "windows"):
        return user.args[0] is arg and weight > REPEATED
    if user.kind == "broadcast":
        if key(user.size) == key(arg.size):
            return False
        last = user.shape[-1] if user.shape else 1
        along_rows = bool(arg.shape) and len(user.shape) - 1 in user.attrs["axes"]
        varies = along_rows and not is_one(arg.shape[-1]) and not is_one(last)
        # A value that is computed again for each row of few elements is computed about as often as its elements are read.
        is_once = key(user.size) == key(arg.size * last)
        is_hoisted = not varies and (is_once or is_large(last, SHORT_ROW))
        return weight > (HOISTED if is_hoisted else REPEATED)
    if user.kind in ("reshape", "transpose", "slice"):
        return any(
            _reads_often(u, user, node, weight, recognized) for u in recognized.users[user.id]
        )
    return False


def _is_read_by_overlapping_windows(pad: Node, windows: Node, recognized: Recognized) -> bool:
    """True if an element of a pad is part of so many windows that are reduced that they should not find out whether it is within the pad's argument."""
    is_reduced = all(user.kind == "reduce" for user in recognized.users[windows.id])
    sizes, strides = windows.attrs["size"], windows.attrs["strides"]
    return is_reduced and is_padded_first(pad.shape[-1], sizes, strides)


def _reads_once(contraction: Node, operand: Node) -> bool:
    """True if a contraction reads each element of an operand once: the other operand has no axis of its own.

    This holds in a sum of elementwise products, for example in a depthwise convolution with one position.
    """
    left, right, _ = split_spec(contraction.attrs["spec"])
    sides = list(zip(contraction.args, (left, right), strict=True))
    return all(
        letter in own or is_one(extent)
        for (arg, own), (other, letters) in (sides, sides[::-1])
        if arg is operand
        for letter, extent in zip(letters, other.shape, strict=True)
    )
