"""A small NeRF: rays, positional encoding, volume rendering, custom train_step."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
H = W = 12
SAMPLES, L = 8, 4


def encode(x):
    out = [x]
    for i in range(L):
        for f in (tf.sin, tf.cos):
            out.append(f(2.0**i * x))
    return tf.concat(out, -1)


def get_rays(pose, focal=10.0):
    i, j = tf.meshgrid(tf.range(W, dtype=tf.float32), tf.range(H, dtype=tf.float32), indexing="xy")
    dirs = tf.stack([(i - W * 0.5) / focal, -(j - H * 0.5) / focal, -tf.ones_like(i)], -1)
    rays = tf.reduce_sum(dirs[..., None, :] * pose[:3, :3], -1)
    origins = tf.broadcast_to(pose[:3, -1], tf.shape(rays))
    return origins, rays


def flat_rays(origins, directions, near=2.0, far=6.0, rand=False):
    t = tf.linspace(near, far, SAMPLES)
    if rand:
        shape = list(origins.shape[:-1]) + [SAMPLES]
        t = t + tf.random.stateless_uniform(shape, [1, 2]) * (far - near) / SAMPLES
    else:
        t = tf.broadcast_to(t, list(origins.shape[:-1]) + [SAMPLES])
    rays = origins[..., None, :] + directions[..., None, :] * t[..., None]
    return encode(tf.reshape(rays, [-1, 3])), t


def map_fn(pose):
    o, d = get_rays(pose)
    return flat_rays(o, d, rand=True)


poses = np.stack([np.eye(4)] * 10).astype("float32")
poses[:, :3, 3] = rng.normal(size=(10, 3)) * 0.2 + [0, 0, 4]
images = rng.uniform(size=(10, H, W, 3)).astype("float32")
ray_ds = tf.data.Dataset.from_tensor_slices(poses).map(map_fn, num_parallel_calls=2)
ds = tf.data.Dataset.zip((tf.data.Dataset.from_tensor_slices(images), ray_ds)).batch(
    5, drop_remainder=True, num_parallel_calls=2
)
print(ds.element_spec)


def render(model, flat, t, train):
    p = model(flat, training=train)
    p = tf.reshape(p, [5, H, W, SAMPLES, 4])
    rgb, sigma = tf.sigmoid(p[..., :-1]), tf.nn.relu(p[..., -1])
    delta = t[..., 1:] - t[..., :-1]
    delta = tf.concat([delta, tf.broadcast_to([1e10], [5, H, W, 1])], -1)
    alpha = 1.0 - tf.exp(-sigma * delta)
    trans = tf.math.cumprod(1.0 - alpha + 1e-10, axis=-1, exclusive=True)
    w = alpha * trans
    return tf.reduce_sum(w[..., None] * rgb, -2), tf.reduce_sum(w * t, -1)


def mlp():
    i = x = tf.keras.Input((2 * 3 * L + 3,))
    for k in range(4):
        x = tf.keras.layers.Dense(
            24, activation="relu", kernel_initializer=tf.keras.initializers.GlorotUniform(seed=k)
        )(x)
        if k == 2:
            x = tf.keras.layers.concatenate([x, i], axis=-1)
    return tf.keras.Model(
        i,
        tf.keras.layers.Dense(4, kernel_initializer=tf.keras.initializers.GlorotUniform(seed=9))(x),
    )


class NeRF(tf.keras.Model):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.loss_tracker, self.psnr = (
            tf.keras.metrics.Mean(name="loss"),
            tf.keras.metrics.Mean(name="psnr"),
        )

    def compile(self, optimizer, loss_fn):
        super().compile()
        self.optimizer, self.loss_fn = optimizer, loss_fn

    def train_step(self, inputs):
        images, (flat, t) = inputs
        flat = tf.reshape(flat, [-1, flat.shape[-1]])
        with tf.GradientTape() as tape:
            rgb, _ = render(self.net, flat, t, True)
            loss = self.loss_fn(images, rgb)
        g = tape.gradient(loss, self.net.trainable_variables)
        self.optimizer.apply_gradients(zip(g, self.net.trainable_variables))
        self.loss_tracker.update_state(loss)
        self.psnr.update_state(tf.image.psnr(images, rgb, 1.0))
        return {"loss": self.loss_tracker.result(), "psnr": self.psnr.result()}

    def test_step(self, inputs):
        images, (flat, t) = inputs
        rgb, depth = render(self.net, tf.reshape(flat, [-1, flat.shape[-1]]), t, False)
        self.loss_tracker.update_state(self.loss_fn(images, rgb))
        self.psnr.update_state(tf.image.psnr(images, rgb, 1.0))
        return {
            "loss": self.loss_tracker.result(),
            "psnr": self.psnr.result(),
            "depth": tf.reduce_mean(depth),
        }

    @property
    def metrics(self):
        return [self.loss_tracker, self.psnr]


m = NeRF(mlp())
m.compile(tf.keras.optimizers.Adam(5e-3), tf.keras.losses.MeanSquaredError())
h = m.fit(ds, epochs=6, verbose=0)
print("RESULT", *(f"{k} {v[0]:.5f} {v[-1]:.5f}" for k, v in sorted(h.history.items())))
print(
    "RESULT",
    {k: round(float(v), 5) for k, v in m.evaluate(ds, verbose=0, return_dict=True).items()},
)
