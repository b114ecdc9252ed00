"""What a process imports for its first function: not what few functions have."""

import subprocess
import sys

PROGRAM = """
import sys, penstock as tf
print(tf.function(lambda x: x * 2.0 + 1.0)(tf.ones([3])).numpy().sum(), *sys.modules)
"""
RARE = (
    "google.protobuf",
    "penstock._src.api.ragged",
    "penstock._src.api.sparse",
    "penstock._src.graph.serialize.exporter",
)


def test_a_function_of_tensors_needs_neither_messages_nor_ragged_tensors():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    result, *loaded = done.stdout.split()
    assert result == "9.0", done.stderr
    assert not set(RARE) & set(loaded)


def test_the_first_ragged_tensor_has_operators():
    program = (
        "import penstock as tf; r = tf.RaggedTensor.from_row_splits([1, 2], [0, 0, 2]); "
        "print(((r + r) * 2 == r * 4)[1].numpy().tolist())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[True, True]", done.stderr
