"""What graphs from files may do: compute, and what their callers name."""

import base64
import marshal
import os
import signal
import subprocess
import sys

import pytest

import penstock as tf
from penstock._src.core.calls.consent import _is_asked_for, asked_for, is_inside
from penstock._src.core.registry import load_all
from penstock._src.util.flags import CAPABILITIES, override

v1 = tf.compat.v1
TEXT = [tf.TensorSpec([], tf.string)]


class Doing(tf.Module):
    """Functions that do something besides computing."""

    @tf.function(input_signature=TEXT)
    def read(self, path):
        return tf.io.read_file(path)

    @tf.function(input_signature=TEXT)
    def write(self, path):
        tf.io.write_file(path, "written")
        return path

    @tf.function(input_signature=TEXT)
    def lines(self, path):
        data = tf.data.Dataset.from_tensors(path).interleave(tf.data.TextLineDataset)
        return data.reduce(0, lambda count, _: count + 1)

    @tf.function(input_signature=TEXT)
    def python(self, path):
        return tf.numpy_function(len, [path], tf.int64)

    @tf.function(input_signature=TEXT)
    def cache(self, path):
        return tf.data.Dataset.range(3).cache(path).reduce(tf.constant(0, tf.int64), tf.add)

    @tf.function(input_signature=TEXT)
    def log(self, path):
        tf.print(path, output_stream="file:///tmp/penstock_must_not_be_written")
        return path


@pytest.fixture
def saved(tmp_path):
    module = Doing()  # holds the function of Python that the graph calls
    tf.saved_model.save(module, str(tmp_path / "model"))
    (tmp_path / "secret").write_text("hidden")
    yield tmp_path
    del module


@pytest.mark.parametrize(
    "name, op, capability",
    [
        ("read", "ReadFile", "read_files"),
        ("write", "WriteFile", "write_files"),
        ("lines", "TextLineDataset", "read_files"),
        ("python", "PyFunc", "python"),
        ("cache", "CacheDataset", "write_files"),
        ("log", "PrintV2", "write_files"),
    ],
)
def test_what_nobody_allows_is_refused(saved, name, op, capability):
    loaded = tf.saved_model.load(str(saved / "model"))
    before = sorted(os.listdir(saved))
    with pytest.raises(tf.errors.PermissionDeniedError, match=rf"{op}.*allow=\[.*'{capability}'"):
        getattr(loaded, name)(str(saved / "secret"))
    assert sorted(os.listdir(saved)) == before
    assert not os.path.exists("/tmp/penstock_must_not_be_written")


def test_what_the_caller_allows_is_done(saved):
    path = str(saved / "secret")
    loaded = tf.saved_model.load(str(saved / "model"), allow=["read_files", "write_files"])
    assert loaded.read(path) == b"hidden" and loaded.lines(path) == 1
    loaded.write(str(saved / "out"))
    assert (saved / "out").read_text() == "written"
    with pytest.raises(tf.errors.PermissionDeniedError, match="calls Python code"):
        loaded.python(path)
    with pytest.raises(tf.errors.PermissionDeniedError, match="opens connections"):
        loaded.read("http://localhost/secret")
    assert tf.saved_model.load(str(saved / "model"), allow="all").python("four") == 4


def test_blocks_and_the_process_allow_too(saved):
    path = str(saved / "secret")
    with tf.saved_model.experimental.allow("read_files"):
        assert tf.saved_model.load(str(saved / "model")).read(path) == b"hidden"
    with override(allow="read_files"):
        assert tf.saved_model.load(str(saved / "model")).read(path) == b"hidden"
    with pytest.raises(tf.errors.PermissionDeniedError):
        tf.saved_model.load(str(saved / "model")).read(path)
    with pytest.raises(ValueError, match="Received everything"):
        tf.saved_model.load(str(saved / "model"), allow="everything")


def test_files_of_the_model_are_read_but_not_through_links(saved):
    model = saved / "model"
    (model / "assets").mkdir(exist_ok=True)
    (model / "assets" / "words").write_text("a b")
    (model / "assets" / "link").symlink_to(saved / "secret")
    loaded = tf.saved_model.load(str(model))
    assert loaded.read(str(model / "assets" / "words")) == b"a b"
    for path in ("assets/link", "assets/../../secret", "../secret"):
        with pytest.raises(tf.errors.PermissionDeniedError):
            loaded.read(str(model / path))
    assert is_inside(str(model / "assets" / "words"), str(model))
    assert not is_inside(f"{model}2/words", str(model))


def test_what_is_saved_again_is_asked_again(saved):
    loaded = tf.saved_model.load(str(saved / "model"), allow="read_files")
    tf.saved_model.save(loaded, str(saved / "again"))
    with pytest.raises(tf.errors.PermissionDeniedError, match="again"):
        tf.saved_model.load(str(saved / "again")).read(str(saved / "secret"))


