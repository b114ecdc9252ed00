"""Makes independent seeds of one."""

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

from .functions import stateless_uniform


@dispatchable("random.split", "random.experimental.stateless_split")
def split(seed, num=2, alg="auto_select"):
    """Returns several seeds made of one, for numbers that are independent of each other.

    Args:
      seed: a vector of two integers.
      num: how many seeds.
      alg: "philox", "threefry" or "auto_select".

    Returns:
      An integer tensor `[num, 2]` of the dtype of `seed`; each row is a seed.

    >>> first, second = tf.random.split([1, 2], num=2)
    >>> first.shape, bool(tf.reduce_all(first == second))
    (TensorShape([2]), False)
    """
    seed = convert_to_tensor(seed)
    return stateless_uniform([num, 2], seed, minval=None, maxval=None, dtype=seed.dtype, alg=alg)


@dispatchable("random.fold_in", "random.experimental.stateless_fold_in")
def fold_in(seed, data, alg="auto_select"):
    """A new seed from a seed and an integer.

    Args:
      seed: two integers `[2]`.
      data: an int32 or int64 scalar.
      alg: "philox", "threefry" or "auto_select": Philox.

    Returns:
      A seed `[2]` of the dtype of `data`.
    """
    data = convert_to_tensor(data)
    first = stateless_uniform([1], seed, minval=None, maxval=None, dtype=data.dtype, alg=alg)[0]
    return raw.Pack(values=[first, data])
