"""Windows of attention over images padded to a multiple of the window, shifted by rolls, and patches cut out and put back."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(206)
WINDOW, WIDTH = 4, 6
kernels = [
    tf.Variable(rng.normal(0, 0.4, s).astype("float32"))
    for s in ((3, WIDTH), (WIDTH, 18), (WIDTH, 2))
]
table = tf.Variable(rng.normal(0, 0.1, (2 * WINDOW - 1) ** 2).astype("float32"))
grid = tf.reshape(
    tf.stack(tf.meshgrid(tf.range(WINDOW), tf.range(WINDOW), indexing="ij"), -1), [-1, 2]
)
apart = grid[:, None] - grid[None] + WINDOW - 1
RELATIVE = apart[..., 0] * (2 * WINDOW - 1) + apart[..., 1]


def windows(x):
    """[b, h, w, c] to [b * windows, WINDOW ** 2, c]."""
    b, h, w, c = tf.unstack(tf.shape(x))
    x = tf.reshape(x, [b, h // WINDOW, WINDOW, w // WINDOW, WINDOW, c])
    return tf.reshape(tf.transpose(x, [0, 1, 3, 2, 4, 5]), [-1, WINDOW**2, c])


def back(parts, h, w):
    x = tf.reshape(parts, [-1, h // WINDOW, w // WINDOW, WINDOW, WINDOW, WIDTH])
    return tf.reshape(tf.transpose(x, [0, 1, 3, 2, 4, 5]), [-1, h, w, WIDTH])


@tf.function(input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([], tf.bool)])
def attend(images, shifted):
    h, w = tf.shape(images)[1], tf.shape(images)[2]
    below, right = -h % WINDOW, tf.math.floormod(-w, WINDOW)
    x = tf.pad(images @ kernels[0], [[0, 0], [0, below], [0, right], [0, 0]])
    inside = tf.pad(tf.ones_like(images[:, :, :, :1]), [[0, 0], [0, below], [0, right], [0, 0]])
    shift = tf.where(shifted, WINDOW // 2, 0)
    moved = tf.roll(x, [-shift, -shift], [1, 2])
    q, k, v = tf.split(windows(moved) @ kernels[1], 3, -1)
    live = windows(tf.roll(inside, [-shift, -shift], [1, 2]))
    scores = tf.matmul(q, k, transpose_b=True) * WIDTH**-0.5 + tf.gather(table, RELATIVE)
    scores = tf.where(tf.transpose(live, [0, 2, 1]) > 0, scores, -1e9)
    mixed = back(tf.nn.softmax(scores) @ v, h + below, w + right)
    x += tf.roll(mixed, [shift, shift], [1, 2])
    return x[:, :h, :w] @ kernels[2]


for h, w in [(8, 8), (7, 9), (5, 12), (12, 5), (13, 13), (4, 17), (3, 3), (9, 7)]:
    images = rng.normal(size=(2, h, w, 3)).astype("float32")
    for shifted in (False, True):
        with tf.GradientTape() as tape:
            out = attend(images, tf.constant(shifted))
            loss = tf.reduce_mean((out - 1) ** 2)
        gradients = tape.gradient(loss, [*kernels, table])
        norms = [float(tf.norm(tf.convert_to_tensor(g))) for g in gradients]
        print("RESULT", h, w, shifted, out.shape, float(loss), *norms)


@tf.function(reduce_retracing=True)
def patches_and_back(image, size, step):
    """Overlapping patches, scaled, added up where they lay and divided by how often each pixel was taken."""
    h, w = tf.shape(image)[0], tf.shape(image)[1]

    def cut(x):
        return tf.image.extract_patches(
            x[None], [1, size, size, 1], [1, step, step, 1], [1] * 4, "VALID"
        )[0]

    with tf.GradientTape(persistent=True) as tape:
        again = tf.zeros_like(image)
        tape.watch(again)
        taken = cut(again)
    patches = cut(image)
    rows = tf.cast(tf.range(tf.shape(patches)[0]), tf.float32)[:, None, None]
    total = tape.gradient(taken, again, patches * (1 + rows))
    count = tape.gradient(taken, again, tf.ones_like(patches))
    return tf.math.divide_no_nan(total, count), tf.reduce_sum(tf.cast(count == 0, tf.int32)), h * w


for h, w, size, step in [(6, 7, 3, 1), (9, 5, 3, 2), (8, 8, 2, 3), (5, 11, 3, 2), (7, 6, 3, 1)]:
    mean, missed, pixels = patches_and_back(
        tf.constant(rng.normal(size=(h, w, 1)).astype("float32")), size, step
    )
    print("RESULT patches", mean.shape, float(tf.reduce_sum(mean)), int(missed), int(pixels))


@tf.function(input_signature=[tf.TensorSpec([None, None, 1])])
def blocks(image):
    """Space to blocks and back, with what the blocks need of padding and cropping."""
    shape = tf.shape(image)[:2]
    paddings, crops = tf.required_space_to_batch_paddings(shape, tf.constant([2, 3]))
    parts = tf.space_to_batch(image[None], [2, 3], paddings)
    scaled = parts * tf.reshape(tf.range(1.0, 7.0), [6, 1, 1, 1])
    return tf.shape(parts), tf.batch_to_space(scaled, [2, 3], crops)[0]


for h, w in [(4, 6), (5, 7), (3, 3), (1, 8), (6, 4)]:
    shape, image = blocks(tf.reshape(tf.range(h * w, dtype=tf.float32), [h, w, 1]))
    print("RESULT blocks", *shape.numpy(), image.shape, *image.numpy()[-1, :, 0])
