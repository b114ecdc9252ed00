"""A vectorizer inside of the model, masked embeddings and stacked bidirectional LSTMs on sentences of any length."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(12)
rng = np.random.default_rng(12)
verbs = {"rises": 1, "grows": 1, "wins": 1, "falls": 0, "shrinks": 0, "loses": 0}
names = ["the market", "our team", "a river", "that city", "the old tree"]
extra = ["today", "again", "as we hoped", "in the north", "very slowly", ""]
texts, labels = [], []
for _ in range(180):
    verb = rng.choice(list(verbs))
    negated = rng.random() < 0.3
    words = [
        rng.choice(names),
        "never" if negated else "",
        verb,
        rng.choice(extra),
        rng.choice(extra),
    ]
    texts.append(" ".join(filter(None, words)))
    labels.append(verbs[verb] ^ negated)
data = tf.data.Dataset.from_tensor_slices((texts, labels))
train = data.take(140).shuffle(140, seed=2).batch(32).prefetch(tf.data.AUTOTUNE)
test = data.skip(140).batch(32)

encoder = tf.keras.layers.TextVectorization(max_tokens=50)
encoder.adapt(train.map(lambda text, label: text))
model = tf.keras.Sequential(
    [
        encoder,
        tf.keras.layers.Embedding(len(encoder.get_vocabulary()), 16, mask_zero=True),
        tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(12, return_sequences=True)),
        tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(8)),
        tf.keras.layers.Dense(16, activation="relu"),
        tf.keras.layers.Dense(1),
    ]
)
alone = model.predict(tf.constant(["the market rises"]), verbose=0)
padded = model.predict(
    tf.constant(["the market rises", "the old tree falls again in the north"]), verbose=0
)
print("RESULT masked", np.allclose(alone[0], padded[0], atol=1e-6), padded.ravel())
model.compile(
    loss=tf.keras.losses.BinaryCrossentropy(from_logits=True),
    optimizer=tf.keras.optimizers.Adam(1e-2),
    metrics=["accuracy"],
)
history = model.fit(train, epochs=4, validation_data=test, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
print(
    "RESULT predictions",
    model.predict(tf.constant(["our team never wins", "a river grows"]), verbose=0).ravel(),
)
