"""Gamma, Poisson and binomial numbers, and permutations from a key."""

from math import prod

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, ONE_BY_ONE, Effects, Elements, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import product
from penstock._src.native.builtins import HotCounter
from penstock._src.ops.infer import broadcast
from penstock._src.ops.lowered_special_functions import incomplete_gamma_slope
from penstock._src.ops.random import lowered_rejection, lowering, rejection
from penstock._src.ops.random.generator import advance, lowered_advance
from penstock._src.ops.random.stateful import (
    RESERVED_BLOCKS,
    lowered_position,
    next_position,
    permutation,
    reserve,
)
from penstock._src.ops.random.stateless import (
    lowered_shape,
    lowered_stream,
    shape_from,
    stream_of_key,
    stream_of_seed,
)
from penstock._src.ops.rules import check_elements, rank_of, show, span, sum_over
from penstock._src.ops.special_functions import gamma_number_slope
from penstock._src.util import slots
from penstock._src.util.process.compiler import has_compiler


def _with_parameters(shape, parameters):
    known = shape.as_shape()
    return None if known is None or parameters.rank is None else known.concatenate(parameters)


def _samples_per(op, dims, parameters):
    """The number of samples per parameter, given that the shape ends in that of the parameters; 0 if there are none."""
    if 0 in dims:
        return 0
    if tuple(dims[len(dims) - parameters.ndim :]) != parameters.shape:
        raise op.invalid(
            "Shape passed in must end with broadcasted shape of the parameters. Received shape "
            f"{show(dims)}, parameters {show(parameters.shape)}"
        )
    return prod(dims[: len(dims) - parameters.ndim])


def _by_alpha(output, alpha, dy):
    """The gradient with respect to alpha, summed over its samples."""
    slope = raw.RandomGammaGrad(alpha=alpha, sample=output)
    return sum_over(slope * dy, span(0, rank_of(output) - rank_of(alpha)))


def _lowered(p, key, counter, alpha, samples, shape):
    flat = p.reshape(alpha, [alpha.size])
    numbers = lowered_rejection.gamma(p, key, counter, flat, samples)
    return p.cast(p.reshape(numbers, shape), alpha.dtype)


MANY = HEAVY  # numbers from which a compiled program draws them


def _gamma(stream, alpha, samples):
    """Returns gamma numbers [samples, size of alpha].

    A compiled program draws many, but not doubles: their last bits may differ.
    """
    is_double = alpha.dtype == np.float64
    if samples * alpha.size < MANY or is_double or not has_compiler():
        return rejection.gamma(stream, alpha, samples)
    flat = np.ascontiguousarray(alpha.reshape(-1))
    draw = slots.above("draw_for_each")
    return draw(StatelessRandomGammaV3, stream.position, samples, {"alpha": flat})


class RandomGamma(Op):
    """Gamma numbers of shape [shape, alpha's shape]."""

    signature = "shape: S, alpha: T -> output: T"
    S = INDEX
    T = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    seed: int = 0
    seed2: int = 0
    stateful = True
    effects = Effects(effect_free=True)

    def shape(self, shape, alpha):
        return _with_parameters(shape, alpha)

    def gradient(self, _shape, alpha, output, dy):
        return None, _by_alpha(output, alpha, dy)

    def eager(self, shape, alpha):
        dims = shape_from(self, shape)
        samples = prod(dims)
        stream = reserve(self, samples * alpha.size * RESERVED_BLOCKS)
        drawn = _gamma(stream, alpha, samples)
        return drawn.reshape((*dims, *alpha.shape)).astype(alpha.dtype)

    def at_position(self, shape, alpha):
        dims, parameters = shape_from(self, shape._value), tuple(alpha.shape)
        whole = np.array([*dims, *parameters], np.int32)
        position = next_position(self, prod(whole.tolist()))
        return "StatelessRandomGammaV3", (whole, *position, alpha), {}

    def lower(self, p, shape, alpha):
        dims = lowered_shape(p, shape)
        samples = product(dims)
        key, counter = lowered_position(self, p, int(samples * alpha.size))
        return _lowered(p, key, counter, alpha, samples, [*dims, *alpha.shape])


class _StatelessGamma(Op):
    """Gamma numbers of a shape that ends in alpha's."""

    dtype = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})

    def drawn(self, stream, shape, alpha):
        dims = shape_from(self, shape)
        samples = _samples_per(self, dims, alpha)
        if not samples:
            return np.zeros(dims, alpha.dtype)
        return _gamma(stream, alpha, samples).reshape(dims).astype(alpha.dtype)

    def lowered(self, p, key, counter, shape, alpha):
        dims = lowered_shape(p, shape)
        if tuple(dims[len(dims) - alpha.rank :]) != alpha.shape:
            raise NotLowerable("the shape does not end in that of alpha")
        samples = product(dims[: len(dims) - alpha.rank])
        return _lowered(p, key, counter, alpha, samples, dims)


