"""Finds handwritten digits in photographs: where each one is, how large, and which.

Data: scenes composed of MNIST's digits on cuts of a photograph of scikit-learn (CC BY). Scenes to
train on have a palace behind them, scenes held out a flower and digits that no training scene has.
The detector is one of points (as CenterNet): for each cell of a grid it says how likely a digit's
middle lies there, where the middle is, how large the digit is, and which.

Result: `mAP`, the mean over digits of the average precision at an overlap of 0.5, some 0.8.
"""

import penstock as tf
import keras
import numpy as np
from average_precision import average_precision
from command_line import options
from images import boxes_found, digits
from PIL import Image
from sklearn.datasets import load_sample_image

SIZE, STRIDE, CELLS, MOST = 80, 4, 20, 3
L = keras.layers


def scenes(held, photo, count, seed):
    """Returns scenes `[n, 80, 80, 3]`, boxes `[n, 3, 4]` (top, left, bottom, right), digits `[n, 3]`.

    A scene has one to three digits; the digit of a box that is not there is -1.
    """
    random, photo = np.random.default_rng(seed), load_sample_image(photo) / np.float32(255)
    images = np.empty((count, SIZE, SIZE, 3), "float32")
    boxes, classes = np.zeros((count, MOST, 4), "float32"), np.full((count, MOST), -1, "int32")
    for n in range(count):
        y, x = random.integers(photo.shape[0] - SIZE), random.integers(photo.shape[1] - SIZE)
        images[n] = photo[y : y + SIZE, x : x + SIZE]
        taken = np.zeros((SIZE, SIZE), bool)
        for k in range(random.integers(1, MOST + 1)):
            which, side = random.integers(len(held[0])), int(random.integers(24, 41))
            top, left = random.integers(0, SIZE - side, 2)
            area = slice(top, top + side), slice(left, left + side)
            if taken[area].any():
                continue
            taken[area] = True
            digit = Image.fromarray(held[0][which, ..., 0]).resize((side, side))
            ink = np.clip(np.asarray(digit), 0, 1)
            light = images[n][area].mean() > 0.5
            color = random.uniform(0, 0.3, 3) if light else random.uniform(0.7, 1, 3)
            images[n][area] += ink[..., None] * (color - images[n][area])
            rows, columns = np.flatnonzero((ink > 0.3).any(1)), np.flatnonzero((ink > 0.3).any(0))
            ends = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
            boxes[n, k] = np.array(ends) + [top, left, top, left]
            classes[n, k] = held[1][which]
    return images, boxes, classes


def make_model():
    """Returns a network from scenes to a logit, a place and a size, and ten logits for each cell."""
    images = x = keras.Input((SIZE, SIZE, 3))
    for filters, stride, dilation in [(16, 2, 1), (32, 2, 1), (48, 1, 1), *[(48, 1, 2)] * 3]:
        y = L.Conv2D(filters, 3, stride, "same", dilation_rate=dilation, use_bias=False)(x)
        y = L.ReLU()(L.BatchNormalization(momentum=0.9)(y))
        x = x + y if x.shape == y.shape else y
    start = keras.initializers.RandomNormal(stddev=0.01)
    return keras.Model(images, L.Conv2D(15, 1, kernel_initializer=start)(x))


def loss_of(outputs, boxes, classes):
    """Returns the focal loss of the middles, and what digits and boxes near them are off by."""
    there = tf.cast(classes >= 0, tf.float32)
    middles, sizes = (
        (boxes[..., :2] + boxes[..., 2:]) / (2 * STRIDE),
        boxes[..., 2:] - boxes[..., :2],
    )
    grid = tf.cast(tf.stack(tf.meshgrid(*[tf.range(CELLS)] * 2, indexing="ij"), -1), tf.float32)
    away = tf.reduce_sum((grid[:, :, None] - tf.floor(middles)[:, None, None]) ** 2, -1)
    near = tf.exp(-away / 3) * there[:, None, None]
    nearest, target = tf.argmax(near, -1), tf.reduce_max(near, -1)
    logits, p = outputs[..., 0], tf.sigmoid(outputs[..., 0])
    is_middle = tf.cast(target == 1, tf.float32)
    found = is_middle * (1 - p) ** 2 * tf.math.log_sigmoid(logits)
    none = (1 - target) ** 4 * p**2 * tf.math.log_sigmoid(-logits)
    close = tf.cast(target > 0.4, tf.float32)
    off = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(tf.gather(classes, nearest, batch_dims=1), 0), logits=outputs[..., 5:]
    )
    wanted = [tf.gather(middles, nearest, batch_dims=1) - grid]
    wanted.append(tf.gather(sizes, nearest, batch_dims=1) / 32)
    off += tf.reduce_sum(tf.abs(outputs[..., 1:5] - tf.concat(wanted, -1)), -1)
    heat = -tf.reduce_sum(found + none) / tf.reduce_sum(there)
    return heat + tf.reduce_sum(close * off) / tf.reduce_sum(close)


@tf.function
def detect(model, images):
    """Returns boxes `[n, 6, 4]`, their scores and digits `[n, 6]`, and how many they are `[n]`."""
    outputs = model(images)
    places, scores = outputs[..., 1:5], tf.nn.softmax(outputs[..., 5:])
    grid = tf.stack(tf.meshgrid(tf.range(CELLS), tf.range(CELLS), indexing="ij"), -1)
    middles = STRIDE * (tf.cast(grid, tf.float32) + places[..., :2])
    boxes = tf.concat([middles - 16 * places[..., 2:], middles + 16 * places[..., 2:]], -1)
    count = tf.shape(images)[0]
    boxes = tf.reshape(boxes, [count, -1, 1, 4])
    scores = tf.reshape(tf.sigmoid(outputs[..., :1]) * scores, [count, -1, 10])
    return tf.image.combined_non_max_suppression(
        boxes, scores, 6, 6, iou_threshold=0.3, score_threshold=0.05, clip_boxes=False
    )


def main(quick, picture):
    keras.utils.set_random_seed(1)
    training, held = digits()
    images, boxes, classes = scenes(training, "china.jpg", 100 if quick else 3000, 1)
    held_images, held_boxes, held_classes = scenes(held, "flower.jpg", 50 if quick else 500, 2)
    epochs, batch = (1, 20) if quick else (8, 32)
    model = make_model()
    rates = keras.optimizers.schedules.CosineDecay(4e-3, epochs * len(images) // batch)
    optimizer = keras.optimizers.Adam(rates)

    @tf.function
    def step(images, boxes, classes):
        with tf.GradientTape() as tape:
            loss = loss_of(model(images, training=True), boxes, classes)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    data = tf.data.Dataset.from_tensor_slices((images, boxes, classes))
    data = data.shuffle(len(images), seed=1).batch(batch).prefetch(2)
    for epoch in range(epochs):
        losses = [step(*scene) for scene in data]
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}")
    found = [result.numpy() for result in detect(model, held_images)]
    each = [average_precision(found, held_boxes, held_classes, digit) for digit in range(10)]
    print("average precision of each digit:", " ".join(f"{value:.2f}" for value in each))
    if picture:
        boxes_found(picture, held_images[:6], found)
    print(f"detection: mAP {np.mean(each):.3f}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
