"""CycleGAN: two generators between kinds of images without pairs, held together by cycles, as a model with its own step."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(22)
rng = np.random.default_rng(22)
horses = (rng.random((8, 24, 24, 3)) * 2 - 1).astype("float32")
zebras = np.sign(np.sin(np.arange(24) * 1.3))[None, :, None, None] * horses


@keras.utils.register_keras_serializable("tutorial")
class ReflectionPadding(layers.Layer):
    def __init__(self, size=1, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x):
        edge = [self.size, self.size]
        return tf.pad(x, [[0, 0], edge, edge, [0, 0]], mode="REFLECT")

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def normalized(x):
    return layers.GroupNormalization(groups=-1)(x)


def residual(x, filters):
    y = layers.Conv2D(filters, 3, use_bias=False)(ReflectionPadding()(x))
    y = layers.Activation("relu")(normalized(y))
    y = layers.Conv2D(filters, 3, use_bias=False)(ReflectionPadding()(y))
    return layers.add([x, normalized(y)])


def generator(name):
    inputs = keras.Input((24, 24, 3))
    x = layers.Conv2D(6, 7, use_bias=False)(ReflectionPadding(3)(inputs))
    x = layers.Activation("relu")(normalized(x))
    x = layers.Activation("relu")(normalized(layers.Conv2D(12, 3, 2, "same", use_bias=False)(x)))
    for _ in range(2):
        x = residual(x, 12)
    x = layers.Conv2DTranspose(6, 3, 2, "same", use_bias=False)(x)
    x = layers.Activation("relu")(normalized(x))
    x = layers.Conv2D(3, 7, activation="tanh")(ReflectionPadding(3)(x))
    return keras.Model(inputs, x, name=name)


def discriminator(name):
    inputs = keras.Input((24, 24, 3))
    x = layers.LeakyReLU(negative_slope=0.2)(layers.Conv2D(6, 4, 2, "same")(inputs))
    x = layers.LeakyReLU(negative_slope=0.2)(normalized(layers.Conv2D(12, 4, 2, "same")(x)))
    return keras.Model(inputs, layers.Conv2D(1, 4, 1, "same")(x), name=name)


class Cycle(keras.Model):
    def __init__(self):
        super().__init__()
        self.forth, self.back = generator("forth"), generator("back")
        self.judge_forth, self.judge_back = (
            discriminator("judge_forth"),
            discriminator("judge_back"),
        )

    def compile(self, **optimizers):
        super().compile()
        self.makers = [optimizers["forth"], optimizers["back"]]
        self.judges = [optimizers["judge_forth"], optimizers["judge_back"]]
        self.absolute, self.squared = (
            keras.losses.MeanAbsoluteError(),
            keras.losses.MeanSquaredError(),
        )

    def train_step(self, batch):
        a, b = batch
        with tf.GradientTape(persistent=True) as tape:
            fake_b, fake_a = self.forth(a, training=True), self.back(b, training=True)
            cycles = self.absolute(a, self.back(fake_b, training=True)) * 10
            cycles += self.absolute(b, self.forth(fake_a, training=True)) * 10
            same = [self.absolute(b, self.forth(b)) * 5, self.absolute(a, self.back(a)) * 5]
            reals = self.judge_forth(b, training=True), self.judge_back(a, training=True)
            fakes = self.judge_forth(fake_b, training=True), self.judge_back(fake_a, training=True)
            made = [self.squared(tf.ones_like(f), f) + cycles + s for f, s in zip(fakes, same)]
            judged = [
                (self.squared(tf.ones_like(r), r) + self.squared(tf.zeros_like(f), f)) / 2
                for r, f in zip(reals, fakes)
            ]
        models = [self.forth, self.back, self.judge_forth, self.judge_back]
        for model, loss, optimizer in zip(models, made + judged, self.makers + self.judges):
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        names = ("forth", "back", "judge_forth", "judge_back")
        return dict(zip(names, made + judged))


model = Cycle()
names = ("forth", "back", "judge_forth", "judge_back")
model.compile(**{name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in names})
data = tf.data.Dataset.from_tensor_slices((horses, zebras.astype("float32"))).batch(2)
history = model.fit(data, epochs=2, verbose=0).history
for name in names:
    print("RESULT loss", name, *history[name])
picture = model.forth.predict(horses[:1], verbose=0)
print("RESULT picture", float(picture.mean()), *picture[0, ::9, ::9, 1].ravel())
model.forth.save("forth.keras")
again = keras.models.load_model("forth.keras").predict(horses[:1], verbose=0)
print("RESULT again", bool((again == picture).all()))
