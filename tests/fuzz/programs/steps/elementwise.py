"""Functions of elements, of one, two or three tensors; changes of type."""

import numpy as np

from tests.fuzz.programs.drawing import COMPLEX, FLOATS, INTEGERS, NUMBERS, SIGNED, Rejected
from tests.fuzz.programs.steps import step

OF_FLOATS = (
    "tf.tanh({x})", "tf.sigmoid({x})", "tf.nn.relu({x})", "tf.nn.gelu({x}, approximate=True)", "tf.nn.softplus({x})",
    "tf.sin({x})", "tf.cos({x})", "tf.math.erf({x})", "tf.exp(-tf.abs({x}))", "tf.sqrt(tf.abs({x}) + 0.5)",
    "tf.math.log1p(tf.abs({x}))", "tf.square({x})", "tf.nn.elu({x})", "tf.nn.selu({x})", "tf.nn.silu({x})",
    "tf.nn.leaky_relu({x}, 0.3)", "tf.clip_by_value({x}, -1, 2)", "{x} * 3 - 1", "1 / (tf.abs({x}) + 1)",
    "tf.math.rsqrt(tf.abs({x}) + 0.5)", "tf.atan({x})", "tf.nn.relu6({x})", "tf.nn.softsign({x})",
    "tf.math.expm1(tf.tanh({x}))", "tf.abs({x})", "-{x}", "tf.sign({x})", "tf.floor({x})", "tf.round({x})",
    "tf.math.pow(tf.abs({x}) + 0.1, 1.5)", "{x} * 0.5", "tf.math.log(tf.abs({x}) + 0.3)", "tf.sinh(tf.tanh({x}))",
    "tf.where({x} > 0, {x}, 0.3 * {x})", "tf.math.softplus(-{x})", "tf.nn.crelu({x})", "tf.stop_gradient({x}) + 1",
    "tf.ones_like({x}) - {x}", "tf.zeros_like({x}) + 2", "tf.identity({x})", "tf.math.ceil({x})",
)  # fmt: skip
OF_INTEGERS = (
    "tf.square({x})", "{x} // 2", "tf.math.floormod({x}, 7)", "{x} + 3", "tf.bitwise.invert({x})",
    "tf.clip_by_value({x}, 1, 5)", "tf.minimum({x}, 4)", "tf.bitwise.left_shift({x} % 5, tf.ones_like({x}))", "{x} * 3",
    "tf.ones_like({x}) * 2 + {x}",
)  # fmt: skip
OF_COMPLEX = (
    "tf.math.conj({x})", "tf.exp({x} * 0.1)", "{x} * 2", "tf.math.real({x})", "tf.math.imag({x})", "tf.abs({x})",
    "tf.square({x})", "tf.tanh({x} * 0.3)",
)  # fmt: skip
# What rounds by the size of its result only, and keeps zeros; other functions round by terms that may cancel.
ALONE = ("tf.nn.relu(", "tf.abs(", "-{x}", "tf.sign(", "tf.floor(", "tf.round(", "tf.where(", "tf.clip_by", "tf.nn.leaky_relu(",
         "tf.square(", "tf.identity(", "{x} * 0.5", "tf.tanh(", "tf.sin(", "tf.atan(", "tf.nn.crelu(", "tf.math.ceil(", "tf.zeros_like(")  # fmt: skip


def of_floats(scope, x):
    """Takes a step of one of the functions of floats."""
    text = scope.choose(OF_FLOATS)
    return scope.add(text.format(x=x), sums=not text.startswith(ALONE))[0]


@step(2.0)
def unary(scope):
    x = scope.pick()
    if x.dtype in FLOATS:
        of_floats(scope, x)
        return
    if x.dtype in COMPLEX:
        text = scope.choose(OF_COMPLEX)
    else:
        signed = ("tf.abs({x})", "-{x}", "tf.sign({x})", "{x} - 4") if x.dtype in SIGNED else ()
        text = scope.choose(OF_INTEGERS + signed)
    scope.add(text.format(x=x))


@step(1.5)
def chain(scope):
    """Several functions one after another."""
    x = scope.pick(FLOATS)
    for _ in range(scope.int(2, 4)):
        x = of_floats(scope, x)


def fits(scope, x):
    """Whether a value can be broadcast with x, in all samples, to no more than there may be."""

    def fit(y):
        try:
            shapes = [np.broadcast_shapes(a, b) for a, b in zip(x.shapes, y.shapes, strict=True)]
        except ValueError:
            return False
        return max(int(np.prod(s)) for s in shapes) <= scope.drawing.limits.elements

    return fit


