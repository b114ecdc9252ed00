"""What is made of a value takes its caller's consent: graphs in strings, and the paths and files that names lead to."""

import json
import os

import pytest
from google.protobuf.json_format import MessageToDict

import penstock as tf
from penstock._src.bridge.python.framework import meta_graph
from penstock._src.core.calls.consent import _may_read, consent_for, consent_in
from penstock._src.formats.table import FORMATS, read
from penstock._src.graph.serialize.graph_defs import add_graph_def

raw, denied = tf.raw_ops, tf.errors.PermissionDeniedError


def graph_of(dataset):
    return raw.DatasetToGraphV2(
        input_dataset=dataset._variant_tensor, external_state_policy=1
    ).numpy()


def first(graph, dtype=tf.string):
    variant = raw.DatasetFromGraph(graph_def=graph)
    dataset = tf.data.experimental.from_variant(variant, tf.TensorSpec([], dtype))
    return tf.data.experimental.get_single_element(dataset.take(1))


def loaded(folder, make, **options):
    """A function without arguments, saved and loaded."""
    module = tf.Module()
    module.f = tf.function(make, input_signature=[])
    tf.saved_model.save(module, folder)
    return tf.saved_model.load(folder, **options).f


@tf.function
def writing(text):
    with tf.control_dependencies([raw.WriteFile(filename="written", contents=text)]):
        return tf.identity(text)


@tf.function
def ending(text):
    with tf.control_dependencies([raw.Abort(error_msg="by a model")]):
        return tf.identity(text)


def nested(path):
    inner = graph_of(tf.data.TextLineDataset(path))

    def again(text):
        variant = raw.DatasetFromGraph(graph_def=text)
        return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))

    return tf.data.Dataset.from_tensors(inner).flat_map(again)


DATASETS = {
    "TextLineDataset": tf.data.TextLineDataset,
    "CacheDataset": lambda path: tf.data.Dataset.from_tensors("text").cache("written"),
    "WriteFile": lambda path: tf.data.Dataset.from_tensors("text").map(writing),
    "Abort": lambda path: tf.data.Dataset.from_tensors("text").map(ending),
    "MatchingFiles": lambda path: tf.data.Dataset.from_tensors(path + "*").map(
        lambda pattern: tf.strings.reduce_join(tf.io.matching_files(pattern))
    ),
    "TextLineDataset of a graph of a graph": nested,
    "PyFunc": lambda path: tf.data.Dataset.from_tensors("text").map(
        lambda text: tf.numpy_function(lambda x: b"python", [text], tf.string)
    ),
}


@pytest.mark.parametrize("name", DATASETS)
def test_the_graph_of_a_dataset_has_its_models_permissions(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("hidden")
    graph = graph_of(DATASETS[name](str(tmp_path / "secret")))
    function = loaded("model", lambda: first(graph))
    with pytest.raises(denied, match=f"{name.split()[0]}.* of the SavedModel"):
        function()
    assert sorted(os.listdir(tmp_path)) == ["model", "secret"]


def test_a_graph_that_a_model_makes_itself_has_its_permissions(tmp_path):
    """From a dataset back to its graph, and to a dataset again."""
    (tmp_path / "secret").write_text("hidden")

    def through():
        lines = tf.data.TextLineDataset(str(tmp_path / "secret"))
        return first(raw.DatasetToGraphV2(input_dataset=lines._variant_tensor))

    folder = str(tmp_path / "model")
    with pytest.raises(denied, match="TextLineDataset"):
        loaded(folder, through)()
    assert tf.saved_model.load(folder, allow="read_files").f() == b"hidden"


def test_the_programs_own_graphs_do_what_it_may(tmp_path):
    (tmp_path / "mine").write_text("text")
    graph = graph_of(tf.data.TextLineDataset(str(tmp_path / "mine")))
    assert first(graph) == b"text"
    with tf.saved_model.experimental.allow(), pytest.raises(denied):
        first(graph)


def test_an_empty_path_is_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def save():
        raw.SaveV2(prefix="", tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant(1)])
        return tf.constant(1)

    def log():
        writer = raw.SummaryWriter(shared_name="of_an_empty_path")
        raw.CreateSummaryFileWriter(
            writer=writer, logdir="", max_queue=1, flush_millis=1, filename_suffix=""
        )
        return tf.constant(1)

    def snapshot():
        source = tf.data.Dataset.range(2)
        saved = raw.SnapshotDataset(
            input_dataset=source._variant_tensor,
            path="",
            output_types=[tf.int64],
            output_shapes=[[]],
        )
        return raw.ReduceDataset(
            input_dataset=saved, initial_state=[0], other_arguments=[],
            f=tf.function(lambda a, b: a + 1).get_concrete_function(tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int64)),
            output_types=[tf.int32], output_shapes=[[]],
        )[0]  # fmt: skip

    for at, make in enumerate((save, log, snapshot)):
        with pytest.raises(denied, match="writes files"):
            loaded(f"model{at}", make)()
    assert sorted(os.listdir(tmp_path)) == ["model0", "model1", "model2"]


