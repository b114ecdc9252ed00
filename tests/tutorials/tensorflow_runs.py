"""Runs programs on TensorFlow and writes their RESULT lines as JSON.

python tensorflow_runs.py TARGET NAME...   (MOVED=seed: with every initial weight moved by an ulp)

Each runs in a process of its own, forked off after TensorFlow was imported, which takes longer than most programs.
"""

import json
import os
import runpy
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.python.eager.polymorphic_function import polymorphic_function
from tensorflow.python.ops import resource_variable_ops
from tensorflow.python.trackable import base as trackable

FOLDER = Path(__file__).parent
tf.keras.layers  # noqa: B018  (loads Keras, once for all programs)


def move_initial_weights(seed: int) -> None:
    """From now on variables begin an ulp above or below what they are given: what then differs is no more than rounding."""
    random = np.random.default_rng(seed)
    construct = resource_variable_ops.ResourceVariable.__init__

    def construct_and_move(variable, *args, **kwargs):
        construct(variable, *args, **kwargs)
        plain = type(variable) is resource_variable_ops.ResourceVariable
        if (
            plain
            and tf.executing_eagerly()
            and variable.dtype == tf.float32
            and variable.shape.rank
        ):
            value = variable.numpy()
            sign = random.choice(np.float32([-1, 1]), value.shape)
            variable.assign(value + sign * np.spacing(np.abs(value)) * (value != 0))

    resource_variable_ops.ResourceVariable.__init__ = construct_and_move
    lifted = polymorphic_function.UnliftedInitializerVariable
    construct_within = lifted.__init__

    def move_and_construct(variable, initial_value=None, **kwargs):
        construct_within(variable, lambda: moved(initial_value, kwargs.get("dtype")), **kwargs)

    def moved(initial_value, dtype):
        """What a variable begins with that is made while a function is traced, an ulp away."""
        value = initial_value() if callable(initial_value) else initial_value
        if isinstance(value, trackable.CheckpointInitialValue):
            return value
        value = tf.convert_to_tensor(value, dtype)
        if tf.executing_eagerly() or value.dtype != tf.float32 or not value.shape.rank:
            return value
        towards = random.choice(np.float32([-np.inf, np.inf]), value.shape)
        return tf.where(value == 0, value, tf.math.nextafter(value, towards))

    lifted.__init__ = move_and_construct


def run(name: str, seed: int | None) -> list[str] | str:
    """The program's RESULT lines, or what it said when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        child = os.fork()
        if not child:
            code = 1
            try:
                os.chdir(folder)
                target = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
                os.dup2(target, 1)
                os.dup2(target, 2)
                if seed is not None:
                    move_initial_weights(seed)
                sys.argv = [str(FOLDER / f"{name}.py")]
                runpy.run_path(sys.argv[0], run_name="__main__")
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        text = log.read_text()
    if status:
        return text[-2000:]
    return [line for line in text.splitlines() if line.startswith("RESULT")]


if __name__ == "__main__":
    target, *names = sys.argv[1:]
    seed = int(os.environ["MOVED"]) if "MOVED" in os.environ else None
    Path(target).write_text(json.dumps({name: run(name, seed) for name in names}))
