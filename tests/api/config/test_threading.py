"""tf.config.threading."""

import subprocess
import sys

import pytest

import penstock as tf
from penstock._src.native import pool


def python(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_threads_asked_for_are_those_of_the_pool():
    program = """
import penstock as tf
from penstock._src.native import pool
tf.config.threading.set_intra_op_parallelism_threads(3)
tf.function(tf.tanh)(tf.ones([4]))
print(tf.config.threading.get_intra_op_parallelism_threads(), pool().threads)
"""
    assert python(program) == ["3", "3"]


def test_a_session_asks_for_threads():
    program = """
import penstock.compat.v1 as tf
from penstock._src.native import pool
with tf.Graph().as_default():
    y = tf.tanh(tf.ones([4]))
    with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1)) as session:
        session.run(y)
print(pool().threads)
"""
    assert python(program) == ["1"]


def test_it_is_too_late_once_threads_are_at_work():
    pool()
    assert int(tf.constant(1) + 1) == 2
    with pytest.raises(RuntimeError, match="cannot be modified after initialization"):
        tf.config.threading.set_intra_op_parallelism_threads(7)


STARTS = """
tf.constant(1)
tf.Variable(1.0)
tf.function(lambda: None)()
tf.function(lambda x: x).get_concrete_function(tf.TensorSpec([]))
tf.random.uniform([1])
tf.data.Dataset.range(3)
tf.TensorArray(tf.float32, 2)
tf.strings.join(["a", "b"])
tf.config.list_logical_devices()
""".strip().splitlines()
NO_STARTS = """
None
tf.function(lambda: 1)
tf.Graph()
with tf.Graph().as_default(): tf.constant(1) + 1
tf.random.set_seed(1)
tf.config.list_physical_devices()
tf.TensorShape([1]), tf.GradientTape(), tf.Module(), tf.train.Checkpoint()
""".strip().splitlines()


def test_threads_are_refused_after_the_first_computation_however_it_is_made():
    program = """
import os, sys
import penstock as tf
for line in sys.stdin:
    child = os.fork()
    if not child:
        exec(line)
        answers = ""
        for kind in ("inter", "intra"):
            set_threads = getattr(tf.config.threading, f"set_{kind}_op_parallelism_threads")
            for count in (3, 0):
                try:
                    set_threads(count)
                    answers += "y"
                except RuntimeError:
                    answers += "n"
        print(answers, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], input="\n".join([*STARTS, *NO_STARTS]) + "\n",
        capture_output=True, text=True,
    )  # fmt: skip
    found = dict(zip([*STARTS, *NO_STARTS], done.stdout.split(), strict=True))
    assert found == dict.fromkeys(STARTS, "nnnn") | dict.fromkeys(NO_STARTS, "yyyy")


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="num_threads=-1"):
        tf.config.threading.set_intra_op_parallelism_threads(-1)
