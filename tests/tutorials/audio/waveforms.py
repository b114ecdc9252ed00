"""Raw waveforms: WaveNet with mu-law and a cached generator, Conv-TasNet with permutation invariant SI-SNR, and multi-resolution STFT losses."""

import itertools

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(451)
rng = np.random.default_rng(451)


def seeded(seed):
    return tf.keras.initializers.GlorotUniform(seed=seed)


def mu_law(x, levels=32):
    mu = tf.cast(levels - 1, tf.float32)
    magnitude = tf.math.log1p(mu * tf.abs(tf.clip_by_value(x, -1.0, 1.0))) / tf.math.log1p(mu)
    return tf.cast((tf.sign(x) * magnitude + 1) / 2 * mu + 0.5, tf.int32)


def inverse(codes, levels=32):
    mu = tf.cast(levels - 1, tf.float32)
    y = 2 * tf.cast(codes, tf.float32) / mu - 1
    return tf.sign(y) * (tf.pow(1 + mu, tf.abs(y)) - 1) / mu


time = np.arange(160) / 40
waves = np.stack(
    [0.8 * np.sin(2 * np.pi * f * time + p) for f, p in rng.uniform(1, 4, (8, 2))]
).astype("float32")
codes = mu_law(waves)
print("RESULT codes", *codes.numpy()[0, :8], float(tf.reduce_max(tf.abs(inverse(codes) - waves))))


class WaveNet(tf.Module):
    def __init__(self, levels=32, width=8, dilations=(1, 2, 4, 8)):
        super().__init__()
        self.levels, self.dilations = levels, dilations
        self.embedding = tf.Variable(
            tf.random.stateless_normal([levels, width], [1, 2], stddev=0.3)
        )
        self.gates = [tf.Variable(seeded(k)([2, width, 2 * width])) for k in range(len(dilations))]
        self.skips = [tf.Variable(seeded(k + 9)([width, width])) for k in range(len(dilations))]
        self.head = tf.Variable(seeded(20)([width, levels]))

    def __call__(self, codes):
        h, total = tf.gather(self.embedding, codes), 0.0
        for dilation, kernel, skip in zip(self.dilations, self.gates, self.skips):
            padded = tf.pad(h, [[0, 0], [dilation, 0], [0, 0]])
            a, b = tf.split(
                tf.nn.convolution(padded, kernel, 1, "VALID", dilations=[dilation]), 2, -1
            )
            z = tf.tanh(a) * tf.sigmoid(b)
            h, total = h + z @ skip, total + z
        return tf.nn.relu(total) @ self.head

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)])
    def generate(self, start, steps):
        """Codes drawn one after the other; each layer keeps a ring of what it has seen."""
        batch = tf.shape(start)[0]
        rings = [
            tf.zeros([d, batch, kernel.shape[1]]) for d, kernel in zip(self.dilations, self.gates)
        ]
        written = tf.TensorArray(tf.int32, steps)
        code = start
        for t in tf.range(steps):
            h, total = tf.gather(self.embedding, code), tf.zeros([batch, self.gates[0].shape[1]])
            moved = []
            for ring, kernel, skip in zip(rings, self.gates, self.skips):
                a, b = tf.split(ring[0] @ kernel[0] + h @ kernel[1], 2, -1)
                moved.append(tf.concat([ring[1:], h[None]], 0))
                z = tf.tanh(a) * tf.sigmoid(b)
                h, total = h + z @ skip, total + z
            rings = moved
            logits = tf.nn.relu(total) @ self.head
            code = tf.random.stateless_categorical(logits, 1, tf.stack([t, 7]), tf.int32)[:, 0]
            written = written.write(t, code)
        return tf.transpose(written.stack())


net = WaveNet()
adam = tf.keras.optimizers.Adam(0.01)


@tf.function
def learn(codes):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(codes[:, 1:], net(codes[:, :-1]))
        )
    adam.apply_gradients(zip(tape.gradient(loss, net.trainable_variables), net.trainable_variables))
    return loss


for length in (160, 100, 131, 160):
    print("RESULT wavenet", length, float(learn(codes[:, :length])))
drawn = net.generate(codes[:3, 0], tf.constant(12))
print("RESULT drawn", *drawn.numpy().ravel())

# Two speakers told apart.
sources = np.stack([waves[:4], np.sign(np.roll(waves[4:], 13, 1)) * 0.5], 1)
mixture = sources.sum(1)


def si_snr(estimate, source):
    estimate -= tf.reduce_mean(estimate, -1, keepdims=True)
    source -= tf.reduce_mean(source, -1, keepdims=True)
    scale = tf.reduce_sum(estimate * source, -1, keepdims=True) / (
        tf.reduce_sum(source**2, -1, keepdims=True) + 1e-8
    )
    target = scale * source
    ratio = tf.reduce_sum(target**2, -1) / (tf.reduce_sum((estimate - target) ** 2, -1) + 1e-8)
    return 10 * tf.math.log(ratio + 1e-8) / tf.math.log(10.0)


