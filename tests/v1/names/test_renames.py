"""What symbols of TensorFlow 1 are called in TensorFlow 2: some of TensorFlow 2.21's own table."""

from penstock._src.v1.names.renames import symbol_renames


def test_names_are_those_of_tensorflow():
    expected = {
        "tf.AUTO_REUSE": "tf.compat.v1.AUTO_REUSE",
        "tf.manip.gather_nd": "tf.gather_nd",
        "tf.quantize": "tf.quantization.quantize",
        "tf.where": "tf.compat.v1.where",
        "tf.train.SessionManager": "tf.compat.v1.train.SessionManager",
        "tf.data.experimental.DatasetStructure": "tf.data.DatasetSpec",
    }
    assert {name: symbol_renames.get(name) for name in expected} == expected
    assert "tf.concat" not in symbol_renames
