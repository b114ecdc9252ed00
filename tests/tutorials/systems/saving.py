"""Saving and loading: .keras, weights, SavedModel by export, TFSMLayer, configs, clones, and feature extraction."""

import json

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(104)
rng = np.random.default_rng(104)
x = rng.normal(size=(90, 8)).astype("float32")
y = rng.integers(0, 3, 90)


def build():
    inputs = keras.Input((8,), name="features")
    h = layers.Dense(12, activation="relu", name="hidden")(inputs)
    h = layers.BatchNormalization(name="norm")(h)
    return keras.Model(inputs, layers.Dense(3, name="scores")(layers.Dropout(0.1)(h)))


model = build()
model.compile(
    keras.optimizers.Adam(1e-2),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
print("RESULT loss", *model.fit(x, y, batch_size=25, epochs=2, verbose=0).history["loss"])
wanted = model.predict(x, verbose=0)
model.save("model.keras")
model.save("model.h5")
again = keras.models.load_model("model.keras")
print(
    "RESULT keras",
    float(np.abs(again.predict(x, verbose=0) - wanted).max()),
    int(again.optimizer.iterations),
)
print(
    "RESULT continued",
    *again.fit(x, y, batch_size=25, epochs=2, shuffle=False, verbose=0).history["loss"],
)
old = keras.models.load_model("model.h5")
print("RESULT h5", float(np.abs(old.predict(x, verbose=0) - wanted).max()))
model.save_weights("model.weights.h5")
fresh = build()
fresh.load_weights("model.weights.h5")
print("RESULT weights", float(np.abs(fresh.predict(x, verbose=0) - wanted).max()))
config = json.loads(model.to_json())["config"]
print("RESULT config", *(layer["config"]["name"] for layer in config["layers"][:3]))
clone = keras.models.clone_model(model)
clone.set_weights(model.get_weights())
print("RESULT clone", float(np.abs(clone.predict(x, verbose=0) - wanted).max()))
extractor = keras.Model(model.inputs, [layer.output for layer in model.layers])
print("RESULT features", *(tuple(out.shape) for out in extractor(x[:4])))

model.export("exported", verbose=False)
served = tf.saved_model.load("exported")
print("RESULT served", float(tf.reduce_max(tf.abs(served.serve(x) - wanted))))
signature = served.signatures["serving_default"]
print(
    "RESULT signature", *signature.structured_input_signature[1], len(signature.structured_outputs)
)
layer = layers.TFSMLayer("exported", call_endpoint="serve")
print("RESULT layer", float(tf.reduce_max(tf.abs(layer(x[:7]) - wanted[:7]))))
archive = keras.export.ExportArchive()
archive.track(model)
archive.add_endpoint(
    "probabilities",
    lambda rows: tf.nn.softmax(model(rows)),
    input_signature=[tf.TensorSpec([None, 8], tf.float32)],
)
archive.write_out("archive", verbose=False)
loaded = tf.saved_model.load("archive")
print("RESULT archive", loaded.probabilities(x[:2]).numpy().ravel())
checkpoint = tf.train.Checkpoint(model=model, step=tf.Variable(7))
path = checkpoint.write("plain")
reader = tf.train.load_checkpoint(path)
print(
    "RESULT checkpoint",
    reader.get_tensor("step/.ATTRIBUTES/VARIABLE_VALUE"),
    sum(len(shape) for shape in reader.get_variable_to_shape_map().values()) > 5,
)
concrete = tf.function(lambda rows: model(rows, training=False)).get_concrete_function(
    tf.TensorSpec([None, 8], tf.float32)
)
definition = concrete.graph.as_graph_def()
print(
    "RESULT graph", len(definition.node) > 5, any(node.op == "MatMul" for node in definition.node)
)
