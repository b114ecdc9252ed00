"""Stateful random ops, which keep their position in a stream between runs."""

import functools
import secrets
from math import prod

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOWEST, Effects, Elements, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY, FLOAT, INDEX, REAL
from penstock._src.core.values import kernel_state
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import product
from penstock._src.native.algorithms.philox import philox
from penstock._src.native.builtins import HotCounter
from penstock._src.native.builtins.kernel import kernel
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.random import distributions, lowered_rejection, lowering
from penstock._src.ops.random.philox import FEWEST, Stream
from penstock._src.ops.random.stateless import PHILOX, require_range, shape_from, stream_of_seed
from penstock._src.ops.rules import show
from penstock._src.util import slots

# Blocks reserved for each output of a run, whether used or not.
RESERVED_BLOCKS = 256
# Points of a row from which it is searched by itself.
MANY_POINTS = 64
# Comparisons of each point with its whole row that take less time than searches in step, which are some 10 calls of NumPy for each bit.
FEW_COMPARISONS = 1 << 13
_CLASSES = HotCounter(FEWEST)  # drawn in all calls, from which native code draws them


def reserve(op, blocks):
    """Returns the stream at the op's position and advances the position by `blocks`.

    The stream starts from the op's seeds, or from system entropy if both are zero.

    Raises:
      InvalidArgumentError: both are zero, and seeds are required.
    """

    def start():
        if op.seed == 0 and op.seed2 == 0:
            if kernel_state.SEEDS_REQUIRED[0]:
                raise op.invalid(
                    "seed and seed2 are 0, which draws a seed, but after "
                    "tf.config.experimental.enable_op_determinism random ops need one"
                )
            return Stream(secrets.randbits(64), secrets.randbits(64) << 64)
        return Stream.from_seeds(op.seed, op.seed2)

    return kernel_state.update(op, start, lambda stream: (stream, stream.skipped(blocks)))


def lowered_position(op, p, count):
    """Key and counter for a program; the host advances them before each run, like `reserve`."""

    taken = p.host_value(lambda: _next_words(op, count), (3,), dtypes.uint64)
    return p.slice(taken, [0], [1]), p.slice(taken, [1], [3])


def _next_words(op, count):
    """The op's key and counter as words, after which its position is `count` outputs further on."""
    stream = reserve(op, int(count) * RESERVED_BLOCKS)
    return stream.position


def next_position(op, count):
    """Key, counter and algorithm for a stateless op that draws `count` outputs instead of this one."""
    words = _next_words(op, count)
    return words[:1], words[1:], np.array(PHILOX, np.int32)


def known_shape(p, shape):
    """The static value of a shape input while lowering."""
    dims = p.dims(shape)
    if dims is None:
        raise NotLowerable("the shape is not known")
    if shape.rank != 1 or any(extent < 0 for extent in dims):
        raise NotLowerable("an invalid shape")
    return dims


class _Stateful(Op):
    """Numbers of a distribution from the op's own stream."""

    signature = "shape: T -> output: dtype[*shape]"

    differentiable = False
    lowered = None  # the distribution in a program, (p, key, counter, shape, dtype) -> node
    stateless = ""  # the op that draws the same at a key and counter
    T = INDEX
    seed: int = 0
    seed2: int = 0
    dtype: FLOAT
    stateful = True
    vectorize = "shape"
    effects = Effects(effect_free=True)

    def lower(self, p, shape):
        dims = known_shape(p, shape)
        key, counter = lowered_position(self, p, product(dims))
        return self.lowered(p, key, counter, dims, self.dtype)

    def eager(self, shape):
        dims = shape_from(self, shape)
        count = prod(dims)
        stream = reserve(self, count * RESERVED_BLOCKS)
        return self.draw(stream, count, self.dtype.np).reshape(dims)

    def at_position(self, shape):
        dims = shape._value
        position = next_position(self, prod(shape_from(self, dims)))
        return self.stateless, (dims, *position), {"dtype": self.dtype}


class RandomUniform(_Stateful):
    """Uniform numbers in [0, 1)."""

    stateless = "StatelessRandomUniformV2"
    draw = staticmethod(distributions.uniform)
    lowered = staticmethod(lowering.uniform)


class RandomStandardNormal(_Stateful):
    """Standard normal numbers."""

    stateless = "StatelessRandomNormalV2"
    draw = staticmethod(distributions.normal)
    lowered = staticmethod(lowering.normal)


class TruncatedNormal(_Stateful):
    """Standard normal numbers within two deviations."""

    stateless = "StatelessTruncatedNormalV2"
    draw = staticmethod(distributions.truncated_normal)
    lowered = staticmethod(lowered_rejection.truncated_normal)


