"""`penstock audit`: what models would do besides computing."""

import json
import zipfile

import pytest

import penstock as tf
from penstock._src.bridge import cli
from penstock._src.bridge.python.tools.audit.files import audit
from penstock._src.bridge.python.tools.audit.findings import CALLING, LOADING, SAVING
from penstock._src.util.flags import CAPABILITIES

TEXT = [tf.TensorSpec([], tf.string)]


class Doing(tf.Module):
    def __init__(self, words):
        super().__init__()
        index = tf.lookup.TextFileIndex
        vocabulary = tf.lookup.TextFileInitializer(
            words, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
        )
        self.table = tf.lookup.StaticHashTable(vocabulary, -1)
        self.v = tf.Variable(1.0)

    @tf.function(input_signature=TEXT)
    def look(self, x):
        return self.table.lookup(x)

    @tf.function(input_signature=TEXT)
    def steal(self, x):
        tf.io.write_file("/tmp/stolen", tf.io.read_file("/etc/hostname"))
        return tf.numpy_function(len, [x], tf.int64)


def deeds(found, when):
    return {(deed.capability, deed.what, deed.files) for deed in found.deeds if deed.when == when}


def test_saved_model(tmp_path, capsys):
    (tmp_path / "words").write_text("a\nb\n")
    folder = str(tmp_path / "model")
    tf.saved_model.save(Doing(str(tmp_path / "words")), folder)
    found = audit(folder)
    assert deeds(found, CALLING) == {
        ("write_files", "WriteFile", "/tmp/stolen"),
        ("read_files", "ReadFile", "/etc/hostname"),
        ("python", "PyFunc", ""),
    }
    assert deeds(found, LOADING) == set()  # the vocabulary is an asset of the model
    assert {"write_files", "read_files"} == {capability for capability, *_ in deeds(found, SAVING)}
    assert found.needed() == ["python", "read_files", "write_files"]
    assert cli.main(["audit", folder]) == 1
    shown = capsys.readouterr().out
    assert "writes files: WriteFile at 'WriteFile' of __inference_steal" in shown
    assert "needs: python, read_files, write_files" in shown


def test_a_model_that_computes_only(tmp_path, capsys):
    module = tf.Module()
    module.v = tf.Variable([1.0, 2.0])
    module.f = tf.function(lambda x: x * module.v, input_signature=[tf.TensorSpec([2])])
    tf.saved_model.save(module, str(tmp_path / "model"))
    assert cli.main(["audit", "--json", str(tmp_path / "model")]) == 0
    assert json.loads(capsys.readouterr().out)["needed"] == []
    path = tf.train.Checkpoint(v=module.v).write(str(tmp_path / "ckpt"))
    assert cli.main(["audit", path, f"{path}.index"]) == 0
    assert "checkpoint" in capsys.readouterr().out


def test_graph_defs_and_unknown_operations(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.print("x", output_stream="file:///tmp/log")
        tf.print("x")
        tf.io.read_file("http://host/x")
    definition = graph.as_graph_def()
    definition.node.add(name="odd", op="NobodyHasThis")
    (tmp_path / "graph.pb").write_bytes(definition.SerializeToString())
    (tmp_path / "graph.pbtxt").write_text(str(definition))
    for name in ("graph.pb", "graph.pbtxt"):
        found = audit(str(tmp_path / name))
        assert found.kind == "GraphDef" and found.unknown_ops == {"NobodyHasThis": 1}
        assert deeds(found, CALLING) == {
            ("write_files", "PrintV2", "/tmp/log"),
            ("read_files", "ReadFile", "http://host/x"),
            ("network", "ReadFile", "http://host/x"),
        }


def test_keras_files(tmp_path):
    function = {"class_name": "__lambda__", "config": {"code": "4wE=", "defaults": None}}
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {
            "layers": [
                {
                    "module": "keras.layers",
                    "class_name": "Lambda",
                    "config": {"function": function},
                },
                {"module": "mine", "class_name": "Special", "registered_name": "mine>Special"},
            ]
        },
    }
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("../up", "x")
    found = audit(str(tmp_path / "m.keras"))
    assert found.needed() == ["python", "write_files"]
    assert found.custom_objects == ["mine.Special"]


def test_links_of_hdf5_files(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["inner/w"] = [1.0, 2.0]
        file["stolen"] = h5py.ExternalLink("/etc/passwd", "/")
    found = audit(str(tmp_path / "w.h5"))
    assert deeds(found, LOADING) == {("read_files", "HDF5", "/etc/passwd")}
    assert found.sizes["elements"] == 2


@pytest.mark.parametrize(
    "data", [b"", b"PK\3\4 no archive", b"\x89HDF\r\n\x1a\n no data", b"\xff" * 99]
)
def test_damaged_files_are_refused(tmp_path, data, capsys):
    (tmp_path / "file").write_bytes(data)
    assert cli.main(["audit", str(tmp_path / "file")]) == 2
    assert "file: " in capsys.readouterr().err
    assert cli.main(["audit", str(tmp_path / "none")]) == 2


def test_groups_that_many_links_lead_to_are_looked_at_once(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        group = file
        for _ in range(40):
            below = group.create_group("a")
            group["b"] = below
            group = below
        group["far"] = h5py.ExternalLink("other.h5", "/x")
    (deed,) = audit(str(tmp_path / "m.h5")).deeds
    assert deed.files == "other.h5"


@pytest.mark.parametrize("content", [b"[" * 100_000, b" " * (200 << 20)])
def test_configurations_that_nest_or_expand_are_refused(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", content)
    with pytest.raises(tf.errors.DataLossError, match=r"m\.keras"):
        audit(str(tmp_path / "m.keras"))


def test_graphs_in_strings(tmp_path):
    """A constant graph is looked at; one that is computed may do anything."""
    raw = tf.raw_ops
    lines = tf.data.TextLineDataset("/etc/hostname")
    graph = raw.DatasetToGraphV2(input_dataset=lines._variant_tensor).numpy()

    class Hiding(tf.Module):
        @tf.function(input_signature=[])
        def known(self):
            return raw.DatasetCardinality(input_dataset=raw.DatasetFromGraph(graph_def=graph))

    class Computing(tf.Module):
        @tf.function(input_signature=TEXT)
        def unknown(self, text):
            return raw.DatasetCardinality(input_dataset=raw.DatasetFromGraph(graph_def=text))

    for name, module in (("known", Hiding()), ("unknown", Computing())):
        tf.saved_model.save(module, str(tmp_path / name))
    found = audit(str(tmp_path / "known"))
    assert deeds(found, CALLING) == {("read_files", "TextLineDataset", "/etc/hostname")}
    assert "in the graph at 'DatasetFromGraph'" in found.deeds[0].where and not found.unknown_ops
    assert set(audit(str(tmp_path / "unknown")).needed()) == set(CAPABILITIES)
