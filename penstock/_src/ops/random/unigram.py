"""Candidate samplers with given or learned counts, accidental hits, and random crops."""

import functools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects, Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.typesets import SIGNED
from penstock._src.core.values import kernel_state
from penstock._src.filesystems.files import read
from penstock._src.ops.random import distributions
from penstock._src.ops.random.candidates import _Sampler
from penstock._src.ops.random.generator import StatefulStandardNormalV2
from penstock._src.ops.random.stateful import reserve
from penstock._src.ops.rules import show
from penstock._src.ops.variants import variant
from penstock._src.util.files.lines import lines_of


class FixedUnigramCandidateSampler(_Sampler):
    """Samples classes in proportion to counts, raised to a power, from a file or a list."""

    permissions = Permissions(
        capabilities="read_files", file_arguments="vocab_file", may_lack_files=True
    )
    minimum = {"num_true": 1, "num_sampled": 1, "range_max": 1, "num_shards": 1, "shard": 0}
    num_true: int
    num_sampled: int
    unique: bool
    range_max: int
    vocab_file: str = ""
    distortion: float = 1.0
    num_reserved_ids: int = 0
    num_shards: int = 1
    shard: int = 0
    unigrams: list[float] = []
    seed: int = 0
    seed2: int = 0

    def tables(self):
        """The probability of each class, zero for reserved ones and those of other shards, and the `alias_table` of these."""
        if not self.vocab_file:
            return _tables_of(self)
        lines = lines_of(read(self.vocab_file))
        return self.tables_of([float(line.rsplit(b",", 1)[-1]) for line in lines if line.strip()])

    def tables_of(self, counts):
        """The `tables` of counts."""
        if not counts:
            raise self.invalid("either vocab_file or unigrams must be given")
        classes = self.num_reserved_ids + len(counts)
        if classes != self.range_max:
            raise self.invalid(f"range_max is {self.range_max} but there are {classes} classes")
        return _tables(
            tuple(counts), self.distortion, self.num_reserved_ids, self.num_shards, self.shard
        )

    def draw(self, stream, count):
        _, own, other = self.tables()
        words = stream.words(2 * count).reshape(count, 2)
        at = (words[:, 1] % np.uint32(len(own))).astype(np.int64)
        return np.where(distributions.words_to_float32(words[:, 0]) < own[at], at, other[at])

    def probability(self, classes):
        return self.tables()[0][classes] * (1 if self.num_shards == 1 else self.num_shards)


@functools.lru_cache(maxsize=16)
def _tables_of(op):
    """The `tables` of an op with a list of counts: an op with other counts is another one."""
    return op.tables_of(op.unigrams)


@functools.lru_cache(maxsize=16)
def _tables(counts, distortion, reserved, shards, shard):
    """The arrays of `FixedUnigramCandidateSampler.tables`, which are not written to."""
    raised = np.array([0.0] * reserved + [c**distortion for c in counts])
    if shards > 1:
        raised[np.arange(len(raised)) % shards != shard] = 0
    weights = raised / raised.sum()
    return weights, *alias_table(weights)


def alias_table(weights):
    """Returns, for each of n cells, the fraction of its own class, and its alias class.

    Source: Walker's alias method; the last cells below and above the mean are paired, as in TensorFlow.
    """
    left = np.asarray(weights, np.float64) * len(weights) / np.sum(weights)
    own, other = np.ones(len(left), np.float32), np.arange(len(left))
    low = [int(i) for i in np.flatnonzero(left < 1)]
    high = [int(i) for i in np.flatnonzero(left >= 1)]
    while low and high:
        small, large = low.pop(), high.pop()
        own[small], other[small] = left[small], large
        left[large] -= 1 - left[small]
        (low if left[large] < 1 else high).append(large)
    return own, other


class _Learned(_Sampler):
    def eager(self, true_classes):
        counts = kernel_state.of_running_node(lambda: np.ones(self.range_max))
        return _LearnedRun(self, counts).eager(true_classes)