class RandomUniformInt(Op):
    """Integers of [minval, maxval)."""

    signature = "shape: T, minval: Tout, maxval: Tout -> output: Tout[*shape]"
    ranks = {"minval": (0,), "maxval": (0,)}
    Tout = INDEX
    T = INDEX
    seed: int = 0
    seed2: int = 0
    stateful = True
    vectorize = "shape, shared, shared"
    effects = Effects(effect_free=True)

    def eager(self, shape, minval, maxval):
        dims = shape_from(self, shape)
        count = prod(dims)
        if count == 0:
            return np.zeros(dims, self.Tout.np)
        require_range(self, minval, maxval)
        stream = reserve(self, count * RESERVED_BLOCKS)
        return distributions.integers(stream, count, self.Tout.np, minval, maxval).reshape(dims)

    def at_position(self, shape, minval, maxval):
        dims, low, high = shape._value, minval._value, maxval._value
        count = prod(shape_from(self, dims))
        if count == 0:
            return "Fill", (dims, np.zeros((), self.Tout.np)), {}
        require_range(self, low, high)
        inputs = (dims, *next_position(self, count), low, high)
        return "StatelessRandomUniformIntV2", inputs, {}

    def lower(self, p, shape, minval, maxval):
        dims = known_shape(p, shape)
        if p.value(minval) is None or p.value(maxval) is None:
            raise NotLowerable("the range has to be checked")
        require_range(self, p.value(minval), p.value(maxval))
        key, counter = lowered_position(self, p, product(dims))
        return lowering.integers(p, key, counter, dims, self.Tout, minval, maxval)


