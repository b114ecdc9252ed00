"""Objects as points: heat maps of centres with Gaussian targets, offsets and sizes gathered at peaks, decoded by max pooling."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(242)
rng = np.random.default_rng(242)
SIZE, STRIDE, MOST = 32, 4, 5
GRID = SIZE // STRIDE


def scene():
    image = rng.normal(0, 0.1, (SIZE, SIZE, 1)).astype("float32")
    boxes = []
    for _ in range(rng.integers(1, MOST)):
        h, w = rng.integers(5, 12, 2)
        y, x = rng.integers(0, SIZE - h), rng.integers(0, SIZE - w)
        image[y : y + h, x : x + w] += rng.uniform(0.8, 1.2)
        boxes.append([y, x, y + h, x + w])
    return image, np.array(boxes, "float32")


images, boxes = zip(*[scene() for _ in range(48)])
images, boxes = np.stack(images), tf.ragged.constant([b.tolist() for b in boxes], ragged_rank=1)


def targets(image, boxes):
    """A heat map, and for each box its cell, offset and size, padded to MOST."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / (2 * STRIDE)
    size = (boxes[:, 2:] - boxes[:, :2]) / SIZE
    cell = tf.cast(tf.floor(centre), tf.int32)
    line = tf.range(GRID, dtype=tf.float32)
    spread = tf.reduce_mean(size, -1)[:, None, None] * 3
    near = tf.square(line[None, :, None] - tf.floor(centre)[:, None, None, 0])
    near += tf.square(line[None, None, :] - tf.floor(centre)[:, None, None, 1])
    heat = tf.reduce_max(tf.exp(-near / (2 * tf.square(spread))), 0)
    extra = [[0, MOST - tf.shape(boxes)[0]], [0, 0]]
    mask = tf.sequence_mask(tf.shape(boxes)[0], MOST, tf.float32)
    return image, (
        heat[..., None],
        tf.pad(cell, extra),
        tf.pad(tf.concat([centre - tf.floor(centre), size], -1), extra),
        mask,
    )


data = tf.data.Dataset.from_tensor_slices((images, boxes))
data = data.map(
    lambda image, b: targets(image, b.to_tensor() if isinstance(b, tf.RaggedTensor) else b)
).batch(10)

inputs = keras.Input((SIZE, SIZE, 1))
h = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(inputs)
h = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(h)
h = layers.Conv2D(16, 3, padding="same", activation="relu")(h)
heat = layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(-2.19), name="heat")(h)
rest = layers.Conv2D(4, 1, name="rest")(layers.Conv2D(12, 3, padding="same", activation="relu")(h))
net = keras.Model(inputs, {"heat": heat, "rest": rest})
optimizer = keras.optimizers.Adam(5e-3, global_clipnorm=5.0)


@tf.function
def step(images, wanted):
    heat, cells, values, mask = wanted
    with tf.GradientTape() as tape:
        out = net(images, training=True)
        p = tf.clip_by_value(tf.sigmoid(out["heat"]), 1e-4, 1 - 1e-4)
        peak = tf.cast(heat > 0.999, tf.float32)
        focal = -peak * (1 - p) ** 2 * tf.math.log(p) - (1 - peak) * (
            1 - heat
        ) ** 4 * p**2 * tf.math.log(1 - p)
        focal = tf.reduce_sum(focal) / tf.maximum(tf.reduce_sum(peak), 1.0)
        there = tf.gather_nd(out["rest"], cells, batch_dims=1)
        l1 = tf.reduce_sum(tf.abs(there - values) * mask[..., None]) / tf.reduce_sum(mask)
        loss = focal + l1
    gradients = tape.gradient(loss, net.trainable_variables)
    optimizer.apply_gradients(zip(gradients, net.trainable_variables))
    return focal, l1


for epoch in range(4):
    losses = [step(images, wanted) for images, wanted in data]
    print("RESULT epoch", epoch, *[float(x) for pair in losses for x in pair])


@tf.function(reduce_retracing=True)
def decode(images, count):
    """The boxes at the largest peaks of the heat map."""
    out = net(images)
    heat = tf.sigmoid(out["heat"])
    peaks = tf.where(tf.nn.max_pool2d(heat, 3, 1, "SAME") == heat, heat, 0.0)
    scores, places = tf.math.top_k(tf.reshape(peaks, [tf.shape(images)[0], -1]), count)
    cells = tf.stack([places // GRID, places % GRID], -1)
    values = tf.gather(tf.reshape(out["rest"], [-1, GRID * GRID, 4]), places, batch_dims=1)
    centre = (tf.cast(cells, tf.float32) + values[..., :2]) * STRIDE
    half = values[..., 2:] * SIZE / 2
    return scores, tf.concat([centre - half, centre + half], -1)


scores, found = decode(images[:7], 3)
print("RESULT scores", scores.numpy()[:3].ravel())
print("RESULT found", found.numpy()[0].ravel())
scores, found = decode(images[7:9], 6)
print("RESULT more", found.shape, float(tf.reduce_mean(found)), float(tf.reduce_sum(scores)))
nearest = tf.map_fn(
    lambda pair: tf.reduce_max(tf.reduce_min(tf.abs(pair[0][:, None, 0] - pair[1][None, :, 0]), 1)),
    (boxes[7:9], found),
    fn_output_signature=tf.float32,
)
print("RESULT nearest", nearest.numpy())
