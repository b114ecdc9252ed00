"""Reductions over any axes, alone and with what is computed from them for the same elements."""

from tests.fuzz.programs.drawing import COMPLEX, FLOATS, INTEGERS
from tests.fuzz.programs.steps import step


@step(3.0)
def reduced(scope):
    x = scope.pick(low=1)
    names = ["reduce_sum"] * 4 + ["reduce_mean"] * 3 + ["reduce_prod"]
    if x.dtype not in COMPLEX:
        names += ["reduce_max", "reduce_min"]
    if x.dtype in FLOATS:
        names += ["reduce_logsumexp", "reduce_std", "reduce_variance", "reduce_euclidean_norm"]
    name = scope.choose(names)
    home = (
        "tf.math." if name in ("reduce_std", "reduce_variance", "reduce_euclidean_norm") else "tf."
    )
    axes = scope.choose([scope.axes(x), scope.axes(x), scope.axis(x), None])
    if name == "reduce_prod":
        x = factors(x) if x.dtype in FLOATS else x
    keep = f", keepdims={scope.chance(0.5)}" if scope.chance(0.6) else ""
    scope.add(f"{home}{name}({x}, {axes}{keep})", sums=True)


def factors(x):
    """Numbers near 1: of very many, some orders of multiplication would overflow and others not."""
    if x.size <= 1000:
        return f"(1 + {x} * 0.1)"
    return f"(1 + tf.sin({x}) / tf.cast(tf.size({x}), {x}.dtype))"


@step(0.5)
def reduced_bools(scope):
    x = scope.pick(("bool",), low=1)
    scope.add(
        f"tf.{scope.choose(['reduce_any', 'reduce_all'])}({x}, {scope.axes(x)}, keepdims={scope.chance(0.5)})"
    )


@step(1.0)
def counted(scope):
    """How often something holds: the accuracy of a batch."""
    x = scope.pick((*FLOATS, *INTEGERS), low=1)
    scope.add(
        f"tf.{scope.choose(['reduce_mean', 'reduce_sum'])}(tf.cast({x} > 0, tf.float32), {scope.axes(x)})",
        sums=True,
    )


@step(1.5)
def less_its_reduction(scope):
    x = scope.pick(FLOATS, low=1)
    name = scope.choose(["reduce_sum", "reduce_max", "reduce_mean", "reduce_min"])
    text = scope.choose(
        [
            "{x} - {r}",
            "{x} * {r}",
            "{r} - {x}",
            "tf.exp(-tf.abs({x} - {r}))",
            "{x} / (tf.abs({r}) + 1)",
        ]
    )
    r = f"tf.{name}({x}, {scope.axes(x)}, keepdims=True)"
    scope.add(text.format(x=x, r=r), sums=True)


@step(1.5)
def softmax(scope):
    x = scope.pick(FLOATS, low=1)
    scope.add(f"tf.nn.{scope.choose(['softmax', 'log_softmax'])}({x}, {scope.axis(x)})", sums=True)


@step(1.0)
def best(scope):
    x = scope.pick((*FLOATS, *INTEGERS), low=1)
    to = scope.choose(["", "", ", output_type=tf.int32"])
    scope.add(f"tf.{scope.choose(['argmax', 'argmin'])}({x}, {scope.axis(x)}{to})")


@step(1.0)
def normalized(scope):
    x = scope.pick(FLOATS, low=1)
    m, v = scope.add(f"tf.nn.moments({x}, {scope.axes(x)}, keepdims=True)", 2)
    scope.add(f"({x} - {m}) * tf.math.rsqrt({v} + 0.1)", sums=True)


@step(0.5)
def layer_norm(scope):
    x = scope.pick(("float32", "float64"), low=2)
    n = x.extent(-1)
    gamma = scope.weights([n], x.dtype) if n else "1"
    mean = f"tf.reduce_mean({x}, -1, keepdims=True)"
    spread = f"tf.reduce_mean(tf.square({x} - {mean}), -1, keepdims=True)"
    scope.add(f"({x} - {mean}) * tf.math.rsqrt({spread} + 0.1) * {gamma}", sums=True)


@step(0.5)
def unit(scope):
    x = scope.pick(FLOATS, low=1)
    scope.add(f"tf.nn.l2_normalize({x} + 0.3, {scope.axis(x)}, epsilon=0.1)", sums=True)


@step(1.0)
def cumulative(scope):
    x = scope.pick(low=1)
    name = "cumsum" if x.dtype not in FLOATS or scope.chance(0.8) else "math.cumulative_logsumexp"
    options = (
        "".join(f", {o}=True" for o in ("exclusive", "reverse") if scope.chance(0.4))
        if name == "cumsum"
        else ""
    )
    scope.add(f"tf.{name}({x}, {scope.axis(x)}{options})", sums=True)


@step(0.5)
def losses(scope):
    """Cross entropy of logits, by rows."""
    x = scope.pick(("float32", "float64"), low=2)
    n = x.extent(-1)
    labels = (
        f"tf.cast(tf.argmax({x}, -1), tf.int32)"
        if scope.chance(0.5) or not n
        else f"tf.zeros_like({x}[..., 0], tf.int32)"
    )
    scope.add(
        f"tf.nn.sparse_softmax_cross_entropy_with_logits(labels={labels}, logits={x})", sums=True
    )


@step(0.5)
def squared_error(scope):
    """As losses have it: the mean of squares of a difference, over the last axis or all."""
    from tests.fuzz.programs.steps.elementwise import fits

    x = scope.pick(FLOATS, low=1)
    y = scope.pick((x.dtype,), where=fits(scope, x))
    scope.add(f"tf.reduce_mean(tf.square({x} - {y}){scope.choose([', -1', ', 0', ''])})", sums=True)
