"""Samplers of candidate classes, and normal numbers between bounds."""

from math import prod

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects, Elements
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.core.values import memory_limit
from penstock._src.ops.random import distributions
from penstock._src.ops.random.bounded_normal import truncated_each
from penstock._src.ops.random.stateful import reserve
from penstock._src.ops.random.stateless import shape_from, stream_of_seed
from penstock._src.ops.rules import show, unbroadcast

_BLOCKS_PER_CANDIDATE = 512


def _check_classes(op, true_classes, range_max):
    if true_classes.ndim != 2:
        raise op.invalid(f"true_classes must be a matrix. Received {show(true_classes.shape)}")
    if true_classes.shape[1] != op.num_true:
        raise op.invalid(
            f"true_classes must have num_true columns, expected: {true_classes.shape[1]} "
            f"was: {op.num_true}"
        )
    outside = true_classes[(true_classes < 0) | (true_classes >= range_max)]
    if outside.size:
        raise op.invalid(f"`true_candidate` out of range [0, {range_max}), received {outside[0]}")


class _Sampler(Op):
    """Samples classes; also returns the expected counts of the true and the sampled classes."""

    signature = """true_classes: int64[?, ?] -> sampled_candidates: int64[num_sampled],
        true_expected_count: float32[true_classes[0], num_true],
        sampled_expected_count: float32[num_sampled]"""
    minimum = {"num_true": 1, "num_sampled": 1, "range_max": 1}
    num_true: int
    num_sampled: int
    unique: bool
    range_max: int
    seed: int = 0
    seed2: int = 0
    stateful = True

    def eager(self, true_classes):
        _check_classes(self, true_classes, self.range_max)
        count = self.num_sampled
        if self.unique and count > self.range_max:
            raise self.invalid(
                f"sampled_candidates: the range {self.range_max} has too few classes for {count} unique "
                "candidates"
            )
        stream = reserve(self, count * _BLOCKS_PER_CANDIDATE)
        # Distinct candidates take some more tries.
        tries, chosen, size = 0, [], max(2 * count if self.unique else count, 32)
        while len(chosen) < count:
            drawn = self.draw(stream, size).tolist()  # from the beginning, sometimes fewer
            while tries < len(drawn) and len(chosen) < count:
                # As many as are missing are needed in any case.
                end = tries + count - len(chosen)
                chosen += drawn[tries:end]
                tries = min(end, len(drawn))
                if self.unique:
                    chosen = list(dict.fromkeys(chosen))
            size *= 2
        sampled = np.array(chosen, np.int64)
        return sampled, self._expected(true_classes, tries), self._expected(sampled, tries)

    def _expected(self, classes, tries):
        p = self.probability(classes)
        # If tries equal the samples, TensorFlow assumes sampling with replacement.
        if tries != self.num_sampled:
            return (-np.expm1(tries * np.log1p(-p))).astype(np.float32)
        return (p * self.num_sampled).astype(np.float32)


def _doubles(stream, count):
    return distributions.words_to_float64(stream.words(count * 2).reshape(-1, 2))


class LogUniformCandidateSampler(_Sampler):
    """Classes by Zipf's law: the probability of c is log((c + 2) / (c + 1)) / log(range_max + 1)."""

    def draw(self, stream, count):
        raised = np.exp(_doubles(stream, count) * np.log1p(self.range_max))
        return (raised.astype(np.int64) - 1) % self.range_max

    def probability(self, classes):
        return np.log((classes + 2.0) / (classes + 1.0)) / np.log1p(self.range_max)


class UniformCandidateSampler(_Sampler):
    """Classes with equal probabilities."""

    def draw(self, stream, count):
        drawn = distributions.full_integers(stream, count, np.dtype(np.uint64))
        return (drawn % np.uint64(self.range_max)).astype(np.int64)

    def probability(self, classes):
        return np.full(classes.shape, 1.0 / self.range_max)


class AllCandidateSampler(Op):
    """All classes, for testing."""

    signature = """true_classes: int64[?, ?] -> sampled_candidates: int64[num_sampled],
        true_expected_count: float32[true_classes[0], num_true],
        sampled_expected_count: float32[num_sampled]"""
    minimum = {"num_true": 1, "num_sampled": 1}
    num_true: int
    num_sampled: int
    unique: bool
    seed: int = 0
    seed2: int = 0
    stateful = True

    def eager(self, true_classes):
        _check_classes(self, true_classes, self.num_sampled)
        count = self.num_sampled
        ones = np.ones(true_classes.shape, np.float32)
        return np.arange(count), ones, np.ones(count, np.float32)


