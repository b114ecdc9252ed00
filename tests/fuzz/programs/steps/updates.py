"""Variables assigned from parts of others, assertions of negated conditions, loops whose state has strings and bools."""

from tests.fuzz.programs.drawing import FLOATS, INTEGERS, Rejected
from tests.fuzz.programs.steps import step
from tests.fuzz.programs.steps.control import few_rows
from tests.fuzz.programs.steps.state import variable

# Reads of a variable's or a value's own size in another order; {k} is an index along the first axis.
REORDERED = (
    "{y}[::-1]", "tf.reverse({y}, [0])", "tf.roll({y}, {k}, 0)", "tf.concat([{y}[{k}:], {y}[:{k}]], 0)",
    "tf.concat([{y}[{k}:][::-1], {y}[:{k}] * 2], 0)", "tf.gather({y}, tf.range(tf.shape({y})[0])[::-1])",
)  # fmt: skip


@step(0.5)
def assigned_from_a_slice(scope):
    """A part of a variable, or all of it, from other elements of itself or of another variable."""
    x = variable(scope, lambda v: v.rank > 0 and v.static[0])
    same = [v for v in scope.values if v.name[0] == "x" and v.shapes == x.shapes]
    y = scope.choose([v for v in same if v.dtype == x.dtype])
    n = x.static[0]
    k = scope.int(0, n - 1)
    text = scope.choose([
        *(f"{{x}}.assign({read})" for read in REORDERED), "{x}[{k}:].assign({y}[:{m}])", "{x}[:{m}].assign({y}[{k}:][::-1])",
        "{x}[{k}:].assign({y}[{k}:] - {y}[:{m}])", "{x}.scatter_nd_update([[0], [{k}]], tf.gather({y}, [{k}, 0]))",
    ])  # fmt: skip
    if "[[0], [{k}]]" in text and not k:
        raise Rejected  # which of two updates stays is not defined
    if scope.chance(0.5):  # a snapshot from before, which the assignment must not change
        scope.add(f"{y}.read_value()")
    scope.add(text.format(x=x, y=y, k=k, m=n - k), 0)
    scope.add(f"{x} + {y} * 2")


@step(0.3)
def swapped(scope):
    """Two variables take each other's values, by snapshots of both."""
    x = variable(scope, lambda v: v.rank > 0 and v.static[0])
    others = [v for v in scope.values if v.name[0] == "x" and v.shapes == x.shapes]
    others = [v for v in others if v.dtype == x.dtype and v.name != x.name]
    if not others:
        if scope.depth:
            raise Rejected
        others = [scope.parameter(x.shapes, x.dtype, x.static, prefix="x")]
        scope.values.insert(0, others[0])
        scope.outer += 1
    y = scope.choose(others)
    old = scope.add(f"{x}.read_value()")[0]
    scope.add(f"{x}.assign({y}[::-1])", 0)
    scope.add(f"{y}.assign({old})", 0)
    scope.add(f"{x} - {y}")


@step(0.4)
def refuted(scope):
    """An assertion that the opposite does not hold."""
    x = scope.pick((*FLOATS, "int32", "int64"))
    limit = f"tf.cast({1e4}, {x.dtype!r})"
    condition = scope.choose([
        f"tf.logical_not(tf.reduce_any({x} > {limit}))", f"tf.reduce_all(tf.logical_not({x} > {limit}))",
        f"tf.logical_not(tf.reduce_max({x}) > {limit})", f"tf.logical_not(tf.logical_not(tf.reduce_all({x} < {limit})))",
        f"tf.logical_not(tf.reduce_any(tf.logical_or({x} > {limit}, {x} < -{limit})))",
    ])  # fmt: skip
    scope.add(f"tf.debugging.Assert({condition}, [{x}])", 0)
    scope.add(f"{x} * 2")


@step(0.5)
def summed_in_reverse(scope):
    """Sums over what is read backwards, on axes that kernels divide into tiles."""
    x = scope.pick((*FLOATS, "int32"), low=1, high=4)
    axis = scope.int(0, x.rank - 1)
    back = f"tf.reverse({x}, [{axis}])"
    over = scope.choose([axis, scope.axis(x), None])
    text = scope.choose([
        f"tf.reduce_sum({back} * {x}, {over})", f"tf.reduce_max({back} - {x}, {over})",
        f"tf.reduce_sum(tf.where({back} > {x}, {back}, {x} * 2), {over})",
        f"tf.cumsum({back}, {axis}) - {x}", f"tf.reverse(tf.cumsum({back}, {axis}), [{axis}]) + {back}",
        f"tf.reverse(tf.reduce_sum({back}, {axis}, keepdims=True) + {x}, [{axis}])",
    ])  # fmt: skip
    scope.add(text, sums=True)


@step(0.4)
def searched(scope):
    """A loop that leaves early and keeps a string and a bool of what it met."""
    x = scope.pick((*FLOATS, *INTEGERS), low=1, where=few_rows)
    scope.add(f"searched({x}, {scope.choose(['0.7', '2.3', '100.0'])})", 3)
