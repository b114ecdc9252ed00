"""Volumes and videos: 3D convolutions and their transposes, ConvLSTM, 3D pooling, upsampling, augmentation by flips and noise, dice losses."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(441)
rng = np.random.default_rng(441)


def blob(size=8):
    """A volume with a ball, and where the ball is."""
    centre, radius = rng.uniform(2, size - 2, 3), rng.uniform(1.2, 2.6)
    grid = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), -1)
    inside = np.linalg.norm(grid - centre, axis=-1) < radius
    return (inside + 0.3 * rng.normal(size=inside.shape)).astype("float32"), inside.astype(
        "float32"
    )


volumes, masks = (np.stack(v)[..., None] for v in zip(*[blob() for _ in range(10)]))


def seeded(seed):
    return tf.keras.initializers.HeNormal(seed=seed)


def block(x, filters, seed):
    x = layers.Conv3D(filters, 3, padding="same", use_bias=False, kernel_initializer=seeded(seed))(
        x
    )
    x = layers.GroupNormalization(groups=2)(x)
    return layers.LeakyReLU(0.1)(x)


inputs = layers.Input((None, None, None, 1))
first = block(inputs, 4, 1)
down = block(layers.MaxPooling3D(2)(first), 8, 2)
deep = block(
    layers.Conv3D(8, 3, strides=2, padding="same", kernel_initializer=seeded(3))(down), 8, 4
)
up = layers.Conv3DTranspose(8, 2, strides=2, kernel_initializer=seeded(5))(deep)
up = block(layers.Concatenate()([up, down]), 8, 6)
up = layers.UpSampling3D(2)(up)
up = block(layers.Concatenate()([up, first]), 4, 7)
model = tf.keras.Model(inputs, layers.Conv3D(1, 1, kernel_initializer=seeded(8))(up))


def dice(truth, logits):
    p = tf.sigmoid(logits)
    overlap = 2 * tf.reduce_sum(p * truth, [1, 2, 3, 4]) + 1
    return 1 - overlap / (tf.reduce_sum(p * p + truth * truth, [1, 2, 3, 4]) + 1)


def focal_tversky(truth, logits, alpha=0.7, gamma=0.75):
    p = tf.sigmoid(logits)
    axes = [1, 2, 3, 4]
    hit = tf.reduce_sum(p * truth, axes)
    missed, false = tf.reduce_sum((1 - p) * truth, axes), tf.reduce_sum(p * (1 - truth), axes)
    return (1 - (hit + 1) / (hit + alpha * missed + (1 - alpha) * false + 1)) ** gamma


def augment(volume, mask):
    both = tf.concat([volume, mask], -1)
    for axis in range(3):
        flip = tf.random.stateless_uniform([], [axis, 3]) < 0.5
        both = tf.where(flip, tf.reverse(both, [axis]), both)
    both = tf.transpose(both, [2, 0, 1, 3])
    noise = tf.random.stateless_normal(tf.shape(volume), [4, 5], stddev=0.1)
    return both[..., :1] + noise, both[..., 1:]


dataset = tf.data.Dataset.from_tensor_slices((volumes, masks)).map(augment).batch(4)
optimizer = tf.keras.optimizers.AdamW(0.01, weight_decay=1e-3)


@tf.function
def step(volume, mask):
    with tf.GradientTape() as tape:
        logits = model(volume, training=True)
        loss = tf.reduce_mean(dice(mask, logits) + 0.5 * focal_tversky(mask, logits))
    gradients = tape.gradient(loss, model.trainable_variables)
    gradients, norm = tf.clip_by_global_norm(gradients, 1.0)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss, norm


for epoch in range(3):
    results = [step(*batch) for batch in dataset]
    print("RESULT epoch", epoch, *[float(v) for r in results for v in r])
for size in (8, 12):
    out = model(np.stack([blob(size)[0]])[..., None])
    print("RESULT size", out.shape, float(tf.reduce_mean(out)), float(tf.math.reduce_std(out)))

# A ball that moves, foretold by ConvLSTM.
frames = np.zeros((6, 7, 9, 9, 1), "float32")
for k, video in enumerate(frames):
    for t in range(7):
        video[t, (k + t) % 7 + 1 : (k + t) % 7 + 3, (2 * k + t) % 7 + 1 : (2 * k + t) % 7 + 3] = 1.0
inputs = layers.Input((None, 9, 9, 1))
h = layers.ConvLSTM2D(
    6,
    3,
    padding="same",
    return_sequences=True,
    kernel_initializer=seeded(11),
    recurrent_initializer=tf.keras.initializers.Orthogonal(seed=12),
)(inputs)
h = layers.BatchNormalization()(h)
h = layers.Bidirectional(
    layers.ConvLSTM2D(
        4,
        3,
        padding="same",
        return_sequences=True,
        dilation_rate=1,
        kernel_initializer=seeded(13),
        recurrent_initializer=tf.keras.initializers.Orthogonal(seed=14),
    ),
    merge_mode="ave",
)(h)
h = layers.TimeDistributed(
    layers.SeparableConv2D(
        4,
        3,
        padding="same",
        activation="gelu",
        depthwise_initializer=seeded(15),
        pointwise_initializer=seeded(16),
    )
)(h)
outputs = layers.Conv3D(
    1, (3, 3, 3), padding="same", activation="sigmoid", kernel_initializer=seeded(17)
)(h)
video_model = tf.keras.Model(inputs, outputs)
video_model.compile(tf.keras.optimizers.Adam(5e-3), "binary_crossentropy")
history = video_model.fit(
    frames[:, :-1], frames[:, 1:], batch_size=4, epochs=3, shuffle=False, verbose=0
)
print("RESULT video", *history.history["loss"])
print(
    "RESULT frames",
    video_model.predict(frames[:2, :3], verbose=0).shape,
    *video_model.predict(frames[:2, :3], verbose=0)[0, 2, 3, :4, 0],
)

# The functions beneath.
x = tf.constant(rng.normal(size=(2, 5, 6, 7, 2)).astype("float32"))
kernel = tf.constant(rng.normal(size=(2, 3, 2, 2, 3)).astype("float32"))
with tf.GradientTape(persistent=True) as tape:
    tape.watch([x, kernel])
    results = {
        "conv": tf.nn.conv3d(x, kernel, [1, 2, 1, 2, 1], "SAME"),
        "dilated": tf.nn.convolution(x, kernel, padding="VALID", dilations=[1, 2, 2]),
        "transposed": tf.nn.conv3d_transpose(
            x, tf.transpose(kernel, [0, 1, 2, 4, 3]), [2, 10, 6, 14, 3], [1, 2, 1, 2, 1], "SAME"
        ),
        "largest": tf.nn.max_pool3d(x, [2, 3, 2], [1, 2, 2], "SAME"),
        "mean": tf.nn.avg_pool3d(x, 2, 2, "VALID"),
        "pooled": tf.nn.pool(
            x, [2, 2, 2], "AVG", strides=[1, 1, 1], padding="VALID", dilations=[1, 2, 1]
        ),
    }
for name, y in results.items():
    gradients = [g for g in tape.gradient(y, [x, kernel]) if g is not None]
    print(
        "RESULT",
        name,
        y.shape,
        float(tf.reduce_sum(y)),
        float(tf.norm(y)),
        *[float(tf.norm(g)) for g in gradients],
    )
