"""Retrieval by two towers with in-batch negatives, nearest items by brute force, and a ranking model of ratings."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(51)
rng = np.random.default_rng(51)
USERS, ITEMS = 40, 60
taste, kind = rng.normal(size=(USERS, 3)), rng.normal(size=(ITEMS, 3))
users = rng.integers(0, USERS, 900)
items = (taste[users] @ kind.T + rng.gumbel(size=(900, ITEMS))).argmax(1)
ratings = np.clip(3 + (taste[users] * kind[items]).sum(1), 1, 5).astype("float32")
names = [f"user {k}" for k in range(USERS)]
titles = [f"item {k}" for k in range(ITEMS)]
data = tf.data.Dataset.from_tensor_slices(
    {"user": np.array(names)[users], "item": np.array(titles)[items], "rating": ratings}
)
shuffled = data.shuffle(900, seed=7, reshuffle_each_iteration=False)
train, test = shuffled.take(700).batch(128).cache(), shuffled.skip(700).batch(100).cache()


def tower(vocabulary):
    return keras.Sequential(
        [
            keras.layers.StringLookup(vocabulary=vocabulary, mask_token=None),
            keras.layers.Embedding(len(vocabulary) + 1, 8),
            keras.layers.Dense(8),
        ]
    )


class Retrieval(keras.Model):
    def __init__(self):
        super().__init__()
        self.user, self.item = tower(names), tower(titles)
        self.tracker = keras.metrics.Mean(name="loss")
        self.top = keras.metrics.SparseTopKCategoricalAccuracy(k=10, name="top10")

    def compute(self, features):
        scores = tf.matmul(
            self.user(features["user"]), self.item(features["item"]), transpose_b=True
        )
        labels = tf.eye(tf.shape(scores)[0])
        same = tf.equal(features["item"][:, None], features["item"][None, :])
        hidden = tf.logical_and(same, tf.equal(labels, 0))
        scores = scores + tf.cast(hidden, tf.float32) * -1e9
        return tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels, scores)), scores

    def train_step(self, features):
        with tf.GradientTape() as tape:
            loss, _ = self.compute(features)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}

    def test_step(self, features):
        loss, scores = self.compute(features)
        self.tracker.update_state(loss)
        self.top.update_state(tf.range(tf.shape(scores)[0]), scores)
        return {"loss": self.tracker.result(), "top10": self.top.result()}

    @property
    def metrics(self):
        return [self.tracker, self.top]


model = Retrieval()
model.compile(optimizer=keras.optimizers.Adagrad(0.5))
history = model.fit(train, epochs=4, validation_data=test, verbose=0).history
print("RESULT retrieval", *history["loss"])
print("RESULT val", *history["val_loss"])
print("RESULT evaluate", model.evaluate(test, return_dict=True, verbose=0)["loss"])
candidates = model.item(tf.constant(titles))
scores, found = tf.math.top_k(
    tf.matmul(model.user(tf.constant(names[:3])), candidates, transpose_b=True), 4
)
print("RESULT scores", scores.numpy().ravel(), found.shape)


class Ranking(keras.Model):
    def __init__(self):
        super().__init__()
        self.user, self.item = tower(names), tower(titles)
        self.score = keras.Sequential(
            [keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)]
        )

    def call(self, features):
        return self.score(tf.concat([self.user(features["user"]), self.item(features["item"])], 1))


ranking = Ranking()
ranking.compile(
    keras.optimizers.Adagrad(0.1),
    keras.losses.MeanSquaredError(),
    metrics=[keras.metrics.RootMeanSquaredError()],
)
pairs = train.map(lambda row: ({"user": row["user"], "item": row["item"]}, row["rating"]))
print("RESULT ranking", *ranking.fit(pairs, epochs=4, verbose=0).history["loss"])
tests = test.map(lambda row: ({"user": row["user"], "item": row["item"]}, row["rating"]))
print("RESULT rmse", *ranking.evaluate(tests, verbose=0))
print("RESULT predicted", ranking.predict(tests, verbose=0)[:5].ravel())
