"""Runs a program and records what it computes: outputs of Keras layers, losses, gradients, and variables after each step.

    python recorder.py OPTIONS(JSON) PROGRAM ...

It runs by Penstock's Python or by TensorFlow's, with the same seeds, and imports nothing of Penstock's. Records are made while the program runs, also within
compiled functions, by a host step that passes its tensor on to `Recorder.write`. A gradient of a tape begins a step; its target is the loss.

A file of records has, for each, a line of JSON and then its samples as float64.
"""

import functools
import importlib
import json
import os
import runpy
import sys
import threading
import weakref

import numpy as np

SAMPLES = 4096  # most elements of an array that are recorded, evenly spaced
HERE = os.path.abspath(__file__)
LIBRARIES = (
    "site-packages",
    "dist-packages",
    os.sep + "lib" + os.sep + "python",
    "<frozen",
    "__autograph_generated",
)


class Recorder:
    """Writes records to a file; ends the program after the last step to record."""

    def __init__(self, path, steps, layers, penstock):
        self.file = open(path, "wb")
        self.steps, self.layers, self.penstock = steps, layers, penstock
        self.step = 0
        self.lock = threading.Lock()
        self.birthplaces = weakref.WeakKeyDictionary()
        self.applying = False
        self.calling = set()

    def place(self):
        """The file and line of the program that is running, or of the call into a library that is."""
        frame = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            own = file == HERE or self.penstock and file.startswith(self.penstock)
            if not own and not any(part in file for part in LIBRARIES):
                return f"{file}:{frame.f_lineno}"
            frame = frame.f_back
        return ""

    def write(self, kind, name, place, array):
        """Writes one array."""
        array = np.asarray(array)
        if array.dtype.kind in "OSU":
            return
        dtype = array.dtype.name
        flat = array.ravel()
        stride = max(1, -(-flat.size // SAMPLES))
        flat = flat if flat.dtype.kind == "c" else flat.astype(np.float64)
        if flat.dtype.kind == "c":
            flat = np.stack([flat.real, flat.imag], -1).astype(np.float64).ravel()
        sample = flat[::stride]
        finite = np.abs(flat[np.isfinite(flat)])
        head = {
            "kind": kind, "name": name, "place": place, "step": self.step, "dtype": dtype,
            "shape": list(array.shape), "stride": stride, "count": sample.size,
            "largest": float(finite.max()) if finite.size else 0.0,
        }  # fmt: skip
        with self.lock:
            self.file.write(json.dumps(head).encode() + b"\n" + sample.tobytes())

    def begin_step(self):
        """Counts a step; ends the process where there are enough."""
        if self.steps and self.step == self.steps:
            self.flush()
            sys.stdout.flush()
            os._exit(0)
        self.step += 1

    def flush(self):
        """Writes the records that are still in memory."""
        with self.lock:
            self.file.flush()


def watch(tf, recorder):
    """Records what the program will compute with TensorFlow's names."""

    def note(kind, name, tensor, place):
        """Has a tensor of any context written when it is computed."""
        if not isinstance(tensor, tf.Tensor) or tensor.dtype in (
            tf.string,
            tf.resource,
            tf.variant,
        ):
            return

        def write(value):
            recorder.write(kind, name, place, value)

        tf.numpy_function(write, [tensor], [])

    def begin():
        tf.numpy_function(recorder.begin_step, [], [])

    _watch_tapes(tf, recorder, note, begin)
    if _find("keras"):
        keras = importlib.import_module("keras")
        _watch_keras(tf, keras, recorder, note)
        return keras
    return None


def _watch_tapes(tf, recorder, note, begin):
    original = tf.GradientTape.gradient

    @functools.wraps(original)
    def gradient(tape, target, sources, *args, **kwargs):
        place = recorder.place()
        begin()
        for n, each in enumerate(tf.nest.flatten(target)):
            note("loss", f"loss {n}" if n else "loss", _dense(tf, each), place)
        gradients = original(tape, target, sources, *args, **kwargs)
        pairs = zip(tf.nest.flatten(sources), tf.nest.flatten(gradients), strict=False)
        for n, (source, each) in enumerate(pairs):
            if each is not None:
                note("gradient", _name(source, n), _dense(tf, each), place)
        return gradients

    tf.GradientTape.gradient = gradient


def _dense(tf, value):
    return (
        tf.convert_to_tensor(value) if isinstance(value, tf.IndexedSlices | tf.Variable) else value
    )


def _name(variable, number):
    path = getattr(variable, "path", None)
    name = path or (variable.name if hasattr(variable, "assign") else "")
    return name.partition(":")[0] or f"source {number}"


def _watch_keras(tf, keras, recorder, note):
    layer = keras.layers.Layer
    original_new = layer.__new__

    @functools.wraps(original_new)
    def new(cls, *args, **kwargs):
        instance = original_new(cls, *args, **kwargs)
        recorder.birthplaces[instance] = recorder.place()
        return instance

    layer.__new__ = new
    if recorder.layers:
        for base in (layer, keras.Model):
            if "__call__" in vars(base):
                base.__call__ = _recorded_call(tf, recorder, note, base.__call__)
    _watch_optimizers(tf, keras, recorder, note)
    _leave_out_jit(keras)


def _recorded_call(tf, recorder, note, original):
    @functools.wraps(original)
    def call(self, *args, **kwargs):
        if id(self) in recorder.calling:  # by the method of a class that it is derived from
            return original(self, *args, **kwargs)
        recorder.calling.add(id(self))
        try:
            outputs = original(self, *args, **kwargs)
        finally:
            recorder.calling.discard(id(self))
        path = getattr(self, "path", None) or self.name
        for n, each in enumerate(tf.nest.flatten(outputs)):
            name = f"{path} output {n}" if n else path
            note("layer", name, each, recorder.birthplaces.get(self, ""))
        return outputs

    return call


def _watch_optimizers(tf, keras, recorder, note):
    base = next(c for c in keras.optimizers.Optimizer.__mro__[::-1] if "apply" in vars(c))
    original = base.apply

    @functools.wraps(original)
    def apply(self, grads, trainable_variables=None):
        outermost = not recorder.applying
        recorder.applying = True
        try:
            result = original(self, grads, trainable_variables)
        finally:
            recorder.applying = not outermost
        if outermost:
            place = recorder.place()
            for n, variable in enumerate(trainable_variables or self._trainable_variables):
                note("variable", _name(variable, n), tf.convert_to_tensor(variable), place)
        return result

    base.apply = apply


def _leave_out_jit(keras):
    """XLA has no host steps; what it compiles differs from TensorFlow's own kernels by rounding only."""
    original = keras.Model.compile

    @functools.wraps(original)
    def compile(self, *args, **kwargs):
        return original(self, *args, **{**kwargs, "jit_compile": False})

    keras.Model.compile = compile


def _find(name):
    return importlib.util.find_spec(name) is not None


def main():
    options, program = json.loads(sys.argv[1]), sys.argv[2:]
    sys.path[:] = [
        folder for folder in sys.path if os.path.abspath(folder or ".") != os.path.dirname(HERE)
    ]
    tf = importlib.import_module("tensorflow")
    penstock = os.path.dirname(tf.__file__) + os.sep if tf.__name__ == "penstock" else ""
    recorder = Recorder(options["out"], options["steps"], options["layers"], penstock)
    keras = watch(tf, recorder)
    if keras is not None:
        keras.utils.set_random_seed(options["seed"])
    else:
        import random  # as Keras does

        random.seed(options["seed"])
        np.random.seed(options["seed"])
        tf.random.set_seed(options["seed"])
    versions = {"tensorflow": tf.__version__, "keras": getattr(keras, "__version__", None)}
    recorder.file.write(json.dumps({"kind": "versions", **versions}).encode() + b"\n")
    try:
        _run(program)
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    finally:
        recorder.flush()


def _run(program):
    if program[0] == "-m":
        sys.argv = program[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path.insert(0, os.path.dirname(os.path.abspath(program[0])))
        runpy.run_path(os.path.abspath(program[0]), run_name="__main__")


if __name__ == "__main__":
    main()
