"""A residual network with batch norm and a learning rate that decays by a cosine, in a functional model."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)
x = rng.normal(size=(220, 16, 16, 3)).astype("float32")
y = (x[:, :8].mean((1, 2)) - x[:, 8:].mean((1, 2))).argmax(1)
x_test, y_test = x[180:], y[180:]
x, y = x[:180], y[:180]


def block(h, filters, strides):
    shortcut = h
    h = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(h)
    h = layers.BatchNormalization()(h)
    h = layers.ReLU()(h)
    h = layers.Conv2D(filters, 3, padding="same", use_bias=False)(h)
    h = layers.BatchNormalization()(h)
    if strides != 1 or shortcut.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, strides=strides)(shortcut)
        shortcut = layers.BatchNormalization()(shortcut)
    return layers.ReLU()(layers.add([h, shortcut]))


inputs = keras.Input((16, 16, 3))
h = layers.Conv2D(8, 3, padding="same")(inputs)
for filters, strides in ((8, 1), (16, 2), (32, 2)):
    h = block(h, filters, strides)
h = layers.GlobalAveragePooling2D()(h)
model = keras.Model(inputs, layers.Dense(3, activation="softmax")(h))
rate = keras.optimizers.schedules.CosineDecay(0.05, decay_steps=30, alpha=0.01)
model.compile(
    keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(x, y, batch_size=32, epochs=3, verbose=0).history
print("RESULT parameters", model.count_params())
print("RESULT loss", *history["loss"])
print("RESULT evaluate", model.evaluate(x_test, y_test, verbose=0)[0])
print("RESULT predictions", model.predict(x_test[:5], verbose=0).ravel())
moving = [w for w in model.weights if "moving" in w.path]
print("RESULT moving", len(moving), *(float(np.mean(w.numpy())) for w in moving))
