"""Bottleneck adapters in a frozen backbone, layers thawed one after the other, and optimizers that differ by layer."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(212)
rng = np.random.default_rng(212)
x = rng.normal(size=(140, 12)).astype("float32")
old = np.argmax(x @ rng.normal(size=(12, 4)), 1)
new = np.argmax(np.tanh(x) @ rng.normal(size=(12, 3)), 1)


@keras.utils.register_keras_serializable("tutorial")
class Adapter(layers.Layer):
    """x + up(gelu(down(x))), which begins as the identity."""

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def build(self, shape):
        self.down = layers.Dense(self.size, "gelu", name="down")
        self.up = layers.Dense(shape[-1], kernel_initializer="zeros", name="up")
        self.down.build(shape)
        self.up.build((*shape[:-1], self.size))

    def call(self, x):
        return x + self.up(self.down(x))

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def block(x, width, name):
    y = layers.Dense(width, name=f"{name}_dense")(x)
    y = layers.BatchNormalization(momentum=0.8, name=f"{name}_norm")(y)
    return layers.LeakyReLU(negative_slope=0.1)(y)


inputs = keras.Input((12,))
h = block(block(inputs, 16, "one"), 16, "two")
backbone = keras.Model(inputs, h, name="backbone")
first = keras.Sequential([backbone, layers.Dense(4)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
first.compile(keras.optimizers.Adam(1e-2), loss)
print("RESULT pretrained", *first.fit(x, old, batch_size=35, epochs=3, verbose=0).history["loss"])

backbone.trainable = False
h = inputs
for layer in backbone.layers[1:]:
    h = layer(h)
    if isinstance(layer, layers.LeakyReLU):
        h = Adapter(3)(h)
adapted = keras.Model(inputs, layers.Dense(3, name="head")(h))
adapted.compile(keras.optimizers.AdamW(1e-2, weight_decay=0.02), loss, metrics=["accuracy"])
moving = [np.array(v) for v in backbone.non_trainable_variables]
print("RESULT adapted", *adapted.fit(x, new, batch_size=35, epochs=3, verbose=0).history["loss"])
print(
    "RESULT untouched",
    all(np.array_equal(a, b) for a, b in zip(moving, backbone.non_trainable_variables)),
)
print(
    "RESULT counts",
    adapted.count_params(),
    sum(int(tf.size(v)) for v in adapted.trainable_variables),
)

for name in ("two_dense", "one_dense"):  # thawed from the top
    backbone.get_layer(name).trainable = True
    adapted.compile(keras.optimizers.SGD(5e-3, momentum=0.9, nesterov=True, clipnorm=1.0), loss)
    history = adapted.fit(x, new, batch_size=35, epochs=2, verbose=0).history
    print("RESULT thawed", name, len(adapted.trainable_variables), *history["loss"])

adapted.save("adapted.keras")
again = keras.models.load_model("adapted.keras")
same = np.abs(again.predict(x, verbose=0) - adapted.predict(x, verbose=0)).max()
print(
    "RESULT loaded",
    float(same),
    len(again.trainable_variables),
    again.get_layer("one_norm").trainable,
)

# Rates that differ by layer: groups of variables, each with an optimizer of its own.
groups = {
    "slow": [v for v in adapted.trainable_variables if "dense" in v.path and "head" not in v.path],
    "fast": [v for v in adapted.trainable_variables if "head" in v.path],
    "rest": [v for v in adapted.trainable_variables if "down" in v.path or "up" in v.path],
}
optimizers = {
    "slow": keras.optimizers.Adagrad(1e-3),
    "fast": keras.optimizers.Lion(1e-3),
    "rest": keras.optimizers.Adafactor(1e-2),
}
for name, variables in groups.items():
    optimizers[name].build(variables)
print("RESULT groups", *map(len, groups.values()))


@tf.function
def step(images, labels):
    with tf.GradientTape() as tape:
        value = loss(labels, adapted(images, training=True))
    variables = sum(groups.values(), [])
    gradients = dict(zip((v.path for v in variables), tape.gradient(value, variables)))
    for name, group in groups.items():
        optimizers[name].apply_gradients([(gradients[v.path], v) for v in group])
    return value


for _epoch in range(2):
    print("RESULT mixed", *[float(step(x[k : k + 40], new[k : k + 40])) for k in range(0, 140, 40)])
print(
    "RESULT norms",
    *[float(tf.linalg.global_norm([v.value for v in group])) for group in groups.values()],
)
