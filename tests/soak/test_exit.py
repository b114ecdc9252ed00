"""The interpreter ends with work in flight: at once, with exit code 0, and without a word."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import penstock as tf
from tests.harness.processes import lean

pytestmark = pytest.mark.timed

SLEEP = 30  # seconds
ROOT = str(Path(tf.__file__).parents[1])

BEGIN = """
import tempfile, threading, time
import penstock as tf

weights = tf.Variable(tf.ones([200, 200]))

@tf.function
def loop(x, count):
    for _ in tf.range(count):
        x = tf.tanh(x @ weights)
    return x

def begin(work):
    threading.Thread(target=work, daemon=True).start()
    time.sleep(0.3)

def forever(work):
    def run():
        while True:
            work()
    begin(run)

def slow(seconds):
    def wait(x):
        time.sleep(seconds)
        return x
    return wait

def mapped(seconds):
    dataset = tf.data.Dataset.range(10**6)
    call = lambda x: tf.py_function(slow(seconds), [x], tf.int64)
    return iter(dataset.map(call, num_parallel_calls=3).prefetch(2))

def generated(seconds):
    yield 1
    time.sleep(seconds)
    yield 2

x = tf.ones([200, 200])
loop(x, tf.constant(1))
"""
WORK = {
    "a compiled loop": "begin(lambda: loop(x, tf.constant(10**8)))",
    "eager products": "forever(lambda: x @ x)",
    "small calls of several threads": "[forever(lambda: loop(x[:1], tf.constant(1))) for _ in range(3)]",
    "a py_function that sleeps": f"g = tf.function(lambda x: tf.py_function(slow({SLEEP}), [x], tf.float32)); begin(lambda: g(x))",
    "a dataset that prefetches": "elements = iter(tf.data.Dataset.range(10**7).map(lambda x: x * 2).prefetch(9)); next(elements)",
    "calls of a dataset": "elements = mapped(0.01); next(elements)",
    "calls of a dataset that sleep": f"elements = mapped({SLEEP}); begin(lambda: next(elements))",
    "a generator that sleeps": f"""
signature = tf.TensorSpec([], tf.int32)
dataset = tf.data.Dataset.from_generator(generated, args=[{SLEEP}], output_signature=signature)
elements = iter(dataset.prefetch(2)); next(elements)""",
    "a snapshot": "elements = iter(tf.data.Dataset.range(10**6).snapshot(tempfile.mkdtemp())); next(elements)",
    "a session that waits": """
import penstock.compat.v1 as tf1
with tf1.Graph().as_default():
    element, session = tf1.FIFOQueue(3, tf1.int32).dequeue(), tf1.Session()
begin(lambda: session.run(element))""",
}
SECONDS = 2.0  # more where the machine is busy
ATTEMPTS = 4  # of which one is to succeed: a machine that stalls lets any process end late


def run(tmp_path, work: str) -> float:
    """Runs a program; returns how many seconds it took to end after its last line."""
    program = tmp_path / "program.py"
    program.write_text(f"{BEGIN}\n{work}\nprint(time.time(), end='', flush=True)\n")
    command = [sys.executable, "-X", "faulthandler", str(program)]
    environment = lean({"PYTHONPATH": ROOT}, work)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    seconds = time.time() - float(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0, "")
    return seconds


def ends_at_once(tmp_path, work: str) -> bool:
    """True if a program ends at once, or about as soon as one without work."""
    seconds = run(tmp_path, work)
    return seconds < SECONDS or seconds < SECONDS + 2 * run(tmp_path, "")


@pytest.mark.parametrize("name", WORK)
def test_the_interpreter_ends(tmp_path, name):
    assert any(ends_at_once(tmp_path, WORK[name]) for _ in range(ATTEMPTS))


def test_a_checkpoint_is_written_before_the_interpreter_ends(tmp_path):
    """It is cut off neither by the end, nor by threads that take no work any more."""
    path = tmp_path / "c"
    work = f"""
value = tf.Variable(tf.random.normal([3000, 3000]))
options = tf.train.CheckpointOptions(experimental_enable_async_checkpoint=True)
tf.train.Checkpoint(value=value).save({str(path)!r}, options=options)"""
    run(tmp_path, work)
    assert tf.train.load_checkpoint(f"{path}-1").has_tensor("value/.ATTRIBUTES/VARIABLE_VALUE")