def permutation_invariant(estimates, sources):
    pairs = si_snr(estimates[:, :, None], sources[:, None])
    orders = tf.constant(list(itertools.permutations(range(sources.shape[1]))))
    rows = tf.range(sources.shape[1])
    scores = tf.stack(
        [
            tf.reduce_mean(
                tf.gather_nd(
                    pairs,
                    tf.broadcast_to(tf.stack([rows, o], 1), [tf.shape(pairs)[0], 2, 2]),
                    batch_dims=1,
                ),
                1,
            )
            for o in tf.unstack(orders)
        ],
        1,
    )
    best = tf.argmax(scores, 1)
    return -tf.reduce_mean(tf.reduce_max(scores, 1)), tf.gather(orders, best)


class TasNet(tf.keras.Model):
    def __init__(self, filters=12, length=8):
        super().__init__()
        self.encoder = layers.Conv1D(
            filters, length, length // 2, "same", activation="relu", kernel_initializer=seeded(31)
        )
        self.norm = layers.LayerNormalization()
        self.blocks = [
            [
                layers.Conv1D(16, 1, kernel_initializer=seeded(32 + k)),
                layers.PReLU(shared_axes=[1]),
                layers.DepthwiseConv1D(
                    3, padding="same", dilation_rate=2**k, depthwise_initializer=seeded(40 + k)
                ),
                layers.Conv1D(filters, 1, kernel_initializer=seeded(50 + k)),
            ]
            for k in range(3)
        ]
        self.masks = layers.Conv1D(
            2 * filters, 1, activation="sigmoid", kernel_initializer=seeded(60)
        )
        self.decoder = layers.Conv1DTranspose(
            1, length, length // 2, "same", kernel_initializer=seeded(61)
        )

    def call(self, wave):
        encoded = self.encoder(wave[..., None])
        h = self.norm(encoded)
        for block in self.blocks:
            z = h
            for layer in block:
                z = layer(z)
            h = h + z
        masks = tf.stack(tf.split(self.masks(h), 2, -1), 1)
        separated = masks * encoded[:, None]
        shape = tf.shape(separated)
        flat = tf.reshape(separated, [-1, shape[2], encoded.shape[-1]])
        return tf.reshape(self.decoder(flat), [shape[0], 2, -1])


tasnet = TasNet()
sgd = tf.keras.optimizers.Adam(0.01, clipnorm=5.0)


@tf.function
def separate(mixture, sources):
    with tf.GradientTape() as tape:
        loss, order = permutation_invariant(tasnet(mixture), sources)
    sgd.apply_gradients(
        zip(tape.gradient(loss, tasnet.trainable_variables), tasnet.trainable_variables)
    )
    return loss, order


for _ in range(4):
    loss, order = separate(mixture, sources)
    print("RESULT separated", float(loss), order.numpy().tolist())
print("RESULT parts", tasnet(mixture).shape, *tasnet(mixture[:1]).numpy()[0, :, 40])


def stft_loss(a, b, frame, step):
    A, B = (
        tf.abs(tf.signal.stft(v, frame, step, pad_end=True, window_fn=w))
        for v, w in ((a, tf.signal.hamming_window), (b, tf.signal.hamming_window))
    )
    converge = tf.norm(B - A, axis=[1, 2]) / tf.norm(B, axis=[1, 2])
    return tf.reduce_mean(converge), tf.reduce_mean(
        tf.abs(tf.math.log(A + 1e-5) - tf.math.log(B + 1e-5))
    )


signal = tf.Variable(0.3 * rng.normal(size=(2, 160)).astype("float32"))
for _ in range(3):
    with tf.GradientTape() as tape:
        parts = [v for size in (16, 32, 50) for v in stft_loss(signal, waves[:2], size, size // 4)]
        loss = tf.add_n(parts)
    gradient = tape.gradient(loss, signal)
    signal.assign_sub(0.05 * gradient)
    print("RESULT spectra", float(loss), *[float(p) for p in parts[:4]], float(tf.norm(gradient)))
frames = tf.signal.frame(waves, 20, 7, pad_end=True, pad_value=-1.0)
again = tf.signal.overlap_and_add(
    tf.signal.frame(tf.constant(waves), 20, 10) * tf.signal.hann_window(20), 10
)
print(
    "RESULT frames",
    frames.shape,
    float(tf.reduce_sum(frames)),
    again.shape,
    *again.numpy()[0, 40:44],
)
windows = [
    w(n)
    for w in (
        tf.signal.kaiser_window,
        tf.signal.kaiser_bessel_derived_window,
        tf.signal.vorbis_window,
    )
    for n in (8, 10)
]
print("RESULT windows", *[float(tf.reduce_sum(w * tf.range(float(w.shape[0])))) for w in windows])
autocorrelation = tf.signal.irfft(
    tf.cast(tf.abs(tf.signal.rfft(waves, [512])) ** 2, tf.complex64), [512]
)[:, :5]
print(
    "RESULT correlation",
    *autocorrelation.numpy()[0],
    *tf.signal.fftshift(tf.range(7)).numpy(),
    *tf.signal.ifftshift(tf.range(7)).numpy(),
)
spectrum = tf.signal.fft3d(tf.complex(tf.reshape(waves[:, :64], [8, 8, 8]), 0.1))
print(
    "RESULT fft",
    *spectrum.numpy()[1, 2, :2].view("float32"),
    *tf.signal.irfft2d(tf.signal.rfft2d(waves[:, :9]), [8, 9]).numpy()[3, :3],
    *tf.signal.idct(tf.signal.dct(waves[0, :8], 2, norm="ortho"), 2, norm="ortho").numpy()[:3],
)