class StatelessRandomGammaV2(_StatelessGamma):
    """Gamma numbers from a pair of seeds."""

    signature = "shape: T, seed: Tseed, alpha: dtype -> output: dtype[*shape]"
    extents = {"seed": "2"}
    elements = Elements(vectorizes_one_by_one=True)
    T = INDEX
    Tseed: INDEX = dtypes.int64

    def gradient(self, _shape, _seed, alpha, output, dy):
        return None, None, _by_alpha(output, alpha, dy)

    def eager(self, shape, seed, alpha):
        return self.drawn(stream_of_seed(self, seed), shape, alpha)

    def lower(self, p, shape, seed, alpha):
        return self.lowered(p, *lowering.key_and_counter(p, seed), shape, alpha)


class StatelessRandomGammaV3(_StatelessGamma):
    """Gamma numbers from a key and a counter."""

    signature = """shape: shape_dtype, key: uint64, counter: uint64, alg: int32, alpha: dtype
        -> output: dtype[*shape]"""
    ranks = {"counter": (1,), "alg": (0,)}
    extents = {"key": "1"}
    shape_dtype: INDEX = dtypes.int32

    def gradient(self, _shape, _key, _counter, _alg, alpha, output, dy):
        return None, None, None, None, _by_alpha(output, alpha, dy)

    def eager(self, shape, key, counter, alg, alpha):
        return self.drawn(stream_of_key(self, key, counter, alg), shape, alpha)

    def lower(self, p, shape, key, counter, alg, alpha):
        return self.lowered(p, *lowered_stream(p, key, counter, alg), shape, alpha)


class RandomGammaGrad(Op):
    """The derivative of a gamma sample with respect to alpha, by implicit reparametrization (Figurnov et al. 2018)."""

    signature = "alpha: T, sample: T -> output: T"
    T = frozenset({dtypes.float32, dtypes.float64})
    elements = Elements(is_elementwise=True)
    host_kernel = HostKernel(compiles_from=ONE_BY_ONE)

    def shape(self, alpha, sample):
        return broadcast(alpha, sample)

    def eager(self, alpha, sample):
        return gamma_number_slope(alpha, sample)

    def lower(self, p, alpha, sample):
        a, x = p.broadcast_together(*(p.cast(t, dtypes.float64) for t in (alpha, sample)))
        narrow = alpha.dtype != dtypes.float64
        slope = incomplete_gamma_slope.gamma_number_slope(p, a, x, narrow)
        return p.cast(slope, alpha.dtype)


def _largest(kind):
    """The largest Poisson number of a NumPy type."""
    if np.dtype(kind).kind == "i":
        return np.iinfo(kind).max
    return 65504.0 if np.dtype(kind) == np.float16 else float(np.finfo(np.float32).max)


class _Poisson(Op):
    """Poisson numbers."""

    def counts(self, stream, rate, samples, kind):
        """Returns Poisson numbers [samples, size of rate]; a compiled program draws many."""
        many = samples * rate.size >= MANY and has_compiler() and rate.dtype.kind == "f"
        if many and np.isfinite(rate).all():
            draw, dtype = slots.above("draw_for_each"), dtypes.as_dtype(kind)
            flat = np.ascontiguousarray(rate.reshape(-1))
            return draw(_PoissonAt, stream.position, samples, {"alpha": flat}, dtype)
        return rejection.poisson(stream, rate, samples, _largest(kind))

    def lowered(self, p, key, counter, rate, samples, dims, dtype):
        limit = float(_largest(dtype.np))
        flat = p.reshape(rate, [rate.size])
        numbers = lowered_rejection.poisson(p, key, counter, flat, samples, limit)
        return p.cast(p.reshape(numbers, dims), dtype)


class _PoissonAt(_Poisson):
    """Poisson numbers at a key and counter, which no op of TensorFlow's draws at."""

    signature = """shape: S, key: uint64, counter: uint64, alg: int32, alpha: R
        -> output: dtype[*shape]"""
    S = INDEX
    R = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    dtype: INDEX | {dtypes.float16, dtypes.float32, dtypes.float64} = dtypes.int64
    differentiable = False

    def eager(self, shape, key, counter, alg, alpha):
        dims = shape_from(self, shape)
        stream = stream_of_key(self, key, counter, alg)
        samples = _samples_per(self, dims, alpha)
        drawn = rejection.poisson(stream, alpha, samples, _largest(self.dtype.np))
        return _to(drawn.reshape(dims), self.dtype.np)

    def lower(self, p, shape, key, counter, alg, alpha):
        dims = lowered_shape(p, shape)
        samples = product(dims[: len(dims) - alpha.rank])
        stream = lowered_stream(p, key, counter, alg)
        return self.lowered(p, *stream, alpha, samples, dims, self.dtype)


