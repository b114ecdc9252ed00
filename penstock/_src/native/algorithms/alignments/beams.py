"""The most likely label sequences of a beam search over prefixes (Graves 2012, "Sequence Transduction with Recurrent Neural Networks", in outline).

Prefixes are nodes of a tree; only those that a step ends with become nodes, at most as many as the beam is wide.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F64, I64, PTR
from ...language.value import Val

# Numbers for each node, for each place of the beam, and of all.
TREE, INTEGERS, REALS, STATE = 6, 7, 6, 4
_NONE = -1


class Beams(NamedTuple):
    """Builtins.

    search (log probabilities float64 [steps, classes], steps, classes, width, places for nodes, tree int64 [TREE, places], integers int64 [INTEGERS, width],
            reals float64 [REALS, width], children int64 [classes], state int64 [STATE], paths, labels int64 [paths, steps], sizes int64 [paths], scores float64 [paths])
        -> the number of paths, at most `paths`, that there are
    There are places for 1 + steps * width nodes, or as many as one can reach. The blank is the last class. Paths come in order of their scores.
    """

    search: Callable[..., int]


@compiled(Beams)
def beams(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(
        rows=PTR, steps=I64, classes=I64, width=I64, places=I64, tree=PTR, integers=PTR, reals=PTR,
        children=PTR, state=PTR, paths=I64, labels=PTR, sizes=PTR, scores=PTR,
    )  # fmt: skip
    with m.fn("search", ret=I64, internal=True, **arguments) as f:
        search = _Search(f)
        search.begin()
        f.loop(f.i64(0), f.steps, 1, search.advance)
        f.give(search.write_paths())
    py.emit_entry(m, "search", "annnn" + "aaaaa" + "naaa")


class _Row:
    """A row of an array of numbers."""

    def __init__(self, f: Fn, address: Val, ty: str) -> None:
        self.f, self.address, self.ty = f, address, ty

    def __getitem__(self, at: Any) -> Val:
        return self.f.load(self.address, at, self.ty)

    def __setitem__(self, at: Any, value: Any) -> None:
        value = value if isinstance(value, Val) else self.f.const(value, self.ty)
        self.f.store(value, self.address, at)


class _Search:
    """Emits the search.

    The beam holds the prefixes before a step, the most probable first; the heap's places those after it, the least probable first.
    Of equally probable ones the first to enter counts as less probable in the heap, and comes first in the beam.
    """

    def __init__(self, f: Fn) -> None:
        self.f = f

        def rows(address: Val, count: int, stride: Val, ty: str) -> list[_Row]:
            return [_Row(f, f.at(address, stride * i, ty), ty) for i in range(count)]

        nodes = rows(f.tree, TREE, f.places, I64)
        self.parent, self.label, self.child, self.sibling, self.in_beam, self.in_heap = nodes
        integers = rows(f.integers, INTEGERS, f.width, I64)
        self.heap, self.node, self.origin, self.last, self.order = integers[:5]
        self.beam_node, self.beam_order = integers[5:]
        reals = rows(f.reals, REALS, f.width, F64)
        self.blank, self.without, self.score = reals[:3]
        self.beam_blank, self.beam_without, self.total = reals[3:]
        self.children = _Row(f, f.children, I64)
        state = rows(f.state, STATE, f.i64(1), I64)
        self.beam_size, self.count, self.entered, self.nodes = state

    def begin(self) -> None:
        """The empty prefix, which is certain."""
        f = self.f
        root = f.i64(0)
        for row in (self.parent, self.child, self.sibling, self.in_heap):
            row[root] = _NONE
        self.label[root] = _NONE
        self.in_beam[root] = self.beam_node[root] = self.beam_order[root] = 0
        self.beam_blank[root] = self.total[root] = 0.0
        self.beam_without[root] = float("-inf")
        self.beam_size[0] = self.entered[0] = self.nodes[0] = 1
        f.loop(f.i64(0), f.classes, 1, lambda i: f.store(f.i64(_NONE), f.children, i))

    def log_of_sum(self, x: Val, y: Val) -> Val:
        """log(e^x + e^y)."""
        f = self.f
        is_first = x > y
        high, low = f.select(is_first, x, y), f.select(is_first, y, x)
        # The difference of equal infinities is NaN.
        gap = f.select(x.eq(y), f.zero(F64), low - high)
        return high + f.call("log1p", f.call("exp", gap, ret=F64), ret=F64)

    # -- a step

    def advance(self, t: Val) -> None:
        f = self.f
        row = _Row(f, f.at(f.rows, t * f.classes, F64), F64)
        labels = f.classes - 1
        f.loop(f.i64(0), self.beam_size[0], 1, lambda i: self.stay(i, row, row[labels]))
        self.count[0] = self.beam_size[0]
        self.order_heap(self.count[0])
        (best,) = f.loop(
            f.i64(0), labels, 1, lambda k, most: (f.max(row[k], most),), f.const(float("-inf"), F64)
        )
        f.loop(f.i64(0), self.beam_size[0], 1, lambda i: self.extend(i, row, labels, best))
        self.renew_beam()

    def stay(self, i: Val, row: _Row, blank: Val) -> None:
        """The prefix goes on unchanged, or by its parent and its last label."""
        f = self.f
        node = self.beam_node[i]
        parent = self.parent[node]

        def joined() -> tuple[Val]:
            label = self.label[node]
            before = self.in_beam[parent]

            def from_parent() -> tuple[Val]:
                # A label follows itself only by way of a blank: other paths are the parent's own.
                is_twice = self.label[parent].eq(label)
                other = f.select(is_twice, self.beam_blank[before], self.total[before])
                return (self.log_of_sum(self.beam_without[i], other),)

            (without,) = f.when(before >= 0, from_parent, lambda: (self.beam_without[i],))
            return (without + row[label],)

        (without,) = f.when(parent >= 0, joined, lambda: (self.beam_without[i],))
        blank = self.total[i] + blank
        self.put(i, node, blank, without, self.log_of_sum(blank, without), self.beam_order[i])
        self.heap[i] = i

    def put(self, place: Val, node: Val, blank: Any, without: Val, score: Val, order: Val) -> None:
        self.node[place], self.order[place] = node, order
        self.blank[place], self.without[place], self.score[place] = blank, without, score
        self.f.when(node >= 0, lambda: self.in_heap.__setitem__(node, place))

    def to_exceed(self) -> Val:
        """The score that a prefix must exceed to enter."""
        f = self.f
        (least,) = f.when(
            self.count[0] < f.width,
            lambda: (f.const(float("-inf"), F64),),
            lambda: (self.score[self.heap[0]],),
        )
        return least

    def extend(self, i: Val, row: _Row, labels: Val, best: Val) -> None:
        """Adds each label to a prefix; each new prefix evicts the least probable one."""
        f = self.f
        node, total = self.beam_node[i], self.total[i]

        def by_labels() -> None:
            self.each_child(node, lambda child: f.store(child, f.children, self.label[child]))
            f.loop(f.i64(0), labels, 1, lambda k: self.enter(i, node, total, k, row))
            self.each_child(
                node, lambda child: f.store(f.i64(_NONE), f.children, self.label[child])
            )

        def drop_children() -> None:
            # None can enter: those of the beam that have left it are not extended.
            self.each_child(
                node, lambda child: f.when(self.in_heap[child] < 0, lambda: self.drop(child))
            )

        def visit() -> None:
            f.when(best + total > self.to_exceed(), by_labels, drop_children)

        f.when(total > self.to_exceed(), visit)

    def each_child(self, node: Val, use: Callable[[Val], Any]) -> None:
        def step(child: Val) -> tuple[Val]:
            use(child)
            return (self.sibling[child],)

        self.f.loop_while(lambda child: child >= 0, step, self.child[node])

    def drop(self, child: Val) -> None:
        at = self.in_beam[child]
        self.f.when(at >= 0, lambda: self.total.__setitem__(at, float("-inf")))

    def enter(self, i: Val, node: Val, total: Val, label: Val, row: _Row) -> None:
        f = self.f
        child = self.children[label]
        (is_there,) = f.when(
            child >= 0, lambda: (self.in_heap[child] >= 0,), lambda: (f.const(0, "i1"),)
        )

        def compare() -> None:
            before = f.select(self.label[node].eq(label), self.beam_blank[i], total)
            score = row[label] + before
            f.when(score > self.to_exceed(), lambda: admit(score), leave)

        def leave() -> None:
            f.when(child >= 0, lambda: self.drop(child))

        def admit(score: Val) -> None:
            (place,) = f.when(self.count[0] < f.width, lambda: (self.count[0],), self.evict)
            self.origin[place], self.last[place] = node, label
            self.put(place, child, float("-inf"), score, score, self.entered[0])
            self.entered[0] = self.entered[0] + 1
            f.when(self.count[0] < f.width, lambda: self.append(place), self.sink_root)

        f.when(is_there, lambda: None, compare)

    def evict(self) -> tuple[Val]:
        """The place of the least probable prefix, which leaves."""
        place = self.heap[0]
        worst = self.node[place]
        self.f.when(worst >= 0, lambda: self.in_heap.__setitem__(worst, _NONE))
        return (place,)

    # -- the heap

    def is_less(self, a: Val, b: Val) -> Val:
        x, y = self.score[a], self.score[b]
        return (x < y) | (x.eq(y) & (self.order[a] < self.order[b]))

    def append(self, place: Val) -> None:
        f = self.f
        count = self.count[0]
        self.heap[count] = place
        self.count[0] = count + 1

        def rises(at: Val) -> Val:
            (is_less,) = f.when(
                at > 0,
                lambda: (self.is_less(self.heap[at], self.heap[(at - 1) >> 1]),),
                lambda: (f.const(0, "i1"),),
            )
            return is_less

        def rise(at: Val) -> tuple[Val]:
            above = (at - 1) >> 1
            self.exchange(at, above)
            return (above,)

        f.loop_while(rises, rise, count)

    def exchange(self, i: Val, j: Val) -> None:
        self.heap[i], self.heap[j] = self.heap[j], self.heap[i]

    def sink_root(self) -> None:
        self.sink(self.f.i64(0), self.count[0])

    def sink(self, at: Val, count: Val) -> None:
        f = self.f

        def least_below(at: Val) -> Val:
            """The index, of this and the two below, of the least."""
            left = at * 2 + 1

            def smaller(least: Val, other: Val) -> Val:
                (found,) = f.when(
                    other < count,
                    lambda: (
                        f.select(self.is_less(self.heap[other], self.heap[least]), other, least),
                    ),
                    lambda: (least,),
                )
                return found

            return smaller(smaller(at, left), left + 1)

        def step(at: Val, least: Val) -> tuple[Val, Val]:
            self.exchange(at, least)
            return least, least_below(least)

        f.loop_while(lambda at, least: least.ne(at), step, at, least_below(at))

    def order_heap(self, count: Val) -> None:
        half = count >> 1
        self.f.loop(self.f.i64(0), half, 1, lambda i: self.sink(half - 1 - i, count))

    def renew_beam(self) -> None:
        """The prefixes of the heap become the beam."""
        f = self.f
        f.loop(
            f.i64(0),
            self.beam_size[0],
            1,
            lambda i: self.in_beam.__setitem__(self.beam_node[i], _NONE),
        )
        count = self.count[0]

        def turn(i: Val) -> None:
            self.order[i] = -self.order[i]

        # Of equal scores the first to enter comes first: last, that is, in the heap that is sorted.
        f.loop(f.i64(0), count, 1, turn)
        self.order_heap(count)

        def place_last(i: Val) -> None:
            last = count - 1 - i
            self.exchange(f.i64(0), last)
            self.sink(f.i64(0), last)

        f.loop(f.i64(0), count - 1, 1, place_last)
        f.loop(f.i64(0), count, 1, turn)
        f.loop(f.i64(0), count, 1, self.keep)
        self.beam_size[0] = count

    def keep(self, i: Val) -> None:
        f = self.f
        place = self.heap[i]
        known = self.node[place]
        (node,) = f.when(known >= 0, lambda: (known,), lambda: (self.new_node(place),))
        self.in_heap[node] = _NONE
        self.in_beam[node] = i
        self.beam_node[i], self.beam_order[i] = node, self.order[place]
        self.beam_blank[i], self.beam_without[i] = self.blank[place], self.without[place]
        self.total[i] = self.score[place]

    def new_node(self, place: Val) -> Val:
        node, parent = self.nodes[0], self.origin[place]
        self.parent[node], self.label[node] = parent, self.last[place]
        self.child[node], self.sibling[node] = _NONE, self.child[parent]
        self.child[parent] = node
        self.nodes[0] = node + 1
        return node

    # -- results

    def write_paths(self) -> Val:
        f = self.f
        count = f.min(f.paths, self.beam_size[0])

        def path(i: Val) -> None:
            first = self.beam_node[i]

            def longer(node: Val, size: Val) -> tuple[Val, Val]:
                return self.parent[node], size + 1

            def is_inner(node: Val, *_: Val) -> Val:
                return self.parent[node] >= 0

            _, size = f.loop_while(is_inner, longer, first, f.i64(0))

            def write(node: Val, at: Val) -> tuple[Val, Val]:
                f.store(self.label[node], f.labels, i * f.steps + at)
                return self.parent[node], at - 1

            f.loop_while(is_inner, write, first, size - 1)
            f.store(size, f.sizes, i)
            f.store(self.total[i], f.scores, i)

        f.loop(f.i64(0), count, 1, path)
        return count
