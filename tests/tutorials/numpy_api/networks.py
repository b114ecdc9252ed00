"""TensorFlow's NumPy: a dense network, k-means, sensitivities and linear algebra by tf.experimental.numpy, beside tf.Tensors."""

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

tnp.experimental_enable_numpy_behavior()
tf.random.set_seed(421)
rng = np.random.default_rng(421)

values = tnp.arange(12, dtype=tnp.float32).reshape(3, 4)
print(
    "RESULT array",
    type(values).__name__,
    values.shape,
    values.dtype.name,
    values.ndim,
    values.size,
    values.T.shape,
)
for a, b in [
    (tnp.int32, tnp.float32),
    (tnp.int8, tnp.uint8),
    (tnp.int64, tnp.float32),
    (tnp.bool_, tnp.int16),
    (tnp.float16, tnp.int64),
]:
    print(
        "RESULT promoted",
        (tnp.ones(2, a) + tnp.ones(2, b)).dtype.name,
        tf.as_dtype(tnp.result_type(a, b)).name,
    )
print(
    "RESULT python",
    (tnp.ones(2, tnp.float32) * 2).dtype.name,
    (tnp.arange(3) + 1.5).dtype.name,
    (tnp.int32(3) / 2).dtype.name,
    tnp.asarray([1, 2]).dtype.name,
    tnp.asarray(1.5).dtype.name,
)
print("RESULT broadcast", *tnp.sum(tnp.ones([2, 3, 1]) + tnp.arange(4.0), axis=(0, 1)).numpy())
print(
    "RESULT indexed",
    *values[[0, 2], [1, 3]].numpy(),
    *values[values > 6].numpy(),
    *values[1:, ::-2].numpy().ravel(),
    *values[..., tnp.newaxis][0, 1:3].numpy().ravel(),
    float(values[-1, -1]),
)
print(
    "RESULT advanced",
    values[:, [3, 0]].shape,
    values[[[0], [1]], [1, 2]].numpy().tolist(),
    values[tnp.array([True, False, True])].shape,
)


class Dense:
    def __init__(self, inputs, units, activation=None):
        scale = tnp.sqrt(2.0 / inputs)
        self.w = tf.Variable((rng.normal(size=(inputs, units)) * scale).astype("float32"))
        self.b = tf.Variable(tnp.zeros(units, tnp.float32))
        self.activation = activation or (lambda x: x)

    def __call__(self, x):
        return self.activation(tnp.matmul(x, self.w) + self.b)


layers = [Dense(5, 16, lambda x: tnp.maximum(x, 0)), Dense(16, 8, tnp.tanh), Dense(8, 3)]
variables = [v for layer in layers for v in (layer.w, layer.b)]
x = tnp.asarray(rng.normal(size=(96, 5)), dtype=tnp.float32)
labels = tnp.argmax(tnp.stack([x[:, 0], x[:, 1] * x[:, 2], tnp.abs(x[:, 3]) - 0.5], 1), axis=1)
hot = tnp.eye(3, dtype=tnp.float32)[labels]


def forward(x):
    for layer in layers:
        x = layer(x)
    return x


def loss_of(x, hot):
    logits = forward(x)
    shifted = logits - tnp.max(logits, axis=-1, keepdims=True)
    log = shifted - tnp.log(tnp.sum(tnp.exp(shifted), axis=-1, keepdims=True))
    return -tnp.mean(tnp.sum(hot * log, axis=-1)) + 1e-3 * sum(
        tnp.sum(tnp.square(v)) for v in variables[::2]
    )


@tf.function
def step(x, hot, rate):
    with tf.GradientTape() as tape:
        loss = loss_of(x, hot)
    for v, g in zip(variables, tape.gradient(loss, variables)):
        v.assign_sub(rate * g)
    return loss


for epoch in range(4):
    order = tnp.asarray(rng.permutation(96))
    losses = [step(x[order[k : k + 32]], hot[order[k : k + 32]], 0.3) for k in range(0, 96, 32)]
    print("RESULT epoch", epoch, *[float(v) for v in losses])
print("RESULT accuracy", float(tnp.mean(tnp.argmax(forward(x), -1) == labels)))

per_example = tf.vectorized_map(lambda row: tnp.sum(forward(row[tnp.newaxis])[0]), x[:5])
print("RESULT vectorized", *per_example.numpy())
with tf.GradientTape() as tape:
    tape.watch(x)
    y = forward(x[:4])
jacobian = tape.jacobian(y, x)
print("RESULT jacobian", jacobian.shape, float(tnp.sum(tnp.abs(jacobian))))

points = tnp.concatenate(
    [tnp.asarray(rng.normal(c, 0.4, size=(30, 2)), tnp.float32) for c in ([0, 0], [3, 1], [-1, 3])]
)
centres = points[::30]
for _ in range(5):
    distances = tnp.sqrt(tnp.sum((points[:, None] - centres[None]) ** 2, axis=-1))
    nearest = tnp.argmin(distances, 1)
    weights = (nearest[:, None] == tnp.arange(3)).astype(tnp.float32)
    centres = weights.T @ points / tnp.sum(weights, 0)[:, None]
print(
    "RESULT centres",
    *centres.numpy().ravel(),
    *tf.math.bincount(nearest).numpy(),
)