class RandomPoissonV2(_Poisson):
    """Poisson numbers of shape [shape, rate's shape]."""

    signature = "shape: S, rate: R -> output: dtype"
    S = INDEX
    seed: int = 0
    seed2: int = 0
    R: INDEX | {dtypes.float16, dtypes.float32, dtypes.float64} = dtypes.float64
    dtype: INDEX | {dtypes.float16, dtypes.float32, dtypes.float64} = dtypes.int64
    stateful = True
    effects = Effects(effect_free=True)

    def shape(self, shape, rate):
        return _with_parameters(shape, rate)

    def eager(self, shape, rate):
        dims = shape_from(self, shape)
        check_elements(self, *dims, rate.size)
        samples = prod(dims)
        stream = reserve(self, samples * rate.size * RESERVED_BLOCKS)
        drawn = self.counts(stream, rate, samples, self.dtype.np)
        return _to(drawn.reshape((*dims, *rate.shape)), self.dtype.np)

    def lower(self, p, shape, rate):
        dims = lowered_shape(p, shape)
        samples = product(dims)
        key, counter = lowered_position(self, p, int(samples * rate.size))
        return self.lowered(p, key, counter, rate, samples, [*dims, *rate.shape], self.dtype)


class RandomPoisson(_Poisson):
    """Poisson numbers of the rate's type."""

    signature = "shape: S, rate: dtype -> output: dtype"
    S = INDEX
    dtype = frozenset({dtypes.float16, dtypes.float32, dtypes.float64})
    seed: int = 0
    seed2: int = 0
    stateful = True

    def shape(self, shape, rate):
        return _with_parameters(shape, rate)

    def eager(self, shape, rate):
        dims = shape_from(self, shape)
        samples = prod(dims)
        stream = reserve(self, samples * rate.size * RESERVED_BLOCKS)
        drawn = self.counts(stream, rate, samples, rate.dtype)
        return _to(drawn.reshape((*dims, *rate.shape)), rate.dtype)


class StatelessRandomPoisson(_Poisson):
    """Poisson numbers from a pair of seeds."""

    signature = "shape: T, seed: Tseed, lam: Rtype -> output: dtype[*shape]"
    extents = {"seed": "2"}
    elements = Elements(vectorizes_one_by_one=True)
    Rtype = INDEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    T = INDEX
    dtype: INDEX | {dtypes.float16, dtypes.float32, dtypes.float64}
    Tseed: INDEX = dtypes.int64
    differentiable = False

    def eager(self, shape, seed, lam):
        dims = shape_from(self, shape)
        samples = _samples_per(self, dims, lam)
        if not samples:
            return np.zeros(dims, self.dtype.np)
        stream = stream_of_seed(self, seed)
        drawn = self.counts(stream, lam, samples, self.dtype.np)
        return _to(drawn.reshape(dims), self.dtype.np)

    def lower(self, p, shape, seed, lam):
        dims = lowered_shape(p, shape)
        if tuple(dims[len(dims) - lam.rank :]) != lam.shape:
            raise NotLowerable("the shape does not end in that of the rates")
        samples = product(dims[: len(dims) - lam.rank])
        key, counter = lowering.key_and_counter(p, seed)
        return self.lowered(p, key, counter, lam, samples, dims, self.dtype)


def _to(numbers, kind):
    with np.errstate(all="ignore"):
        return numbers.astype(kind)


_BINOMIALS = HotCounter(1 << 17)  # numbers from which a compiled program draws few, too
_CALL = 1 << 10  # numbers that NumPy draws in the time of a call


def _binomials(stream, counts, probs):
    """Binomial numbers, one for each of the counts and probabilities (doubles); a compiled program draws many."""
    is_hot = counts.size >= MANY or _BINOMIALS.is_hot(counts.size + _CALL)
    if not (is_hot and counts.size and has_compiler()):
        return rejection.binomial(stream, counts, probs)
    draw = slots.above("draw_for_each")
    parameters = {"counts": counts, "probs": probs}
    return draw(_BinomialAt, stream.position, 1, parameters, dtypes.float64)