def test_a_cache_without_a_file_needs_no_permission(tmp_path):
    count = loaded(
        str(tmp_path / "model"),
        lambda: tf.data.Dataset.range(3).cache().reduce(tf.constant(0, tf.int64), tf.add),
    )
    assert count() == 3


def test_a_prefix_reads_no_links_out_of_the_folder(tmp_path):
    """The index of a checkpoint is the model's own, its data a link to another file."""
    tf.train.Checkpoint(v=tf.Variable("hidden")).write(str(tmp_path / "other"))
    name = "v/.ATTRIBUTES/VARIABLE_VALUE"
    folder = tmp_path / "model"

    def restore(prefix):
        return lambda: raw.RestoreV2(
            prefix=prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[tf.string]
        )[0]

    function = loaded(str(folder), restore(str(folder / "part")))
    (folder / "part.index").write_bytes((tmp_path / "other.index").read_bytes())
    data = folder / "part.data-00000-of-00001"
    data.symlink_to(tmp_path / "other.data-00000-of-00001")
    with pytest.raises(denied, match="reads files"):
        function()
    data.unlink()
    data.write_bytes((tmp_path / "other.data-00000-of-00001").read_bytes())
    assert function() == b"hidden"


def test_what_a_model_may_read_in_its_folder(tmp_path, monkeypatch):
    folder = tmp_path / "a [model]"
    (folder / "data" / "inner").mkdir(parents=True)
    (folder / "words").write_text("")
    (tmp_path / "secret").write_text("")
    may_read = lambda path, patterns=False: _may_read(str(path), str(folder), patterns)  # noqa: E731
    assert may_read(folder / "words") and may_read(folder / "data")
    assert may_read(f"file://{folder}/words") and may_read(folder / "absent")
    assert not may_read(folder / "words", True)  # the folder's name is a pattern
    assert not may_read(folder / "*") and not may_read("ram://words")
    assert not may_read(f"{folder}/../secret") and not may_read(f"{folder}2/words")
    (folder / "data" / "inner" / "link").symlink_to(tmp_path / "secret")
    assert not may_read(folder / "data") and may_read(folder / "words")
    (folder / "words.index").symlink_to(tmp_path / "secret")
    assert not may_read(folder / "words")
    with tf.io.gfile.GFile("ram://secret_of_the_program", "w") as file:
        file.write("hidden")
    monkeypatch.chdir(folder)  # where `ram:/` would be a folder of its own
    assert not _may_read("ram://secret_of_the_program", str(folder), False)


def graph_def_that_reads(path):
    with tf.Graph().as_default() as graph:
        tf.identity(tf.io.read_file(tf.constant(path)), name="contents")
    return graph.as_graph_def()


