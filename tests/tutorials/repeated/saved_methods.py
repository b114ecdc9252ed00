"""SavedModels of modules whose functions were called or not: signatures, restored traces, patterns of paths."""

import os

import tensorflow as tf


class Counter(tf.Module):
    def __init__(self):
        super().__init__()
        self.total = tf.Variable(2.0)

    @tf.function
    def read(self):
        return self.total + 1.0

    @tf.function
    def add(self, x, times=2):
        return {"sum": self.total.assign_add(x * times), "x": x}

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.float32)])
    def sums(self, rows):
        return tf.reduce_sum(rows, axis=1) * self.total


def shown(values):
    return {name: value.numpy().tolist() for name, value in sorted(values.items())}


counter = Counter()
tf.saved_model.save(counter, "first")
loaded = tf.saved_model.load("first")
print("RESULT signatures", sorted(loaded.signatures))
print("RESULT read", loaded.read().numpy(), counter.read.input_signature)
print("RESULT sums", loaded.sums(tf.ragged.constant([[1.0, 2.0], [], [3.0]])).numpy().tolist())
counter.add(tf.constant(1.0))
counter.add(tf.constant([1.0, 2.0])[0], 3)
signatures = {"read": counter.read, "add": counter.add.get_concrete_function(tf.constant(1.0))}
tf.saved_model.save(counter, "second", signatures=signatures)
loaded = tf.saved_model.load("second")
for name in sorted(loaded.signatures):
    arguments = {"x": tf.constant(1.0)} if name == "add" else {}
    print("RESULT", name, shown(loaded.signatures[name](**arguments)))
print("RESULT add", shown(loaded.add(tf.constant(1.0), 3)))
try:
    loaded.add(tf.constant(1.0), 4)
except ValueError as error:
    print("RESULT refused", str(error).splitlines()[0])
print("RESULT traces", loaded.read.pretty_printed_concrete_signatures().count("Output Type"))
for name in ("b.csv", "a.csv"):
    tf.io.write_file(name, "x")
for pattern in ("*.csv", "a*", "./*.csv", "first/saved_model*", "a.csv", "*/saved_model.pb"):
    print("RESULT paths", pattern, sorted(tf.io.gfile.glob(pattern)))
    print("RESULT files", [p.numpy() for p in tf.data.Dataset.list_files(pattern, shuffle=False)])
print("RESULT folder", sorted(name for name in os.listdir(".") if name.endswith(".csv")))
