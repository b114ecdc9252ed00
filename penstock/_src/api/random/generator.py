"""tf.random.Generator: a stream of random numbers with a variable as its state."""

import contextlib

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.core.values.kernel_state import SEEDS_REQUIRED
from penstock._src.eager.variable import Variable
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.util.slots import above, above_if_loaded

from .functions import shape_of
from .seeds import Algorithm, algorithm_number

_MASK = (1 << 64) - 1
# Words of state: a counter of two and a key of one; a counter of one and a key of one. The automatic choice (3) is the first.
STATE_SIZE = {1: 3, 2: 2, 3: 3}


def state_size(alg):
    """Return the number of words in an algorithm's state.

    Raises:
      ValueError: there is no such algorithm.
    """
    if alg not in STATE_SIZE:
        raise ValueError(
            f"Argument `alg` got unsupported value {alg}. Supported values are {Algorithm.PHILOX.value} "
            f"for the Philox algorithm, {Algorithm.THREEFRY.value} for the ThreeFry algorithm, and "
            f"{Algorithm.AUTO_SELECT.value} for auto-selection."
        )
    return STATE_SIZE[alg]


def _as_state(words):
    """Integers, or a structure of them, as an int64 tensor; unsigned ones become those of the same bits."""
    signed = nest.map_structure(
        lambda n: n - 2**64 if isinstance(n, int) and n >= 2**63 else n, words
    )
    return cast(convert_to_tensor(signed), dtypes.int64)


@export("random.create_rng_state", "random.experimental.create_rng_state")
def create_rng_state(seed, alg):
    """The state vector of a generator that starts from `seed`.

    Args:
      seed: an int, or a tensor of integers.
      alg: "philox" or "threefry", or a `tf.random.Algorithm`.

    Returns:
      An int64 vector: `[3]` for Philox, `[2]` for ThreeFry.
    """
    size = state_size(algorithm_number(alg))
    if isinstance(seed, int):
        words = [(int(seed) >> (64 * i)) & _MASK for i in range(size)]
        return convert_to_tensor(np.array(words, np.uint64).view(np.int64))
    flat = raw.Reshape(tensor=_as_state(seed), shape=[-1])[:size]
    missing = size - raw.Shape(input=flat)[0]
    paddings = raw.Pack(values=[raw.Pack(values=[missing, 0])])
    padded = raw.PadV2(input=flat, paddings=paddings, constant_values=np.int64(0))
    padded.set_shape([size])
    return padded


