"""Writes modules.npz: functions as JAX serialises them, with arguments and what JAX computes.

Run where JAX is installed: python tests/ops/xla/record_modules.py
"""

import pathlib

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jl
import numpy as np
from jax import export, lax

HERE = pathlib.Path(__file__).resolve().parent
RANDOM = np.random.RandomState(0)
CASES = {}
jax.config.update("jax_traceback_in_locations_limit", 0)


def normal(*shape):
    return RANDOM.randn(*shape).astype(np.float32)


def case(name, function, *arguments, shapes=None):
    """Records a function; `shapes` are symbolic, as in "b, 4"."""
    specs = export.symbolic_args_specs(arguments, shapes or "...")
    module = export.export(jax.jit(function))(*specs).mlir_module_serialized
    results = jax.tree.leaves(jax.jit(function)(*arguments))
    CASES[f"{name}/module"] = np.frombuffer(module, np.uint8)
    for kind, values in (("in", arguments), ("out", results)):
        for i, value in enumerate(values):
            CASES[f"{name}/{kind}{i}"] = np.asarray(value)


def convolve(x, kernel, strides, padding, lhs=None, rhs=None, layout="NHWC", groups=1, batches=1):
    forms = (layout, "HWIO" if layout == "NHWC" else "OIHW", layout)
    return lax.conv_general_dilated(x, kernel, strides, padding, lhs, rhs, forms, groups, batches)


def pooled(x, size=3):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, size, size, 1), (1, 2, 2, 1), "SAME")


def attention(q, k, v):
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / 2
    mask = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    return jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(jnp.where(mask, scores, -1e9)), v)


def recurrent(w, x):
    return (lax.scan(lambda c, v: (jnp.tanh(c @ w + v), c), jnp.zeros(5), x)[1] ** 2).sum()


x, table, image = normal(3, 5), normal(6, 4, 3), normal(2, 6, 6, 4)
whole, key = np.arange(-3, 4, dtype=np.int32), np.array([3, 7], np.uint32)
wild = np.array([1e10, -1e10, np.nan, np.inf, 2.9, -2.9, 256], np.float32)
broken = np.array([[1, np.nan, -0.0, 0, np.nan], [3, 3, -np.inf, 2, 1]], np.float32)
spd = normal(2, 4, 4)
spd = spd @ spd.transpose(0, 2, 1) + np.eye(4, dtype=np.float32)
at = np.array([0, 7, -1, 2, 2], np.int32)

