"""What a process that loads a SavedModel and calls it imports: not what few models have."""

import os
import subprocess
import sys

import penstock as tf

PROGRAM = """
import sys, penstock as tf
print(tf.saved_model.load(sys.argv[1]).double(tf.constant([1.0, 2.0])).numpy().sum(), *sys.modules)
"""
RARE = ("distribute.strategy", "ops.data.pipeline", "saving.saved_model.save", "v1.saving.program")


def test_a_loaded_function_needs_neither_datasets_nor_strategies(tmp_path):
    module = tf.Module()
    module.weight = tf.Variable([2.0, 3.0])
    module.double = tf.function(
        lambda x: x * module.weight, input_signature=[tf.TensorSpec([None], tf.float32)]
    )
    tf.saved_model.save(module, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, os.fspath(tmp_path)], capture_output=True, text=True
    )
    result, *loaded = done.stdout.split()
    assert result == "8.0", done.stderr
    assert not {f"penstock._src.{name}" for name in RARE} & set(loaded)