m = tnp.asarray(rng.normal(size=(4, 4)))
for name, result in {
    "einsum": tnp.einsum("ij,kj->ik", m, m),
    "kron": tnp.kron(m[:2, :2], tnp.eye(2)),
    "tensordot": tnp.tensordot(m, m, axes=[[1], [0]]),
    "outer": tnp.outer(m[0], m[1]),
    "cross": tnp.cross(m[:, :3], m[:, 1:]),
    "vander": tnp.vander(m[0], 3),
    "tri": tnp.tril(m, -1) + tnp.triu(m, 2),
    "rot": tnp.rot90(m) - tnp.flip(m, 0),
    "roll": tnp.roll(m, 2, axis=1),
    "pad": tnp.pad(m, [[1, 0], [0, 2]], mode="reflect"),
    "cumsum": tnp.cumsum(m, axis=1) * tnp.cumprod(m, axis=0),
    "diff": tnp.diff(m, axis=0),
    "sort": tnp.sort(m, axis=0),
    "argsort": tnp.argsort(m, axis=-1),
    "clip": tnp.clip(m, -0.5, 0.5),
    "where": tnp.where(m > 0, m, -m / 2),
    "take": tnp.take(m, [0, 3], axis=1) + tnp.take_along_axis(m, tnp.argsort(m, 1), 1)[:, :2],
    "repeat": tnp.repeat(m[:2], 2, axis=0)[1:3],
    "tile": tnp.tile(m[0], (2, 1)),
    "swap": tnp.swapaxes(m.reshape(2, 2, 4), 0, 2),
    "moved": tnp.moveaxis(m.reshape(2, 2, 4), -1, 0),
    "meshgrid": tnp.stack(tnp.meshgrid(tnp.linspace(0, 1, 3), tnp.logspace(0, 1, 2))),
    "split": tnp.split(m, 2, axis=1)[0] - tnp.vsplit(m, 2)[1].reshape(4, 2),
    "nan": tnp.nanmean(tnp.where(m > 1, np.nan, m), axis=0),
    "trace": tnp.trace(m) + tnp.prod(tnp.diag(m)),
    "statistics": tnp.stack([tnp.mean(m), tnp.std(m), tnp.var(m), tnp.ptp(m), tnp.max(m)]),
    "integers": tnp.floor_divide(tnp.arange(-4, 4), 3) * 10 + tnp.mod(tnp.arange(-4, 4), 3),
    "gcd": tnp.gcd(tnp.arange(1, 7), 12) + tnp.lcm(tnp.arange(1, 7), 4),
    "logaddexp": tnp.logaddexp(m, -m) + tnp.log1p(tnp.exp2(m)) + tnp.hypot(m, m.T),
    "heaviside": tnp.heaviside(m, 0.5) + tnp.sinc(m) + tnp.remainder(m, 0.7) + tnp.signbit(m),
    "windows": tnp.average(m, weights=tnp.abs(m), axis=1),
    "polynomial": tnp.polyval(m[0], tnp.asarray([0.5, 2.0])),
    "count": tnp.stack([tnp.count_nonzero(m > 0), tnp.all(m < 9), tnp.any(m > 9)]),
    "select": tnp.select([m > 0.5, m < -0.5], [m * 2, m * 3], 0.0),
    "nonzero": tnp.stack(tnp.nonzero(m > 0)),
    "tri_indices": m[tnp.tri(4) > 0],
    "dsplit": tnp.dstack([m, m])[0, 1]
    + tnp.sum(tnp.vstack([m[0], m[1]]))
    + tnp.max(tnp.hstack([m[0], m[1]])),
    "complex": tnp.abs(tnp.conj(m[0] + 1j * m[1]))
    + tnp.angle(m[2] + 1j * m[3])
    + tnp.real(1j * m[0])
    + tnp.imag(1j * m[0]),
}.items():
    result = np.asarray(result)
    print(
        "RESULT",
        name,
        result.shape,
        result.dtype,
        *np.round(result.astype("float64").ravel()[:12], 6),
    )

for function in (tnp.random.rand, tnp.random.randn):
    tnp.random.seed(5)
    print("RESULT random", *function(3).numpy(), function(2, 2).dtype.name)
tnp.random.seed(7)
print(
    "RESULT integers",
    *tnp.random.randint(0, 10, size=(5,)).numpy(),
    *tnp.random.uniform(1.0, 2.0, (2,)).numpy(),
    *tnp.random.poisson(3.0, (3,)).numpy(),
    *tnp.random.standard_normal((2,)).numpy(),
)
mixed = (
    np.sum(tnp.ones([2, 2]))
    + tnp.sum(np.ones([2, 2]))
    + np.asarray(tf.ones([2]) * tnp.asarray([1.0, 2.0])).sum()
)
print(
    "RESULT mixed",
    float(mixed),
    np.add(np.ones(2), tnp.ones(2)).tolist(),
    isinstance(tnp.ones(2), tf.Tensor),
)
print(
    "RESULT methods",
    *values.clip(2, 5).numpy().ravel()[:4],
    *tnp.max(values.astype(tnp.int32), 0).numpy(),
    *tnp.cumsum(values.ravel()).numpy()[-2:],
)
