"""Penstock that several threads use first, at the same moment: modules are imported when they are first used."""

import subprocess
import sys

import pytest

from tests.harness.processes import lean

PROGRAM = """
import threading, traceback
import penstock as tf

@tf.function
def total(x):
    return tf.reduce_sum(tf.nn.relu(x))

CALLS = [
    lambda: tf.constant([1.0, 2.0]) * 2.0,
    lambda: total(tf.ones([3])),
    lambda: tf.linalg.norm(tf.ones([4])),
    lambda: tf.strings.join(["a", "b"]),
    lambda: list(tf.data.Dataset.range(3).map(lambda x: x + 1)),
    lambda: tf.Variable(1.0).assign_add(2.0),
    lambda: tf.random.uniform([3], seed=1),
    lambda: tf.image.flip_left_right(tf.zeros([1, 2, 2, 3])),
]
gate = threading.Barrier(len(CALLS))

def run(number):
    gate.wait()
    try:
        for shift in range({shifts}):
            CALLS[(number + shift) % len(CALLS)]()
    except Exception:
        traceback.print_exc()

threads = [threading.Thread(target=run, args=(number,)) for number in range(len(CALLS))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.timed
@pytest.mark.parametrize("shifts", [1, 8])
def test_threads_use_it_first(shifts, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("{shifts}", str(shifts)))
    command = [sys.executable, str(program)]
    ended = subprocess.run(
        command, env=lean(program=PROGRAM), capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, "")
