"""In the style of Keras 2: a Siamese net with a Lambda distance, fed by a Sequence, with callbacks and generators."""

import numpy as np
import tensorflow as tf
import tensorflow.keras.backend as K
from tensorflow.keras.callbacks import Callback, EarlyStopping, LambdaCallback, ReduceLROnPlateau
from tensorflow.keras.layers import (
    Activation,
    Conv1D,
    Dense,
    Dropout,
    GlobalAveragePooling1D,
    Input,
    Lambda,
)
from tensorflow.keras.models import Model, Sequential
from tensorflow.keras.optimizers import RMSprop
from tensorflow.keras.utils import Sequence

tf.keras.utils.set_random_seed(221)
rng = np.random.RandomState(221)
waves = np.stack([np.sin(np.linspace(0, 6, 20) * (k % 4 + 1) + rng.rand()) for k in range(60)])
waves = (waves + rng.randn(60, 20) * 0.1)[..., None].astype("float32")
kinds = np.arange(60) % 4


class Pairs(Sequence):
    def __init__(self, waves, kinds, batch_size, seed, **kwargs):
        super().__init__(**kwargs)
        self.waves, self.kinds, self.batch_size = waves, kinds, batch_size
        self.rng = np.random.RandomState(seed)
        self.epochs = 0
        self.on_epoch_end()

    def __len__(self):
        return int(np.ceil(len(self.left) / self.batch_size))

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        left, right = self.left[rows], self.right[rows]
        same = (self.kinds[left] == self.kinds[right]).astype("float32")
        return (self.waves[left], self.waves[right]), same[:, None]

    def on_epoch_end(self):
        self.epochs += 1
        self.left = self.rng.permutation(len(self.waves))
        mates = [self.rng.choice(np.flatnonzero(self.kinds == self.kinds[i])) for i in self.left]
        strangers = self.rng.permutation(len(self.waves))
        self.right = np.where(self.rng.rand(len(self.waves)) < 0.5, mates, strangers)


def euclidean(vectors):
    x, y = vectors
    return tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(x - y), axis=1, keepdims=True), K.epsilon()))


def contrastive(y_true, y_pred):
    margin = 1.0
    return tf.reduce_mean(
        y_true * tf.square(y_pred) + (1 - y_true) * tf.square(tf.maximum(margin - y_pred, 0))
    )


def accuracy(y_true, y_pred):
    return tf.reduce_mean(tf.cast(tf.equal(y_true > 0.5, y_pred < 0.5), "float32"))


base = Sequential(name="base")
base.add(Input(shape=(20, 1)))
base.add(Conv1D(8, 5, activation="relu", kernel_initializer="he_uniform"))
base.add(Dropout(0.1))
base.add(Conv1D(8, 3, dilation_rate=2, padding="causal"))
base.add(Activation("tanh"))
base.add(GlobalAveragePooling1D())
base.add(Dense(4))

left, right = Input(shape=(20, 1)), Input(shape=(20, 1))
distance = Lambda(euclidean, output_shape=(1,))([base(left), base(right)])
model = Model([left, right], distance)
model.compile(loss=contrastive, optimizer=RMSprop(learning_rate=5e-3), metrics=[accuracy])


class Recorder(Callback):
    def on_train_begin(self, logs=None):
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))


recorder, rates = Recorder(), []
pairs, validation = Pairs(waves, kinds, 16, 1), Pairs(waves[:24], kinds[:24], 10, 2)
history = model.fit(
    pairs,
    epochs=4,
    verbose=0,
    shuffle=False,
    validation_data=validation,
    callbacks=[
        recorder,
        ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_delta=0.5),
        EarlyStopping(monitor="loss", patience=3, restore_best_weights=True),
        LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(float(logs["learning_rate"]))),
    ],
)
for key in ("loss", "accuracy", "val_loss", "val_accuracy"):
    print("RESULT", key, *history.history[key])
print("RESULT batches", len(recorder.losses), pairs.epochs, *recorder.losses[-4:])
print("RESULT rates", *rates)
print(
    "RESULT predict",
    model.predict(validation, verbose=0).shape,
    float(model.predict(validation, verbose=0).sum()),
)
print("RESULT evaluate", *model.evaluate(validation, verbose=0))


def forever(batch_size):
    while True:
        rows = np.arange(batch_size)
        yield (waves[rows], waves[rows + 1]), np.zeros((batch_size, 1), "float32")


history = model.fit(forever(8), steps_per_epoch=3, epochs=2, verbose=0)
print("RESULT generator", *history.history["loss"], *model.evaluate(forever(5), steps=2, verbose=0))
print(
    "RESULT predicted",
    model.predict((((w, w),) for (w, _), _ in forever(6)), steps=2, verbose=0).shape,
)
embedding = base.predict(waves, batch_size=25, verbose=0)
print("RESULT embedding", embedding.shape, *np.abs(embedding).mean(0))
