"""The function of primitives that a case describes, with arrays for its parameters."""

import numpy as np

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from tests.extents import symbol
from tests.fuzz.kernels.case import Case


class Maker:
    """Writes a case as primitives, and draws an array for each parameter on its way."""

    def __init__(self, case: Case, seed: int = 0):
        self.case, self.p = case, LoweringContext()
        self.random = np.random.default_rng(seed)
        self.parameters: list = []
        self.arrays: list[np.ndarray] = []
        self.on_the_way: list = []  # what results are made of
        self.extents: dict = dict(case.extents)
        if case.symbolic:
            self.extents[case.symbolic] = n = symbol("n", case.extents[case.symbolic])
            self.parameter((n,), dtypes.float32)  # that gives the extent, if no other does

    def function(self):
        """Returns (the function, arrays of its parameters, nodes on the way to its results)."""
        case, dtype = self.case, dtypes.as_dtype(self.case.dtype)
        operands = [
            self.seen([self.extents[c] for c in letters], list(steps), dtype)
            for letters, steps in zip(case.operands, case.views, strict=True)
        ]
        name, *numbers = case.core
        y = getattr(self, name)(*operands, *numbers)
        results, self.on_the_way = [], [y]
        for step in case.tail:
            y, kept = getattr(self, step[0])(y, *step[1:])
            results += kept
            self.on_the_way.append(y)
        function = self.p.function("case", self.parameters, [*results, y])
        return function, self.arrays, self.on_the_way

    def parameter(self, shape, dtype):
        """A new parameter, whose array has small multiples of 1/8."""
        node = self.p.parameter(len(self.parameters), tuple(shape), dtype)
        self.parameters.append(node)
        sizes = tuple(int(s) for s in shape)
        numbers = self.random.integers(-9, 10, sizes)
        self.arrays.append((numbers / (1 if dtype.is_integer else 8)).astype(dtype.np))
        return node

    # -- operands: an array of a shape, seen through steps

    def seen(self, shape, steps, dtype):
        """Returns a node of a shape that is the last step of a chain of views."""
        if not steps:
            return self.parameter(shape, dtype)
        (name, *numbers), *rest = steps
        return getattr(self, f"see_{name}")(shape, rest, dtype, *numbers)

    def see_transposed(self, shape, rest, dtype, *perm):
        source = [None] * len(shape)
        for axis, taken in enumerate(perm):
            source[taken] = shape[axis]
        return self.p.transpose(self.seen(source, rest, dtype), perm)

    def see_repeated(self, shape, rest, dtype, axis):
        source = [1 if a == axis else s for a, s in enumerate(shape)]
        return self.p.broadcast_to(self.seen(source, rest, dtype), shape)

    def see_added(self, shape, rest, dtype, axis):
        """An axis that the source has not."""
        others = [a for a in range(len(shape)) if a != axis]
        x = self.seen([shape[a] for a in others], rest, dtype)
        return self.p.broadcast(x, shape, others)

    def see_sliced(self, shape, rest, dtype, axis, low, high, stride):
        n = shape[axis]
        source = list(shape)
        source[axis] = low + (n - 1) * stride + 1 + high
        x = self.seen(source, rest, dtype)
        return self.p.slice_axis(x, axis, low, low + (n - 1) * stride + 1, stride)

    def see_reversed(self, shape, rest, dtype, axis):
        return self.p.reverse(self.seen(shape, rest, dtype), (axis,))

    def see_padded(self, shape, rest, dtype, axis, low, high):
        source = list(shape)
        source[axis] = shape[axis] - low - high
        sides = [[w if a == axis else 0 for a in range(len(shape))] for w in (low, high)]
        return self.p.pad(self.seen(source, rest, dtype), *sides)

    def see_parted(self, shape, rest, dtype, axis):
        """Two axes that are one of the source."""
        source = [*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]]
        return self.p.reshape(self.seen(source, rest, dtype), shape)

    def see_joined(self, shape, rest, dtype, axis, inner):
        """An axis that is two of the source."""
        source = [*shape[:axis], shape[axis] // inner, inner, *shape[axis + 1 :]]
        return self.p.reshape(self.seen(source, rest, dtype), shape)

    def see_windows(self, shape, rest, dtype, axis, stride, dilation, low):
        """The axis is a window's position, the last one its tap, of one axis of the source."""
        n, taps = shape[axis], shape[-1]
        source = list(shape[:-1])
        source[axis] = (n - 1) * stride + (taps - 1) * dilation + 1 - low
        x = self.seen(source, rest, dtype)
        return self.p.windows(x, [axis], [taps], [stride], [dilation], [low], [0])

    def see_computed(self, shape, rest, dtype):
        x = self.seen(shape, rest, dtype)
        return self.p.maximum(x, self.p.scalar(-1, dtype))

    # -- the operations

    def contract(self, x, w, out):
        """An einsum; narrow integers are widened for it, as Keras's layers of int8 do."""
        left, right = self.case.operands
        if self.case.dtype == "int8":
            x, w = self.p.cast(x, dtypes.int32), self.p.cast(w, dtypes.int32)
        return self.p.contract(f"{left},{right}->{out}", x, w)

    def combine(self, x, y, kind):
        return getattr(self.p, kind)(x, y)

    def step(self, x, y, most):
        """Elements of x: halved and added to those of y while they are less than 1, and at most `most` times."""

        def goes_on(count, value, _):
            return self.p.and_(
                self.p.lt(count, self.like(count, most)), self.p.lt(value, self.like(value, 1))
            )

        def following(count, value, add):
            return [count + 1, value * 0.5 + add, add]

        none = self.p.full(x.shape, 0, dtypes.int32)
        count, value, _ = self.p.iterate(goes_on, following, [none, x, y])
        return value + self.p.cast(count, value.dtype)

    def like(self, x, number):
        return self.p.broadcast_to(self.p.scalar(number, x.dtype), x.shape)

    def reduce(self, x, kind, *axes):
        return getattr(self.p, f"reduce_{kind}")(x, axes)

    def place(self, x, kind, axis):
        """Where the largest or smallest element of an axis is, as elements of x's type."""
        return self.p.cast(getattr(self.p, f"arg_{kind}")(x, axis), x.dtype)

    def softmax(self, x, *axes):
        e = self.p.exp(x - self.p.reduce_max(x, axes, keepdims=True))
        return e / self.p.reduce_sum(e, axes, keepdims=True)

    def normalize(self, x, *axes):
        """Less its mean, by its standard deviation."""
        away = x - self.p.reduce_mean(x, axes, keepdims=True)
        variance = self.p.reduce_mean(away * away, axes, keepdims=True)
        return away * self.p.rsqrt(variance + 0.5)

    def attend(self, q, k, v, mask):
        """An attention of operands "bqw", "bkw", "bkv" with any letters in front."""
        (query, key, value) = self.case.operands
        scores = query[:-1] + key[-2]
        s = self.p.contract(f"{query},{key}->{scores}", q, k) * 0.25
        if mask:
            rows, columns = (self.p.iota(s.shape, a, dtypes.int32) for a in (-2, -1))
            s = self.p.select(self.p.ge(rows, columns), s, self.p.scalar(-1e4, s.dtype))
        p = self.softmax(s, s.rank - 1)
        return self.p.contract(f"{scores},{value}->{query[:-1]}{value[-1]}", p, v)

    def scan(self, x, kind, axis, exclusive, reverse):
        return self.p.cumulative(x, kind, axis, exclusive, reverse)

    def sort(self, x, axis, descending):
        return self.p.sort([x], axis, descending)[0]

    def pick(self, x, axis, count):
        """Elements at places that data name, some of them outside."""
        places = self.places(x.shape[axis], (count,))
        return self.p.gather(x, places, axis)

    def spread(self, x, kind, rows):
        """Rows combined at places that data name; those outside are dropped."""
        places = self.places(rows, (x.shape[0], 1))
        start = self.parameter((rows, *x.shape[1:]), x.dtype)
        return self.p.scatter(start, places, x, op=kind)

    def places(self, extent, shape):
        node = self.p.parameter(len(self.parameters), shape, dtypes.int32)
        self.parameters.append(node)
        sizes = tuple(int(s) for s in shape)
        self.arrays.append(self.random.integers(-1, int(extent) + 1, sizes).astype(np.int32))
        return node

    def connect(self, x, y, axis):
        return self.p.concat([x, y], axis)

    # -- the tail: (what goes on, what is a result as well)

    def scale(self, y):
        return y * 2, []

    def square(self, y):
        return self.p.maximum(y, -y), []

    def bias(self, y, *axes):
        """Adds an array that has some of the result's axes."""
        shape = [s if a in axes else 1 for a, s in enumerate(y.shape)]
        return y + self.p.broadcast_to(self.parameter(shape, y.dtype), y.shape), []

    def residual(self, y, *perm):
        """Adds an array of the result's shape, transposed."""
        source = [None] * len(perm)
        for axis, taken in enumerate(perm):
            source[taken] = y.shape[axis]
        return y + self.p.transpose(self.parameter(source, y.dtype), perm), []

    def total(self, y, kind, keep, *axes):
        """Reduces over axes; y goes on, or is kept and what it was reduced to goes on."""
        reduced = getattr(self.p, f"reduce_{kind}")(y, axes)
        if kind == "sum":
            self.adds_up(y, axes)
        return (y, [reduced]) if keep else (reduced, [])

    def moments(self, y, *axes):
        """Sums of the elements and of their squares, as a batch norm takes them."""
        self.adds_up(y, axes)
        return y, [self.p.reduce_sum(y, axes), self.p.reduce_sum(y * y, axes)]

    def adds_up(self, y, axes):
        """Notes how much is added, though it may cancel."""
        self.on_the_way.append(self.p.reduce_sum(self.p.maximum(y, -y), axes))

    def centered(self, y, *axes):
        """Less the largest element over axes."""
        return y - self.p.reduce_max(y, axes, keepdims=True), []

    def turn(self, y, *perm):
        return self.p.transpose(y, perm), []

    def flat(self, y, axis):
        shape = [*y.shape[:axis], y.shape[axis] * y.shape[axis + 1], *y.shape[axis + 2 :]]
        return self.p.reshape(y, shape), []

    def narrow(self, y, name):
        return self.p.cast(y, dtypes.as_dtype(name)), []

    def cut(self, y, axis, low):
        return self.p.slice_axis(y, axis, low, y.shape[axis]), []

    def again(self, y):
        """A second contraction, over the last axis."""
        letters = "abcdefgh"[: y.rank]
        w = self.parameter((y.shape[-1], 3), y.dtype)
        return self.p.contract(f"{letters},{letters[-1]}z->{letters[:-1]}z", y, w), []