@pytest.fixture
def definition(tmp_path):
    (tmp_path / "secret").write_text("hidden")
    return graph_def_that_reads(str(tmp_path / "secret"))


def run(path):
    (result,) = read(str(path)).signatures["serving_default"]().values()
    return result


def test_graph_files_only_compute(definition, tmp_path):
    path = tmp_path / "model.pb"
    path.write_bytes(definition.SerializeToString())
    with pytest.raises(denied, match="ReadFile"):
        run(path)
    with tf.saved_model.experimental.allow("read_files"):
        assert run(path) == b"hidden"


def test_graphs_of_tensorflow_js_only_compute(definition, tmp_path):
    for node in definition.node:
        node.attr["value"].tensor.ClearField("string_val")  # weights are in files of their own
    described = MessageToDict(definition)
    name = str(tmp_path / "secret").encode()
    data = len(name).to_bytes(4, "little") + name
    (constant,) = (node.name for node in definition.node if node.op == "Const")
    weights = [{"name": constant, "shape": [], "dtype": "string", "byteLength": len(data)}]
    head = {
        "format": "graph-model",
        "modelTopology": described,
        "weightsManifest": [{"paths": ["data"], "weights": weights}],
    }
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "model.json").write_text(json.dumps(head))
    (tmp_path / "js" / "data").write_bytes(data)
    with pytest.raises(denied, match="ReadFile"):
        run(tmp_path / "js")
    with tf.saved_model.experimental.allow("read_files"):
        assert run(tmp_path / "js") == b"hidden"


def test_a_conversion_reads_no_files(definition, tmp_path):
    """Neither while constants are folded nor for samples."""
    path = tmp_path / "model.pb"
    path.write_bytes(definition.SerializeToString())
    (tmp_path / "secret").unlink()
    with (
        tf.saved_model.experimental.allow("read_files"),
        pytest.raises(tf.errors.UnimplementedError, match="ReadFile"),
    ):
        FORMATS["tflite"].write(read(str(path)), str(tmp_path / "model.tflite"))
    (tmp_path / "secret").write_text("hidden")
    converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(str(path), [], ["contents"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    with pytest.raises(RuntimeError, match="ReadFile.* of the TFLite file"):
        interpreter.invoke()
    with tf.saved_model.experimental.allow("read_files"):
        interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    interpreter.invoke()
    output = interpreter.get_output_details()[0]["index"]
    assert interpreter.get_tensor(output) == b"hidden"


def test_copies_of_a_graph_have_the_permissions_of_its_operations(tmp_path):
    def read_file():
        return tf.io.read_file("secret")

    function = loaded(str(tmp_path / "model"), read_file)
    graph = function.get_concrete_function().graph
    consent = consent_in(graph)
    assert "model" in consent.origin and consent.folder == str(tmp_path / "model")
    with tf.Graph().as_default() as both:
        tf.io.read_file("mine")
    assert consent_in(both) is None
    with both.as_default():
        add_graph_def(graph_def_that_reads("a"), consent=consent_for("a", "folder", "read_files"))
        add_graph_def(graph_def_that_reads("b"), name="b", consent=consent_for("b", None, "python"))
    assert consent_in(both).origin == "a, b" and not consent_in(both).allowed


def test_whoever_imports_a_graph_states_its_permissions():
    with pytest.raises(TypeError, match="consent"):
        add_graph_def(tf.Graph().as_graph_def())


def test_meta_graphs_in_files_ask_by_any_function(tmp_path):
    (tmp_path / "secret").write_text("hidden")
    v1, file = tf.compat.v1, str(tmp_path / "folder" / "g.meta")
    with tf.Graph().as_default():
        tf.io.read_file(str(tmp_path / "secret"), name="contents")
        v1.train.export_meta_graph(file)
    with tf.Graph().as_default(), v1.Session() as session:
        meta_graph.import_scoped_meta_graph(file)
        with pytest.raises(denied):
            session.run("contents:0")