def beside(scope, x):
    """Returns what can stand beside x in an operation of two: a value, weights of its last dimensions, a number."""
    if scope.chance(0.75):
        return scope.pick((x.dtype,), where=fits(scope, x))
    sizes = []
    for n in reversed(x.static):
        if n is None:
            break
        sizes.insert(0, 1 if scope.chance(0.2) else n)
        if scope.chance(0.4):
            break
    return scope.weights(sizes, x.dtype)


@step(3.0)
def binary(scope):
    x = scope.pick()
    y = beside(scope, x)
    texts = ["{x} + {y}", "{x} - {y}", "{x} * {y}", "tf.math.squared_difference({x}, {y})"]
    if x.dtype not in COMPLEX:
        texts += [
            "tf.maximum({x}, {y})",
            "tf.minimum({x}, {y})",
            "tf.where({x} > {y}, {x}, {y} + 1)",
        ]
    if x.dtype in FLOATS:
        texts += ["{x} / (tf.abs({y}) + 1)", "{x} + 0.1 * {y}", "tf.atan2({x}, {y} + 3)", "tf.math.divide_no_nan({x}, {y})",
                  "tf.math.xdivy({x}, tf.abs({y}) + 1)"]  # fmt: skip
    if x.dtype in INTEGERS:
        texts += [
            "tf.bitwise.bitwise_and({x}, {y})",
            "tf.bitwise.bitwise_xor({x}, {y})",
            "{x} // (tf.square({y} % 3) + 1)",
        ]
    if scope.chance(0.5):
        x, y = y, x
    text = scope.choose(texts)
    scope.add(text.format(x=x, y=y), sums=text.count("{") > 2 or "1" in text)


@step(1.0)
def compared(scope):
    x = scope.pick()
    y = scope.choose(["0", "1"]) if scope.chance(0.5) else beside(scope, x)
    signs = ["==", "!="] if x.dtype in COMPLEX else [">", "<", ">=", "<=", "==", "!="]
    scope.add(f"{x} {scope.choose(signs)} {y}")


@step(0.7)
def logical(scope):
    x = scope.pick(("bool",))
    y = scope.pick(("bool",), where=fits(scope, x))
    scope.add(
        scope.choose(["{x} & {y}", "{x} | {y}", "~{x}", "tf.math.logical_xor({x}, {y})"]).format(
            x=x, y=y
        )
    )


@step(1.0)
def selected(scope):
    c = scope.pick(("bool",))
    x = scope.pick(where=fits(scope, c))
    y = scope.pick((x.dtype,), where=lambda v: fits(scope, c)(v) and fits(scope, x)(v))
    scope.add(f"tf.where({c}, {x}, {y})")


@step(1.5)
def converted(scope):
    """A cast that every number survives."""
    x = scope.pick((*NUMBERS, "bool"))
    if x.dtype in FLOATS:
        to = scope.choose(
            [
                *FLOATS,
                "complex64",
                "int32",
                "int64",
                "uint8",
                "int8",
                "bool",
                "complex128",
                "uint32",
                "int16",
            ]
        )
        if to in INTEGERS:
            scope.add(f"tf.cast(tf.clip_by_value({x}, {0 if to[0] == 'u' else -100}, 100), {to!r})")
            return
    elif x.dtype in COMPLEX:
        to = scope.choose(COMPLEX)
    else:
        to = scope.choose([*FLOATS, *FLOATS, *INTEGERS, "bool", "complex64"])
    if to == x.dtype:
        raise Rejected
    scope.add(f"tf.cast({x}, {to!r})")


@step(0.8)
def there_and_back(scope):
    """Through narrower numbers and back to the type."""
    x = scope.pick(FLOATS)
    to = scope.choose([t for t in FLOATS if t != x.dtype])
    (y,) = scope.add(f"tf.cast({x}, {to!r})")
    y = of_floats(scope, y)
    scope.add(f"tf.cast({y}, {x.dtype!r})")


@step(0.5)
def summed(scope):
    x = scope.pick(FLOATS)
    same = [v for v in scope.values if v.dtype == x.dtype and v.shapes == x.shapes and v.finite]
    scope.add(f"tf.add_n([{', '.join(str(scope.choose(same)) for _ in range(scope.int(2, 4)))}])")


@step(0.3)
def complexed(scope):
    x = scope.pick(("float32", "float64"))
    scope.add(f"tf.complex({x}, {x} * 0.5)")
