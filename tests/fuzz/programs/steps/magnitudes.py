"""Linear algebra, norms and sums of tiny and of huge numbers: what scales with its argument must do so near the ends of a type."""

from tests.fuzz.programs.drawing import Rejected
from tests.fuzz.programs.steps import step

# By type: powers of two, so that scaling rounds nothing.
SCALES = {
    "float32": ("2.0**-60", "2.0**-30", "2.0**30", "2.0**50"),
    "float64": ("2.0**-400", "2.0**-100", "2.0**100", "2.0**400"),
}


def scaled(scope, **options):
    """A value of floats, and a power of two that it is multiplied by."""
    x = scope.pick(tuple(SCALES), **options)
    return x, scope.choose(SCALES[x.dtype])


def definite(x):
    """The text of a positive definite matrix made of a value, and its size."""
    n = x.extent(-1)
    return f"(tf.matmul({x}, {x}, transpose_a=True) * 0.1 + 2 * tf.eye({n}, dtype={x.dtype!r}))", n


def square(v):
    return bool(v.extent(-1)) and v.extent(-1) <= 40


@step(0.5)
def solved_at_scale(scope):
    """Solutions of scaled systems, scaled back."""
    x, scale = scaled(scope, low=2, high=3, where=square)
    a, n = definite(x)
    rhs = f"tf.ones([{n}, 2], dtype={x.dtype!r})"
    if x.rank == 3:
        rhs = f"tf.ones_like({x}[:, :1, :2]) * tf.ones([{n}, 1], dtype={x.dtype!r})"
    scope.add(scope.choose([
        f"tf.linalg.inv({a} * {scale}) * {scale}",
        f"tf.linalg.solve({a} * {scale}, {rhs}) * {scale}",
        f"tf.linalg.cholesky({a} * {scale}**2) / {scale}" if "400" not in scale and "50" not in scale and "60" not in scale
        else f"tf.linalg.cholesky({a} * {scale}) / {scale} ** 0.5",
        f"tf.linalg.cholesky_solve(tf.linalg.cholesky({a} * {scale}), {rhs}) * {scale}",
        f"tf.linalg.triangular_solve(tf.linalg.band_part({a}, -1, 0) * {scale}, {rhs}) * {scale}",
        f"tf.linalg.eigvalsh({a} * {scale}) / {scale}",
        f"tf.linalg.svd({a} * {scale}, compute_uv=False) / {scale}",
        f"tf.abs(tf.linalg.qr({a} * {scale})[1]) / {scale}",
        f"tf.linalg.logdet({a} * {scale}) * 0.001",
        f"tf.linalg.lu({a} * {scale})[0] / {scale}",
        f"tf.linalg.matmul({a} * {scale}, tf.linalg.inv({a} * {scale}))",
    ]), sums=True)  # fmt: skip


@step(0.4)
def norm_at_scale(scope):
    """Norms and means of squares overflow at half of a type's exponents; others do not."""
    x, scale = scaled(scope, low=1, high=4)
    if not x.extent(-1):
        raise Rejected
    scope.add(scope.choose([
        f"tf.reduce_sum({x} * {scale}, -1) / {scale}", f"tf.reduce_mean({x} * {scale}, -1) / {scale}",
        f"tf.reduce_max(tf.abs({x} * {scale}), -1) / {scale}", f"tf.nn.softmax({x} * {scale} / {scale})",
        f"tf.matmul({x}[..., None] * {scale}, {x}[..., None, :]) / {scale}", f"tf.cumsum({x} * {scale}, -1) / {scale}",
        f"tf.norm({x} * {scale}, 1, -1) / {scale}", f"tf.reduce_logsumexp({x} * {scale}, -1) / {scale}",
        f"tf.sort({x} * {scale}, -1) / {scale}", f"tf.abs(tf.complex({x} * {scale}, {x} * {scale})) / {scale}",
        f"tf.sigmoid({x} * {scale})", f"tf.math.log1p(tf.abs({x}) * {scale}) * 0.01", f"tf.tanh({x} * {scale})",
        f"tf.math.softplus({x} * {scale}) / {scale}", f"tf.math.atan2({x} * {scale}, ({x} + 3) * {scale})",
        f"tf.math.asinh({x} * {scale}) * 0.01", f"tf.math.floormod({x}, tf.abs({x}) * {scale} + {scale}) / {scale}",
        f"tf.nn.log_softmax({x} * {scale}) / ({scale} + 1)", f"tf.math.expm1({x} / (1 + {scale})) * (1 + {scale})",
    ]), sums=True)  # fmt: skip