class _LearnedRun:
    """One run of a sampler with the counts of the classes seen so far."""

    def __init__(self, op, counts):
        self.op, self.counts = op, counts

    def __getattr__(self, name):
        return getattr(self.op, name)

    def eager(self, true_classes):
        """Samples by the counts, then counts the true classes."""
        samples = _Sampler.eager(self, true_classes)
        np.add.at(self.counts, true_classes.ravel(), 1)
        return samples

    def draw(self, stream, count):
        """Candidates in proportion to the counts."""
        total = int(self.counts.sum())
        # Skip the words that would bias the remainders.
        favored = (2**32 - 1) % total + 1
        words = stream.words(count)
        words = words[words >= favored]
        return np.searchsorted(np.cumsum(self.counts), words % np.uint32(total), "right")

    def probability(self, classes):
        """The share of classes."""
        return self.counts[classes] / self.counts.sum()

    def _expected(self, classes, tries):
        return _Sampler._expected(self, classes, tries)


class LearnedUnigramCandidateSampler(_Learned):
    """Samples classes in proportion to how often they have been true so far."""


variant("ThreadUnsafeUnigramCandidateSampler", LearnedUnigramCandidateSampler)


class ComputeAccidentalHits(Op):
    """The positions of sampled candidates that are true classes, with weights of minus infinity."""

    signature = """true_classes: int64, sampled_candidates: int64
        -> indices: int32[?], ids: int64[?], weights: float32[?]"""
    ranks = {"true_classes": (2,), "sampled_candidates": (1,)}
    num_true: int
    seed: int = 0
    seed2: int = 0

    def eager(self, true_classes, sampled_candidates):
        if true_classes.ndim != 2 or true_classes.shape[1] != self.num_true:
            raise self.invalid(
                f"true_classes must be a matrix of num_true columns. Received "
                f"{show(true_classes.shape)}"
            )
        rows, ids = [], []
        where = {c: at for at, c in enumerate(sampled_candidates.tolist())}
        for row, classes in enumerate(true_classes.tolist()):
            for value in classes:
                if value in where:
                    rows.append(row)
                    ids.append(where[value])
        weights = np.full(len(rows), -np.finfo(np.float32).max, np.float32)
        return np.array(rows, np.int32), np.array(ids, np.int64), weights


class RandomCrop(Op):
    """A random crop of an image with the given size."""

    signature = "image: T, size: int64 -> output: T"
    T = SIGNED | frozenset({dtypes.float32, dtypes.float64, dtypes.uint8})
    seed: int = 0
    seed2: int = 0
    stateful = True
    differentiable = False

    def shape(self, image, size):
        value = size.value
        extents = [None, None] if value is None else [int(v) for v in value]
        return [*extents, image.with_rank(3)[2]]

    def eager(self, image, size):
        if image.ndim != 3 or size.shape != (2,):
            raise self.invalid(
                f"image must be 3-dim and size of 2 numbers. Received {show(image.shape)}"
            )
        height, width = (int(n) for n in size)
        slack = image.shape[0] - height, image.shape[1] - width
        if min(slack) < 0:
            raise self.invalid(f"image {show(image.shape)} is smaller than {[height, width]}")
        drawn = distributions.full_integers(reserve(self, 1), 2, np.dtype(np.uint64))
        top, left = (int(d % np.uint64(n + 1)) for d, n in zip(drawn, slack))
        return image[top : top + height, left : left + width]


class StatefulStandardNormal(Op):
    """Standard normal numbers; the generator's first element is the algorithm."""

    signature = "resource: resource, shape: shape_dtype -> output: dtype[*shape]"
    effects = Effects(draws_from_generator=True)
    dtype: DType = dtypes.float32
    shape_dtype: DType = dtypes.int64

    def eager(self, resource, shape):
        from_state = StatefulStandardNormalV2.eager
        return from_state(self, resource, np.int64(1), shape)

    draw = staticmethod(distributions.normal)