case("floats", lambda a: (jnp.tanh(a), lax.erf(a), lax.cbrt(a), lax.logistic(a), lax.sign(a)), x)
case("round", lambda a: (lax.round(a), lax.round(a, 1)), np.array([0.5, 1.5, -2.5], np.float32))
case("integers", lambda a: (a // 3, a % 3, lax.rem(a, a), lax.div(a, a), lax.clz(a)), whole)
case("shifts", lambda a, n: (a << n, a >> n, lax.shift_right_logical(a, n)), whole, whole * 11)
case("conversions", lambda a: (a.astype(jnp.int8), a.astype(jnp.uint32), a.astype(bool)), wild)
case("bits", lambda a: (lax.bitcast_convert_type(a, jnp.uint8), lax.reduce_precision(a, 5, 10)), x)
case("complex", lambda a: (abs(a), jnp.exp(a), a.real, a.sum()), x + 1j * x[::-1])
case(
    "movement",
    lambda a: (a[::-1, 1:4:2], jnp.tile(a.T, (1, 2)), lax.pad(a, 1.5, [(1, -1, 1), (0, 2, 0)])),
    x,
)
case(
    "blocks",
    lambda a, i: (lax.dynamic_slice(a, (i, i - 9), (2, 2)), a.at[i, 1].set(0)),
    x,
    np.int32(2),
)
case(
    "products",
    lambda a, b: (
        a @ b,
        jnp.tensordot(a, b, ((0, 2), (0, 1))),
        lax.dot_general(a, b, (((2,), (1,)), ((0,), (0,)))),
    ),
    normal(2, 3, 3),
    normal(2, 3, 4),
)
case(
    "narrow products",
    lambda a: lax.dot(a, a.T, preferred_element_type=jnp.int32),
    np.arange(6, dtype=np.int8).reshape(2, 3) * 20,
)
case(
    "convolution",
    lambda a, k: (
        convolve(a, k, (2, 1), [(1, 2), (2, 1)], (1, 2), (2, 1)),
        convolve(a.transpose(0, 3, 1, 2), k.transpose(3, 2, 0, 1), (1, 1), "SAME", layout="NCHW"),
    ),
    image,
    normal(3, 2, 4, 6),
)
case(
    "groups",
    lambda a, k: (
        convolve(a, k[:, :, :2], (1, 1), "SAME", groups=2),
        convolve(a, k, (1, 1), "SAME", batches=2),
    ),
    image,
    normal(3, 3, 4, 6),
)
case(
    "convolution gradients",
    jax.grad(lambda a, k: (convolve(a, k, (2, 2), "SAME") ** 2).sum(), (0, 1)),
    image,
    normal(3, 3, 4, 2),
)
case(
    "reductions",
    lambda a: (
        a.sum(),
        a.max(1),
        a.prod(0),
        jnp.any(a > 0, 1),
        jnp.var(a),
        jnp.argmax(a, 1),
        jnp.argmin(a),
    ),
    x,
)
case("extremes with nan", lambda a: (jnp.argmax(a, 1), jnp.argmin(a), jnp.nanmax(a, 1)), broken)
case(
    "reduction by a function",
    lambda a, b: lax.reduce(
        (a, b), (jnp.float32(0), jnp.float32(1)), lambda p, q: (p[0] + q[0], p[1] * q[1]), (1,)
    ),
    x,
    x + 1,
)
case(
    "running",
    lambda a: (jnp.cumsum(a, 1), lax.cummax(a, 0, reverse=True), lax.cumlogsumexp(a, 1)),
    x,
)
case(
    "pooling",
    lambda a: (
        pooled(a),
        jax.grad(lambda v: (pooled(v) ** 2).sum())(a),
        jax.grad(lambda v: (pooled(v, 2) ** 2).sum())(a),
    ),
    image,
)
case(
    "windows",
    lambda a: lax.reduce_window(a, 0.0, lax.add, (2, 3), (1, 2), ((1, 1), (0, 2)), (2, 1), (1, 2)),
    x,
)
case(
    "gathers",
    lambda a, i: (
        jnp.take(a, i, 1),
        a[i % 3, i % 4],
        jnp.take_along_axis(a, i[:, None, None] % 4, 1),
        jax.vmap(lambda r, k: lax.dynamic_slice(r, (k, 0), (2, 2)))(a, i),
    ),
    table,
    np.array([0, 5, -3, 2, 9, 1], np.int32),
)
case(
    "scatters",
    lambda a, i: (
        a.at[i].add(1.0),
        a.at[:, i % 4].set(2.0),
        a.at[i].max(0.5),
        a.at[i, i % 4].multiply(3.0),
    ),
    table,
    at,
)
case(
    "scatter by a function",
    lambda a, i: a.at[i].apply(jnp.sin),
    normal(4),
    np.array([0, 2, 9], np.int32),
)
case(
    "gather gradients",
    jax.grad(lambda a, i: (jnp.take_along_axis(a, i, 1) ** 2).sum() + (a[i[0, 0]] ** 2).sum()),
    table,
    np.ones((6, 2, 3), np.int32),
)
case("sorts", lambda a: (jnp.sort(a, 1), jnp.argsort(a, descending=True), lax.top_k(a, 2)), broken)
case(
    "sort by two keys",
    lambda a, b: lax.sort((a, b, b * 2), num_keys=2),
    whole % 3,
    -whole.astype(np.float32),
)
case("sort by a function", lambda a: lax.approx_max_k(a, 3), normal(2, 9))
case(
    "loops",
    lambda a: (
        lax.fori_loop(0, 4, lambda i, s: s * a[i % 3] + i, jnp.ones(5)),
        lax.scan(lambda c, v: (c + v, c.sum()), jnp.zeros(5), a),
    ),
    x,
)
case(
    "branches",
    lambda a, i: (
        lax.switch(i, [jnp.sin, jnp.cos, jnp.abs], a),
        lax.cond(i > 5, lambda v: v, lambda v: -v, a),
    ),
    x,
    np.int32(9),
)
case("scan gradient", jax.grad(recurrent), normal(5, 5), x)
case(
    "attention gradient",
    jax.grad(lambda *a: (attention(*a) ** 2).sum(), (0, 1, 2)),
    *(normal(1, 4, 2, 3) for _ in "qkv"),
)
case(
    "random",
    lambda k: (
        jax.random.normal(jax.random.wrap_key_data(k), (9,)),
        jax.random.permutation(jax.random.wrap_key_data(k), 7),
    ),
    key,
)
case(
    "bit generators",
    lambda k: [
        lax.rng_bit_generator(k, (3, 5), "uint16", algorithm)
        for algorithm in (lax.RandomAlgorithm.RNG_PHILOX, lax.RandomAlgorithm.RNG_THREE_FRY)
    ],
    np.array([1, 2, 3, 4], np.uint32),
)
case(
    "cholesky and solutions",
    lambda a: (jnp.linalg.cholesky(a), jnp.linalg.inv(a), jnp.linalg.det(a)),
    spd,
)
case("qr", lambda a: jnp.linalg.qr(a), normal(5, 3))
case("decompositions", lambda a: (jnp.linalg.eigh(a)[0], jnp.linalg.svd(a, compute_uv=False)), spd)
case(
    "triangular",
    lambda a: (
        [jl.solve_triangular(a, a, trans=turn, lower=True) for turn in (0, 1)]
        + [lax.linalg.triangular_solve(a, a, left_side=False, unit_diagonal=True)]
    ),
    spd[0],
)
case("fourier", lambda a: (jnp.fft.rfft2(a), jnp.fft.ifft(a, axis=0), jnp.fft.irfft(a, n=7)), x)
case(
    "any batch",
    lambda a: (
        jax.nn.softmax(a).reshape(-1),
        a[: a.shape[0] // 2].sum() + a.shape[0],
        jnp.cumsum(a, 0),
    ),
    normal(5, 4),
    shapes="b, 4",
)
case("an even batch", lambda a: a.reshape(a.shape[0] // 2, 2, -1), normal(6, 4), shapes="2*b, 4")
case("hessian", jax.hessian(lambda a: jnp.sin(a @ a)), normal(3))

tiny = np.array(
    [1e-6, -1e-6, 3e-8, 6.1e-5, 6e-5, 65519, 65520, 1e30, np.nan, -0.0, 1.2345678, np.inf, -np.inf, 3, 0.3],
    np.float32,
)  # fmt: skip
case(
    "fewer bits",
    lambda a, b: [
        *[lax.reduce_precision(a, *bits) for bits in ((5, 10), (8, 7), (8, 23), (5, 2), (4, 3), (3, 0), (11, 52), (2, 23))],
        *[lax.reduce_precision(b, *bits) for bits in ((5, 7), (4, 10), (3, 2))],
        lax.reduce_precision(a.astype(jnp.bfloat16), 5, 3).astype(jnp.float32),
    ],
    tiny, tiny.clip(-65504, 65504).astype(np.float16),
)  # fmt: skip
truths = np.array([True, False, True, False]), np.array([True, True, False, False])
case(
    "truths",
    lambda a, b: [
        lax.max(a, b),
        lax.min(a, b),
        lax.lt(a, b),
        lax.ge(a, b),
        jnp.outer(a, b) @ jnp.outer(b, a),
        lax.sort([a, b], num_keys=2),
        jnp.flip(jnp.sort(a)),
        a.astype(jnp.int8),
        jnp.cumsum(b),
    ],
    *truths,
)
waves = (spd + 1j * (spd - spd.transpose(0, 2, 1) + normal(4, 4))).astype(np.complex64)
hermitian = waves + waves.conj().transpose(0, 2, 1) + 8 * np.eye(4, dtype=np.complex64)
case(
    "complex factors",
    lambda a, h: [
        jnp.linalg.eigvalsh(h),
        jnp.linalg.svd(a, compute_uv=False),
        jnp.linalg.cholesky(h),
        *jnp.linalg.qr(a),
        jnp.linalg.qr(a[:, :, :2], mode="complete")[0],
        *[
            lax.linalg.triangular_solve(
                h, a, left_side=left, lower=lower, transpose_a=turn, conjugate_a=conj
            )
            for left in (True, False)
            for lower, turn, conj in ((1, 0, 0), (0, 1, 0), (1, 1, 1), (0, 0, 1))
        ],
    ],
    waves,
    hermitian,
)
case(
    "upper factors", lambda a: [jnp.linalg.cholesky(a, upper=True), jl.cholesky(a, lower=True)], spd
)


def spectrum(a):
    values, vectors = jnp.linalg.eig(a)
    order = jnp.argsort(values.real * 3 + values.imag)
    rest = jnp.abs(a.astype(values.dtype) @ vectors - vectors * values[..., None, :])
    return values[order], rest < 1e-4, jnp.linalg.norm(vectors, axis=-2)


case(
    "eigenvalues of any matrix",
    spectrum,
    spd[0] @ np.diag(np.float32([1, 2, -1, 3])) + normal(4, 4),
)
case("eigenvalues of complex matrices", spectrum, waves[0])
with jax.enable_x64(True):
    both = lax.RandomAlgorithm.RNG_PHILOX, lax.RandomAlgorithm.RNG_THREE_FRY
    case(
        "bits of any width",
        lambda long, short: [
            lax.rng_bit_generator(state, shape, kind, algorithm)
            for algorithm, state in ((both[0], long), (both[1], short))
            for shape, kind in (
                ((3, 5), "uint64"),
                ((7,), "uint8"),
                ((), "uint32"),
                ((5, 3, 3), "uint32"),
                ((), "uint64"),
            )
        ],
        np.array([2**64 - 1, 5], np.uint64),
        np.array([7, 2**64 - 2], np.uint64),
    )
case(
    "cropped convolutions",
    lambda a, w: [
        convolve(a, w, (1, 1), [(-1, 0), (0, -2)]),
        convolve(a, w, (2, 1), [(-1, 2), (1, -1)], lhs=(2, 2)),
        lax.conv_general_dilated(a[:, 0, 0], w[0, 0], (), [], dimension_numbers=("NC", "IO", "NC")),
    ],
    image,
    normal(3, 3, 4, 2),
)
case(
    "nothing",
    lambda a: [
        a[:0].sum(0),
        lax.reduce(a[:, :0], jnp.float32(3), lambda x, y: x * y - x, (1,)),
        a.at[jnp.zeros((0, 1), int)].add(1.0),
        a[jnp.zeros((0,), int)],
        jnp.max(a[:0], axis=0, initial=2.0),
    ],
    x,
)
case(
    "branches that return their operands",
    lambda c, a, b: lax.cond(c, lambda a, b: (b, a), lambda a, b: (a, a * b), a, b),
    np.array(True),
    x,
    2 * x,
)
case(
    "arithmetic shifts of unsigned numbers",
    lambda a, b, n: (lax.shift_right_arithmetic(a, n), lax.shift_right_arithmetic(b, jnp.uint8(3))),
    np.array([2**32 - 1, 2**31, 8, 2**32 - 7], np.uint32),
    np.array([255, 128, 7], np.uint8),
    np.array([1, 40, 2, 2**32 - 1], np.uint32),
)

if __name__ == "__main__":
    np.savez_compressed(HERE / "modules.npz", **CASES)
