"""tf.lite.experimental.Analyzer: what it prints of a model."""

import pytest

import penstock as tf


def _model() -> bytes:
    @tf.function
    def function(x):
        return tf.cond(tf.reduce_sum(x, [0, 1]) > 0, lambda: x * 2.0, lambda: x)

    concrete = function.get_concrete_function(tf.TensorSpec([None, 3], tf.float32, "x"))
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


def test_graphs_operators_and_tensors_are_printed(capsys, tmp_path):
    content = _model()
    (tmp_path / "model.tflite").write_bytes(content)
    tf.lite.experimental.Analyzer.analyze(str(tmp_path / "model.tflite"))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "=== TFLite model: 3 subgraphs, 4 operators ==="
    assert any(x.startswith("Op#0 SUM(T#0, T#1[0, 1]) -> [T#") for x in lines)
    assert any("Then: Subgraph#1, Else: Subgraph#2) -> [T#" in x for x in lines)
    assert "T#0(x) shape_signature:[-1, 3], type:FLOAT32" in lines
    assert any(x.startswith("Subgraph#1 cond/then_branch(T#1_0) -> [T#1_") for x in lines)
    assert lines[-1].startswith(f"Model: {len(content)} bytes, of which ")


def test_bad_models_and_other_analyses_are_refused():
    with pytest.raises(ValueError, match="neither"):
        tf.lite.experimental.Analyzer.analyze()
    with pytest.raises(ValueError, match="model_content"):
        tf.lite.experimental.Analyzer.analyze(model_content=b"x")
    with pytest.raises(tf.errors.UnimplementedError, match="gpu_compatibility"):
        tf.lite.experimental.Analyzer.analyze(model_content=_model(), gpu_compatibility=True)
