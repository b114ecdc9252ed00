"""A dual encoder of images and texts, trained by contrast within the batch, then a search for images by text."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(24)
rng = np.random.default_rng(24)
WORDS = ["sun", "sea", "tree", "road", "house", "cloud"]
kinds = rng.integers(0, 6, 60)
images = rng.random((60, 12, 12, 3)).astype("float32") * 0.3
for image, kind in zip(images, kinds):
    image[2 * kind : 2 * kind + 2] += 0.7
texts = np.array([f"a photo of the {WORDS[k]} nr {n % 4}" for n, k in enumerate(kinds)])
vectorize = layers.TextVectorization(output_sequence_length=8)
vectorize.adapt(texts)


def projected(x, size):
    first = layers.Dense(size)(x)
    x = layers.Dense(size)(tf.keras.layers.Activation("gelu")(first))
    return layers.LayerNormalization()(layers.Add()([first, x]))


def image_encoder():
    inputs = keras.Input((12, 12, 3))
    x = layers.SeparableConv2D(8, 3, activation="relu")(inputs)
    x = layers.GlobalAveragePooling2D()(layers.DepthwiseConv2D(3, depth_multiplier=2)(x))
    return keras.Model(inputs, projected(x, 12))


def text_encoder():
    inputs = keras.Input((8,), dtype="int64")
    x = layers.Embedding(vectorize.vocabulary_size(), 12, mask_zero=True)(inputs)
    x = layers.Bidirectional(layers.GRU(6))(x)
    return keras.Model(inputs, projected(x, 12))


class Dual(keras.Model):
    def __init__(self, temperature):
        super().__init__()
        self.of_images, self.of_texts = image_encoder(), text_encoder()
        self.temperature = temperature
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.tracker]

    def call(self, batch, training=False):
        texts = self.of_texts(batch["text"], training=training)
        return texts, self.of_images(batch["image"], training=training)

    def contrast(self, texts, images):
        logits = tf.matmul(texts, images, transpose_b=True) / self.temperature
        alike = (
            tf.matmul(images, images, transpose_b=True) + tf.matmul(texts, texts, transpose_b=True)
        ) / 2
        targets = keras.activations.softmax(alike / self.temperature)
        by_text = keras.losses.categorical_crossentropy(targets, logits, from_logits=True)
        by_image = keras.losses.categorical_crossentropy(
            tf.transpose(targets), tf.transpose(logits), from_logits=True
        )
        return tf.reduce_mean((by_text + by_image) / 2)

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            loss = self.contrast(*self(batch, training=True))
        self.optimizer.apply(
            tape.gradient(loss, self.trainable_variables), self.trainable_variables
        )
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}


data = tf.data.Dataset.from_tensor_slices({"image": images, "text": texts}).batch(15)
data = data.map(lambda row: {"image": row["image"], "text": vectorize(row["text"])})
model = Dual(5.0)
model.compile(keras.optimizers.AdamW(5e-3, weight_decay=1e-3))
print("RESULT loss", *model.fit(data, epochs=4, verbose=0).history["loss"])
gallery = tf.math.l2_normalize(model.of_images.predict(images, verbose=0), axis=1)
asked = tf.math.l2_normalize(model.of_texts(vectorize(["the sea", "a tree", "cloud"])), axis=1)
values, _ = tf.math.top_k(tf.matmul(asked, gallery, transpose_b=True), 4)
print("RESULT nearest", *values.numpy().ravel())
