"""Cluster centers: initialization of k-means, and nearest neighbor search.

Random numbers come from the seed's Philox stream, consumed word by word as in TensorFlow.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.random.philox import Stream
from penstock._src.ops.rules import show

FEW = 1000  # draws that are made one by one


class _Words:
    """Random numbers made from a stream of 32-bit words."""

    def __init__(self, seed: int) -> None:
        self._words = self._all(Stream(seed & ((1 << 64) - 1), 0))

    @staticmethod
    def _all(stream: Stream) -> Iterator[int]:
        for block in itertools.count():
            yield from stream.skipped(block).words(4).tolist()

    def word(self) -> int:
        """32 bits."""
        return next(self._words)

    def long_word(self) -> int:
        """64 bits, the lower ones first."""
        return self.word() | self.word() << 32

    def fraction(self) -> np.float32:
        """A float32 in [0, 1)."""
        return np.float32((self.word() & 0x7FFFFF) / (1 << 23))

    def long_fraction(self) -> float:
        """A float64 in [0, 1)."""
        upper, lower = self.word(), self.word()
        return ((upper & 0xFFFFF) << 32 | lower) / (1 << 52)

    def below(self, count: int) -> int:
        """A uniformly distributed integer below `count`."""
        if count & (count - 1) == 0:
            return self.long_word() & (count - 1)
        rejected = (1 << 64) % count
        while (number := self.long_word()) < rejected:
            continue
        return number % count


class KMC2ChainInitialization(Op):
    """The end of a Markov chain that moves to a proposed point with the ratio of its distance to that of the current point.

    Source: Bachem, Lucic, Hassani and Krause 2016, "Approximate K-means++ in sublinear time".
    """

    signature = "distances: float32, seed: int64 -> index: int64[]"

    def eager(self, distances, seed):
        if distances.ndim != 1 or not distances.size:
            raise self.invalid(
                f"Expected distances_tensor to be a vector. Received {show(distances.shape)}"
            )
        random, at = _Words(int(seed)), 0
        for number in range(1, len(distances)):
            # Compare products, so that the chain always leaves a point at distance zero.
            if distances[number] > random.fraction() * distances[at]:
                at = number
        return np.int64(at)


class KmeansPlusPlusInitialization(Op):
    """Distant points: each is drawn with probability proportional to its squared distance from those chosen, best of several
    trials.

    The distribution is TensorFlow's, but after the first point a seed chooses others than in TensorFlow.
    Source: Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding".
    """

    signature = """points: float32[?, ?], num_to_sample: int64, seed: int64,
        num_retries_per_sample: int64 -> samples: float32[?, points[1]]"""

    def eager(self, points, num_to_sample, seed, num_retries_per_sample):
        count, wanted, retries = len(points), int(num_to_sample), int(num_retries_per_sample)
        if not 0 < wanted <= count:
            raise self.invalid(f"Expected num_to_sample in (0, {count}]. Received {wanted}")
        if retries < 0:
            retries = 2 + int(math.log(wanted))
        random = _Words(int(seed))
        chosen = [random.below(count)]
        nearest = _squares(points, points[chosen[0]])
        while len(chosen) < wanted:
            if retries < max(count, FEW):
                trials = [_drawn(random, nearest) for _ in range(retries + 1)]
            else:
                trials = [_best_of(random, points, nearest, retries + 1)]
            distances = [np.minimum(nearest, _squares(points, points[t])) for t in trials]
            best = int(np.argmin([d.sum(dtype=np.float64) for d in distances]))
            chosen.append(trials[best])
            nearest = distances[best]
        return points[chosen]


def _drawn(random, weights):
    """An index, drawn in proportion to its weight."""
    sums = np.cumsum(weights, dtype=np.float64)
    place = int(np.searchsorted(sums, random.long_fraction() * sums[-1]))
    return min(place, len(weights) - 1)


def _best_of(random, points, nearest, draws):
    """The best of many drawn points, at the cost of trying every point once.

    The best of n draws is among the points from the k-th best on with the n-th power of the probability that one draw is.
    """
    left = [np.minimum(nearest, _squares(points, p)).sum(dtype=np.float64) for p in points]
    order = np.argsort(left, kind="stable")
    sums = np.cumsum(nearest[order][::-1], dtype=np.float64)  # from the worst on
    wanted = sums[-1] * random.long_fraction() ** (1 / draws)
    place = len(order) - 1 - int(np.searchsorted(sums, wanted))
    return int(order[max(place, 0)])


def _squares(points, center):
    """The squared distances of points from one."""
    return ((points - center) ** 2).sum(1)


class NearestNeighbors(Op):
    """The k nearest centers of each point, nearest first, and their squared distances."""

    signature = """points: float32[?, ?], centers: float32, k: int64
        -> nearest_center_indices: int64[points[0], ?],
        nearest_center_distances: float32[points[0], ?]"""

    def eager(self, points, centers, k):
        if points.ndim != 2 or centers.ndim != 2 or points.shape[1] != centers.shape[1]:
            raise self.invalid(
                "Expected point_dimensions == center_dimensions. Received "
                f"{show(points.shape)} and {show(centers.shape)}"
            )
        if int(k) < 0:
            raise self.invalid(f"k must be a non-negative integer scalar, got {int(k)}")
        distances = ((points[:, None] - centers) ** 2).sum(-1)
        order = np.argsort(distances, axis=1, kind="stable")[:, : int(k)]
        return order.astype(np.int64), np.take_along_axis(distances, order, 1)
