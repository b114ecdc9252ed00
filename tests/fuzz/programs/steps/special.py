"""Random numbers by seed, shapes as values, ranges, Fourier transforms, small linear algebra, assertions."""

import numpy as np

from tests.fuzz.programs.drawing import FLOATS, NUMBERS, Rejected
from tests.fuzz.programs.steps import step


@step(0.7)
def random_numbers(scope):
    x = scope.pick((*FLOATS, "int32"), low=1, high=4)
    dtype = x.dtype if x.dtype in ("float32", "float64", "float16", "bfloat16") else "float32"
    shape = f"[{', '.join(x.length(i) for i in range(x.rank))}]"
    seed = [scope.int(0, 99), scope.int(0, 99)]
    name = scope.choose(["stateless_uniform", "stateless_normal", "stateless_truncated_normal"])
    scope.add(f"tf.random.{name}({shape}, seed={seed}, dtype={dtype!r})")


@step(0.4)
def random_integers(scope):
    x = scope.pick(low=1, high=3)
    shape = f"[{', '.join(x.length(i) for i in range(x.rank))}]"
    scope.add(
        f"tf.random.stateless_uniform({shape}, seed=[{scope.int(0, 9)}, 1], minval=-5, maxval=9, dtype=tf.int32)"
    )


@step(0.5)
def dropped_out(scope):
    x = scope.pick(("float32", "float64"), low=1)
    scope.add(f"tf.nn.experimental.stateless_dropout({x}, 0.4, seed=[{scope.int(0, 9)}, 2])")


@step(0.7)
def shape_value(scope):
    x = scope.pick(low=1)
    axis = scope.int(0, x.rank - 1)
    texts = ["tf.shape({x})[{a}]", "tf.size({x})", "tf.shape({x})", "tf.reduce_prod(tf.shape({x}))", "tf.rank({x})",
             "tf.cast(tf.shape({x})[{a}], tf.float32) * 0.1", "tf.shape({x}, tf.int64)[{a}]"]  # fmt: skip
    scope.add(scope.choose(texts).format(x=x, a=axis))


@step(0.7)
def by_its_size(scope):
    """A mean as programs write it: a sum over the number of rows."""
    x = scope.pick(("float32", "float64"), low=1)
    scope.add(
        f"tf.reduce_sum({x}, 0) / tf.cast(tf.maximum(tf.shape({x})[0], 1), {x.dtype!r})", sums=True
    )


@step(0.6)
def ranged(scope):
    x = scope.pick(low=1)
    n = x.length(scope.int(0, x.rank - 1))
    scope.add(scope.choose(["tf.range({n})", "tf.range({n}) * 2 + 1", "tf.range(1, {n} + 3, 2)", "tf.cast(tf.range({n}), tf.float32) * 0.1",
                            "tf.eye({n})", "tf.fill([{n}, 2], 1.5)", "tf.ones([{n}, 3])", "tf.zeros([2, {n}], tf.int32)",
                            "tf.linspace(0.0, 1.0, {n} + 1)"]).format(n=n))  # fmt: skip


@step(0.3)
def fourier(scope):
    x = scope.pick(("float32", "complex64"), low=1, where=lambda v: bool(v.extent(-1)))
    if x.dtype == "float32":
        scope.add(f"tf.signal.rfft({x})", sums=True)
    else:
        scope.add(f"tf.signal.{scope.choose(['fft', 'ifft'])}({x})", sums=True)


@step(0.3)
def solved(scope):
    x = scope.pick(
        ("float32", "float64"),
        low=2,
        high=3,
        where=lambda v: bool(v.extent(-1)) and v.extent(-1) <= 8,
    )
    n = x.extent(-1)
    square = f"tf.matmul({x}, {x}, transpose_a=True) * 0.1 + 2 * tf.eye({n}, dtype={x.dtype!r})"
    scope.add(f"tf.linalg.{scope.choose(['cholesky', 'inv'])}({square})", sums=True)


@step(0.3)
def asserted(scope):
    x = scope.pick(FLOATS)
    scope.add(f"tf.debugging.assert_less({x}, tf.cast(1e9, {x.dtype!r}))", 0)
    scope.add(f"{x} + 1")


@step(0.3)
def resized(scope):
    x = scope.pick(("float32",), low=4, high=4)
    method = scope.choose(["bilinear", "nearest"])
    scope.add(
        f"tf.image.resize({x}, [{scope.int(1, 9)}, {scope.int(1, 9)}], {method!r})", sums=True
    )


@step(0.3)
def patches(scope):
    x = scope.pick(("float32", "int32"), low=4, high=4)
    k = scope.int(1, 3)
    scope.add(
        f"tf.image.extract_patches({x}, [1, {k}, {k}, 1], [1, {scope.int(1, 2)}, 1, 1], [1, 1, 1, 1], 'SAME')"
    )


@step(0.3)
def framed(scope):
    x = scope.pick(("float32", "int32"), low=1, where=lambda v: bool(v.extent(-1)))
    scope.add(f"tf.signal.frame({x}, {scope.int(1, 3)}, {scope.int(1, 2)})")


@step(0.3)
def meshed(scope):
    x = scope.pick(NUMBERS, low=1, high=1)
    if np.prod([x.size] * 2) > 4000:
        raise Rejected
    scope.add(f"tf.meshgrid({x}, {x}[::-1])", 2)
