"""Gathers, scatters, segments, sorts and one-hot rows."""

from tests.fuzz.programs.drawing import FLOATS, INTEGERS, NUMBERS, Rejected
from tests.fuzz.programs.steps import step

REAL = (*FLOATS, *INTEGERS)


def places(scope, limit):
    """The text of integers below a limit (a text), taken from a value."""
    x = scope.pick((*INTEGERS, "float32"), high=2)
    return f"tf.math.floormod(tf.cast({x}, tf.int32), {limit})"


@step(1.5)
def gathered(scope):
    x = scope.pick((*NUMBERS, "bool"), low=1)
    axis = scope.int(0, x.rank - 1)
    n = x.extent(axis)
    if n and scope.chance(0.5):
        at = str([scope.int(0, n - 1) for _ in range(scope.int(1, 6))])
    else:
        at = places(scope, x.length(axis))
    scope.add(f"tf.gather({x}, {at}, axis={axis})")


@step(0.7)
def gathered_in_rows(scope):
    """Each row at places of its own."""
    x = scope.pick(REAL, low=2)
    scope.add(
        f"tf.gather({x}, tf.argsort({x}, -1, stable=True), axis=-1, batch_dims={x.rank - 1})"
        if scope.chance(0.3)
        else f"tf.gather({x}, tf.argmax({x}, -1), axis=-1, batch_dims={x.rank - 1})"
    )


@step(0.7)
def gathered_nd(scope):
    x = scope.pick(low=2)
    n, m = (x.length(i) for i in range(2))
    scope.add(f"tf.gather_nd({x}, tf.stack([{places(scope, n)}, {places(scope, m)}], -1))")


@step(1.0)
def scattered(scope):
    """Rows added to or put in others."""
    x = scope.pick(REAL, low=1)
    name = scope.choose(["add", "sub", "max", "min"] + ["update"] * (x.extent(0) is not None))
    n = x.extent(0)
    at = f"tf.range({x.length(0)})[::2, tf.newaxis]"
    if n and name != "update" and scope.chance(0.5):
        at = str([[scope.int(0, n - 1)] for _ in range((n + 1) // 2)])
    scope.add(f"tf.tensor_scatter_nd_{name}({x}, {at}, {x}[::2] * 2)", sums=True)


@step(0.7)
def spread(scope):
    x = scope.pick((*FLOATS, "int32", "int64"), low=1)
    n = x.length(0)
    scope.add(
        f"tf.scatter_nd(tf.reverse(tf.range({n}), [0])[:, tf.newaxis], {x}, tf.shape({x}))",
        sums=True,
    )


@step(1.0)
def segments(scope):
    x = scope.pick(REAL, low=1)
    k = scope.int(1, 4)
    name = scope.choose(["sum", "max", "min", "mean"] if x.dtype in FLOATS else ["sum", "max"])
    text = f"tf.math.unsorted_segment_{name}({x}, tf.range({x.length(0)}) % {k}, {k})"
    scope.add(
        text if name in ("sum", "mean") else f"tf.clip_by_value({text}, -100, 100)", sums=True
    )


@step(0.7)
def ordered(scope):
    x = scope.pick(REAL, low=1)
    direction = scope.choose(["ASCENDING", "DESCENDING"])
    if scope.chance(0.6):
        scope.add(f"tf.sort({x}, {scope.axis(x)}, {direction!r})")
    else:
        scope.add(f"tf.argsort({x}, {scope.axis(x)}, {direction!r}, stable=True)")


@step(0.7)
def largest_few(scope):
    x = scope.pick(REAL, low=1)
    n = x.extent(-1)
    if not n:
        raise Rejected
    scope.add(f"tf.math.top_k({x}, {scope.int(1, min(n, 5))})", 2)


@step(0.8)
def one_hot(scope):
    k = scope.int(1, 6)
    x = scope.pick(INTEGERS, high=3)
    on = scope.choose(["", ", axis=0", ", dtype=tf.float64", ", on_value=2.0, off_value=-1.0"])
    scope.add(f"tf.one_hot(tf.math.floormod(tf.cast({x}, tf.int32), {k}), {k}{on})")


@step(0.5)
def counted_rows(scope):
    """Rows of a number that depends on values, summed up."""
    x = scope.pick(("float32", "float64", "int32"), low=1, high=3)
    row = f"{x}[{', '.join([':', *['0'] * (x.rank - 1)])}]"
    kept = f"tf.boolean_mask({x}, {row} > 0)"
    scope.add(
        scope.choose(
            ["tf.reduce_sum({k}, 0)", "{k} * 2", "tf.shape({k})[0]", "tf.cumsum({k}, 0)"]
        ).format(k=kept),
        sums=True,
    )


@step(0.4)
def where_true(scope):
    c = scope.pick(("bool",), low=1)
    scope.add(f"tf.where({c})")


@step(0.4)
def found(scope):
    x = scope.pick(("float32", "float64", "int32"), low=1, high=1)
    scope.add(f"tf.searchsorted(tf.sort({x}), {x}, side={scope.choose(['left', 'right'])!r})")


@step(0.3)
def sequence_masked(scope):
    x = scope.pick(INTEGERS, low=1, high=2)
    k = scope.int(1, 6)
    scope.add(f"tf.sequence_mask(tf.cast({x}, tf.int32) % {k + 1}, {k})")


@step(0.3)
def turned_sequences(scope):
    x = scope.pick(("float32", "float64", "int32"), low=2)
    scope.add(
        f"tf.reverse_sequence({x}, tf.range({x.length(0)}) % ({x.length(1)} + 1), seq_axis=1, batch_axis=0)"
    )
