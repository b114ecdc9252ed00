"""Speech to letters: convolutions and a bidirectional GRU trained by the CTC loss, decoded greedily and by beams."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(23)
rng = np.random.default_rng(23)
LETTERS, FRAMES, BINS = 6, 40, 12
lengths = rng.integers(2, 6, 110)
words = np.full((110, 5), LETTERS)
spectra = rng.normal(0, 0.3, (110, FRAMES, BINS)).astype("float32")
for spectrum, word, n in zip(spectra, words, lengths):
    word[:n] = rng.integers(0, LETTERS, n)
    for k in range(n):
        spectrum[3 + 7 * k : 7 + 7 * k, word[k] * 2 : word[k] * 2 + 2] += 1.5
data = tf.data.Dataset.from_tensor_slices((spectra, words, lengths)).batch(32)


def build():
    inputs = keras.Input((FRAMES, BINS))
    h = layers.Conv1D(24, 3, strides=2, padding="same", use_bias=False)(inputs)
    h = layers.BatchNormalization()(h)
    h = layers.ReLU()(h)
    h = layers.Bidirectional(layers.GRU(16, return_sequences=True))(h)
    return keras.Model(inputs, layers.Dense(LETTERS + 1)(h))


model = build()
optimizer = keras.optimizers.Adam(1e-2)


@tf.function
def train_step(spectra, words, lengths):
    with tf.GradientTape() as tape:
        logits = model(spectra, training=True)
        count = tf.shape(logits)[0]
        loss = tf.nn.ctc_loss(
            labels=tf.cast(words, tf.int32),
            logits=logits,
            label_length=tf.cast(lengths, tf.int32),
            logit_length=tf.fill([count], FRAMES // 2),
            logits_time_major=False,
            blank_index=LETTERS,
        )
        loss = tf.reduce_mean(loss)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


for epoch in range(6):
    print("RESULT epoch", epoch, np.mean([float(train_step(*batch)) for batch in data]))
logits = tf.transpose(model(spectra[:12], training=False), [1, 0, 2])
sizes = tf.fill([12], FRAMES // 2)
greedy, score = tf.nn.ctc_greedy_decoder(logits, sizes)
beams, beam_score = tf.nn.ctc_beam_search_decoder(logits, sizes, beam_width=8, top_paths=2)
print("RESULT score", score[:4].numpy().ravel(), beam_score[:3].numpy().ravel())
truth = tf.sparse.from_dense(tf.constant(np.where(words[:12] == LETTERS, 0, words[:12] + 1)))
decoded = tf.SparseTensor(greedy[0].indices, greedy[0].values + 1, greedy[0].dense_shape)
print("RESULT distance", float(tf.reduce_mean(tf.edit_distance(decoded, truth))) < 2)
keras_loss = keras.losses.CTC()
print("RESULT keras", float(keras_loss(words[:4] % 6 + 1, tf.roll(model(spectra[:4]), 1, -1))))
