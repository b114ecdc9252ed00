"""A custom training loop: one tf.function makes a whole step, forward, backward and update."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

digits = np.load(pathlib.Path(__file__).parent / "data" / "mnist_10k.npz")
images = digits["images"].astype("float32").reshape(-1, 784) / 255.0
labels = digits["labels"].astype("int32")

keras.utils.set_random_seed(1)
model = keras.Sequential(
    [keras.Input((784,)), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)]
)
optimizer = keras.optimizers.Adam(2e-3)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_of(y, model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


train = tf.data.Dataset.from_tensor_slices((images[:8000], labels[:8000]))
accuracy = 0.0
for epoch in range(3):
    batches = train.shuffle(8000, seed=epoch).batch(128)
    loss = [train_step(x, y) for x, y in batches][-1]
    predicted = tf.argmax(model(images[8000:]), axis=1).numpy()
    accuracy = np.mean(predicted == labels[8000:])
    print(f"epoch {epoch + 1}  loss {loss.numpy():.3f}  held-out accuracy {accuracy:.3f}")
assert accuracy > 0.9