def test_sessions_ask_as_well(tmp_path):
    (tmp_path / "secret").write_text("hidden")
    with tf.Graph().as_default(), v1.Session() as session:
        text = tf.io.read_file(str(tmp_path / "secret"))
        x = v1.placeholder(tf.float32, [])
        outputs = {"text": text, "x": x}
        v1.saved_model.simple_save(session, str(tmp_path / "model"), {"x": x}, outputs)
        v1.train.export_meta_graph(str(tmp_path / "graph" / "g.meta"))
        graph_def = session.graph.as_graph_def()

    def read(load):
        with tf.Graph().as_default(), v1.Session() as session:
            load(session)
            return session.run("ReadFile:0")

    folder, file = str(tmp_path / "model"), str(tmp_path / "graph" / "g.meta")
    for load in (
        lambda session: v1.saved_model.load(session, ["serve"], folder),
        lambda session: v1.train.import_meta_graph(file),
    ):
        with pytest.raises(tf.errors.PermissionDeniedError, match="ReadFile"):
            read(load)
    assert read(lambda s: v1.saved_model.load(s, ["serve"], folder, allow="all")) == b"hidden"
    assert read(lambda s: v1.train.import_meta_graph(file, allow="read_files")) == b"hidden"
    assert read(lambda s: tf.import_graph_def(graph_def, name="")) == b"hidden"
    with tf.saved_model.experimental.allow(), pytest.raises(tf.errors.PermissionDeniedError):
        read(lambda s: tf.import_graph_def(graph_def, name=""))
    with pytest.raises(tf.errors.PermissionDeniedError):
        tf.saved_model.load(folder).signatures["serving_default"](x=1.0)


def test_a_program_saves_and_restores_where_it_says(tmp_path):
    """The operations of an imported saver write and read the files that its caller names."""
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", initializer=3.0)
        session.run(v.initializer)
        path = v1.train.Saver().save(session, str(tmp_path / "first"))
    with tf.Graph().as_default(), v1.Session() as session:
        saver = v1.train.import_meta_graph(f"{path}.meta")
        saver.restore(session, path)
        (tmp_path / "elsewhere").mkdir()
        saver.save(session, str(tmp_path / "elsewhere" / "second"))
        with pytest.raises(tf.errors.PermissionDeniedError):
            definition = saver.saver_def
            there = {definition.filename_tensor_name: str(tmp_path / "third")}
            session.run(definition.save_tensor_name, there)
    assert sorted(os.listdir(tmp_path / "elsewhere"))[-1].startswith("second")


def test_only_what_was_asked_for_is_allowed():
    with asked_for("/a/model"):
        assert _is_asked_for("/a/model") and _is_asked_for("/a/model_temp/part-0")
        assert not _is_asked_for("/a/models") and not _is_asked_for("/a/model-1/../../etc/x")
    assert not _is_asked_for("/a/model")


class _Cell:
    """The least that a wrapper wants."""

    def call(self, inputs, state):
        return inputs, state

    def get_config(self):
        return {}


def _code(function):
    return base64.encodebytes(marshal.dumps(function.__code__)).decode()


def test_bytecode_from_elsewhere_is_not_loaded():
    wrapper = tf.nn.RNNCellResidualWrapper
    config = {"residual_fn_type": "lambda", "residual_fn_module": "m", "cell": _Cell()}
    foreign = {**config, "residual_fn": (_code(lambda i, o: i), None, None)}
    with pytest.raises(ValueError, match="bytecode"):
        wrapper(**foreign)
    with tf.saved_model.experimental.allow("python"):
        assert wrapper(**foreign)._residual_fn(1, 2) == 1
    own = wrapper(_Cell(), residual_fn=lambda i, o: o).get_config()
    assert wrapper(**{**config, "residual_fn": own["residual_fn"]})._residual_fn(1, 2) == 2


def test_ops_name_capabilities_and_arguments_that_there_are():
    for name, cls in load_all().items():
        assert set(cls.permissions.capabilities.split()) <= CAPABILITIES.keys(), name
        known = {argument.name for argument in cls.inputs} | cls.annotations.keys()
        assert set(cls.permissions.file_arguments.split()) <= known, name


ABORTING = """
import sys
import penstock as tf

loaded = tf.saved_model.load(sys.argv[1], allow=sys.argv[2:])
try:
    loaded.stop()
except tf.errors.PermissionDeniedError as error:
    print(error)
    sys.exit(40)
"""


def test_graphs_end_the_process_only_by_consent(tmp_path):
    class Ending(tf.Module):
        @tf.function(input_signature=[])
        def stop(self):
            with tf.control_dependencies([tf.raw_ops.Abort(error_msg="the end")]):
                return tf.constant(1)

    tf.saved_model.save(Ending(), str(tmp_path / "model"))
    program = [sys.executable, "-c", ABORTING, str(tmp_path / "model")]
    refused = subprocess.run(program, capture_output=True, text=True, check=False)
    assert refused.returncode == 40, refused.stderr
    assert "allow=['end_process']" in refused.stdout
    ended = subprocess.run([*program, "end_process"], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGABRT
    assert "the end" in ended.stderr
