"""Tries Penstock on the Python that runs this, in a minute: `make pythons` runs it on each that is supported.

    python -m tests.doors.on_a_python [section ...]

Each section prints a line. It compares results with NumPy's, or with the first ones of the same call: native code makes later ones, which reads and writes
Python's objects. A section that needs a package which is not installed says so.
"""

import importlib.util
import json
import logging
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np

import penstock
from penstock._src.util.process import layout_samples
from penstock._src.util.process.layouts import FREE_THREADED, KINDS

tf: Any = penstock
MANY = 5_000  # calls of each kind
NATIVE = "penstock._src.native.process.eager_calls."
SECTIONS: dict[str, Callable[[], str]] = {}


class Untried(Exception):
    """A section needs a package that is not installed."""


def section(function: Callable[[], str]) -> Callable[[], str]:
    """Adds a section: a function that raises an error, or returns what it has tried."""
    SECTIONS[function.__name__] = function
    return function


def need(*packages: str) -> None:
    """Raises Untried if a package is not installed."""
    for name in packages:
        if importlib.util.find_spec(name) is None:
            raise Untried(f"{name} is not installed")


def plain(result: Any) -> Any:
    """A result as lists of numbers and strings."""
    if isinstance(result, (list, tuple)):
        return [plain(one) for one in result]
    return result if result is None or isinstance(result, str) else np.asarray(result).tolist()


@section
def layouts() -> str:
    """Objects are laid out as native code assumes."""
    assert layout_samples.differing() == (), layout_samples.differing()
    return f"{len(KINDS)} kinds of objects are laid out as stated"


def kinds_of_calls() -> dict[str, Callable[[int], Any]]:
    """Calls by what native code does for them; the number is that of the call, which changes no result."""
    x = tf.constant(np.arange(6.0).reshape(2, 3), tf.float32)
    y, ints = tf.constant([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]), tf.constant([2, 0, 1])
    square, text = tf.constant([[2.0, 1.0], [1.0, 3.0]]), tf.constant(["ab", "c"])
    v, number, steps = tf.Variable([1.0, 2.0]), tf.Variable(3.0), tf.Variable(0, dtype=tf.int64)
    f = tf.function(lambda a: a * 2.0 + 1.0)
    two, several = tf.constant([1.0, 2.0]), tf.function(lambda a, b: (a + b, [a - b, {"k": a * b}]))

    def assigned(i: int) -> Any:
        v.assign([0.0, 0.0])
        v.assign_add(two)
        v.assign_sub(tf.constant([0.5, 0.5]))
        return v.read_value(), v + 0.0

    def counted(i: int) -> Any:
        number.assign(3.0)
        number.assign_add(1.5)
        steps.assign_add(1)
        return number.numpy(), steps.numpy() - i

    def gradient(i: int) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.nn.softmax(x @ tf.transpose(x)) * x[:, :2])
        return tape.gradient(loss, x)

    def unhashable(i: int) -> Any:
        try:
            return hash(tf.math.top_k(x, 2))
        except TypeError:
            return "unhashable"

    return {
        "op": lambda i: x + y, "op with a number": lambda i: x * 2.0 - 1, "unary": lambda i: -tf.abs(y), "loops": lambda i: tf.nn.sigmoid(y),
        "comparison": lambda i: x > y, "product": lambda i: square @ square, "cast": lambda i: tf.cast(y, tf.int32),
        "sum": lambda i: tf.reduce_sum(x, axis=1), "sum by lists": lambda i: tf.reduce_sum(x, [0, 1], keepdims=True),
        "mean": lambda i: tf.reduce_mean(x), "argmax": lambda i: tf.argmax(y, axis=-1), "softmax": lambda i: tf.nn.softmax(y, axis=-1),
        "index": lambda i: x[0, 1], "row": lambda i: x[i * 0], "slice": lambda i: x[:, 1:3], "ellipsis": lambda i: x[..., ::-1, None],
        "index of a tensor": lambda i: x[ints[0] - 1], "moments": lambda i: tf.nn.moments(x, [0]), "unstack": lambda i: tf.unstack(x),
        "split": lambda i: tf.split(x, 3, axis=1), "top_k": lambda i: tf.math.top_k(x, 2), "unhashable": unhashable,
        "unique": lambda i: tf.unique(ints), "concat": lambda i: tf.concat([x, y], axis=0), "stack": lambda i: tf.stack((x, y)),
        "twice": lambda i: tf.concat([x, x], 0), "gather": lambda i: tf.gather(x, ints, axis=1), "where": lambda i: tf.where(x > 2),
        "select": lambda i: tf.where(x > y, x, y), "reshape": lambda i: tf.reshape(x, [3, -1]), "transpose": lambda i: tf.transpose(x, perm=[1, 0]),
        "one_hot": lambda i: tf.one_hot(ints, depth=3), "range": lambda i: tf.range(4), "shape": lambda i: tf.shape(x),
        "strings": lambda i: tf.strings.join([text, text]), "clip": lambda i: tf.clip_by_value(y, -1.0, clip_value_max=1.0),
        "assigned": assigned, "counted": counted, "gradient": gradient,
        "function": lambda i: f(x), "function of several": lambda i: tf.nest.flatten(several(x, y)),
    }  # fmt: skip


