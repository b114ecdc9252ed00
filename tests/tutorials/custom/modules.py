"""tf.Module from nothing: dense layers, tf.function by signatures, checkpoints, SavedModel and its signatures."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(96)
rng = np.random.default_rng(96)
x = tf.constant(rng.normal(size=(110, 4)), tf.float32)
y = tf.constant(rng.integers(0, 3, 110))


class Dense(tf.Module):
    def __init__(self, inputs, outputs, seed, name=None):
        super().__init__(name=name)
        with self.name_scope:
            self.w = tf.Variable(
                tf.random.stateless_normal([inputs, outputs], [seed, 1]) * 0.4, name="w"
            )
            self.b = tf.Variable(tf.zeros([outputs]), name="b")

    @tf.Module.with_name_scope
    def __call__(self, x):
        return x @ self.w + self.b


class Network(tf.Module):
    def __init__(self):
        super().__init__(name="network")
        self.layers = [Dense(4, 16, 1), Dense(16, 3, 2)]
        self.steps = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.table = {"scale": tf.Variable(1.0)}

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def __call__(self, x):
        return self.layers[1](tf.nn.tanh(self.layers[0](x))) * self.table["scale"]

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.float32),
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([], tf.float32),
        ]
    )
    def train(self, x, y, rate):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, self(x)))
        for variable, gradient in zip(
            self.trainable_variables, tape.gradient(loss, self.trainable_variables)
        ):
            variable.assign_sub(rate * gradient)
        self.steps.assign_add(1)
        return {"loss": loss, "steps": self.steps}

    @tf.function
    def classify(self, x):
        logits = self(x)
        return {
            "classes": tf.argmax(logits, -1),
            "scores": tf.reduce_max(tf.nn.softmax(logits), -1),
        }


network = Network()
print(
    "RESULT variables",
    len(network.variables),
    len(network.trainable_variables),
    *sorted(v.name for v in network.variables),
)
for epoch in range(5):
    for k in range(0, 110, 30):
        result = network.train(x[k : k + 30], y[k : k + 30], 0.3)
    print("RESULT epoch", epoch, float(result["loss"]), int(result["steps"]))
checkpoint = tf.train.Checkpoint(model=network)
manager = tf.train.CheckpointManager(checkpoint, "./checkpoints", max_to_keep=2)
for k in range(3):
    network.table["scale"].assign(k + 0.5)
    manager.save()
print(
    "RESULT checkpoints",
    len(manager.checkpoints),
    len(tf.train.list_variables(manager.latest_checkpoint)),
)
fresh = Network()
status = tf.train.Checkpoint(model=fresh).restore(manager.checkpoints[0])
status.assert_existing_objects_matched()
print(
    "RESULT restored", float(fresh.table["scale"]), int(fresh.steps), fresh(x[:2]).numpy().ravel()
)

signatures = {
    "serving_default": network.classify.get_concrete_function(
        tf.TensorSpec([None, 4], tf.float32, name="x")
    )
}
tf.saved_model.save(network, "saved", signatures=signatures)
loaded = tf.saved_model.load("saved")
served = loaded.signatures["serving_default"](x=x[:4])
print("RESULT served", *sorted(served), served["scores"].numpy(), served["classes"].numpy())
print("RESULT loaded", float(tf.reduce_max(tf.abs(loaded(x) - network(x)))))
more = loaded.train(x, y, 0.1)
print("RESULT trained on", float(more["loss"]), int(more["steps"]))
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(loaded(x) ** 2)
print(
    "RESULT gradients",
    *(float(tf.norm(g)) for g in tape.gradient(loss, [loaded.layers[0].w, loaded.layers[1].b])),
)
