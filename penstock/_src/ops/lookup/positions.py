"""KeyPositions: numbers of words in a vocabulary that is a constant."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.readers.string_index import StringIndex
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.array.unique import lowered_bisection
from penstock._src.ops.rules import show, value_of


class KeyPositions(Op):
    """Where a sorted vector of distinct keys has each element of x, -1 for nowhere.

    The work of an element grows with the logarithm of the number of keys, or, for constant strings, not at all. A program takes keys that are constants.
    """

    signature = "x: T, keys: T -> positions: int64"
    T = frozenset({dtypes.int32, dtypes.int64, dtypes.string})
    differentiable = False

    def shape(self, x, keys):
        keys.with_rank(1)
        return x

    def eager(self, x, keys):
        self._check(keys)
        if not keys.size:
            return np.full(x.shape, -1, np.int64)
        places = np.minimum(np.searchsorted(keys, x), keys.size - 1)
        return np.where(keys[places] == x, places, -1)

    def eager_given(self, constant, x, keys):
        if self.T != dtypes.string or constant[0] or not constant[1] or not runs_native_code():
            return None
        self._check(keys)
        index = StringIndex(keys)
        return lambda x: index.find(x.reshape(-1)).reshape(x.shape)

    def lower(self, p, x, keys):
        if self.T == dtypes.string:
            raise NotLowerable("strings")
        held = value_of(p, keys, "keys")
        self._check(held)
        if not held.size:
            return p.full(x.shape, -1, dtypes.int64)
        row = p.reshape(keys, (1, held.size))
        wanted = p.reshape(x, (1, x.size))
        places = lowered_bisection(p, row, wanted, "left")
        places = p.minimum(places, p.scalar(held.size - 1, dtypes.int32))
        is_there = p.eq(p.gather(row, places, 1, batch_dims=1), wanted)
        found = p.select(is_there, p.cast(places, dtypes.int64), p.full(places.shape, -1, dtypes.int64))  # fmt: skip
        return p.reshape(found, x.shape)

    def composed(self, _constants, x, keys):
        # Keys are distinct: those of them that come first among all elements have their positions as numbers.
        every = raw.ConcatV2([keys, raw.Reshape(x, np.array([-1]))], np.int32(0))
        numbers = raw.Unique(every, out_idx=dtypes.int64)[1]
        count = raw.Shape(keys, out_type=dtypes.int64)
        numbers = raw.Slice(numbers, count, np.array([-1]))
        found = raw.SelectV2(raw.Less(numbers, count), numbers, np.int64(-1))
        return raw.Reshape(found, raw.Shape(x))

    def _check(self, keys):
        """Refuse keys that a search in sorted ones could miss.

        Raises:
          InvalidArgumentError: they are no vector, or do not increase.
        """
        if keys.ndim != 1:
            raise self.invalid(f"keys must be a vector. Received keys {show(keys.shape)}")
        if not np.all(keys[1:] > keys[:-1]):
            raise self.invalid("keys must be distinct and in increasing order")
