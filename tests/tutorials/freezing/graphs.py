"""Graphs kept: functions wrapped and pruned, variables frozen to constants, GraphDefs imported with maps, tags, metagraphs, and stateless serving."""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

v1 = tf.compat.v1
rng = np.random.default_rng(521)
values = rng.normal(size=(3, 4)).astype("float32")
x = tf.constant(values)


class Net(tf.Module):
    def __init__(self):
        super().__init__("net")
        self.w = tf.Variable(rng.normal(size=(4, 5)).astype("float32"), name="w")
        self.b = tf.Variable(tf.zeros(5), name="b")
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(["a", "b"], [1.0, 2.0]), -1.0
        )

    @tf.function(input_signature=[tf.TensorSpec([None, 4], name="x")])
    def __call__(self, x):
        h = tf.nn.relu(x @ self.w + self.b, name="hidden")
        if tf.reduce_sum(h) > 3.0:
            h = h * 0.5
        return {"logits": tf.identity(h - 1.0, name="logits"), "top": tf.argmax(h, 1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def look(self, words):
        return self.table.lookup(words)


net = Net()
concrete = net.__call__.get_concrete_function()
print(
    "RESULT concrete",
    [t.name for t in concrete.inputs],
    sorted(concrete.structured_outputs),
    len(concrete.captured_inputs),
    [v.name for v in concrete.variables],
)
frozen = convert_variables_to_constants_v2(concrete)
definition = frozen.graph.as_graph_def()
kinds = {node.op for node in definition.node}
print(
    "RESULT frozen",
    "VarHandleOp" in kinds,
    "Placeholder" in kinds,
    len(frozen.inputs),
    [t.shape.as_list() for t in frozen.outputs],
)
for part in frozen(x):
    print("RESULT out", *part.numpy().ravel())
lowered = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
print(
    "RESULT kept",
    any(n.op in ("If", "StatelessIf") for n in lowered.graph.as_graph_def().node),
    *lowered(x)[0].numpy()[0],
)
tf.io.write_graph(definition, ".", "frozen.pb", as_text=False)

with tf.io.gfile.GFile("frozen.pb", "rb") as file:
    read = v1.GraphDef.FromString(file.read())


def load():
    return tf.import_graph_def(
        read,
        name="",
        return_elements=[concrete.inputs[0].name, frozen.outputs[0].name, frozen.outputs[1].name],
    )


wrapped = v1.wrap_function(lambda: load(), [])
graph = wrapped.graph
pruned = wrapped.prune(
    graph.as_graph_element(concrete.inputs[0].name),
    [graph.as_graph_element(t.name) for t in frozen.outputs],
)
print("RESULT pruned", *pruned(x)[0].numpy()[1], pruned.structured_outputs is not None)
with tf.Graph().as_default() as g, v1.Session(graph=g) as session:
    fed = v1.placeholder(tf.float32, [2, 4], name="fed")
    (logits,) = tf.import_graph_def(
        read, {concrete.inputs[0].name: fed * 2.0}, [frozen.outputs[0].name], name="import"
    )
    print(
        "RESULT imported",
        *session.run(logits, {fed: values[:2]}).ravel(),
        sorted({op.name.split("/")[0] for op in g.get_operations()}),
    )
    gradient = v1.gradients(logits, fed)[0]
    print("RESULT gradient", *session.run(gradient, {"fed:0": values[:2]}).ravel())


# A function of TensorFlow 1 wrapped with its variables.
def legacy(x, training):
    with v1.variable_scope("layer", reuse=v1.AUTO_REUSE):
        w = v1.get_variable(
            "w",
            [4, 3],
            initializer=v1.constant_initializer(rng.normal(size=(4, 3)).astype("float32")),
            regularizer=lambda w: 0.1 * tf.reduce_sum(w * w),
        )
        b = v1.get_variable("b", [3], initializer=v1.zeros_initializer())
        moving = v1.get_variable("moving", [3], initializer=v1.ones_initializer(), trainable=False)
    y = x @ w + b
    update = v1.assign(moving, 0.9 * moving + 0.1 * tf.reduce_mean(y, 0))
    with tf.control_dependencies([update] if training else []):
        return tf.tanh(y) * moving


class Holder(tf.Module):
    def __init__(self, function):
        super().__init__()
        self.holder = v1.wrap_function(lambda x: function(x, True), [tf.TensorSpec([None, 4])])


holder = Holder(legacy)
print(
    "RESULT wrapped",
    *holder.holder(x).numpy()[0],
    *holder.holder(x).numpy()[0],
    [v.name for v in holder.holder.variables],
    len(holder.holder.trainable_variables),
)
print("RESULT losses", len(holder.holder.graph.get_collection("regularization_losses")))
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(holder.holder(x) ** 2)
print(
    "RESULT trained",
    float(loss),
    *[float(tf.norm(g)) for g in tape.gradient(loss, holder.holder.trainable_variables)],
)

# A SavedModel of TensorFlow 1 with two tags and a signature by names, loaded by TensorFlow 2.
with tf.Graph().as_default(), v1.Session() as session:
    a = v1.placeholder(tf.float32, [None], name="a")
    power = v1.get_variable("power", initializer=2.0)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1, 4], [10, 40]), -1)
    squared = tf.pow(a, power, name="squared")
    found = table.lookup(tf.cast(squared, tf.int32))
    session.run([v1.global_variables_initializer(), v1.tables_initializer()])
    builder = v1.saved_model.Builder("legacy")
    signature = v1.saved_model.predict_signature_def({"a": a}, {"squared": squared, "found": found})
    builder.add_meta_graph_and_variables(
        session,
        ["serve"],
        {"serving_default": signature, "named": signature},
        main_op=v1.tables_initializer(),
        strip_default_attrs=True,
    )
    builder.add_meta_graph(["serve", "gpu"], {"serving_default": signature})
    builder.save()
old = tf.saved_model.load("legacy", tags=["serve"])
print(
    "RESULT old",
    sorted(old.signatures),
    *old.signatures["serving_default"](a=tf.constant([1.0, 2.0, 3.0]))["squared"].numpy(),
    *old.signatures["named"](a=tf.constant([1.0, 2.0]))["found"].numpy(),
    [float(v) for v in old.variables],
)
part = old.prune("a:0", "squared:0")
print("RESULT part", *part(tf.constant([1.5, 2.5])).numpy())
with tf.Graph().as_default(), v1.Session() as session:
    meta = v1.saved_model.load(session, ["serve"], "legacy")
    print(
        "RESULT meta",
        sorted(meta.signature_def),
        meta.signature_def["named"].method_name,
        *session.run("squared:0", {"a:0": [3.0]}),
    )
    v1.train.export_meta_graph("graph.meta")
    saver = v1.train.Saver()
    saver.save(session, "weights", global_step=7, write_meta_graph=True)
with tf.Graph().as_default(), v1.Session() as session:
    saver = v1.train.import_meta_graph("weights-7.meta", import_scope="again")
    saver.restore(session, v1.train.latest_checkpoint("."))
    print(
        "RESULT again",
        *session.run("again/squared:0", {"again/a:0": [4.0]}),
        v1.train.latest_checkpoint("."),
        [v.op.name for v in v1.global_variables()],
    )
tf.saved_model.save(
    net,
    "net",
    signatures={"serving_default": net.__call__.get_concrete_function(), "look": net.look},
)
served = tf.saved_model.load("net")
print(
    "RESULT served",
    *served.signatures["look"](words=tf.constant(["b", "z"]))["output_0"].numpy(),
    *served(x)["top"].numpy(),
    tf.saved_model.contains_saved_model("net"),
)
