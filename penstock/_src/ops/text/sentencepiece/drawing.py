"""Several ways of cutting a text, and ways drawn at random, by the scores of a unigram model."""

import heapq
import math
import random

from penstock._src.ops.text.sentencepiece.segmenting import Cut, Lattice


def best_ways(lattice: Lattice, text: str, most: int) -> list[tuple[float, Cut]]:
    """The ways of cutting with the greatest sums of scores, the best first."""
    # For each position: the best sums up to it, each with the previous position, the index of its sum, and the piece's number.
    ways: list[list[tuple[float, int, int, int]]] = [[] for _ in range(len(text) + 1)]
    ways[0] = [(0.0, 0, 0, -1)]
    for begin in range(len(text)):
        ways[begin] = heapq.nlargest(most, ways[begin], key=lambda way: way[0])
        for end, number, score in lattice.arcs(text, begin):
            ways[end] += [
                (way[0] + score, begin, rank, number) for rank, way in enumerate(ways[begin])
            ]
    ways[-1] = heapq.nlargest(most, ways[-1], key=lambda way: way[0])
    cuts = []
    for rank, (total, *_) in enumerate(ways[-1]):
        cut, end, at = [], len(text), rank
        while end:
            _, begin, below, number = ways[end][at]
            cut.append((text[begin:end], number))
            end, at = begin, below
        cuts.append((total, cut[::-1]))
    return cuts


def drawn_of_best(lattice: Lattice, text: str, most: int, alpha: float) -> Cut:
    """One of the best ways, drawn with probabilities that are exp(alpha * score)."""
    ways = best_ways(lattice, text, most)
    top = ways[0][0]
    weights = [math.exp(alpha * (total - top)) for total, _ in ways]
    return random.choices(ways, weights)[0][1]


def drawn(lattice: Lattice, text: str, alpha: float) -> Cut:
    """One of all ways, drawn with probabilities that are exp(alpha * score): sums forwards, then pieces backwards."""
    arcs: list[list[tuple[int, int, float]]] = [[] for _ in range(len(text) + 1)]
    sums = [0.0] + [-math.inf] * len(text)
    for begin in range(len(text)):
        for end, number, score in lattice.arcs(text, begin):
            arcs[end].append((begin, number, alpha * score))
            sums[end] = _log_add(sums[end], sums[begin] + alpha * score)
    cut, end = [], len(text)
    while end:
        weights = [math.exp(sums[begin] + score - sums[end]) for begin, _, score in arcs[end]]
        begin, number, _ = random.choices(arcs[end], weights)[0]
        cut.append((text[begin:end], number))
        end = begin
    return cut[::-1]


def _log_add(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