class _Binomial(Op):
    """Binomial numbers."""

    S = INDEX
    T: INDEX | {dtypes.float16, dtypes.float32, dtypes.float64} = dtypes.float64
    dtype: INDEX | {dtypes.float16, dtypes.float32, dtypes.float64} = dtypes.int64

    def parameters_shape(self, counts, probs):
        """The shape of the parameters' pairs."""
        try:
            return np.broadcast_shapes(counts.shape, probs.shape)
        except ValueError:
            raise self.invalid(
                f"counts and probs must have compatible batch dimensions: {show(counts.shape)} vs. {show(probs.shape)}"
            ) from None

    def drawn(self, stream, dims, counts, probs):
        shape = self.parameters_shape(counts, probs)
        counts, probs = np.broadcast_to(counts, shape), np.broadcast_to(probs, shape)
        if 0 not in counts.shape or 0 not in dims:
            _samples_per(self, dims, counts)
        n, p = np.broadcast_to(counts, dims), np.broadcast_to(probs, dims)
        # all samples of one pair of parameters are consecutive in the stream
        lead = len(dims) - counts.ndim
        order = [*range(lead, len(dims)), *range(lead)]
        flat = [x.transpose(order).reshape(-1).astype(np.float64) for x in (n, p)]
        turned = _binomials(stream, *flat).reshape([dims[a] for a in order])
        return _to(turned.transpose(np.argsort(order)), self.dtype.np)

    def lowered(self, p, key, counter, dims, counts, probs):
        rank = max(counts.rank, probs.rank)
        if rank > len(dims):
            raise NotLowerable("the shape has fewer dimensions than the parameters")
        if tuple(dims[len(dims) - rank :]) != p.broadcast_shape(counts.shape, probs.shape):
            raise NotLowerable("the shape does not end in that of the parameters")
        lead = len(dims) - rank
        order = [*range(lead, len(dims)), *range(lead)]
        flat = [
            p.reshape(p.transpose(p.broadcast_to(x, dims), order), [product(dims)])
            for x in (counts, probs)
        ]
        samples = lowered_rejection.binomial(p, key, counter, *flat)
        turned = p.reshape(samples, [dims[a] for a in order])
        return p.cast(p.transpose(turned, [order.index(a) for a in range(len(dims))]), self.dtype)


class _BinomialAt(_Binomial):
    """Binomial numbers at a key and counter, which no op of TensorFlow's draws at."""

    signature = """shape: S, key: uint64, counter: uint64, alg: int32, counts: T, probs: T
        -> output: dtype[*shape]"""
    differentiable = False

    def eager(self, shape, key, counter, alg, counts, probs):
        dims = shape_from(self, shape)
        return self.drawn(stream_of_key(self, key, counter, alg), dims, counts, probs)

    def lower(self, p, shape, key, counter, alg, counts, probs):
        stream = lowered_stream(p, key, counter, alg)
        return self.lowered(p, *stream, lowered_shape(p, shape), counts, probs)


class StatelessRandomBinomial(_Binomial):
    """Binomial numbers from a pair of seeds."""

    signature = "shape: S, seed: Tseed, counts: T, probs: T -> output: dtype[*shape]"
    extents = {"seed": "2"}
    elements = Elements(vectorizes_one_by_one=True)
    Tseed: INDEX = dtypes.int64
    differentiable = False

    def eager(self, shape, seed, counts, probs):
        dims = shape_from(self, shape)
        return self.drawn(stream_of_seed(self, seed), dims, counts, probs)

    def lower(self, p, shape, seed, counts, probs):
        dims = lowered_shape(p, shape)
        return self.lowered(p, *lowering.key_and_counter(p, seed), dims, counts, probs)


def _reserved(numbers, parameters):
    """The number of outputs that TensorFlow reserves for binomial samples."""
    samples = numbers // parameters if parameters else 0
    return parameters * 200 * (samples + 3) // 4


class StatefulRandomBinomial(_Binomial):
    """Binomial numbers from a generator's stream."""

    signature = """resource: resource, algorithm: int64, shape: S, counts: T, probs: T
        -> output: dtype[*shape]"""
    effects = Effects(draws_from_generator=True)

    def eager(self, resource, algorithm, shape, counts, probs):
        dims = shape_from(self, shape)
        parameters = prod(self.parameters_shape(counts, probs))
        stream, _ = advance(self, resource, algorithm, _reserved(prod(dims), parameters))
        return self.drawn(stream, dims, counts, probs)

    def lower(self, p, resource, algorithm, shape, counts, probs):
        dims = lowered_shape(p, shape)
        parameters = product(p.broadcast_shape(counts.shape, probs.shape))
        outputs = p.scalar(_reserved(product(dims), parameters), dtypes.uint64)
        key, counter = lowered_advance(p, resource, algorithm, outputs)
        return self.lowered(p, key, counter, dims, counts, probs)


class StatelessShuffle(Op):
    """The rows permuted by a key and a counter."""

    signature = "value: T, key: uint64, counter: uint64, alg: int32 -> output: T[value]"
    T = ANY

    def eager(self, value, key, counter, alg):
        stream = stream_of_key(self, key, counter, alg)
        if value.ndim == 0 or value.shape[0] <= 1:
            return value
        return value[permutation(stream, value.shape[0])]
