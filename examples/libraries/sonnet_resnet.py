"""A small ResNet of Sonnet's learns to tell pictures of stripes from checkers and dots."""

import numpy as np
import sonnet as snt
import tensorflow as tf

tf.random.set_seed(0)
random = np.random.default_rng(0)


def pictures(count):
    """Noisy pictures `[count, 16, 16, 1]` and their classes."""
    classes = random.integers(0, 3, count)
    row, column = np.mgrid[:16, :16] // 2 % 2
    patterns = np.stack([row, row ^ column, row & column]).astype(np.float32)
    noisy = patterns[classes] + 0.7 * random.normal(size=[count, 16, 16])
    return noisy[..., None].astype(np.float32), classes.astype(np.int32)


network = snt.nets.ResNet(
    [1, 1, 1, 1], num_classes=3, resnet_v2=True, channels_per_group_list=(8, 16, 32, 64)
)
optimizer = snt.optimizers.Momentum(0.02, 0.9)


@tf.function
def train(images, labels):
    """One step; returns the loss."""
    with tf.GradientTape() as tape:
        logits = network(images, is_training=True)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        )
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss


for number in range(40):
    loss = train(*pictures(32))
    if number % 10 == 0:
        print(f"step {number:2d}  loss {float(loss):.3f}")

images, labels = pictures(200)
found = tf.argmax(network(images, is_training=False), axis=1)
print(f"right: {np.mean(found.numpy() == labels):.3f}")
