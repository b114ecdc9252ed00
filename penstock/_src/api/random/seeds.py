"""Seeds: the global seed, the seed pairs of ops, and algorithms of stateless numbers."""

import enum
import weakref
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.kernel_state import SEEDS_REQUIRED
from penstock._src.eager.context import CONTEXT
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export

# The graph seed of ops with their own seed if no global seed is set.
DEFAULT_GRAPH_SEED = 87654321
_MAXIMUM = 2**31 - 1
_COUNTS: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
# Graphs whose draws are counted with those of the graph around them.
_INLINED: weakref.WeakSet[Any] = weakref.WeakSet()


@export("random.Algorithm", "random.experimental.Algorithm", v1=["random.Algorithm"])
class Algorithm(enum.Enum):
    """Random number algorithms."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


@export("random.set_seed", v1=[])
def set_seed(seed):
    """Sets the global seed, from which every random op without a state of its own draws.

    With the global seed, an op draws the same numbers in each run of the program; each call of it
    draws others. An op with a seed of its own combines both. Setting the global seed starts all
    sequences again, and traced functions draw from their first numbers.

    Args:
      seed: a Python integer.

    >>> tf.random.set_seed(7)
    >>> first = tf.random.uniform([2]).numpy()
    >>> tf.random.set_seed(7)
    >>> bool((tf.random.uniform([2]).numpy() == first).all())
    True
    """
    if STATE.graph is None:
        CONTEXT.set_global_seed(seed)
    else:
        STATE.graph.seed = seed


@export(v1=["random.set_random_seed", "set_random_seed"])
def set_random_seed(seed):
    """Sets the seed of the default graph, or the global one when executing eagerly."""
    set_seed(seed)


@export(v1=["random.get_seed", "get_seed"])
def get_seed(op_seed):
    """Return the pair of seeds for an op with its own seed `op_seed` (or None).

    Raises:
      RuntimeError: there is no seed, and `tf.config.experimental.enable_op_determinism` requires one.
    """
    graph = STATE.graph
    if graph is None:
        global_seed = CONTEXT.global_seed
    else:
        global_seed = getattr(graph, "seed", None)
        if global_seed is None and getattr(graph, "building_function", False):
            global_seed = CONTEXT.global_seed
    if global_seed is None:
        if op_seed is None:
            if SEEDS_REQUIRED[0]:
                raise RuntimeError(
                    "Random ops require a seed after tf.config.experimental.enable_op_determinism: "
                    "call tf.random.set_seed first, or pass `seed`."
                )
            return None, None
        pair = DEFAULT_GRAPH_SEED, op_seed
    elif op_seed is not None:
        pair = global_seed, op_seed
    elif graph is None:
        pair = global_seed, CONTEXT.internal_operation_seed()
    else:
        while graph in _INLINED:
            graph = graph.enclosing
        count = _COUNTS.get(graph, 0)
        _COUNTS[graph] = count + 1
        pair = global_seed, count
    pair = tuple(_truncated(s) for s in pair)
    return (0, _MAXIMUM) if pair == (0, 0) else pair


def count_draws_around(graph):
    """Counts the draws of a graph with those of the graph around it, in which its operations will be."""
    if graph.enclosing is not None:
        _INLINED.add(graph)


def _truncated(seed):
    if isinstance(seed, (str, bytes)) or (isinstance(seed, float) and not np.isfinite(seed)):
        raise TypeError(f"Expected int for argument 'seed' not {seed}.")
    if isinstance(seed, Tensor):
        known = get_static_value(seed)
        seed = seed if known is None else known
    return int(seed) % _MAXIMUM


def is_unseeded():
    """True if all eager calls of a random function with the same seed have the same seeds: there is no global seed, and none is required."""
    return CONTEXT.global_seed is None and not SEEDS_REQUIRED[0]


def op_seeds(seed):
    """`get_seed` as the attributes `seed` and `seed2` of an op."""
    first, second = get_seed(seed)
    return {"seed": first or 0, "seed2": second or 0}


def algorithm_number(alg):
    """The number of an algorithm, given as an enum, number, tensor or name."""
    if isinstance(alg, (int, np.integer)):
        return int(alg)
    if isinstance(alg, Algorithm):
        return alg.value
    if isinstance(alg, Tensor):
        known = get_static_value(alg)
        return alg if known is None else int(known)
    names = {"philox": 1, "threefry": 2, "auto_select": 3}
    if isinstance(alg, str):
        if alg.lower() not in names:
            raise ValueError(
                f"Argument `alg` got unsupported value {alg}. Supported values are philox for the Philox "
                "algorithm, threefry for the ThreeFry algorithm, and auto_select for auto-selection."
            )
        return names[alg.lower()]
    raise TypeError(f"Can't convert argument `alg` (of value {alg} and type {type(alg)}) to int.")


def key_and_counter(seed, alg):
    """The key, counter and algorithm number that a stateless op takes for a pair `seed`."""
    number = 3 if alg is None else algorithm_number(alg)
    if number == 3:
        key, counter = raw.StatelessRandomGetKeyCounter(seed=seed)
        return key, counter, number
    seed = convert_to_tensor(seed)
    if number == 1:
        key, counter = _philox_key(seed)
        return key, counter, number
    words = raw.Cast(x=seed, DstT=dtypes.uint32)
    return _joined(words[0], words[1]), np.zeros(1, np.uint64), number


def _joined(low, high):
    """Two uint32 scalars as uint64[1]."""
    low = raw.Cast(x=low, DstT=dtypes.uint64)
    high = raw.Cast(x=high, DstT=dtypes.uint64)
    both = raw.BitwiseOr(x=raw.LeftShift(x=high, y=np.uint64(32)), y=low)
    return raw.Reshape(tensor=both, shape=[1])


def _philox_key(seed):
    """Scrambles a seed as TensorFlow does, by one block of Philox itself."""
    words = raw.StatelessRandomUniformFullIntV2(
        shape=[4],
        key=raw.Reshape(
            tensor=raw.Cast(x=np.uint64(0x02461E293EC8F720), DstT=dtypes.uint64), shape=[1]
        ),
        counter=raw.Cast(x=seed, DstT=dtypes.uint64),
        dtype=dtypes.uint32,
        alg=1,
    )
    counter = raw.Pack(values=[np.zeros(1, np.uint64), _joined(words[2], words[3])], axis=0)
    return _joined(words[0], words[1]), raw.Reshape(tensor=counter, shape=[2])
