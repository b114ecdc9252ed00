"""SavedModels of both generations, graphs and what lies beside them."""

import random
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

import penstock as tf
from penstock._src.proto.saved import SavedModel
from penstock._src.v1.saving.wrapped import UnliftableError
from tests.fuzz.files.formats.format import Format, ran
from tests.fuzz.files.messages import changed

v1 = tf.compat.v1


def make_saved_model(folder: Path) -> None:
    module = tf.Module()
    module.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
    (folder / "words").write_text("a\nb\nc\n")
    index = tf.lookup.TextFileIndex
    vocabulary = tf.lookup.TextFileInitializer(
        str(folder / "words"), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
    )
    module.table = tf.lookup.StaticHashTable(vocabulary, -1)

    @tf.function(input_signature=[tf.TensorSpec([None, 2]), tf.TensorSpec([None], tf.string)])
    def call(x, words):
        for _ in tf.range(2):
            x = tf.cond(tf.reduce_sum(x) > 0.0, lambda: x @ module.w, lambda: -x)  # noqa: B023
        return {"y": x, "ids": module.table.lookup(words)}

    module.call = call
    tf.saved_model.save(module, str(folder / "model"))


def read_saved_model(folder: Path) -> Any:
    loaded = tf.saved_model.load(str(folder / "model"))
    if not callable(getattr(loaded, "call", None)):
        return "the name changed"
    return ran(lambda: loaded.call(tf.ones([1, 2]), tf.constant(["b"])))


def make_v1(folder: Path) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 2], "x")
        w = v1.get_variable("w", initializer=tf.ones([2, 3]))
        y = tf.nn.relu(x @ w)
        session.run(w.initializer)
        v1.saved_model.simple_save(session, str(folder / "model"), {"x": x}, {"y": y})


def read_v1(folder: Path) -> Any:
    with tf.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.load(session, ["serve"], str(folder / "model"))
        signature = meta.signature_def["serving_default"]
        feed = {signature.inputs["x"].name: [[1.0, 2.0]]}
        return ran(lambda: session.run(signature.outputs["y"].name, feed))


def read_v1_as_object(folder: Path) -> Any:
    loaded = tf.saved_model.load(str(folder / "model"))
    if "serving_default" not in loaded.signatures:
        return "the name changed"
    return ran(lambda: loaded.signatures["serving_default"](x=tf.ones([1, 2])))


def make_meta_graph(folder: Path) -> None:
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [2, 2], "x")
        i = v1.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x @ x), [0, x])
        tf.identity(i[1], "y")
        v1.get_variable("w", initializer=1.0)
        v1.train.Saver()
        v1.train.export_meta_graph(str(folder / "graph.meta"))


def read_meta_graph(folder: Path) -> Any:
    with tf.Graph().as_default(), v1.Session() as session:
        v1.train.import_meta_graph(str(folder / "graph.meta"))
        return ran(lambda: session.run("y:0", {"x:0": [[1.0, 0.0], [0.0, 1.0]]}))


def read_graph(folder: Path) -> Any:
    """As programs import frozen graphs: they parse the message themselves."""
    meta = v1.MetaGraphDef()
    try:
        meta.ParseFromString((folder / "graph.meta").read_bytes())
    except DecodeError:
        return "refused by the program's own parser"
    with tf.Graph().as_default():
        (y,) = tf.import_graph_def(meta.graph_def, return_elements=["y:0"], name="")
        return ran(lambda: v1.Session().run(y, {"x:0": [[1.0, 0.0], [0.0, 1.0]]}))


def _in_message(choice: random.Random, name: str, data: bytes) -> bytes:
    kind = {"saved_model.pb": SavedModel, "graph.meta": v1.MetaGraphDef}.get(name)
    if kind is None:
        return data
    message = kind()
    message.ParseFromString(data)
    changed(choice, message, choice.choice([1, 1, 2, 3]))
    return message.SerializeToString(deterministic=True)


# What TensorFlow's own loaders raise, in Python.
REFUSALS = (OSError, ValueError, RuntimeError, TypeError, UnliftableError)
FORMATS = [
    Format("saved_model", make_saved_model, read_saved_model, errors=REFUSALS),
    Format("saved_model_v1", make_v1, read_v1, errors=REFUSALS),
    Format("saved_model_v1_object", make_v1, read_v1_as_object, errors=REFUSALS),
    Format("meta_graph", make_meta_graph, read_meta_graph, errors=REFUSALS),
    Format("saved_model_message", make_saved_model, read_saved_model, errors=REFUSALS, mutate=_in_message),
    Format("saved_model_v1_message", make_v1, read_v1, errors=REFUSALS, mutate=_in_message),
    Format("saved_model_v1_object_message", make_v1, read_v1_as_object, errors=REFUSALS, mutate=_in_message),
    Format("meta_graph_message", make_meta_graph, read_meta_graph, errors=REFUSALS, mutate=_in_message),
    Format("graph_def_message", make_meta_graph, read_graph, named=False, errors=(ValueError, TypeError), mutate=_in_message),
    Format("graph_def", make_meta_graph, read_graph, named=False, errors=(ValueError, TypeError)),
]  # fmt: skip
