"""Forks of a process whose threads are at work: the child computes, or says why not."""

import os
import subprocess
import sys

import pytest

from tests.harness.processes import lean

# What a child does is the program's argument; in the parent three threads compile and run meanwhile.
PROGRAM = """
import gc, os, sys, threading, time
import penstock as tf

WEIGHTS = tf.Variable(tf.ones([64, 64]))

@tf.function
def known(x):
    return tf.reduce_sum(tf.nn.relu(x @ WEIGHTS))

def doubled(count):
    dataset = tf.data.Dataset.range(count).map(lambda x: x * 2, num_parallel_calls=2)
    return [int(x) for x in dataset.prefetch(1)]

def new(number):
    return float(tf.function(lambda x: tf.exp(x) * number)(tf.zeros([9]))[0])

def slow(x):
    time.sleep(0.001)
    return x

slow_dataset = tf.data.Dataset.range(10**6).map(
    lambda x: tf.py_function(slow, [x], tf.int64), num_parallel_calls=2
).prefetch(2)
iterators = {"threads": iter(slow_dataset), "plain": iter(tf.data.Dataset.range(10))}
for iterator in iterators.values():
    next(iterator)

def old_iterator(name):
    try:
        return [int(next(iterators[name])) for _ in range(9)]
    except tf.errors.FailedPreconditionError as error:
        return "Make an iterator" in str(error)

def update():
    WEIGHTS.assign_add(WEIGHTS)
    return float(WEIGHTS[0, 0])

x = tf.ones([64, 64])
known(x), doubled(3)
CHILD = {
    "known function": (lambda: float(known(x)), 64.0**3),
    "new function": (lambda: new(-0.5), -0.5),
    "eager op": (lambda: float(tf.reduce_sum(x @ x)), 64.0**3),
    "update": (update, 2.0),
    "dataset": (lambda: doubled(200), list(range(0, 400, 2))),
    "iterator with threads": (lambda: old_iterator("threads"), True),
    "iterator without": (lambda: old_iterator("plain"), list(range(1, 10))),
    "collector": (gc.isenabled, True),
}
stop = threading.Event()

def work(step):
    number = 1
    while not stop.is_set():
        step(number)
        number += 1

for step in (lambda _: known(x), new, lambda _: doubled(20)):
    threading.Thread(target=work, args=(step,), daemon=True).start()
time.sleep(0.2)
compute, expected = CHILD[sys.argv[1]]
for _ in range(int(sys.argv[2])):
    pid = os.fork()
    if not pid:
        os._exit(compute() != expected)
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
"""

POOL = """
import multiprocessing
import penstock as tf

@tf.function
def f(x):
    return tf.reduce_sum(x * 2.0)

def work(number):
    return float(f(tf.fill([100], float(number))))

work(1)
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(work, range(8)) == [200.0 * number for number in range(8)]
"""


def run(program: str, *arguments: str) -> None:
    command = [sys.executable, "-c", program, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240, env=lean())
    assert not ended.returncode, ended.stderr


KINDS = ["known function", "new function", "eager op", "update", "dataset", "iterator with threads", "iterator without",
         "collector"]  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("kind", KINDS)
def test_a_child_of_a_busy_process_computes(kind):
    run(PROGRAM, kind, "4")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_pool_of_forked_processes_calls_a_compiled_function():
    run(POOL)
