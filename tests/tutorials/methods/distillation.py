"""Knowledge distillation: a student learns from softened outputs of a teacher, by a custom compute_loss."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

keras.utils.set_random_seed(121)
rng = np.random.default_rng(121)
x = rng.normal(size=(230, 10, 10, 1)).astype("float32")
y = (x[:, :5].sum((1, 2, 3)) > x[:, 5:].sum((1, 2, 3))).astype("int32") + 2 * (
    x[:, :, :5].sum((1, 2, 3)) > 0
)


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.teacher, self.student = teacher, student

    def compile(
        self, optimizer, metrics, student_loss, distillation_loss, alpha=0.1, temperature=3
    ):
        super().compile(optimizer=optimizer, metrics=metrics)
        self.student_loss, self.distillation_loss = student_loss, distillation_loss
        self.alpha, self.temperature = alpha, temperature

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False):
        teacher = self.teacher(x, training=False)
        student_loss = self.student_loss(y, y_pred)
        distillation = self.distillation_loss(
            ops.softmax(teacher / self.temperature, axis=1),
            ops.softmax(y_pred / self.temperature, axis=1),
        ) * (self.temperature**2)
        return self.alpha * student_loss + (1 - self.alpha) * distillation

    def call(self, x):
        return self.student(x)


def network(filters):
    return keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Conv2D(filters, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.MaxPooling2D(pool_size=(2, 2), strides=(1, 1), padding="same"),
            layers.Conv2D(2 * filters, 3, strides=2, padding="same"),
            layers.Flatten(),
            layers.Dense(4),
        ]
    )


teacher, student = network(16), network(4)
entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
teacher.compile("adam", entropy, metrics=[keras.metrics.SparseCategoricalAccuracy()])
print("RESULT teacher", *teacher.fit(x[:190], y[:190], epochs=4, verbose=0).history["loss"])
distiller = Distiller(student=student, teacher=teacher)
distiller.compile(
    optimizer=keras.optimizers.Adam(3e-3),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
    student_loss=entropy,
    distillation_loss=keras.losses.KLDivergence(),
)
teacher.trainable = False
history = distiller.fit(x[:190], y[:190], epochs=4, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT evaluate", distiller.evaluate(x[190:], y[190:], verbose=0)[0])
print("RESULT student", student.predict(x[190:193], verbose=0).ravel())

quiet = keras.Sequential(
    [keras.Input((100,)), layers.Dense(24, activation="relu"), layers.Dense(4)]
)
flat = x.reshape(230, 100)
optimizer = keras.optimizers.Adam(1e-2)


@tf.function
def step(rows, images):
    target = tf.nn.softmax(teacher(images, training=False))
    with tf.GradientTape() as tape:
        logits = quiet(rows, training=True)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))
    optimizer.apply(tape.gradient(loss, quiet.trainable_variables), quiet.trainable_variables)
    return loss


for epoch in range(3):
    print(
        "RESULT epoch",
        epoch,
        *(float(step(flat[k : k + 64], x[k : k + 64])) for k in range(0, 190, 64)),
    )