@export("random.Generator", "random.experimental.Generator")
class Generator(AutoTrackable):
    """A stream of random numbers. Its state is a variable that every draw advances.

    Make one with `from_seed`, `from_non_deterministic_state`, `from_state` or `from_key_counter`.
    It can be saved in a checkpoint. A generator that is made within the scope of a `tf.distribute.Strategy` gives each replica numbers of
    its own; one that is made before gives the replicas, one after the other, numbers of one stream.

    Args:
      copy_from: a generator whose state and algorithm are copied.
      state: an integer vector: the state. With `alg`, instead of `copy_from`.
      alg: "philox" or "threefry".

    Raises:
      ValueError: neither or both are given.

    >>> generator = tf.random.Generator.from_seed(1)
    >>> first, second = generator.uniform([2]), generator.uniform([2])
    >>> bool(tf.reduce_any(first != second))
    True
    """

    def __init__(self, copy_from=None, state=None, alg=None):
        if copy_from is not None:
            if state is not None or alg is not None:
                raise ValueError("`alg` and `state` must be None when `copy_from` is not None.")
            state, alg = copy_from.state, copy_from.algorithm
        if state is None or alg is None:
            raise ValueError("`alg` and `state` must not be None.")
        self._algorithm = algorithm_number(alg)
        entered = above_if_loaded("entered_strategy")
        self._strategy = None if entered is None else entered()
        is_shared = isinstance(state, Variable) and copy_from is None
        variable = state if isinstance(state, Variable) else _as_state(state)
        variable.shape.assert_is_compatible_with([state_size(self._algorithm)])
        if not is_shared:
            value = variable.read_value() if isinstance(variable, Variable) else variable
            variable = Variable(value, dtype=dtypes.int64, name="StateVar", trainable=False)
        self._state_var = variable

    @classmethod
    def from_state(cls, state, alg):
        """Returns a generator that goes on from a state.

        Args:
          state: an integer vector, as `Generator.state` holds it.
          alg: "philox" or "threefry".

        Returns:
          A `Generator`.
        """
        return cls(alg=alg, state=state)

    @classmethod
    def from_seed(cls, seed, alg=None):
        """Returns a generator that begins from a seed.

        Args:
          seed: an integer scalar or vector; equal seeds give equal numbers.
          alg: "philox" (the default) or "threefry".

        Returns:
          A `Generator`.
        """
        number = 1 if alg is None else algorithm_number(alg)
        return cls(state=create_rng_state(seed, number), alg=number)

    @classmethod
    def from_non_deterministic_state(cls, alg=None):
        """Returns a generator that begins anywhere, from the system's random numbers.

        Args:
          alg: "philox" (the default) or "threefry".

        Returns:
          A `Generator`.

        Raises:
          RuntimeError: after `tf.config.experimental.enable_op_determinism`.
        """
        if SEEDS_REQUIRED[0]:
            raise RuntimeError(
                '"from_non_deterministic_state" cannot be called when determinism is enabled.'
            )
        number = 1 if alg is None else algorithm_number(alg)
        size = state_size(number)
        words = np.random.SeedSequence().generate_state(size, np.uint64).view(np.int64)
        return cls(state=words, alg=number)

    @classmethod
    def from_key_counter(cls, key, counter, alg):
        """Returns a generator of a key and a counter.

        Args:
          key: an integer scalar.
          counter: an integer vector, of 2 entries for Philox and 1 for ThreeFry.
          alg: "philox" or "threefry".

        Returns:
          A `Generator`.
        """
        number = algorithm_number(alg)
        counter, key = _as_state(counter), _as_state(key)
        counter.shape.assert_is_compatible_with([state_size(number) - 1])
        key.shape.assert_is_compatible_with([])
        state = raw.ConcatV2(values=[counter, raw.Reshape(tensor=key, shape=[1])], axis=0)
        return cls(state=state, alg=number)

    state = read_only("_state_var", "The variable that holds the counter and the key.")
    algorithm = read_only("_algorithm", "The number of the algorithm.")

    @property
    def _op_algorithm(self):
        """The algorithm that ops run: Philox for the automatic choice."""
        return Algorithm.PHILOX.value if self._algorithm == 3 else self._algorithm

    @property
    def key(self):
        """The key, as an int64 scalar."""
        return self._state_var.value()[STATE_SIZE[self._algorithm] - 1]

    def reset(self, state):
        """Sets the state.

        Args:
          state: an integer vector.
        """
        state = _as_state(state)
        state.shape.assert_is_compatible_with([STATE_SIZE[self._algorithm]])
        self._state_var.assign(state)

    def reset_from_seed(self, seed):
        """Sets the state to that of a new generator of a seed.

        Args:
          seed: an integer scalar or vector.
        """
        self._state_var.assign(create_rng_state(seed, self._algorithm))

    def reset_from_key_counter(self, key, counter):
        """Sets the key and the counter.

        Args:
          key: an integer scalar.
          counter: an integer vector.
        """
        counter, key = _as_state(counter), _as_state(key)
        counter.shape.assert_is_compatible_with([STATE_SIZE[self._algorithm] - 1])
        key.shape.assert_is_compatible_with([])
        state = raw.ConcatV2(values=[counter, raw.Reshape(tensor=key, shape=[1])], axis=0)
        self._state_var.assign(state)

    def skip(self, delta):
        """Advances the state as if numbers had been drawn.

        Args:
          delta: how many numbers.

        Returns:
          The state before.
        """
        return self._skipped(raw.Cast(x=convert_to_tensor(delta), DstT=dtypes.uint64))

    def _skipped(self, count):
        """Advance the state by a uint64 number of draws; return the state before."""
        with self._in_strategy():
            return self._advanced(
                lambda variable: raw.RngReadAndSkip(
                    resource=variable.handle, alg=np.int32(self._op_algorithm), delta=count
                )
            )

    def _in_strategy(self):
        """Return a context of the strategy in whose scope the generator was made.

        Raises:
          RuntimeError: the scope of another one is entered.
        """
        if self._strategy is None:
            return contextlib.nullcontext()
        if above("entered_strategy")() is None:
            return self._strategy.scope()
        above("require_strategy")(self._strategy)
        return contextlib.nullcontext()

    def _advanced(self, function):
        """Return the result of a function that changes the state's variable, of all replicas' variables if none of them runs."""
        if self._strategy is None or not above("acts_for_all_replicas")():
            return function(self._state_var)
        results = self._strategy.extended.update(self._state_var, function, group=False)
        return results[0] if isinstance(results, tuple) else results

    def _key_of_replica(self, key):
        """Return the key of the numbers of the replica that runs: a number that Philox draws for it."""
        replica = None if self._strategy is None else above("current")()[1]
        if replica is None:
            return key
        number = raw.Cast(x=replica.replica_id_in_sync_group, DstT=dtypes.uint64)
        counter = raw.Pack(values=[number, np.uint64(0)])[: STATE_SIZE[self._algorithm] - 1]
        return raw.StatelessRandomUniformFullIntV2(
            shape=[1], key=key, counter=counter, alg=self._op_algorithm, dtype=dtypes.uint64
        )

    def _prepare(self, shape):
        """Reserves numbers for a draw of `shape`; returns its key and counter."""
        shape = shape_of(shape)
        if isinstance(shape, np.ndarray):
            count = convert_to_tensor(np.uint64(np.prod(shape.astype(np.int64))))
        else:
            count = raw.Cast(x=raw.Prod(input=shape, axis=[0]), DstT=dtypes.uint64)
        words = raw.Bitcast(input=self._skipped(count), type=dtypes.uint64)
        size = STATE_SIZE[self._algorithm]
        with self._in_strategy():
            key = self._key_of_replica(words[size - 1 : size])
        return dict(
            shape=shape,
            key=key,
            counter=words[: size - 1],
            alg=self._op_algorithm,
        )

    def normal(self, shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
        """Returns numbers drawn from a normal distribution.

        Args:
          shape: the shape of the result.
          mean: the mean, which broadcasts to `shape`.
          stddev: the standard deviation, which broadcasts to `shape`.
          dtype: a float dtype.
          name: a name for the operation.

        Returns:
          A tensor of `shape` and `dtype`.
        """
        kind = dtypes.as_dtype(dtype)
        numbers = raw.StatelessRandomNormalV2(**self._prepare(shape), dtype=kind)
        scaled = numbers * convert_to_tensor(stddev, dtype=kind)
        return raw.AddV2(x=scaled, y=convert_to_tensor(mean, dtype=kind), name=name)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
        """Returns normal numbers at most two standard deviations away from the mean.

        Args:
          shape: the shape of the result.
          mean: the mean, which broadcasts to `shape`.
          stddev: the standard deviation before truncation, which broadcasts to `shape`.
          dtype: a float dtype.
          name: a name for the operation.

        Returns:
          A tensor of `shape` and `dtype`.
        """
        kind = dtypes.as_dtype(dtype)
        numbers = raw.StatelessTruncatedNormalV2(**self._prepare(shape), dtype=kind)
        scaled = numbers * convert_to_tensor(stddev, dtype=kind)
        return raw.AddV2(x=scaled, y=convert_to_tensor(mean, dtype=kind), name=name)

    def uniform(self, shape, minval=0, maxval=None, dtype=dtypes.float32, name=None):
        """Returns numbers drawn with equal probability from a range.

        Args:
          shape: the shape of the result.
          minval: the lower end, which may be drawn.
          maxval: the upper end, which is not drawn; by default 1 for floats.
          dtype: a float or integer dtype.
          name: a name for the operation.

        Returns:
          A tensor of `shape` and `dtype`.

        Raises:
          ValueError: integers are asked for with only one end.
        """
        kind = dtypes.as_dtype(dtype)
        if kind.is_integer and (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer dtype {kind}, minval and maxval must be both `None` or both non-`None`; "
                f"got minval={minval} and maxval={maxval}"
            )
        if kind.is_integer and minval is None:
            return self.uniform_full_int(shape, kind, name)
        maxval = 1 if maxval is None else maxval
        low = convert_to_tensor(minval, dtype=kind)
        high = convert_to_tensor(maxval, dtype=kind)
        stream = self._prepare(shape)
        if kind.is_integer:
            return raw.StatelessRandomUniformIntV2(**stream, minval=low, maxval=high, name=name)
        numbers = raw.StatelessRandomUniformV2(**stream, dtype=kind)
        return raw.AddV2(x=numbers * (high - low), y=low, name=name)

    def uniform_full_int(self, shape, dtype=dtypes.uint64, name=None):
        """Returns integers drawn from all that a dtype has.

        Args:
          shape: the shape of the result.
          dtype: an integer dtype.
          name: a name for the operation.

        Returns:
          A tensor of `shape` and `dtype`.
        """
        kind = dtypes.as_dtype(dtype)
        return raw.StatelessRandomUniformFullIntV2(**self._prepare(shape), dtype=kind, name=name)

    def binomial(self, shape, counts, probs, dtype=dtypes.int32, name=None):
        """Returns how often trials succeed.

        Args:
          shape: the shape of the result.
          counts: the numbers of trials.
          probs: the probability that a trial succeeds.
          dtype: the dtype of the result.
          name: a name for the operation.

        Returns:
          A tensor of `shape` and `dtype`.
        """
        probs = convert_to_tensor(probs, dtype_hint=dtypes.float32)
        counts = convert_to_tensor(counts, dtype=probs.dtype)
        with self._in_strategy():
            return self._advanced(
                lambda variable: raw.StatefulRandomBinomial(
                    resource=variable.handle,
                    algorithm=np.int64(self._op_algorithm),
                    shape=shape_of(shape),
                    counts=counts,
                    probs=probs,
                    dtype=dtypes.as_dtype(dtype),
                    name=name,
                )
            )

    def make_seeds(self, count=1):
        """Returns seeds for stateless functions.

        Args:
          count: how many.

        Returns:
          An int64 tensor `[2, count]`; each column is a seed.
        """
        seeds = self.uniform_full_int([count], dtype=dtypes.int64)
        return raw.Pack(values=[seeds, raw.ZerosLike(x=seeds)])

    def split(self, count=1):
        """Returns generators that are independent of each other and of this one.

        Args:
          count: how many.

        Returns:
          A list of `Generator` objects.
        """
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
    """Returns the generator that the whole program shares.

    It begins anywhere, unless `tf.random.set_global_generator` has set another.

    Returns:
      A `tf.random.Generator`.

    >>> tf.random.get_global_generator().normal([2]).shape
    TensorShape([2])
    """
    if not _GLOBAL:
        _GLOBAL.append(Generator.from_non_deterministic_state())
    return _GLOBAL[0]


@export("random.set_global_generator", "random.experimental.set_global_generator")
def set_global_generator(generator):
    """Sets the program's global generator.

    Args:
      generator: a `tf.random.Generator`.
    """
    _GLOBAL[:] = [generator]


__all__ = ["Algorithm", "Generator"]
