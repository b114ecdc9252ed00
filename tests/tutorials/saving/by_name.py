"""Weights carried over by name: from other models and files, with parts left out, renamed, sliced, and checked layer by layer."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(234)
rng = np.random.default_rng(234)
images = rng.normal(size=(40, 10, 10, 2)).astype("float32")
kinds = (images.mean((1, 2, 3)) > 0).astype("int32") + (images[:, 5, 5, 0] > 1)


def trunk(x):
    x = layers.Conv2D(6, 3, activation="relu", name="stem")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depth")(x)
    x = layers.BatchNormalization(name="norm")(x)
    return layers.GlobalAveragePooling2D(name="pool")(x)


def classifier(count, name):
    inputs = keras.Input((10, 10, 2))
    return keras.Model(inputs, layers.Dense(count, name=f"head_{count}")(trunk(inputs)), name=name)


source = classifier(3, "source")
source.compile(
    "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
)
print(
    "RESULT trained", *source.fit(images, kinds, epochs=2, batch_size=12, verbose=0).history["loss"]
)
source.save_weights("source.weights.h5")
source.save("source.h5")

target = classifier(5, "target")
for layer in target.layers:
    try:
        layer.set_weights(source.get_layer(layer.name).get_weights())
    except ValueError as error:
        print("RESULT missing", layer.name, "head_5" in str(error))


def extract(model):
    return keras.Model(model.inputs, model.get_layer("pool").output).predict(images, verbose=0)


print("RESULT same", np.array_equal(extract(source), extract(target)))
other = classifier(5, "other")
other.load_weights("source.weights.h5", skip_mismatch=True)
print(
    "RESULT skipped",
    float(np.abs(extract(other) - extract(source)).max()),
    float(np.abs(other.get_layer("head_5").get_weights()[1]).max()),
)
try:
    classifier(5, "third").load_weights("source.weights.h5")
except ValueError as error:
    print("RESULT refused", type(error).__name__)
old = classifier(5, "old")
old.load_weights("source.h5", by_name=True, skip_mismatch=True)
print("RESULT by name", float(np.abs(extract(old) - extract(source)).max()))

# The head of five takes the rows of the head of three, and means for the rest.
kernel, bias = source.get_layer("head_3").get_weights()
wide = np.concatenate([kernel, np.repeat(kernel.mean(1, keepdims=True), 2, 1)], 1)
target.get_layer("head_5").set_weights([wide, np.concatenate([bias, [-1.0, -1.0]])])
print(
    "RESULT widened",
    np.allclose(
        target.predict(images, verbose=0)[:, :3], source.predict(images, verbose=0), atol=1e-5
    ),
)
print("RESULT paths", *[v.path for v in target.variables][:5])


class Plain(tf.Module):
    """The same net without Keras, that finds its values in a checkpoint under other names."""

    def __init__(self):
        super().__init__(name="plain")
        self.filters = tf.Variable(tf.zeros([3, 3, 2, 6]), name="filters")
        self.deep = tf.Variable(tf.zeros([3, 3, 6, 2]), name="deep")
        self.out = tf.Variable(tf.zeros([12, 3]), name="out")

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])])
    def __call__(self, x):
        x = tf.nn.relu(tf.nn.conv2d(x, self.filters, 1, "VALID"))
        x = tf.nn.depthwise_conv2d(x, self.deep, [1, 1, 1, 1], "VALID")
        return tf.reduce_mean(x, [1, 2]) @ self.out


checkpoint = tf.train.Checkpoint(model=source)
path = checkpoint.write("source/ckpt")
reader = tf.train.load_checkpoint(path)
found = {
    tuple(shape): name
    for name, shape in reader.get_variable_to_shape_map().items()
    if len(shape) > 1
}
plain = Plain()
for variable in plain.variables:
    variable.assign(reader.get_tensor(found[tuple(variable.shape)]))
print(
    "RESULT plain",
    len(found),
    *plain(images[:2]).numpy().ravel(),
    *plain(images[:1, :7, 1:]).numpy().ravel(),
)
renamed = {v.name.split(":")[0]: v for v in plain.variables}
archive = {name: v.numpy() for name, v in renamed.items()}
np.savez("plain.npz", **archive)
with np.load("plain.npz") as file:
    again = Plain()
    for variable in again.variables:
        variable.assign(file[variable.name.split(":")[0]])
print("RESULT numpy", float(tf.reduce_max(tf.abs(again(images) - plain(images)))), *sorted(archive))
frozen = tf.saved_model.save(plain, "frozen") or tf.saved_model.load("frozen")
warm = tf.train.Checkpoint(filters=plain.filters, out=tf.Variable(tf.ones([12, 3])))
warm.restore(
    tf.train.Checkpoint(filters=tf.Variable(2 * plain.filters)).save("part/ckpt")
).expect_partial()
print(
    "RESULT part",
    float(tf.norm(plain.filters)),
    float(tf.norm(frozen.filters)),
    float(tf.reduce_sum(warm.out)),
)
state = source.get_weights()
summed = {
    len(s): float(sum(np.abs(w).sum() for w in state if w.ndim == len(s)))
    for s in ["", "a", "ab", "abcd"]
}
print("RESULT summed", *summed.values(), source.count_params())
