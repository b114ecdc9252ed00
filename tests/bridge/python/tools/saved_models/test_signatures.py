"""Signatures of SavedModels as `tensorflow.lite.python.convert_saved_model` reads them."""

import pytest

import penstock as tf
from penstock._src.bridge.python.tools.saved_models.signatures import (
    get_inputs_outputs,
    get_meta_graph_def,
    get_signature_def,
)


class Sum(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([2]), tf.TensorSpec([])])
    def add(self, a, b):
        return {"y": a, "z": a + b}


def test_signatures_name_their_tensors(tmp_path):
    module = Sum()
    tf.saved_model.save(module, str(tmp_path), signatures=module.add)
    meta = get_meta_graph_def(str(tmp_path), {"serve"})
    inputs, outputs = get_inputs_outputs(get_signature_def(meta, "serving_default"))
    assert sorted(inputs) == ["serving_default_a:0", "serving_default_b:0"]
    assert sorted(name[-len("PartitionedCall:0") :] for name in outputs) == [
        "PartitionedCall:0",
        "PartitionedCall:1",
    ]
    with pytest.raises(ValueError, match="No 'q' in the SavedModel's SignatureDefs"):
        get_signature_def(meta, "q")


def test_other_tags_and_folders_are_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(RuntimeError, match=r"could not be found in SavedModel.*\[\{'serve'\}\]"):
        get_meta_graph_def(str(tmp_path), {"serve", "gpu"})
    with pytest.raises(OSError, match="does not exist"):
        get_meta_graph_def(str(tmp_path / "no"), {"serve"})
