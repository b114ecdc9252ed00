"""Random programs: chains of operations of all families, with loops and branches.

A program is made by `build(tf, seed)` from a seed alone, as a list of functions of tensors; it knows ranks and
which extents are those of the batch, so that it runs for any batch.
"""

import numpy as np

WIDTHS = (1, 2, 3, 5, 8, 17, 33, 70)


class Program:
    """Functions applied one after another to values made so far; calling it gives the last values."""

    def __init__(self, tf, seed):
        self.tf, self.random = tf, np.random.default_rng(seed)
        self.steps, self.names = [], []
        self.kind = str(self.random.choice(["float32", "float32", "float64", "int32"]))
        self.rank = int(self.random.choice([1, 2, 2, 3, 3, 4]))
        self.widths = [int(self.pick(WIDTHS)) for _ in range(self.rank - 1)]

    def pick(self, choices):
        return choices[int(self.random.integers(len(choices)))]

    def arguments(self, batch, seed=0):
        """Returns the arrays that the program takes, for a batch."""
        random = np.random.default_rng(seed)
        shape = (batch, *self.widths)
        if self.kind == "int32":
            return [random.integers(-9, 10, shape).astype(np.int32) for _ in range(2)]
        return [random.uniform(-2, 2, shape).astype(self.kind) for _ in range(2)]

    def __call__(self, *arguments):
        values = list(arguments)
        for step in self.steps:
            values.append(step(values))
        return values[2:]


def build(tf, seed, length=None):
    """Returns the program of a seed; every step was run once, on a batch of 3, to be sure that it can be."""
    program = Program(tf, seed)
    values = [tf.constant(array) for array in program.arguments(3)]
    wanted = length or int(program.random.integers(2, 7))
    while len(program.steps) < wanted:
        name = program.pick(sorted(STEPS))
        at = int(program.random.integers(max(0, len(values) - 3), len(values)))
        step = STEPS[name](program, at, values[at])
        if step is None:
            continue
        made = step(values)
        if not 0 < made.shape.num_elements() <= 30000 or made.shape.rank > 5:
            continue
        values.append(made)
        program.steps.append(step)
        program.names.append(name)
    return program


def with_gradients(tf, program):
    """Returns the function that gives the program's values, and the gradients of the last."""

    def run(*arguments):
        with tf.GradientTape() as tape:
            smooth = [x for x in arguments if x.dtype.is_floating]
            tape.watch(smooth)
            values = program(*arguments)
        # Of what a loop does not differentiate eager gradients are None, compiled ones zeros.
        found = tape.gradient(values[-1], smooth, unconnected_gradients="zero") if smooth else []
        return [*values, *found]

    return run


