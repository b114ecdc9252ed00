"""Maximum spanning trees of directed graphs.

Reference: Edmonds, Optimum branchings, 1967.
"""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw

_NONE = -1


def best_sources(scores: np.ndarray) -> np.ndarray:
    """The source of the arc into each node but node 0, the root, of the tree with the greatest sum of scores.

    Args:
      scores: [nodes, nodes]; that of the arc from s to t is at [t, s], -inf where there is none.
    """
    count = len(scores)
    scores = scores.copy()
    np.fill_diagonal(scores, -np.inf)
    scores[0] = -np.inf
    sources = np.argmax(scores, axis=1)
    sources[0] = 0
    cycle = _cycle(sources)
    if cycle is None:
        return sources
    inside = np.zeros(count, bool)
    inside[cycle] = True
    outer = np.flatnonzero(~inside)
    # The cycle becomes one node, the last: an arc into it gains the cost of the arc that it replaces.
    small = np.full((len(outer) + 1, len(outer) + 1), -np.inf)
    small[:-1, :-1] = scores[np.ix_(outer, outer)]
    leaving = scores[np.ix_(outer, cycle)]
    best_leaving = np.argmax(leaving, axis=1)
    small[:-1, -1] = leaving[np.arange(len(outer)), best_leaving]
    entering = scores[np.ix_(cycle, outer)] - scores[cycle, sources[cycle]][:, None]
    best_entering = np.argmax(entering, axis=0)
    small[-1, :-1] = entering[best_entering, np.arange(len(outer))]
    inner = best_sources(small)
    for place, node in enumerate(outer):
        if not place:
            continue
        source = inner[place]
        sources[node] = cycle[best_leaving[place]] if source == len(outer) else outer[source]
    entry = inner[-1]
    sources[cycle[best_entering[entry]]] = outer[entry]
    return sources


def _cycle(sources: np.ndarray) -> np.ndarray | None:
    """The nodes of a cycle; None if there is none."""
    seen = np.zeros(len(sources), np.int64)
    seen[0] = _NONE
    for start in range(1, len(sources)):
        node = start
        while not seen[node]:
            seen[node] = start
            node = sources[node]
        if seen[node] == start:
            cycle = [node]
            while sources[cycle[-1]] != node:
                cycle.append(sources[cycle[-1]])
            return np.array(cycle)
        # Nodes that lead to an earlier walk are done.
    return None


def _tree(scores: np.ndarray, forest: bool) -> np.ndarray:
    """The source of each node, itself for roots."""
    count = len(scores)
    whole = np.full((count + 1, count + 1), -np.inf)
    whole[1:, 1:] = scores
    roots = np.diagonal(scores)
    if forest:
        whole[1:, 0] = roots
        candidates = [whole]
    else:
        candidates = []
        for root in np.flatnonzero(roots > -np.inf) if (roots > -np.inf).any() else range(count):
            one = whole.copy()
            one[1 + root, 0] = roots[root]
            candidates.append(one)
    best, best_total = None, -np.inf
    for one in candidates:
        sources = best_sources(one)[1:]
        chosen = np.where(sources == 0, np.arange(count), sources - 1)
        total = scores[np.arange(count), chosen].sum()
        if best is None or total > best_total:
            best, best_total = chosen, total
    return best if best is not None else np.zeros(0, np.int64)


class MaxSpanningTree(Op):
    """The maximum spanning tree of each of several graphs, or forest: its sum of scores, and the source of the arc into each node."""

    signature = "num_nodes: int32, scores: T -> max_scores: T, argmax_sources: int32"
    T = frozenset({dtypes.int32, dtypes.float32, dtypes.float64})
    forest: bool = False

    def shape(self, num_nodes, scores):
        batch, most = scores.with_rank(3)[0], scores.with_rank(3)[1]
        return [batch], [batch, most]

    def gradient(self, num_nodes, scores, _max_scores, argmax_sources, d_max_scores, _d_sources):
        count = raw.Shape(input=argmax_sources)[1]
        one, zero = (raw.Cast(x=n, DstT=scores.dtype) for n in (1, 0))
        chosen = raw.OneHot(indices=argmax_sources, depth=count, on_value=one, off_value=zero)
        outer = raw.ExpandDims(input=raw.ExpandDims(input=d_max_scores, axis=-1), axis=-1)
        return None, chosen * outer

    def eager(self, num_nodes, scores):
        if scores.ndim != 3:
            raise self.invalid(f"scores must be rank 3, got shape {list(scores.shape)}")
        if scores.shape[1] != scores.shape[2]:
            raise self.invalid(f"scores must be square, got shape {list(scores.shape)}")
        if num_nodes.shape != scores.shape[:1]:
            raise self.invalid(
                f"num_nodes misshapen: got {list(num_nodes.shape)} but expected [{len(scores)}]"
            )
        most = scores.shape[1]
        totals = np.zeros(len(scores), scores.dtype)
        sources = np.full(scores.shape[:2], _NONE, np.int32)
        for number, count in enumerate(num_nodes.tolist()):
            if not 0 <= count <= most:
                raise self.invalid(
                    f"number of nodes in digraph {number} overflows input dimension: got {count} but expected <= {most}"
                )
            own = scores[number, :count, :count]
            tree = _tree(own.astype(np.float64), self.forest)
            sources[number, :count] = tree
            totals[number] = own[np.arange(count), tree].sum()
        return totals, sources
