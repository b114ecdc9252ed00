"""An image pyramid: Gaussian and Laplacian levels of pictures of odd sizes, blended and collapsed again; spatial pyramid pooling."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(204)
row = tf.constant([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
KERNEL = (row[:, None] * row[None, :])[:, :, None, None]


def blur(images):
    channels = tf.shape(images)[-1]
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], "SYMMETRIC")
    return tf.nn.depthwise_conv2d(
        padded, tf.tile(KERNEL, [1, 1, channels, 1]), [1, 1, 1, 1], "VALID"
    )


def expand(images, size):
    """Zeros between the pixels, then four times the blur, cut to the size."""
    b, h, w, c = tf.unstack(tf.shape(images))
    wide = tf.reshape(tf.stack([images, tf.zeros_like(images)], 3), [b, h, 2 * w, c])
    tall = tf.reshape(tf.stack([wide, tf.zeros_like(wide)], 2), [b, 2 * h, 2 * w, c])
    return 4 * blur(tall[:, : size[0], : size[1]])


@tf.function(input_signature=[tf.TensorSpec([None, None, None, None])])
def laplacian(images):
    levels = []
    for _ in range(3):
        small = blur(images)[:, ::2, ::2]
        levels.append(images - expand(small, tf.shape(images)[1:3]))
        images = small
    return levels + [images]


@tf.function(reduce_retracing=True)
def collapse(levels):
    image = levels[-1]
    for level in reversed(levels[:-1]):
        image = expand(image, tf.shape(level)[1:3]) + level
    return image


@tf.function(reduce_retracing=True)
def spatial_pools(features):
    """Maxima of 1, 4 and 9 cells whose borders depend on the size."""
    height, width = tf.shape(features)[1], tf.shape(features)[2]
    cells = []
    for bins in (1, 2, 3):
        for i in range(bins):
            for j in range(bins):
                top, bottom = i * height // bins, -(-(i + 1) * height // bins)
                left, right = j * width // bins, -(-(j + 1) * width // bins)
                cells.append(tf.reduce_max(features[:, top:bottom, left:right], [1, 2]))
    return tf.concat(cells, -1)


for height, width in [(17, 26), (26, 17), (32, 32), (19, 45), (8, 9), (33, 31)]:
    a = rng.normal(size=(2, height, width, 3)).astype("float32").cumsum(1) / 4
    b = rng.normal(size=(2, height, width, 3)).astype("float32").cumsum(2) / 4
    left, right = laplacian(a), laplacian(b)
    mask = tf.cast(tf.range(width) < width // 2, tf.float32)[None, None, :, None]
    blended = []
    for x, y in zip(left, right):
        m = tf.image.resize(tf.broadcast_to(mask, [1, height, width, 1]), x.shape[1:3], "area")
        blended.append(m * x + (1 - m) * y)
    error = float(tf.reduce_max(tf.abs(collapse(left) - a)))
    image = collapse(blended)
    print("RESULT", height, width, *[n for x in left for n in x.shape[1:3]], error < 1e-4)
    print("RESULT energy", *[float(tf.reduce_mean(x**2)) for x in left])
    print(
        "RESULT blended",
        *tf.reduce_mean(image, [0, 1, 2]).numpy(),
        float(image[1, -1, width // 2, 0]),
    )
    pools = spatial_pools(tf.constant(a))
    print("RESULT pools", pools.shape, *tf.reduce_mean(pools, 0)[::6].numpy())
    pooled, rows, columns = tf.nn.fractional_max_pool(a, 1.5, True, seed=3)
    print(
        "RESULT fractional",
        pooled.shape,
        float(tf.reduce_mean(pooled)),
        int(rows[-1]),
        int(columns[-1]),
    )


@tf.function(input_signature=[tf.TensorSpec([None, None])])
def detail_gradient(image):
    """How the energy of the finest level changes with each pixel."""
    with tf.GradientTape() as tape:
        tape.watch(image)
        small = blur(image[None, :, :, None])[:, ::2, ::2]
        energy = tf.reduce_sum((image[None, :, :, None] - expand(small, tf.shape(image))) ** 2)
    return tape.gradient(energy, image)


for height, width in [(5, 7), (6, 6), (7, 5), (12, 4)]:
    g = detail_gradient(tf.constant(rng.normal(size=(height, width)).astype("float32")))
    print("RESULT gradient", height, width, float(tf.norm(g)), g.numpy()[-1, :3])
