"""Loading ends by an error when its time is over, in programs and in Python."""

import subprocess
import sys
import time

import pytest

import penstock as tf
from penstock._src.core.calls.loading_limits import loading_limit
from penstock._src.util.flags import override

pytestmark = pytest.mark.timed

LATE = r"Loading .* took longer than 0.3 s"


class Endless(tf.saved_model.experimental.TrackableResource):
    """A resource whose initialization has no end."""

    def _create_resource(self):
        return tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)

    def _initialize(self):
        if not tf.executing_eagerly():
            tf.print(tf.while_loop(lambda i: i >= 0, lambda i: (i + 1) % 9, [tf.constant(0)]))


def test_a_model_that_initializes_forever_is_given_up(tmp_path):
    module = tf.Module()
    module.resource = Endless()
    tf.saved_model.save(module, tmp_path)
    with override(load_seconds=0.3), pytest.raises(tf.errors.DeadlineExceededError, match=LATE):
        tf.saved_model.load(tmp_path)


def test_python_that_swallows_errors_ends():
    def stubborn():
        while True:
            try:
                while True:
                    pass
            except Exception:
                if time.monotonic() - begin > 0.5:
                    raise

    begin = time.monotonic()
    with override(load_seconds=0.3), pytest.raises(tf.errors.DeadlineExceededError, match=LATE):
        with loading_limit("it"):
            stubborn()


def test_what_is_in_time_is_left_alone():
    with override(load_seconds=2.0):
        for _ in range(20):
            with loading_limit("it"):
                time.sleep(0.01)
    time.sleep(2.3)  # in which the limits of the blocks would have come
    with pytest.raises(ValueError, match="mine"), override(load_seconds=9.0), loading_limit("it"):
        raise ValueError("mine")


TRACED = """
import contextlib, sys, time
from penstock._src.core.calls.loading_limits import loading_limit
from penstock._src.core.errors import DeadlineExceededError
from penstock._src.util.flags import override

with override(load_seconds=0.1), contextlib.suppress(DeadlineExceededError), loading_limit("it"):
    {loading}

def traced():
    return sys.gettrace()

sys.settrace(lambda *event: None)
traced()
"""


@pytest.mark.parametrize("loading", ["pass", "time.sleep(0.5)", "while True: pass"])
def test_debuggers_trace_functions_afterwards(loading):
    program = TRACED.format(loading=loading)
    subprocess.run([sys.executable, "-c", program], timeout=240, check=True)