def often(call: Callable[[int], Any], first: Any) -> str:
    """Makes a call MANY times; returns what was other than the first time, or nothing."""
    for i in range(1, MANY):
        result = call(i)
        if i % 97 == 0 or i > MANY - 20:
            got = plain(result)
            if got != first:
                return f"call {i} gave {got}, the first one {first}"
    return ""


@section
def eager_calls() -> str:
    """Each kind of calls gives MANY times what it gives first, and native code makes them."""
    calls = kinds_of_calls()
    first = {kind: plain(call(0)) for kind, call in calls.items()}
    assert first["sum"] == [3.0, 12.0] and first["index"] == 1.0 and first["unhashable"] == "unhashable", first  # fmt: skip
    assert first["gather"] == [[2.0, 0.0, 1.0], [5.0, 3.0, 4.0]] and first["counted"] == [4.5, 1]
    wrong = {kind: text for kind, call in calls.items() if (text := often(call, first[kind]))}
    assert not wrong, wrong
    made = {name.removeprefix(NATIVE) for name in sys.modules if name.startswith(NATIVE)}
    wanted = {"op_calls", "direct_calls", "item_calls", "variable_calls", "loop_calls"}
    assert FREE_THREADED or wanted <= made, f"native code made no {sorted(wanted - made)}"
    by = "Python, without the GIL" if FREE_THREADED else "native code"
    return f"{len(calls)} kinds of calls, {MANY:,} times each, by {by}"


@section
def functions() -> str:
    """Functions with control flow, variables and gradients, called often."""
    v = tf.Variable(1.0)

    @tf.function
    def collatz(n: Any) -> Any:
        steps = tf.constant(0)
        while n != 1:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            steps += 1
        return steps

    @tf.function
    def trained(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(v * x - y))
        v.assign_sub(0.1 * tape.gradient(loss, v))
        return loss

    assert [int(collatz(tf.constant(n))) for n in (1, 6, 27)] == [0, 8, 111]
    x = tf.constant([1.0, 2.0])
    losses = [float(trained(x, 3.0 * x)) for _ in range(500)]
    assert losses[0] == 10.0 and losses[-1] < 1e-9 and abs(float(v) - 3) < 1e-5
    shapes = tf.function(lambda a: tf.reduce_sum(a, 0), input_signature=[tf.TensorSpec([None, 2])])
    assert all(plain(shapes(tf.ones([n, 2]))) == [n, n] for n in range(60))
    return "loops, branches, an optimizer's steps and many shapes"


@section
def data() -> str:
    """A pipeline over files of records."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/records"
        with tf.io.TFRecordWriter(path) as writer:
            for n in range(100):
                value = tf.train.Feature(int64_list=tf.train.Int64List(value=[n]))
                text = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"%d" % n]))
                features = tf.train.Features(feature={"n": value, "text": text})
                writer.write(tf.train.Example(features=features).SerializeToString())
        spec = {"n": tf.io.FixedLenFeature([], tf.int64), "text": tf.io.FixedLenFeature([], tf.string)}  # fmt: skip
        records = (
            tf.data.TFRecordDataset(path).batch(10).map(lambda x: tf.io.parse_example(x, spec))
        )
        batches = [plain(batch["n"]) for batch in records.prefetch(2)]
        texts = [b"".join(plain(batch["text"])) for batch in records]
    assert sum(batches, []) == list(range(100)) and texts[1] == b"10111213141516171819"
    drawn = tf.data.Dataset.range(50).shuffle(20, seed=1).map(lambda x: x * 2).batch(7)
    assert sorted(n for batch in drawn for n in plain(batch)) == list(range(0, 100, 2))
    return "records are written, parsed, shuffled and batched"


class Scaled(tf.Module):  # type: ignore[misc]
    """A model with a variable."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = tf.Variable([2.0, 3.0])

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def __call__(self, x: Any) -> Any:
        return {"y": x * self.scale + 1.0}