_BLOCKS_OF_TRUNCATED = 500  # that TensorFlow reserves for each number, and three more of a row


def _between(op, stream, dims, parameters):
    """Draw numbers of a shape with a first dimension that matches the parameters, if these are vectors."""
    if not dims:
        raise op.invalid("Shape tensor must not be empty, got []")
    for name, value in parameters.items():
        if value.ndim > 1:
            raise op.invalid(
                f"Input {name} should be a scalar or vector, got shape: {show(value.shape)}"
            )
        if value.size not in (1, dims[0]):
            raise op.invalid(
                f"Input {name} should have length 1 or shape[0], got shape: {show(value.shape)}"
            )
    if prod(dims) * op.dtype.np.itemsize > memory_limit.limit():  # they are drawn in parts
        raise memory_limit.exhausted(dims, op.dtype.np, op.op_type)
    # Each row begins with a new block of the stream, also if the rows share their parameters.
    batches, each = dims[0], prod(dims[1:])
    vectors = [np.broadcast_to(v.reshape(-1), batches) for v in parameters.values()]
    _check_parameters(op, *vectors)
    return truncated_each(stream, *vectors, each)[0].reshape(dims)


def _check_parameters(op, mean, deviation, low, high):
    if not (np.isfinite(mean) & (deviation > 0) & (low < high)).all():
        raise op.invalid("Invalid parameters")


def _normal_probability(x):
    """The probability of a standard normal number below x."""
    return raw.Erfc(x * np.asarray(-np.sqrt(0.5), x.dtype.as_numpy_dtype)) / 2


class StatelessParameterizedTruncatedNormal(Op):
    """Normal numbers between bounds, from a pair of seeds."""

    signature = """shape: S, seed: Tseed, means: dtype, stddevs: dtype, minvals: dtype,
        maxvals: dtype -> output: dtype[*shape]"""
    extents = {"seed": "2"}
    elements = Elements(vectorizes_one_by_one=True)
    S = INDEX
    dtype = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    Tseed: INDEX = dtypes.int64

    def gradient(self, _shape, _seed, means, stddevs, minvals, maxvals, output, dy):
        # Each number is a quantile of the truncated distribution at a fixed probability p.
        low, high, at = ((v - means) / stddevs for v in (minvals, maxvals, output))
        below, above, here = (_normal_probability(v) for v in (low, high, at))
        limits = np.finfo(self.dtype.as_numpy_dtype)
        p = (here - below) / (above - below)
        p = raw.Minimum(raw.Maximum(p, limits.tiny), 1 - limits.eps)
        by_high = raw.Exp((at * at - high * high) / 2 + raw.Log(p))
        by_low = raw.Exp((at * at - low * low) / 2 + raw.Log1p(raw.Neg(p)))
        slopes = raw.OnesLike(output), at, by_low, by_high
        inputs = means, stddevs, minvals, maxvals
        return None, None, *(unbroadcast(dy * s, x) for s, x in zip(slopes, inputs, strict=True))

    def eager(self, shape, seed, means, stddevs, minvals, maxvals):
        dims, stream = shape_from(self, shape), stream_of_seed(self, seed)
        parameters = np.broadcast_arrays(means, stddevs, minvals, maxvals)
        each = parameters[0].shape
        if tuple(dims[len(dims) - len(each) :]) != each:
            raise self.invalid("Shape passed in must end with broadcasted shape.")
        count = prod(dims[: len(dims) - len(each)])
        vectors = [np.ascontiguousarray(p).reshape(-1) for p in parameters]
        _check_parameters(self, *vectors)
        return truncated_each(stream, *vectors, count)[0].T.reshape(dims)


class ParameterizedTruncatedNormal(Op):
    """Normal numbers between bounds, from the op's own stream."""

    signature = """shape: T, means: dtype, stdevs: dtype, minvals: dtype, maxvals: dtype
        -> output: dtype[*shape]"""
    ranks = {"means": (0, 1), "stdevs": (0, 1), "minvals": (0, 1), "maxvals": (0, 1)}
    dtype = FLOAT
    T = INDEX
    seed: int = 0
    seed2: int = 0
    stateful = True
    differentiable = False
    effects = Effects(effect_free=True)

    def eager(self, shape, means, stdevs, minvals, maxvals):
        dims = shape_from(self, shape)
        rows, each = (dims[0], prod(dims[1:])) if dims else (0, 0)
        stream = reserve(self, rows * _BLOCKS_OF_TRUNCATED * (each + 3))
        parameters = {"means": means, "stddevs": stdevs, "minvals": minvals, "maxvals": maxvals}
        return _between(self, stream, dims, parameters)