def sample(array):
    """Returns at most some fifty entries of an array, from all over it."""
    flat = array.ravel()
    return flat[:: max(1, flat.size // 50)]


# {name: function of (program, number of the value taken, the value in the trial)} -> step or None
STEPS = {}


def step(function):
    """Enters what makes a step; it returns a function of one tensor, or None where it does not fit."""

    def make(program, at, trial):
        made = function(program, trial)
        return None if made is None else lambda values: made(values[at])

    STEPS[function.__name__] = make
    return function


def axis_of(program, x, without_batch=False):
    """An axis of a tensor, that of the batch (the first) perhaps left out."""
    low = 1 if without_batch else 0
    return int(program.random.integers(low, x.shape.rank)) if x.shape.rank > low else None


def is_float(x):
    return x.dtype.is_floating


@step
def unary(program, x):
    tf = program.tf
    functions = [
        tf.abs,
        tf.negative,
        tf.sign,
        tf.square,
        lambda x: x * 3 - 1,
        lambda x: tf.clip_by_value(x, -1, 2),
    ]
    if is_float(x):
        functions += [
            tf.tanh, tf.sigmoid, tf.nn.relu, tf.nn.gelu, tf.nn.softplus, tf.sin, tf.floor, tf.math.erf,
            lambda x: tf.sqrt(tf.abs(x) + 0.5), lambda x: tf.exp(-tf.abs(x)), lambda x: tf.math.log1p(x * x),
        ]  # fmt: skip
    return program.pick(functions)


@step
def halved(program, x):
    kind = program.pick(["float16", "bfloat16"])
    return (
        (lambda x: program.tf.cast(program.tf.cast(x, kind) * 2, x.dtype)) if is_float(x) else None
    )


@step
def rounded(program, x):
    tf, kind = program.tf, program.pick(["int8", "int32", "int64", "uint8"])
    return lambda x: tf.cast(tf.cast(tf.clip_by_value(x, 0, 100), kind) // 2, x.dtype)


@step
def reduced(program, x):
    tf, axis, keep = program.tf, axis_of(program, x, True), bool(program.random.integers(2))
    if axis is None:
        return None
    functions = [tf.reduce_sum, tf.reduce_max, tf.reduce_min]
    functions += [tf.reduce_mean, tf.reduce_logsumexp, tf.math.reduce_std] if is_float(x) else []
    function = program.pick(functions)
    return lambda x: function(x, axis, keepdims=keep)


@step
def centred(program, x):
    """Less a reduction over any axis, the batch's too."""
    tf, axis = program.tf, axis_of(program, x)
    function = program.pick(
        [tf.reduce_sum, tf.reduce_max, tf.reduce_min] + [tf.reduce_mean] * is_float(x)
    )
    return lambda x: x - function(x, axis, keepdims=True)


@step
def softmax(program, x):
    tf, axis = program.tf, axis_of(program, x)
    function = program.pick([tf.nn.softmax, tf.nn.log_softmax])
    return (lambda x: function(x, axis)) if is_float(x) else None


@step
def best(program, x):
    tf, axis = program.tf, axis_of(program, x, True)
    if axis is None:
        return None
    function = program.pick([tf.argmax, tf.argmin])
    return lambda x: x + tf.cast(tf.expand_dims(function(x, axis), axis), x.dtype)


@step
def cumulative(program, x):
    tf, axis = program.tf, axis_of(program, x)
    attrs = {name: bool(program.random.integers(2)) for name in ("exclusive", "reverse")}
    return lambda x: tf.cumsum(x, axis, **attrs)


@step
def ordered(program, x):
    tf, axis = program.tf, axis_of(program, x, True)
    direction = program.pick(["ASCENDING", "DESCENDING"])
    return None if axis is None else lambda x: tf.sort(x, axis, direction)


@step
def largest(program, x):
    tf, rank = program.tf, x.shape.rank
    k = int(program.random.integers(1, x.shape[-1] + 1)) if rank > 1 else None
    return None if k is None else lambda x: tf.math.top_k(x, k).values


@step
def turned(program, x):
    order = [0, *(1 + program.random.permutation(x.shape.rank - 1))]
    order = [int(axis) for axis in order]
    return lambda x: program.tf.transpose(x, order)


@step
def turned_twice(program, x):
    """The batch last, and first again."""
    tf, rank = program.tf, x.shape.rank
    there = [*range(1, rank), 0]
    back = [rank - 1, *range(rank - 1)]
    return lambda x: tf.transpose(tf.transpose(x, there) * 2, back)


@step
def flattened(program, x):
    tf = program.tf
    if x.shape.rank < 3:
        return lambda x: tf.expand_dims(x, -1)
    rest = x.shape.as_list()[3:]
    return lambda x: tf.reshape(x, [-1, x.shape[1] * x.shape[2], *rest])


@step
def into_batch(program, x):
    """The second axis joined to the batch."""
    tf = program.tf
    return (lambda x: tf.reshape(x, [-1, *x.shape.as_list()[2:]])) if x.shape.rank > 1 else None


@step
def split_up(program, x):
    tf, width = program.tf, x.shape[-1]
    parts = [n for n in (2, 3, 5) if width and width % n == 0]
    if x.shape.rank < 2 or not parts:
        return None
    n = program.pick(parts)
    return lambda x: program.tf.add_n(tf.split(x, n, -1))


@step
def cut(program, x):
    axis = axis_of(program, x, True)
    if axis is None:
        return None
    n = x.shape[axis]
    first, last = sorted(int(v) for v in program.random.integers(0, n + 1, 2))
    stride = program.pick([1, 1, 2, -1])
    part = slice(first, last) if stride == 1 else slice(None, None, stride)
    index = (*[slice(None)] * axis, part)
    return lambda x: x[index]


@step
def reversed_(program, x):
    axis = axis_of(program, x)
    return lambda x: program.tf.reverse(x, [axis])


@step
def joined(program, x):
    tf, axis = program.tf, axis_of(program, x)
    return lambda x: tf.concat([x, x[..., ::-1] * 2, tf.abs(x)], axis)


@step
def stacked(program, x):
    tf, axis = program.tf, int(program.random.integers(1, x.shape.rank + 1))
    return lambda x: tf.stack([x, -x], axis)


@step
def padded(program, x):
    tf, mode = program.tf, program.pick(["CONSTANT", "REFLECT", "SYMMETRIC"])
    most = [0, *(min(3, n - 1) for n in x.shape.as_list()[1:])]
    widths = [[int(v) for v in program.random.integers(0, n + 1, 2)] for n in most]
    return lambda x: tf.pad(x, widths, mode)


@step
def tiled(program, x):
    times = [int(n) for n in program.random.integers(1, 3, x.shape.rank)]
    return lambda x: program.tf.tile(x, times)


@step
def rolled(program, x):
    axis, shift = axis_of(program, x), int(program.random.integers(-5, 6))
    return lambda x: program.tf.roll(x, shift, axis)


@step
def gathered(program, x):
    tf, axis = program.tf, axis_of(program, x, True)
    if axis is None:
        return None
    at = program.random.integers(0, x.shape[axis], int(program.random.integers(1, 7))).astype(
        np.int32
    )
    return lambda x: tf.gather(x, at, axis=axis)


@step
def gathered_by_values(program, x):
    """At places that are computed."""
    tf = program.tf
    width = x.shape[-1]
    if x.shape.rank < 2:
        return None
    return lambda x: tf.gather(
        x, tf.cast(tf.math.floormod(x, width), tf.int32), axis=-1, batch_dims=x.shape.rank - 1
    )


@step
def scattered(program, x):
    tf, count = program.tf, int(program.random.integers(1, 5))
    function = program.pick([tf.math.unsorted_segment_sum, tf.math.unsorted_segment_max])

    def apply(x):
        turned = tf.transpose(x, [*range(1, x.shape.rank), 0])
        ids = tf.range(tf.shape(turned)[0]) % count
        total = tf.clip_by_value(function(turned, ids, count), -1000, 1000)
        return tf.transpose(total, [x.shape.rank - 1, *range(x.shape.rank - 1)])

    return apply if x.shape.rank > 1 else None


@step
def updated(program, x):
    """Rows of the batch, whose number is not known, are put or added anew."""
    tf, function = program.tf, program.pick(["add", "update", "max"])

    def apply(x):
        at = tf.range(tf.shape(x)[0])[::2, None]
        return getattr(tf, "tensor_scatter_nd_" + function)(x, at, x[::2] * 2)

    return apply


@step
def chosen(program, x):
    tf = program.tf
    return lambda x: tf.where(x > 0, x * 2, tf.reverse(x, [0]))


@step
def product(program, x):
    tf, width = program.tf, int(program.pick(WIDTHS))
    if x.shape.rank < 2:
        return None
    weights = program.random.uniform(-1, 1, (x.shape[-1], width))
    weights = (
        weights.astype(program.kind) if is_float(x) else np.round(weights * 3).astype(np.int32)
    )
    return lambda x: tf.tensordot(x, weights, 1)


@step
def gram(program, x):
    tf = program.tf
    if x.shape.rank < 2:
        return None
    scale = 0.1 if is_float(x) else 1
    return lambda x: (
        tf.matmul(x, x, transpose_b=True) * scale
        if x.shape.rank > 2
        else tf.matmul(x, x, transpose_a=True) * scale + x[:1]
    )


@step
def normalised(program, x):
    tf, axis = program.tf, axis_of(program, x)

    def apply(x):
        mean, variance = tf.nn.moments(x, [axis], keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 0.1)

    return apply if is_float(x) else None


@step
def pooled(program, x):
    tf = program.tf
    function = program.pick([tf.nn.max_pool1d, tf.nn.avg_pool1d])
    padding, size = program.pick(["SAME", "VALID"]), int(program.random.integers(1, 3))
    if x.shape.rank != 3 or not is_float(x) or x.shape[1] < size:
        return None
    return lambda x: function(x, size, 1, padding)


@step
def convolved(program, x):
    tf, padding = program.tf, program.pick(["SAME", "VALID"])
    if x.shape.rank != 3 or not is_float(x) or x.shape[1] < 2:
        return None
    kernel = program.random.uniform(-1, 1, (2, x.shape[2], 3)).astype(program.kind)
    return lambda x: tf.nn.conv1d(x, kernel, 1, padding)


@step
def looped(program, x):
    tf, count = program.tf, int(program.random.integers(0, 4))

    def apply(x):
        def body(i, y, total):
            y = tf.roll(y, 1, 0) * 2 - x
            return i + 1, y, total + tf.reduce_sum(y, 0, keepdims=True)

        return (
            tf.while_loop(lambda i, y, total: i < count, body, [0, x, tf.zeros_like(x[:1])])[2] + x
        )

    return apply


@step
def looped_while(program, x):
    """As often as the values say."""
    tf = program.tf

    def apply(x):
        def more(i, y):
            return (tf.reduce_max(tf.abs(y)) > 1) & (i < 5)

        return tf.while_loop(more, lambda i, y: (i + 1, y // 2), [0, x])[1]

    return apply


@step
def scanned(program, x):
    """Along the batch, by a list of tensors."""
    tf = program.tf
    return lambda x: tf.scan(lambda a, row: tf.clip_by_value(a + row, -5, 5), x)


@step
def mapped(program, x):
    tf = program.tf
    return lambda x: tf.map_fn(
        lambda row: tf.reverse(row, [0]) - row if row.shape.rank else row + 1, x
    )


@step
def branched(program, x):
    tf, axis = program.tf, axis_of(program, x)
    return lambda x: tf.cond(
        tf.reduce_sum(tf.cast(x, tf.float64)) > 1 / 3,
        lambda: tf.cumsum(x, axis),
        lambda: tf.abs(x) + 1,
    )


@step
def switched(program, x):
    tf = program.tf

    def apply(x):
        which = tf.cast(tf.math.floormod(tf.reduce_sum(tf.cast(x, tf.int32)), 3), tf.int32)
        return tf.switch_case(which, [lambda: x, lambda: tf.reverse(x, [0]), lambda: x * x])

    return apply
