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
    tf.config.threading.set_intra_op_parallelism_threads(
        tf.config.threading.get_intra_op_parallelism_threads()
    )


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="num_threads=-1"):
        tf.config.threading.set_intra_op_parallelism_threads(-1)
