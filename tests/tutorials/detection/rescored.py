"""A head that scores and moves boxes, trained through soft-NMS on images of ever other numbers of boxes."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(307)
rng = np.random.default_rng(307)
FEATURES = 6


def image():
    """Proposals around one to four objects, what is known of each, and the objects' boxes."""
    objects = int(rng.integers(1, 5))
    low = rng.uniform(0, 60, (objects, 2))
    truth = np.concatenate([low, low + rng.uniform(12, 30, (objects, 2))], 1)
    count = int(rng.integers(3, 24))
    owner = rng.integers(0, objects, count)
    noise = rng.normal(0, 4, (count, 4))
    far = np.abs(noise).mean(1, keepdims=True)
    known = [-noise / 8 + rng.normal(0, 0.05, noise.shape), far, far**2]
    return [
        array.astype("float32") for array in (truth[owner] + noise, np.concatenate(known, 1), truth)
    ]


def images(count):
    for _ in range(count):
        yield tuple(image())


shapes = (tf.TensorSpec([None, 4]), tf.TensorSpec([None, FEATURES]), tf.TensorSpec([None, 4]))
data = tf.data.Dataset.from_generator(lambda: images(14), output_signature=shapes).cache()


def overlaps(a, b):
    """IoU of each box of a with each of b."""
    low = tf.maximum(a[:, None, :2], b[None, :, :2])
    high = tf.minimum(a[:, None, 2:], b[None, :, 2:])
    common = tf.reduce_prod(tf.nn.relu(high - low), -1)

    def area(x):
        return tf.reduce_prod(tf.nn.relu(x[:, 2:] - x[:, :2]), -1)

    return tf.math.divide_no_nan(common, area(a)[:, None] + area(b)[None] - common)


def soft_nms(boxes, scores, sigma, most):
    """The boxes picked in turn, and their scores, lowered by those picked before; gradients flow into both."""
    iou = overlaps(boxes, boxes)
    picked = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[])
    values = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[])
    left = tf.ones_like(scores)
    k = tf.constant(0)
    while k < tf.minimum(most, tf.size(scores)):
        best = tf.argmax(scores * left - (1.0 - left), output_type=tf.int32)
        if scores[best] < 0.02:
            break
        picked = picked.write(k, best)
        values = values.write(k, scores[best])
        left = tf.tensor_scatter_nd_update(left, [[best]], [0.0])
        scores = scores * tf.where(left > 0, tf.exp(-tf.square(iou[best]) / sigma), 1.0)
        k += 1
    return picked.stack(), values.stack()


class Head(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(16, "gelu")
        self.norm = layers.LayerNormalization()
        self.score = layers.Dense(1)
        self.move = layers.Dense(4, kernel_initializer="zeros")
        self.logit_sigma = self.add_weight(shape=(), initializer="zeros", name="sigma")

    def call(self, boxes, features):
        h = self.norm(self.hidden(features))
        return boxes + 8.0 * self.move(h), tf.sigmoid(self.score(h)[:, 0])

    @property
    def sigma(self):
        return 0.1 + tf.sigmoid(self.logit_sigma)


head = Head()
optimizer = keras.optimizers.AdamW(0.02, weight_decay=1e-3, global_clipnorm=5.0)
found, lost = keras.metrics.Mean(), keras.metrics.Sum()
traces = []


@tf.function(input_signature=shapes)
def train_step(boxes, features, truth):
    traces.append(boxes.shape)
    with tf.GradientTape() as tape:
        moved, scores = head(boxes, features)
        picked, values = soft_nms(moved, scores, head.sigma, 10)
        kept = tf.gather(moved, picked)
        iou = overlaps(kept, truth)
        near = tf.argmax(iou, 1, output_type=tf.int32)
        # The first to be picked near an object stands for it; others ought to have been lowered.
        first = tf.math.unsorted_segment_min(tf.range(tf.size(near)), near, tf.shape(truth)[0])
        is_first = tf.gather(first, near) == tf.range(tf.size(near))
        hit = tf.cast(is_first & (tf.reduce_max(iou, 1) > 0.3), tf.float32)
        cross = keras.losses.binary_crossentropy(hit[:, None], values[:, None])
        box = keras.losses.huber(tf.gather(truth, near) / 20, kept / 20)
        loss = tf.reduce_mean(cross) + tf.reduce_mean(box)
    gradients = tape.gradient(loss, head.trainable_variables)
    optimizer.apply_gradients(zip(gradients, head.trainable_variables))
    found.update_state(tf.gather(tf.reduce_max(iou, 1), tf.where(is_first)[:, 0]))
    lost.update_state(tf.size(scores) - tf.size(picked))
    return loss


for epoch in range(4):
    found.reset_state()
    lost.reset_state()
    losses = [float(train_step(*given)) for given in data]
    print("RESULT epoch", epoch, np.mean(losses), losses[-1], float(found.result()))
    print("RESULT left", int(lost.result()), float(head.sigma))
print("RESULT traces", len(traces), traces[0])


@tf.function(reduce_retracing=True)
def detect(boxes, features):
    moved, scores = head(boxes, features)
    return moved, scores, *soft_nms(moved, scores, head.sigma, 6)


for boxes, features, truth in images(4):
    moved, scores, picked, values = detect(boxes, features)
    print("RESULT picked", len(boxes), picked.numpy(), values.numpy())
    library, soft = tf.image.non_max_suppression_with_scores(
        moved, scores, 6, 1.0, 0.02, soft_nms_sigma=float(head.sigma) / 2
    )
    print("RESULT library", np.array_equal(library, picked), np.allclose(soft, values, atol=1e-4))
    print("RESULT overlap", *overlaps(moved, tf.constant(truth)).numpy().max(0))

# A batch of images of different numbers, as ragged boxes, each thinned by itself.
batch = [image() for _ in range(3)]
ragged = [tf.ragged.stack([given[k] for given in batch]) for k in (0, 1)]
print("RESULT ragged", ragged[0].row_lengths().numpy(), ragged[0].shape)


@tf.function
def thinned(given):
    return tf.size(detect(*given)[2])


kept = tf.map_fn(thinned, tuple(ragged), fn_output_signature=tf.int32)
print("RESULT kept", kept.numpy())