class RandomShuffle(Op):
    """The rows in random order."""

    signature = "value: T -> output: T[value]"
    T = ANY
    seed: int = 0
    seed2: int = 0
    stateful = True
    differentiable = False
    effects = Effects(effect_free=True)
    elements = Elements(is_movement=True)

    def eager(self, value):
        if value.ndim == 0 or value.shape[0] <= 1:
            return value
        count = value.shape[0]
        stream = reserve(self, (count - 1 + 3) // 4)
        return value.take(permutation(stream, count), 0)

    def at_position(self, value):
        count = value.shape[0] if value.ndim else 0
        if count <= 1:
            return "Identity", (value,), {}
        order = permutation(reserve(self, (count - 1 + 3) // 4), count)
        return "GatherV2", (value, order, np.array(0, np.int32)), {}


def permutation(stream, count):
    """Fisher and Yates's shuffle of range(count)."""
    order = np.empty(count, np.int64)
    shuffle(order, stream.words(count - 1))
    return order


@kernel("order: int64[count], words: uint32[_]")
def shuffle(order, words):
    """Writes 0, 1, 2 ..., then exchanges each element i with one from there on, words[i] modulo their number after it."""
    for i in range(len(order)):
        order[i] = i
    for i in range(len(words)):
        j = i + int(words[i] % np.uint32(len(order) - i))
        order[i], order[j] = order[j], order[i]


class Multinomial(Op):
    """Classes drawn by unnormalized log-probabilities."""

    signature = "logits: T, num_samples: int32 -> output: output_dtype"
    ranks = {"num_samples": (0,)}
    T = REAL
    seed: int = 0
    seed2: int = 0
    output_dtype: INDEX = dtypes.int64
    stateful = True
    differentiable = False
    effects = Effects(effect_free=True)

    def shape(self, logits, num_samples):
        columns = None if num_samples.value is None else int(num_samples.value)
        return [logits.with_rank(2)[0], columns]

    def eager(self, logits, num_samples):
        rows, samples = require_logits(self, logits.shape, num_samples)
        stream = reserve(self, _drawn(rows, samples) * RESERVED_BLOCKS)
        is_small = max(logits.size, rows * samples) < SLOWEST
        if is_small or not logits.size or not samples or not runs_native_code():
            return categorical(stream, logits, samples, self.output_dtype.np)
        position = stream.position
        values = [logits, np.array(samples, np.int32), position[:1], position[1:]]
        return slots.above("run_compiled")(_classes_at(self.T, self.output_dtype), values)

    def at_position(self, logits, num_samples):
        wanted = num_samples._value
        position = next_position(self, _drawn(*require_logits(self, tuple(logits.shape), wanted)))
        return _MultinomialAt, (logits, wanted, *position[:2]), {"output_dtype": self.output_dtype}

    def lower(self, p, logits, num_samples):
        rows, samples = lowered_samples(p, logits, num_samples)
        key, counter = lowered_position(self, p, _drawn(int(rows), samples))
        return lowering.categorical(p, key, counter, logits, samples, self.output_dtype)


def _drawn(rows, samples):
    """Return the number of words of its stream that a draw of classes takes."""
    return rows * ((samples + 3) // 4 * 4) * 2


class _MultinomialAt(Op):
    """Multinomial at a key and counter, which no op of TensorFlow's draws at."""

    signature = (
        "logits: T, num_samples: int32, key: uint64, counter: uint64 -> output: output_dtype"
    )
    T = REAL
    output_dtype: INDEX = dtypes.int64
    differentiable = False

    def shape(self, logits, num_samples, key, counter):
        columns = None if num_samples.value is None else int(num_samples.value)
        return [logits.with_rank(2)[0], columns]

    def eager(self, logits, num_samples, key, counter):
        stream = Stream.from_key_counter(key, counter)
        return categorical(stream, logits, int(num_samples), self.output_dtype.np)

    def lower(self, p, logits, num_samples, key, counter):
        _, samples = lowered_samples(p, logits, num_samples)
        return lowering.categorical(p, key, counter, logits, samples, self.output_dtype)


@functools.lru_cache(16)
def _classes_at(kind, output_dtype):
    """Return the op that draws classes at a position, for logits and classes of these types."""
    return _MultinomialAt.instance({"T": kind, "output_dtype": output_dtype})


class StatelessMultinomial(Op):
    """Classes drawn by unnormalized log-probabilities, from a pair of seeds."""

    signature = "logits: T, num_samples: int32, seed: Tseed -> output: output_dtype"
    host_kernel = HostKernel(compiles_from=SLOWEST)
    ranks = {"num_samples": (0,)}
    extents = {"seed": "2"}
    elements = Elements(vectorizes_one_by_one=True)
    T = REAL
    Tseed: INDEX = dtypes.int64
    output_dtype: INDEX = dtypes.int64
    differentiable = False

    def shape(self, logits, num_samples, seed):
        columns = None if num_samples.value is None else int(num_samples.value)
        return [logits.with_rank(2)[0], columns]

    def eager(self, logits, num_samples, seed):
        _, samples = require_logits(self, logits.shape, num_samples)
        stream = stream_of_seed(self, seed)
        return categorical(stream, logits, samples, self.output_dtype.np)

    def lower(self, p, logits, num_samples, seed):
        _, samples = lowered_samples(p, logits, num_samples)
        key, counter = lowering.key_and_counter(p, seed)
        return lowering.categorical(p, key, counter, logits, samples, self.output_dtype)


def lowered_samples(p, logits, num_samples):
    """Rows and samples of a draw of classes in a program."""
    dims = p.dims(num_samples)
    if dims is None:
        raise NotLowerable("the number of samples is not known")
    rows, classes = logits.shape
    if num_samples.rank or int(dims[0]) < 0 or not int(classes):
        raise NotLowerable("an invalid number of samples or classes")
    return rows, dims[0]


def require_logits(op, shape, num_samples):
    """Rows and samples of a draw of classes by logits of a shape, checked."""
    if len(shape) != 2:
        raise op.invalid(f"logits should be a matrix, got shape {show(shape)}")
    if np.ndim(num_samples):
        raise op.invalid(f"num_samples should be a scalar, got shape {show(num_samples.shape)}")
    if num_samples < 0:
        raise op.invalid(f"num_samples should be nonnegative, got {num_samples}")
    if shape[1] == 0:
        raise op.invalid(f"num_classes should be positive, got {shape[1]}")
    return shape[0], int(num_samples)


def categorical(stream, logits, samples, dtype):
    """For each row, the classes at which its cumulative probability exceeds uniform numbers."""
    rows, columns = logits.shape
    logits = logits.astype(np.float64)
    finite = np.isfinite(logits)
    top = logits.max(1, keepdims=True, where=finite, initial=-np.inf)
    top[np.isinf(top)] = 0.0  # of rows without a finite one
    weights = np.exp(np.where(finite, logits - top, -np.inf))
    if runs_native_code() and _CLASSES.is_hot(rows * samples):
        numbers = np.empty((rows, samples), np.int64)
        sizes = rows, columns, samples
        philox().classes(*stream.signed_words, np.ascontiguousarray(weights), *sizes, numbers)
        return numbers.astype(dtype, copy=False)
    cumulated = np.cumsum(weights, 1)
    words = stream.words(rows * samples * 2).reshape(rows, samples, 2)
    points = distributions.words_to_float64(words) * cumulated[:, -1:]
    return _counts_up_to(points, cumulated).astype(dtype, copy=False)


def _counts_up_to(points, sorted_rows):
    """For each point, the number of elements of its sorted row that are not larger."""
    rows, columns = sorted_rows.shape
    if points.size * columns <= FEW_COMPARISONS:
        return np.add.reduce(sorted_rows[:, None] <= points[..., None], -1, np.int64)
    if rows and points.shape[1] >= MANY_POINTS:
        pairs = zip(sorted_rows, points, strict=True)
        return np.stack([np.searchsorted(row, p, side="right") for row, p in pairs])
    # All rows search in step: the count is made of powers of two, the largest first.
    flat = np.ascontiguousarray(sorted_rows).reshape(-1)
    first = np.arange(rows)[:, None] * columns
    count = np.zeros(points.shape, np.int64)
    for bit in reversed(range(columns.bit_length())):
        wanted = count + (1 << bit)
        last = first + np.minimum(wanted, columns) - 1
        count = np.where((wanted <= columns) & (flat[last] <= points), wanted, count)
    return count
