"""Parts of checkpoints: a layer restored into another model, variables that come later, mismatches, and a saved custom gradient."""

import numpy as np
import tensorflow as tf


class Layer(tf.Module):
    """A dense layer."""

    def __init__(self, fan_in, fan_out, value):
        super().__init__()
        self.kernel = tf.Variable(tf.fill([fan_in, fan_out], value), name="kernel")
        self.bias = tf.Variable(tf.fill([fan_out], value / 2), name="bias")


saved = tf.train.Checkpoint(encoder=Layer(3, 2, 0.5), head=Layer(2, 1, 2.0), step=tf.Variable(7))
path = saved.save("whole/ckpt")
for name, shape in tf.train.list_variables(path):
    print("RESULT entry", name, shape)

encoder = Layer(3, 2, 0.0)
status = tf.train.Checkpoint(encoder=encoder).restore(path)
print("RESULT restored", encoder.kernel.numpy().ravel(), encoder.bias.numpy())
status.assert_existing_objects_matched()
try:
    status.assert_consumed()
except AssertionError as error:
    print("RESULT not consumed", type(error).__name__)
status.expect_partial()

later = tf.train.Checkpoint(head=tf.Module())
tf.train.Checkpoint(head=later.head).restore(path)
later.head.bias = tf.Variable([0.0])
print("RESULT made later", later.head.bias.numpy())

try:
    tf.train.Checkpoint(encoder=Layer(4, 2, 0.0)).restore(path)
except ValueError as error:
    print("RESULT refused", "shape" in str(error).lower())
try:
    tf.train.Checkpoint(step=tf.Variable(0)).restore("nowhere/ckpt-1")
except tf.errors.NotFoundError as error:
    print("RESULT missing", type(error).__name__)


class Clipped(tf.Module):
    """A product whose gradient is clipped."""

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable(4.0)

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def product(self, x):
        @tf.custom_gradient
        def clipped(y):
            return y, lambda dy: tf.clip_by_norm(dy, 0.5)

        return clipped(x * self.scale)


options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
tf.saved_model.save(Clipped(), "clipped", options=options)
loaded, x = tf.saved_model.load("clipped"), tf.constant([1.0, 2.0])
with tf.GradientTape() as tape:
    tape.watch(x)
    y = loaded.product(x)
print("RESULT value", y.numpy(), "gradient", np.round(tape.gradient(y, x).numpy(), 5))
print("RESULT as printed", repr(tf.Variable([[1.0], [2.0]])).splitlines())
