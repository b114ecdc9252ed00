"""tf.random.Generator: a stream of random numbers whose state is a variable."""

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.eager.variable import Variable
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .functions import shape_of
from .seeds import Algorithm, algorithm_number

_MASK = (1 << 64) - 1
# Words of state: a counter of two and a key of one; a counter of one and a key of one.
STATE_SIZE = {1: 3, 2: 2}


@export("random.create_rng_state", "random.experimental.create_rng_state")
def create_rng_state(seed, alg):
    """The state vector of a generator that starts from `seed`."""
    number = algorithm_number(alg)
    number = 1 if number == 3 else number
    if number not in STATE_SIZE:
        raise ValueError(f"Argument `alg` got unsupported value {alg}.")
    size = STATE_SIZE[number]
    if isinstance(seed, int):
        words = [(int(seed) >> (64 * i)) & _MASK for i in range(size)]
        return convert_to_tensor(np.array(words, np.uint64).view(np.int64))
    flat = cast(convert_to_tensor(seed), dtypes.int64).numpy().reshape(-1)
    padded = np.zeros(size, np.int64)
    flat = flat[:size]
    padded[size - len(flat) :] = flat
    return convert_to_tensor(padded)


@export("random.Generator", "random.experimental.Generator")
class Generator(AutoTrackable):
    """A stream of random numbers; every draw advances its state, a variable.

    Make one with `from_seed`, `from_non_deterministic_state`, `from_state` or `from_key_counter`.
    """

    def __init__(self, copy_from=None, state=None, alg=None):
        if copy_from is not None:
            if state is not None or alg is not None:
                raise ValueError("`alg` and `state` must be None when `copy_from` is not None.")
            state, alg = copy_from.state, copy_from.algorithm
        if state is None or alg is None:
            raise ValueError("`alg` and `state` must not be None.")
        number = algorithm_number(alg)
        self._algorithm = 1 if number == 3 else number
        if isinstance(state, Variable):
            value = state.read_value()
        else:
            value = (
                state if isinstance(state, Tensor) else convert_to_tensor(state, dtype=dtypes.int64)
            )
        if value.shape.rank != 1 or value.shape[0] < STATE_SIZE[self._algorithm]:
            raise ValueError(
                f"For the {self._algorithm} algorithm, the state must be a vector of at least "
                f"{STATE_SIZE[self._algorithm]}. Received shape {value.shape}."
            )
        self._state_var = Variable(value, dtype=dtypes.int64, name="StateVar", trainable=False)

    @classmethod
    def from_state(cls, state, alg):
        """A generator that continues from `state`."""
        return cls(alg=alg, state=state)

    @classmethod
    def from_seed(cls, seed, alg=None):
        """A generator seeded by `seed`."""
        number = 1 if alg is None else algorithm_number(alg)
        return cls(state=create_rng_state(seed, number), alg=number)

    @classmethod
    def from_non_deterministic_state(cls, alg=None):
        """A generator with a random state."""
        number = 1 if alg is None else algorithm_number(alg)
        size = STATE_SIZE[1 if number == 3 else number]
        words = np.random.SeedSequence().generate_state(size, np.uint64).view(np.int64)
        return cls(state=words, alg=number)

    @classmethod
    def from_key_counter(cls, key, counter, alg):
        """A generator with this key (a scalar) and counter (a vector)."""
        number = algorithm_number(alg)
        number = 1 if number == 3 else number
        counter = convert_to_tensor(counter, dtype=dtypes.int64)
        key = convert_to_tensor(key, dtype=dtypes.int64)
        counter.shape.assert_is_compatible_with([STATE_SIZE[number] - 1])
        key.shape.assert_is_compatible_with([])
        state = raw.ConcatV2(values=[counter, raw.Reshape(tensor=key, shape=[1])], axis=0)
        return cls(state=state, alg=number)

    state = read_only("_state_var", "The variable that holds the counter and the key.")
    algorithm = read_only("_algorithm", "The number of the algorithm.")

    @property
    def key(self):
        """The key, as an int64 scalar."""
        return self._state_var.value()[STATE_SIZE[self._algorithm] - 1]

    def reset(self, state):
        """Sets the state."""
        state = convert_to_tensor(state, dtype=dtypes.int64)
        state.shape.assert_is_compatible_with([STATE_SIZE[self._algorithm]])
        self._state_var.assign(state)

    def reset_from_seed(self, seed):
        """Sets the state from `seed`."""
        self._state_var.assign(create_rng_state(seed, self._algorithm))

    def reset_from_key_counter(self, key, counter):
        """Sets the key and counter."""
        counter = convert_to_tensor(counter, dtype=dtypes.int64)
        key = convert_to_tensor(key, dtype=dtypes.int64)
        state = raw.ConcatV2(values=[counter, raw.Reshape(tensor=key, shape=[1])], axis=0)
        self._state_var.assign(state)

    def skip(self, delta):
        """Advances as if `delta` numbers had been drawn; returns the state before."""
        return raw.RngReadAndSkip(
            resource=self._state_var.handle,
            alg=np.int32(self._algorithm),
            delta=raw.Cast(x=convert_to_tensor(delta), DstT=dtypes.uint64),
        )

    def _prepare(self, shape):
        """Reserves numbers for a draw of `shape`; returns its key and counter."""
        shape = shape_of(shape)
        if isinstance(shape, np.ndarray):
            count = convert_to_tensor(np.uint64(np.prod(shape.astype(np.int64))))
        else:
            count = raw.Cast(x=raw.Prod(input=shape, axis=[0]), DstT=dtypes.uint64)
        before = raw.RngReadAndSkip(
            resource=self._state_var.handle, alg=np.int32(self._algorithm), delta=count
        )
        words = raw.Bitcast(input=before, type=dtypes.uint64)
        size = STATE_SIZE[self._algorithm]
        return dict(
            shape=shape,
            key=words[size - 1 : size],
            counter=words[: size - 1],
            alg=self._algorithm,
        )

    def normal(self, shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
        """Numbers of a normal distribution."""
        kind = dtypes.as_dtype(dtype)
        numbers = raw.StatelessRandomNormalV2(**self._prepare(shape), dtype=kind)
        scaled = numbers * convert_to_tensor(stddev, dtype=kind)
        return raw.AddV2(x=scaled, y=convert_to_tensor(mean, dtype=kind), name=name)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
        """Numbers of a normal distribution within two standard deviations."""
        kind = dtypes.as_dtype(dtype)
        numbers = raw.StatelessTruncatedNormalV2(**self._prepare(shape), dtype=kind)
        scaled = numbers * convert_to_tensor(stddev, dtype=kind)
        return raw.AddV2(x=scaled, y=convert_to_tensor(mean, dtype=kind), name=name)

    def uniform(self, shape, minval=0, maxval=None, dtype=dtypes.float32, name=None):
        """Numbers of [minval, maxval)."""
        kind = dtypes.as_dtype(dtype)
        if maxval is None:
            if kind.is_integer:
                raise ValueError(f"Must specify maxval for integer dtype {kind!r}")
            maxval = 1
        low = convert_to_tensor(minval, dtype=kind)
        high = convert_to_tensor(maxval, dtype=kind)
        stream = self._prepare(shape)
        if kind.is_integer:
            return raw.StatelessRandomUniformIntV2(**stream, minval=low, maxval=high, name=name)
        numbers = raw.StatelessRandomUniformV2(**stream, dtype=kind)
        return raw.AddV2(x=numbers * (high - low), y=low, name=name)

    def uniform_full_int(self, shape, dtype=dtypes.uint64, name=None):
        """Integers over the whole range of a type."""
        kind = dtypes.as_dtype(dtype)
        return raw.StatelessRandomUniformFullIntV2(**self._prepare(shape), dtype=kind, name=name)

    def binomial(self, shape, counts, probs, dtype=dtypes.int32, name=None):
        """Binomial numbers with `counts` trials of probability `probs`."""
        probs = convert_to_tensor(probs, dtype_hint=dtypes.float32)
        counts = convert_to_tensor(counts, dtype=probs.dtype)
        return raw.StatefulRandomBinomial(
            resource=self._state_var.handle,
            algorithm=np.int64(self._algorithm),
            shape=shape_of(shape),
            counts=counts,
            probs=probs,
            dtype=dtypes.as_dtype(dtype),
            name=name,
        )

    def make_seeds(self, count=1):
        """`[2, count]` seeds for stateless functions."""
        if self._algorithm != 1:
            raise ValueError(f"make_seeds: unsupported algorithm {self._algorithm}.")
        seeds = self.uniform_full_int([count], dtype=dtypes.int64)
        return raw.Pack(values=[seeds, raw.ZerosLike(x=seeds)])

    def split(self, count=1):
        """A list of `count` independent generators."""
        keys = self.uniform_full_int([count], dtype=dtypes.int64)
        zeros = np.zeros(STATE_SIZE[self._algorithm] - 1, np.int64)
        return [
            Generator.from_key_counter(key=keys[i], counter=zeros, alg=self._algorithm)
            for i in range(count)
        ]

    def __copy__(self):
        return Generator(copy_from=self)


_GLOBAL: list[Generator] = []


@export("random.get_global_generator", "random.experimental.get_global_generator")
def get_global_generator():
    """The program's global generator."""
    if not _GLOBAL:
        _GLOBAL.append(Generator.from_non_deterministic_state())
    return _GLOBAL[0]


@export("random.set_global_generator", "random.experimental.set_global_generator")
def set_global_generator(generator):
    """Sets the program's global generator."""
    _GLOBAL[:] = [generator]


__all__ = ["Algorithm", "Generator"]