LOADING = """
import sys, penstock as tf
model = tf.saved_model.load(sys.argv[1])
assert model(tf.constant([[1.0, 1.0]]))["y"].numpy().tolist() == [[6.0, 1.0]]
"""


@section
def saving() -> str:
    """Checkpoints and SavedModels, loaded by another process, too."""
    with tempfile.TemporaryDirectory() as folder:
        model, other = Scaled(), Scaled()
        model.scale.assign([5.0, 0.0])
        path = tf.train.Checkpoint(model=model).save(f"{folder}/checkpoint")
        tf.train.Checkpoint(model=other).restore(path).assert_consumed()
        assert plain(other.scale) == [5.0, 0.0]
        tf.saved_model.save(model, f"{folder}/model")
        loaded = tf.saved_model.load(f"{folder}/model")
        results = [plain(loaded(tf.constant([[1.0, 1.0]]))["y"]) for _ in range(100)]
        assert results == [[[6.0, 1.0]]] * 100
        subprocess.run([sys.executable, "-c", LOADING, f"{folder}/model"], check=True)
    return "a checkpoint and a SavedModel, which another process loads"


@section
def training() -> str:
    """Keras's `fit`, and its files."""
    need("keras")
    logging.getLogger("absl").setLevel(logging.ERROR)  # it warns of HDF5 files
    keras = tf.keras
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(256, 8)).astype(np.float32)
    y = (x @ rng.normal(size=8) > 0).astype(np.float32)
    dense = [
        keras.layers.Dense(16, "relu"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(1, "sigmoid"),
    ]
    model = keras.Sequential([keras.Input([8]), *dense])
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=12, validation_split=0.25, verbose=0).history
    assert history["accuracy"][-1] > 0.9 and history["loss"][-1] < history["loss"][0] / 2, history
    predicted, files = model.predict(x, verbose=0), ["model.keras", "model.h5"]
    if importlib.util.find_spec("h5py") is None:
        files = []
    with tempfile.TemporaryDirectory() as folder:
        for name in files:
            model.save(f"{folder}/{name}")
            again = keras.saving.load_model(f"{folder}/{name}").predict(x, verbose=0)
            assert again.tobytes() == predicted.tobytes(), name
    return (
        f"fit, evaluate and predict; {' and '.join(files) or 'no files, as h5py is not installed'}"
    )


@section
def serving() -> str:
    """A server in this process, which answers requests."""
    need("uvicorn", "httptools", "ngh2")
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(Scaled(), f"{folder}/scaled/1")
        model = tf.serving.ModelConfig("scaled", f"{folder}/scaled")
        with tf.serving.running(tf.serving.Options((model,), rest_port=0, grpc_port=0)) as server:
            address = f"http://127.0.0.1:{server.rest_port}/v1/models/scaled:predict"
            for n in range(50):
                body = json.dumps({"instances": [[float(n), 1.0]]}).encode()
                with urllib.request.urlopen(address, body, timeout=60) as reply:
                    assert json.load(reply) == {"predictions": [[2.0 * n + 1, 4.0]]}
    return "50 requests by REST"


def main(names: list[str]) -> int:
    """Runs the sections, or some of them; returns 1 if one failed."""
    failed = []
    for name in names or SECTIONS:
        started = time.monotonic()
        try:
            text = SECTIONS[name]()
        except Untried as error:
            text = f"NOT TRIED: {error}"
        except Exception as error:
            failed.append(name)
            text = f"FAILED: {type(error).__name__}: {error}"
        print(f"{name.replace('_', ' ')}: {text} ({time.monotonic() - started:.1f} s)", flush=True)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
