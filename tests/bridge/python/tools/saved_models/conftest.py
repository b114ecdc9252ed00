"""A SavedModel with two signatures and functions of several kinds."""

import pytest

import penstock as tf


class Model(tf.Module):
    @tf.function
    def scale(self, x, by=2, kind="up"):
        return x * tf.cast(by, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def branch(self, x):
        def write():
            tf.io.write_file("file", "text")
            return x

        return {"out": tf.cond(tf.reduce_sum(x) > 1e9, write, lambda: x + 1.0), "twice": x * 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def parse(self, examples):
        return tf.io.parse_example(examples, {"a": tf.io.FixedLenFeature([1], tf.float32)})


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    made = Model()
    made.scale(tf.constant([1.0]), [3, 4])
    made.concrete = made.branch.get_concrete_function()
    tf.saved_model.save(made, folder, {"serving_default": made.branch, "parse": made.parse})
    return folder
